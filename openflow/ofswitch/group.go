package ofswitch

import (
	"slices"
	"time"

	"conga/openflow"
)

// maxGroupDepth bounds groups that use groups: Open vSwitch, too, lets them
// loop.
const maxGroupDepth = 16

type group struct {
	id      openflow.GroupID
	kind    openflow.GroupType
	buckets []openflow.Bucket
	created time.Time

	packets, bytes uint64
	counters       []openflow.BucketCounter
}

// groupModLocked obeys a group mod (§6.7).
func (s *Switch) groupModLocked(m *openflow.GroupMod) *openflow.Error {
	if s.cfg.Habits.NoGroups {
		return errBadType()
	}
	if m.Command == openflow.GroupDelete {
		s.groupDeleteLocked(m.ID)
		return nil
	}
	if m.Command > openflow.GroupDelete {
		return errBadGroupCommand()
	}
	if err := s.checkGroupLocked(m); err != nil {
		return err
	}
	old := s.groups[m.ID]
	switch {
	case m.Command == openflow.GroupAdd && old != nil:
		return errGroupExists()
	case m.Command == openflow.GroupModify && old == nil:
		return errUnknownGroup()
	}
	fresh := &group{
		id: m.ID, kind: m.GroupType, buckets: m.Buckets, created: s.now(),
		counters: make([]openflow.BucketCounter, len(m.Buckets)),
	}
	if old != nil {
		fresh.created = old.created
	}
	s.groups[m.ID] = fresh
	return nil
}

func (s *Switch) checkGroupLocked(m *openflow.GroupMod) *openflow.Error {
	switch {
	case m.ID > openflow.GroupMax:
		return errInvalidGroup()
	case m.GroupType > openflow.GroupTypeFF:
		return errBadGroupType()
	case m.GroupType == openflow.GroupTypeIndirect && len(m.Buckets) != 1:
		return errInvalidGroup()
	}
	for _, b := range m.Buckets {
		if m.GroupType != openflow.GroupTypeSelect && b.Weight != 0 {
			return errInvalidGroup()
		}
		if m.GroupType == openflow.GroupTypeFF && b.WatchPort == openflow.PortAny && b.WatchGroup == openflow.GroupAny {
			return errInvalidGroup()
		}
		if m.GroupType == openflow.GroupTypeAll || m.GroupType == openflow.GroupTypeIndirect {
			if b.WatchPort != openflow.PortAny || b.WatchGroup != openflow.GroupAny {
				return errWatchUnsupported()
			}
		}
		for _, a := range b.Actions {
			// A group sees packets of every kind, and may name groups that come
			// later.
			if err := (&actionCheck{port: s.cfg.MaxPort}).one(&a); err != nil && !sameError(err, errInconsistent()) {
				return err
			}
		}
	}
	return nil
}

// groupDeleteLocked deletes a group, or all, and the flow entries that use it.
// A group that is not there is no error.
func (s *Switch) groupDeleteLocked(id openflow.GroupID) {
	users := s.usersLocked(func(p *program) bool {
		return p.any(func(a openflow.Action) bool {
			return a.Type == openflow.ActionGroup && (a.Group == id || id == openflow.GroupAll)
		})
	})
	for _, e := range users {
		s.expireLocked(e, openflow.FlowRemovedGroupDelete)
	}
	if id == openflow.GroupAll {
		clear(s.groups)
	}
	delete(s.groups, id)
}

// group runs a group on the packet, each bucket on a copy of its own (§5.6.1).
func (x *run) group(p *packet, id openflow.GroupID) {
	g := x.s.groups[id]
	if g == nil || x.depth >= maxGroupDepth {
		return
	}
	x.depth++
	defer func() { x.depth-- }()
	g.packets++
	g.bytes += uint64(len(p.data))
	switch g.kind {
	case openflow.GroupTypeAll, openflow.GroupTypeIndirect:
		for i := range g.buckets {
			x.bucket(p, g, i)
		}
	case openflow.GroupTypeSelect:
		if i := g.chooseLocked(x.s, p.selectHash()); i >= 0 {
			x.bucket(p, g, i)
		}
	case openflow.GroupTypeFF:
		i := slices.IndexFunc(g.buckets, func(b openflow.Bucket) bool { return x.s.bucketLiveLocked(&b, 0) })
		if i >= 0 {
			x.bucket(p, g, i)
		}
	}
}

func (x *run) bucket(p *packet, g *group, i int) {
	g.counters[i].PacketCount++
	g.counters[i].ByteCount += uint64(len(p.data))
	own := *p
	own.owned, p.owned = false, false
	x.actions(&own, actionSet(g.buckets[i].Actions).ordered())
}

// chooseLocked picks a bucket in proportion to the weights, among those that
// are live; -1 if none is.
func (g *group) chooseLocked(s *Switch, hash uint64) int {
	var total uint64
	weights := make([]uint64, len(g.buckets))
	for i := range g.buckets {
		if b := &g.buckets[i]; !watches(b) || s.bucketLiveLocked(b, 0) {
			weights[i] = uint64(b.Weight)
			total += weights[i]
		}
	}
	if total == 0 {
		return -1
	}
	at := hash % total
	for i, w := range weights {
		if at < w {
			return i
		}
		at -= w
	}
	return -1
}

func watches(b *openflow.Bucket) bool {
	return (b.WatchPort != openflow.PortAny && b.WatchPort != 0) || b.WatchGroup < openflow.GroupMax
}

// bucketLiveLocked reports whether the port or the group that b watches is
// live.
func (s *Switch) bucketLiveLocked(b *openflow.Bucket, depth int) bool {
	if b.WatchPort != openflow.PortAny {
		if p := s.ports[b.WatchPort]; p != nil && p.forwardsLocked() {
			return true
		}
	}
	g := s.groups[b.WatchGroup]
	if b.WatchGroup == openflow.GroupAny || g == nil || depth >= maxGroupDepth {
		return false
	}
	return slices.ContainsFunc(g.buckets, func(b openflow.Bucket) bool { return s.bucketLiveLocked(&b, depth+1) })
}

func (s *Switch) sortedGroupsLocked() []*group {
	out := make([]*group, 0, len(s.groups))
	for _, g := range s.groups {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *group) int { return int(int64(a.id) - int64(b.id)) })
	return out
}

func (s *Switch) groupStatsLocked(only openflow.GroupID) openflow.GroupStatsReply {
	out := openflow.GroupStatsReply{}
	for _, g := range s.sortedGroupsLocked() {
		if only != openflow.GroupAll && only != g.id {
			continue
		}
		age := s.now().Sub(g.created)
		out = append(out, openflow.GroupStats{
			Group: g.id, RefCount: s.groupUsersLocked(g.id), PacketCount: g.packets, ByteCount: g.bytes,
			DurationSec: uint32(age / time.Second), DurationNsec: uint32(age % time.Second),
			Buckets: slices.Clone(g.counters),
		})
	}
	return out
}

// groupUsersLocked counts how often the flow entries use a group.
func (s *Switch) groupUsersLocked(id openflow.GroupID) (n uint32) {
	for i := range s.tables {
		s.tables[i].all(func(e *entry) bool {
			for _, list := range [...][]openflow.Action{e.program.apply, e.program.listed} {
				for _, a := range list {
					if a.Type == openflow.ActionGroup && a.Group == id {
						n++
					}
				}
			}
			return true
		})
	}
	return n
}

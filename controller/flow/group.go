package flow

import (
	"errors"
	"slices"

	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// Group is a fast-failover group: it sends to the first of two ports that is
// up. The zero value stands for a group in another form.
type Group [2]GroupBucket

// GroupBucket is where a group sends: a port, and a queue there.
type GroupBucket struct {
	Port   openflow.PortNo
	Queued bool
	Queue  uint32
}

// failover returns the group that sends to the first of two ports that is up;
// ok is false if the switch has no such groups.
func (v *view) failover(first, second openflow.PortNo) (id openflow.GroupID, ok bool) {
	if v.lacks(topology.LacksFailover) {
		return 0, false
	}
	return purpose.GroupID(first, second)
}

// bucketsOf returns what a group of ours is to be.
func (v *view) bucketsOf(id openflow.GroupID) (g Group) {
	for i, no := range func() [2]openflow.PortNo { a, b := purpose.GroupPorts(id); return [2]openflow.PortNo{a, b} }() {
		g[i].Port = no
		if q := v.sw.Ports[no].Queue; v.policy.UseQueue && q != nil {
			g[i].Queued, g[i].Queue = true, *q
		}
	}
	return g
}

// group returns the group of ours that a rule leads to; 0 if there is none.
func (r *Rule) group() openflow.GroupID {
	for _, in := range r.Instructions {
		for _, a := range in.Actions {
			if a.Type == openflow.ActionGroup && purpose.OurGroup(a.Group) {
				return a.Group
			}
		}
	}
	return 0
}

// buckets returns the group as the switch is given it.
func (g Group) buckets() (list []openflow.Bucket) {
	for _, b := range g {
		var acts []openflow.Action
		if b.Queued {
			acts = append(acts, openflow.SetQueue(b.Queue))
		}
		list = append(list, openflow.Bucket{WatchPort: b.Port, WatchGroup: openflow.GroupAny, Actions: append(acts, openflow.Output(b.Port, 0))})
	}
	return list
}

// ReadGroup reads a group as a switch reports it. ok is false if it is not
// ours.
func ReadGroup(d openflow.GroupDesc) (g Group, ok bool) {
	if !purpose.OurGroup(d.Group) {
		return g, false
	}
	if d.GroupType != openflow.GroupTypeFF || len(d.Buckets) != len(g) {
		return g, true
	}
	for i, b := range d.Buckets {
		g[i].Port = b.WatchPort
		for _, a := range b.Actions {
			if a.Type == openflow.ActionSetQueue {
				g[i].Queued, g[i].Queue = true, a.Queue
			}
		}
		same := slices.EqualFunc(b.Actions, g.buckets()[i].Actions, func(x, y openflow.Action) bool {
			return x.Type == y.Type && x.Port == y.Port && x.Queue == y.Queue
		})
		if !same {
			return Group{}, true
		}
	}
	return g, true
}

// groupStep returns the step from the group that is there, or nil, to the one
// that is wanted, or nil.
func groupStep(id openflow.GroupID, have, want *Group) Step {
	if want == nil {
		return Step{Message: &openflow.GroupMod{Command: openflow.GroupDelete, GroupType: openflow.GroupTypeFF, ID: id}, GroupID: id}
	}
	command := openflow.GroupAdd
	if have != nil {
		command = openflow.GroupModify
	}
	return Step{Message: &openflow.GroupMod{Command: command, GroupType: openflow.GroupTypeFF, ID: id, Buckets: want.buckets()}, GroupID: id, Group: want}
}

// groups is what is known of the groups of one switch.
type groups struct {
	at      map[openflow.GroupID]pair[Group]
	differ  map[openflow.GroupID]uint64 // since which generation
	refused map[openflow.GroupID]error
	sent    map[openflow.GroupID]bool // under way
	named   bool                      // an entry has led to one that may not be wanted
	turned  map[openflow.GroupID]bool // sent since the switch was asked what it holds; nil: it is not asked
}

func newGroups(want map[openflow.GroupID]Group) groups {
	g := groups{
		at: map[openflow.GroupID]pair[Group]{}, differ: map[openflow.GroupID]uint64{}, refused: map[openflow.GroupID]error{},
		sent: map[openflow.GroupID]bool{},
	}
	for id, x := range want {
		g.at[id] = pair[Group]{want: &x}
	}
	return g
}

// Grouped reports whether groups of ours are wanted, or may be there.
func (r *Reconciler) Grouped() bool { return len(r.groups.at) > 0 || r.groups.named }

// TellGroup takes in one group of ours that the switch holds, before
// [Reconciler.Begin].
func (r *Reconciler) TellGroup(id openflow.GroupID, g Group) {
	at := r.groups.at[id]
	at.have = &g
	r.groups.at[id] = at
}

// HoldsGroups reports whether the switch is thought to hold just these groups.
func (r *Reconciler) HoldsGroups(present map[openflow.GroupID]Group) bool {
	n := 0
	for id, at := range r.groups.at {
		if at.have == nil {
			continue
		}
		n++
		if g, ok := present[id]; !ok || g != *at.have {
			return false
		}
	}
	return n == len(present)
}

// wantGroup takes in that a group is wanted, or with nil that it is not.
func (r *Reconciler) wantGroup(id openflow.GroupID, want *Group, since uint64) {
	at := r.groups.at[id]
	if at.want != nil && want != nil && *at.want == *want {
		return
	}
	at.want = want
	delete(r.groups.refused, id)
	r.lookGroup(id, at, since)
}

func (r *Reconciler) lookGroup(id openflow.GroupID, at pair[Group], since uint64) {
	g := &r.groups
	if g.at[id] = at; at.want == nil && at.have == nil {
		delete(g.at, id)
	}
	if !r.begun {
		return
	}
	known, is := g.differ[id]
	right := at.want == nil && at.have == nil || at.want != nil && at.have != nil && *at.want == *at.have
	switch {
	case (right || g.refused[id] != nil) && !g.sent[id]:
		delete(g.differ, id)
	case !is || since < known:
		g.differ[id] = since
	}
}

// nextGroups takes steps about groups that are wanted, or that are not, for
// sent.
func (r *Reconciler) nextGroups(wanted bool) {
	g := &r.groups
	if len(g.differ) == 0 {
		return
	}
	var used map[openflow.GroupID]bool
	if !wanted {
		used = r.usedGroups()
	}
	var ids []openflow.GroupID
	for id := range g.differ {
		if (g.at[id].want != nil) == wanted && !used[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		at := g.at[id]
		g.sent[id] = true
		if g.turned != nil {
			g.turned[id] = true
		}
		r.sent = append(r.sent, sending{Step: groupStep(id, at.have, at.want), generation: g.differ[id]})
		delete(g.differ, id)
	}
}

// usedGroups returns the groups of entries that are about to change, or that
// could not be changed: to delete a group deletes what leads to it.
func (r *Reconciler) usedGroups() map[openflow.GroupID]bool {
	used := map[openflow.GroupID]bool{}
	for _, list := range r.backlogs {
		for _, s := range list {
			if s.have != nil {
				used[s.have.group()] = true
			}
		}
	}
	for k := range r.refused {
		if have := r.at(k).have; have != nil {
			used[have.group()] = true
		}
	}
	return used
}

// landGroup takes in how a step about a group went. One that is there although
// it was not known is changed, and one that is not there is added.
func (r *Reconciler) landGroup(s sending, err error) {
	g := &r.groups
	at := g.at[s.GroupID]
	why, _ := errors.AsType[*openflow.Error](err)
	switch {
	case err == nil:
		at.have = s.Group
	case why != nil && why.Has(openflow.GroupModFailedGroupExists) && at.have == nil:
		at.have = &Group{}
	case why != nil && why.Has(openflow.GroupModFailedUnknownGroup) && at.have != nil:
		at.have = nil
	case at.want == s.Group:
		g.refused[s.GroupID] = err
	}
	r.lookGroup(s.GroupID, at, s.generation)
}

// foundGroups takes in the groups that the switch was found to hold.
func (r *Reconciler) foundGroups(present map[openflow.GroupID]Group) {
	g := &r.groups
	for id, at := range g.at {
		if _, there := present[id]; at.have != nil && !there && !g.turned[id] {
			at.have = nil
			r.lookGroup(id, at, 1)
		}
	}
	for id, have := range present {
		if at := g.at[id]; !g.turned[id] && (at.have == nil || *at.have != have) {
			at.have = &have
			r.lookGroup(id, at, 1)
		}
	}
}

// doubtGroup has the group of an entry that has gone sent again: if it was
// deleted, that took the entry with it.
func (r *Reconciler) doubtGroup(have *Rule) {
	id := have.group()
	if at, known := r.groups.at[id]; id != 0 && known && at.have != nil && at.want != nil {
		at.have = nil
		r.lookGroup(id, at, 1)
	}
}

// retryGroups has refused groups tried again. It reports whether there were
// any.
func (r *Reconciler) retryGroups() bool {
	any := len(r.groups.refused) > 0
	for id := range r.groups.refused {
		delete(r.groups.refused, id)
		r.lookGroup(id, r.groups.at[id], 1)
	}
	return any
}

// Ungrouped reports whether a group is wanted that the switch has refused.
func (r *Reconciler) Ungrouped() bool {
	for id := range r.groups.refused {
		if r.groups.at[id].want != nil {
			return true
		}
	}
	return false
}

// ofOneGroup are the refusals that say nothing of other groups.
var ofOneGroup = []openflow.ErrorCode{openflow.GroupModFailedGroupExists, openflow.GroupModFailedUnknownGroup, openflow.GroupModFailedEPerm}

// BlameGroups returns what the switch seems to lack that has refused groups
// among steps.
func BlameGroups(steps []Step, refused map[int]error) (fresh topology.Lacks) {
	for i, st := range steps {
		why, ok := errors.AsType[*openflow.Error](refused[i])
		if ok && st.Group != nil && !slices.ContainsFunc(ofOneGroup, why.Has) {
			fresh |= topology.LacksFailover
		}
	}
	return fresh
}

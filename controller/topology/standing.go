package topology

import (
	"maps"
	"slices"
)

// A standing is what follows for a port from the segment that it is on.
type standing struct {
	trouble Trouble
	closed  bool   // nothing passes
	shared  bool   // another port of the segment is open too
	peer    PortID // another port of the segment; External: none
}

// settleSegments decides for all ports on segments which are open: as many as
// make everything reachable and close no ring. Ports of links are open anyway;
// of the others, the lower come first.
func (b *Builder) settleSegments() {
	if len(b.heard) == 0 && len(b.judged) == 0 {
		b.joined = nil
		return
	}
	b.renewJoined()
	if !b.segmentsChanged() {
		return
	}
	standings := map[PortID]standing{}
	joined := joining{links: b.joined, segments: joints{}}
	for i, segment := range b.segments() {
		b.judgeSegment(segment, uint64(i), joined, standings)
	}
	for id := range b.judged {
		if _, still := standings[id]; !still {
			b.judge(id, standing{})
		}
	}
	for id, v := range standings {
		b.judge(id, v)
	}
	b.judged = standings
}

// segmentsChanged reports whether there may be other standings than those of
// the last snapshot.
func (b *Builder) segmentsChanged() bool {
	if b.changed.hearings || len(b.changed.links) > 0 {
		return true
	}
	if len(b.changed.switches) == 0 {
		return false
	}
	for id := range b.judged {
		if b.changed.switches[id.DPID] { // it may have come anew
			return true
		}
	}
	return false
}

// judgeSegment decides for the ports of one segment, which has a number of its
// own among the joints that are joined.
func (b *Builder) judgeSegment(segment []PortID, number uint64, joined joining, standings map[PortID]standing) {
	trouble, reflects := b.troubleOf(segment)
	isLink := func(id PortID) bool { return b.cableAt(id) != nil }
	open := []PortID{}
	for _, links := range []bool{true, false} {
		for _, id := range segment {
			if isLink(id) == links && (joined.join(joint{segment: true, number: number}, joint{number: uint64(id.DPID)}) || links) && !reflects[id] {
				open = append(open, id)
			}
		}
	}
	for _, id := range segment {
		v := standing{trouble: trouble, closed: !slices.Contains(open, id)}
		v.shared = !v.closed && len(open) > 1 && !isLink(id)
		if reflects[id] && trouble != Relayed {
			v.trouble = Reflecting
		}
		others := append(slices.Clone(open), segment...)
		if i := slices.IndexFunc(others, func(o PortID) bool { return o != id }); i >= 0 {
			v.peer = others[i]
		}
		standings[id] = v
	}
}

// troubleOf returns the worst that is heard on a segment, and which of its
// ports hear themselves. Near probes of three ports came through a hub, and
// were not passed on by hosts: those are told of as soon as that is settled.
func (b *Builder) troubleOf(segment []PortID) (worst Trouble, reflects map[PortID]bool) {
	worst, reflects = SharedSegment, map[PortID]bool{}
	near := map[PortID]bool{}
	for _, id := range segment {
		for to, h := range b.heard[id] {
			switch {
			case to == id:
				reflects[id] = true
				continue
			case h.near:
				near[id], near[to] = true, true
			}
			if h.trouble < Relayed || h.settled {
				worst = max(worst, h.trouble)
			}
		}
	}
	if len(near) > 2 {
		worst = SharedSegment
	}
	return worst, reflects
}

// segments returns the ports that hear each other, each list ascending.
func (b *Builder) segments() (out [][]PortID) {
	next := map[PortID][]PortID{}
	for from, tos := range b.heard {
		for to := range tos {
			next[from] = append(next[from], to)
			next[to] = append(next[to], from)
		}
	}
	seen := map[PortID]bool{}
	for _, first := range slices.SortedFunc(maps.Keys(next), ComparePorts) {
		if seen[first] {
			continue
		}
		seen[first] = true
		segment := []PortID{first}
		for i := 0; i < len(segment); i++ {
			for _, id := range next[segment[i]] {
				if !seen[id] {
					seen[id] = true
					segment = append(segment, id)
				}
			}
		}
		slices.SortFunc(segment, ComparePorts)
		out = append(out, segment)
	}
	return out
}

// judge has a standing take effect.
func (b *Builder) judge(id PortID, v standing) {
	p := b.port(id)
	if p == nil || p.standing == v {
		return
	}
	was := p.standing
	p.standing = v
	b.touchSwitch(id.DPID)
	switch {
	case v.closed && !was.closed:
		if p.closings++; b.clock.now.Sub(p.opened) > calm {
			p.closings = 1
		}
		b.setRole(id, Undetermined, External)
		b.dropHosts(id)
	case was.closed && !v.closed && p.role == Undetermined:
		p.opened = b.clock.now
		if isUp(p.port) {
			p.sent = enoughQuiet // the silence that opens it was one of probes, too
			b.await(id, b.cfg.ProbeTime/2)
		}
	}
}

// A joint is a switch or a segment.
type joint struct {
	segment bool
	number  uint64
}

// joints are sets of joints that are joined without a ring (union-find).
type joints map[joint]joint

func (s joints) root(p joint) joint {
	for {
		up, ok := s[p]
		if !ok {
			return p
		}
		if above, ok := s[up]; ok {
			s[p] = above
		}
		p = up
	}
}

// join joins two joints and reports whether they were not joined before.
func (s joints) join(x, y joint) bool {
	x, y = s.root(x), s.root(y)
	if x == y {
		return false
	}
	s[x] = y
	return true
}

// joining is what links and segments join. What links join is the same for as
// long as none goes.
type joining struct{ links, segments joints }

// join joins two joints and reports whether they were not joined before.
func (j joining) join(x, y joint) bool { return j.segments.join(j.links.root(x), j.links.root(y)) }

// renewJoined brings up to date how links join the switches.
func (b *Builder) renewJoined() {
	if b.joined != nil {
		for from := range b.changed.links {
			c := b.cableAt(from)
			carries := c != nil && b.carries(c)
			if old, had := b.last.Links[from]; had && (!carries || old.ID.To != c.far(from)) {
				b.joined = nil
				break
			}
			if carries {
				b.joinEnds(c)
			}
		}
	}
	if b.joined != nil {
		return
	}
	b.joined = joints{}
	for _, cables := range b.cables {
		for _, c := range cables {
			if b.carries(c) {
				b.joinEnds(c)
			}
		}
	}
}

func (b *Builder) joinEnds(c *cable) {
	b.joined.join(joint{number: uint64(c.ends[0].DPID)}, joint{number: uint64(c.ends[1].DPID)})
}

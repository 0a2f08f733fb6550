package topology

import "time"

// A Trouble is what is wrong with what hangs on a port.
type Trouble uint8

// A segment is what joins several of our ports and is no cable: a switch or a
// bridge that we do not manage, or hosts that pass probes on.
const (
	Untroubled    Trouble = iota
	SharedSegment         // probes of other ports of ours arrive there
	Reflecting            // its own probes arrive there
	Relayed               // probes arrive there as over a cable, where there can be none
	Deaf                  // its probes arrive at the other end of its cable, and none come from there
	Unheard               // probes come from the other end of its cable, where its own do not arrive
)

// A hearing is that the probes of one port arrive at another, without a cable
// between them.
type hearing struct {
	trouble Trouble
	near    bool      // near probes do, so whatever is between is no bridge
	first   time.Time // attended
	settled bool      // it has lasted for settledAfter
	seen    time.Time // attended, when the last one came
	sent    int       // probes since
}

const (
	// segmentQuiet: a port that hears none of the segment's probes for so long
	// is not on it any more.
	segmentQuiet = 4 * time.Second
	// Each closing that follows the last opening within calm doubles the time,
	// but for the first, up to 2^maxDoublings.
	calm         = time.Minute
	maxDoublings = 6
	// settledAfter: so long after probes first arrived as over a cable that
	// cannot be one, all other ports of a hub have been heard as well.
	settledAfter = 3 * time.Second
	// maxHearings is how many ports are noted to hear one.
	maxHearings = 64
	// recabled: a port that has brought the probes of two others in turn within
	// this time has no cable.
	recabled = 12 * time.Second
	// inhabitedFor: so long after a host was heard, a port leads to no switch.
	inhabitedFor = 10 * time.Minute
	// silentFor: a host that is heard at a shared segment may be there if it
	// was not heard for so long where it is known to be.
	silentFor = 30 * time.Second
)

// WideSeen takes note of a wide probe that left from one port and arrived at
// another. It reports whether that is news: near probes then tell whether there
// is a cable.
func (b *Builder) WideSeen(from, to PortID, now time.Time) bool {
	b.clock.look(now)
	left, arrived := b.port(from), b.port(to)
	if left == nil || arrived == nil || !isUp(left.port) || !isUp(arrived.port) {
		return false // a port went down while the probe was on its way
	}
	if c := b.cableAt(to); b.declared(from, to) || c != nil && c.far(to) == from {
		b.probeCame(from, to)
		return false
	}
	news := b.heard[from][to] == nil
	trouble := SharedSegment
	if from == to {
		trouble = Reflecting
	}
	b.overhear(from, to, trouble, false)
	return news && from != to
}

// declared reports whether the configuration has a static link between two
// ports.
func (b *Builder) declared(x, y PortID) bool { return b.listed(x, y) && b.overrides[x].Static }

// listed reports whether the configuration has a link between two ports.
func (b *Builder) listed(x, y PortID) bool {
	o := b.overrides[x]
	return x != y && o != nil && o == b.overrides[y]
}

// overhear notes that a probe has come from one port to another without a
// cable.
func (b *Builder) overhear(from, to PortID, trouble Trouble, near bool) {
	h := b.heard[from][to]
	if h == nil {
		if len(b.heard[from]) >= maxHearings {
			return
		}
		if b.heard[from] == nil {
			b.heard[from] = map[PortID]*hearing{}
		}
		h = &hearing{trouble: trouble, first: b.clock.now}
		b.heard[from][to] = h
		b.touchHearings()
	}
	if trouble > h.trouble {
		h.trouble = trouble
		b.touchHearings()
	}
	if near {
		b.hearNear(from, to, h)
	}
	h.seen, h.sent = b.clock.now, 0
}

// unhear forgets that two ports hear each other: there is a cable.
func (b *Builder) unhear(x, y PortID) {
	for _, from := range []PortID{x, y} {
		b.dropHearing(from, x)
		b.dropHearing(from, y)
	}
}

// doubtful returns why a near probe from one port to another proves no cable;
// Untroubled if it does.
func (b *Builder) doubtful(from, to PortID) Trouble {
	switch {
	case b.listed(from, to):
		return Untroubled
	case b.cfg.Strict || b.edges[from] || b.edges[to] || b.static(from) || b.static(to):
		return Relayed
	case b.heard[from][to] != nil && b.heard[from][to].trouble == Relayed,
		b.heard[to][from] != nil && b.heard[to][from].trouble == Relayed:
		return Relayed
	case b.near.third(from, to):
		return SharedSegment
	case b.inhabited(from, to) || b.inhabited(to, from):
		return Relayed
	}
	return Untroubled
}

func (b *Builder) static(id PortID) bool {
	o := b.overrides[id]
	return o != nil && o.Static
}

// inhabited reports whether a host was heard at one port while the other was
// known to lead to no switch of ours. So there is no cable between the two
// unless one of them has been plugged since, and lost carrier for it.
func (b *Builder) inhabited(id, far PortID) bool {
	p, q := b.port(id), b.port(far)
	return p != nil && q != nil && !p.inhabited.IsZero() && !q.quiet.IsZero() &&
		p.inhabited.After(q.quiet) && b.clock.now.Sub(p.inhabited) < inhabitedFor
}

// third returns the port with which one of two ports has a cable, if its probes
// and those of the other come in turn: then all three share a segment that
// passes near probes.
func (b *Builder) third(from, to PortID) (PortID, bool) {
	for _, pair := range [][2]PortID{{to, from}, {from, to}} {
		p, c := b.port(pair[0]), b.cableAt(pair[0])
		if p != nil && c != nil && p.former == pair[1] && b.clock.now.Sub(p.parted) < recabled {
			return c.far(pair[0]), true
		}
	}
	return External, false
}

// gather takes note that near probes of others arrive at a port in turn. What
// was taken for a cable between any two of them is none.
func (b *Builder) gather(to PortID, others ...PortID) {
	for _, from := range others {
		b.overhear(from, to, SharedSegment, true)
	}
	for _, id := range append(others, to) {
		if p := b.port(id); p != nil {
			p.edgeNot = time.Time{}
			b.setRole(id, Undetermined, External)
			b.await(id, b.cfg.ProbeTime)
		}
	}
}

// sentToSegment takes note of a probe to a port's segment.
func (b *Builder) sentToSegment(id PortID) {
	for _, h := range b.heard[id] {
		h.sent++
	}
}

// expireHearings forgets the hearings that are over.
func (b *Builder) expireHearings() {
	for from, tos := range b.heard {
		for to, h := range tos {
			switch {
			case !b.lasts(from, to, h):
				b.dropHearing(from, to)
			case !h.settled && b.clock.now.Sub(h.first) >= settledAfter:
				h.settled = true
				b.touchHearings()
			}
		}
	}
}

func (b *Builder) lasts(from, to PortID, h *hearing) bool {
	p, q := b.port(from), b.port(to)
	if p == nil || q == nil || !isUp(p.port) || !isUp(q.port) {
		return false
	}
	silent := b.clock.now.Sub(h.seen)
	if !b.connected(from.DPID) || !b.connected(to.DPID) {
		return silent < b.cfg.Doubt // the switch may still forward
	}
	hold := segmentQuiet << min(max(p.closings, q.closings, 1)-1, maxDoublings)
	return h.sent < enoughLost || silent < hold+b.lag.longest(b.clock.now)
}

// movedTo reports whether a host that is heard at a port of a shared segment
// is there. What it says elsewhere in the network is heard there as well, so it
// has to be silent where it is known to be.
func (b *Builder) movedTo(at PortID, h *hostState, now time.Time) bool {
	p := b.port(h.At)
	switch {
	case h.At == at || p == nil || !isUp(p.port) || p.role != Edge:
		return true
	case now.Sub(h.Seen) < silentFor:
		return false
	case h.strayed.Before(h.Seen):
		h.strayed = now // if it is where it was, that port is about to hear it as well
		return false
	}
	return now.Sub(h.strayed) >= hostMove
}

// layStatic puts down the static link of a port as soon as both of its ports
// are up, without waiting for probes.
func (b *Builder) layStatic(id PortID) {
	o := b.overrides[id]
	if o == nil || !o.Static || b.cableAt(id) != nil {
		return
	}
	for _, end := range []PortID{o.A, o.B} {
		if p := b.port(end); p == nil || !isUp(p.port) {
			return
		}
	}
	b.unplug(o.A)
	b.unplug(o.B)
	c := b.cable(o.A, o.B)
	for i := range c.directions {
		b.hear(c, i)
	}
	b.makeTrunk(o.A, o.B)
	b.makeTrunk(o.B, o.A)
}

// Missing returns the configured links that are not there.
func (b *Builder) Missing() (out []LinkOverride) {
	for _, o := range b.cfg.Links {
		if c := b.cableAt(o.A); c == nil || c.far(o.A) != o.B {
			out = append(out, o)
		}
	}
	return out
}

// Settled reports whether the grace of the start is over: what has not come by
// then is missing.
func (b *Builder) Settled() bool { return b.settled }

// edgeSet returns the ports that the configuration says are edge ports.
func edgeSet(ports []PortID) map[PortID]bool {
	set := make(map[PortID]bool, len(ports))
	for _, id := range ports {
		set[id] = true
	}
	return set
}

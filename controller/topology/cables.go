package topology

import (
	"time"

	"conga/openflow"
)

// enoughLost is how many probes in a row must be lost before a link is.
const enoughLost = 3

// A cable joins two ports. A port has at most one.
type cable struct {
	ends       [2]PortID    // ascending
	directions [2]direction // directions[i] leaves from ends[i]
	metric     uint32
	latency    time.Duration // 0: not known
	carries    bool          // these three are of the last snapshot
	tree       bool
	late       bool // it leads to a switch that is late, or is drained
	oneWay     bool // it has been known in one direction only for longer than it takes to find the other
}

// A direction is one of the two directions of a cable.
type direction struct {
	known  bool
	seen   time.Time // attended, when a probe last came over it
	sent   int       // probes since
	asked  time.Time // attended, when the last of them was sent
	proven bool      // a probe has come; without one, a static link is known all the same
	alarm  alarm
}

// from returns the index of the direction that leaves from a port.
func (c *cable) from(id PortID) int {
	if c.ends[0] == id {
		return 0
	}
	return 1
}

func (c *cable) far(id PortID) PortID { return c.ends[1-c.from(id)] }

func (c *cable) id(i int) LinkID { return LinkID{From: c.ends[i], To: c.ends[1-i]} }

func (b *Builder) cableAt(id PortID) *cable { return b.cables[id.DPID][id.Port] }

// cable returns the cable between two ports, which have no other, and makes it
// if there is none.
func (b *Builder) cable(x, y PortID) *cable {
	c := b.cableAt(x)
	if c != nil {
		return c
	}
	c = &cable{ends: [2]PortID{x, y}, metric: 1}
	if ComparePorts(x, y) > 0 {
		c.ends = [2]PortID{y, x}
	}
	if o := b.overrides[x]; o != nil {
		c.metric = max(o.Metric, 1)
		if o == b.overrides[y] { // another cable's latency is not known
			c.latency = o.Latency
		}
	} else if o := b.overrides[y]; o != nil {
		c.metric = max(o.Metric, 1)
	}
	for _, end := range c.ends {
		if b.cables[end.DPID] == nil {
			b.cables[end.DPID] = map[openflow.PortNo]*cable{}
		}
		b.cables[end.DPID][end.Port] = c
	}
	return c
}

// hear takes note that a probe has come over a direction of a cable.
func (b *Builder) hear(c *cable, i int) {
	w := &c.directions[i]
	if !w.known {
		w.known = true
		b.halve(c)
		b.touchCable(c)
		b.unsaved.links[c.id(i)] = true
	}
	w.seen, w.sent = b.clock.now, 0
	w.alarm.set(&b.due, deadline{w.seen.Add(b.cfg.LinkTimeout), linkQuiet, c.ends[i]})
}

// lose forgets one direction of a cable, and the cable with the second.
func (b *Builder) lose(c *cable, i int) {
	if !c.directions[i].known {
		return
	}
	b.touchCable(c)
	b.unsaved.links[c.id(i)] = true
	c.directions[i] = direction{}
	b.halve(c)
	if c.directions[1-i].known {
		return
	}
	for _, end := range c.ends {
		delete(b.cables[end.DPID], end.Port)
		if len(b.cables[end.DPID]) == 0 {
			delete(b.cables, end.DPID)
		}
		b.stranded[end] = true
	}
	if c.carries {
		b.fallen[c.ends] = c
	}
}

// cut forgets the cable at a port, as when it has lost carrier.
func (b *Builder) cut(id PortID) {
	if c := b.cableAt(id); c != nil {
		b.lose(c, 0)
		b.lose(c, 1)
	}
}

// carries reports whether traffic can use a cable: it is known in both
// directions between two different switches that count.
func (b *Builder) carries(c *cable) bool {
	return c.directions[0].known && c.directions[1].known && c.ends[0].DPID != c.ends[1].DPID &&
		b.counts(c.ends[0].DPID) && b.counts(c.ends[1].DPID)
}

// LinkSeen takes note of a probe that left from one port and arrived at
// another. It reports whether the link is news.
func (b *Builder) LinkSeen(from, to PortID, now time.Time) bool {
	b.clock.look(now)
	arrived := b.port(to)
	if arrived == nil || !isUp(arrived.port) {
		return false // the port went down while the probe was on its way
	}
	if from == to { // a port where its own probe comes back is not a host's
		b.overhear(from, to, Reflecting, true)
		b.setRole(to, Undetermined, arrived.far)
		b.await(to, b.cfg.LinkTimeout)
		return false
	}
	return b.probeCame(from, to)
}

// probeCame takes note of a probe that came from another port, over a cable
// unless that is doubtful. It reports whether the link is news.
func (b *Builder) probeCame(from, to PortID) bool {
	if b.LinkHeard(from, to, b.clock.wall) {
		return false
	}
	c := b.cableAt(to)
	if c == nil || c.far(to) != from {
		if why := b.doubtful(from, to); why != Untroubled {
			b.overhear(from, to, why, true)
			return false
		}
		third, gathered := b.third(from, to)
		b.unplug(from)
		b.unplug(to)
		if gathered {
			b.gather(to, from, third)
			return false
		}
	}
	c = b.cable(from, to)
	b.hear(c, c.from(from))
	c.directions[c.from(from)].proven = true
	b.unhear(from, to)
	b.makeTrunk(to, from)
	b.makeTrunk(from, to)
	return true
}

// LinkHeard does as [Builder.LinkSeen] where the link is known, and reports
// whether it is; else it does nothing.
func (b *Builder) LinkHeard(from, to PortID, now time.Time) bool {
	b.clock.look(now)
	arrived, c := b.port(to), b.cableAt(to)
	if c == nil || c.far(to) != from || !c.directions[c.from(from)].known ||
		arrived == nil || !isUp(arrived.port) || arrived.role != Trunk {
		return false
	}
	b.hear(c, c.from(from))
	c.directions[c.from(from)].proven = true
	return true
}

// unplug forgets the cable of a port that is now joined to another port. The
// port at its other end is undetermined again.
func (b *Builder) unplug(id PortID) {
	c := b.cableAt(id)
	if c == nil {
		return
	}
	far := c.far(id)
	b.cut(id)
	if p := b.port(id); p != nil {
		p.former, p.parted = far, b.clock.now
	}
	if p := b.port(far); p != nil {
		p.former, p.parted = id, b.clock.now
		p.edgeNot = time.Time{}
		b.setRole(far, Undetermined, External)
		b.await(far, b.cfg.ProbeTime)
	}
}

func (b *Builder) makeTrunk(id, far PortID) {
	b.setRole(id, Trunk, far)
	b.dropHosts(id)
}

// Probed takes note that a probe was handed to the switch, to leave from a
// port. Silence counts only where a probe was sent: a port without probes does
// not become an edge port, and a link without probes is not lost.
func (b *Builder) Probed(id PortID, now time.Time) {
	b.clock.look(now)
	b.sentToSegment(id)
	switch p := b.port(id); {
	case p == nil:
	case p.role == Undetermined:
		if p.sent++; p.sent == enoughQuiet {
			b.await(id, b.cfg.ProbeTime/2)
		}
	case p.role == Edge && p.quiet.IsZero(): // of an earlier run
		if p.sent++; p.sent > enoughQuiet {
			p.quiet = b.clock.now
		}
	}
	c := b.cableAt(id)
	if c == nil {
		return
	}
	if w := &c.directions[c.from(id)]; w.known && (w.proven || !b.static(id)) {
		w.sent++
		w.asked = b.clock.now
		if w.sent > 1 && w.seen.Add(b.patience()).Before(b.clock.now) {
			b.overdue = append(b.overdue, c.ends[0], c.ends[1])
		}
		wait := b.patience()
		if w.sent == enoughLost {
			wait = b.cfg.ProbeTime / 2
		}
		w.alarm.set(&b.due, deadline{w.asked.Add(wait), linkQuiet, id})
	}
}

// patience returns how long a probe may stay away before another one is sent.
func (b *Builder) patience() time.Duration { return b.cfg.ProbeTime + b.lag.longest(b.clock.now) }

// Silent returns the ports, at most so many, whose links have not brought a
// probe that was sent. They are to be probed again, so that a link is lost in
// time and on enough evidence however rarely it is probed while it carries.
// Each is returned once for a probe that has stayed away.
func (b *Builder) Silent(most int) (ports []PortID) {
	for len(b.silent) > 0 && len(ports) < most {
		id := b.silent[0]
		b.silent = b.silent[1:]
		c := b.cableAt(id)
		if c == nil {
			continue
		}
		if w := &c.directions[c.from(id)]; w.sent > 0 && !w.asked.Add(b.patience()).After(b.clock.now) {
			ports = append(ports, id)
		}
	}
	return ports
}

// ProbeTook takes note how long a probe was on its way before it was looked at.
// While probes take long, all that is judged by silence waits as much longer.
func (b *Builder) ProbeTook(d time.Duration, now time.Time) { b.lag.note(d, b.clock.look(now)) }

// expireDirection forgets a direction of a cable over which probes have long
// stayed away, though they were sent and both switches were connected.
func (b *Builder) expireDirection(d deadline) {
	c := b.cableAt(d.id)
	if c == nil {
		return
	}
	i := c.from(d.id)
	w := &c.directions[i]
	if !w.known || !w.proven && b.static(d.id) || !w.alarm.rings(d) || w.sent == 0 ||
		!b.connected(c.ends[0].DPID) || !b.connected(c.ends[1].DPID) {
		return // rings again after a probe, or after a switch has come
	}
	end := w.seen.Add(b.cfg.LinkTimeout + b.lag.longest(b.clock.now))
	if w.sent < enoughLost || end.After(b.clock.now) {
		again := w.asked.Add(b.patience())
		if !again.After(b.clock.now) {
			b.silent = append(b.silent, d.id)
			again = b.clock.now.Add(b.patience()) // or when it has been probed
		}
		if end.After(b.clock.now) && end.Before(again) {
			again = end
		}
		w.alarm.set(&b.due, deadline{again, linkQuiet, d.id})
		return
	}
	b.lose(c, i)
	for _, end := range c.ends {
		b.doubt(end)
	}
}

package topology

import (
	"time"

	"conga/openflow"
)

// A host may have two network cards and use both at a time, as bonding and link
// aggregation do without a protocol. It is heard at two ports then, and stays
// at the one where it answers; the other is its second port. What it sends to
// another host there passes as it does at home. What it sends to all is heard
// as before, so that it is followed when it moves.
//
// A ring, or an access point that reflects, brings to a port the frames of
// hosts whose homes differ: it is no host's second port.

const (
	// secondAfter: so long a host has to be heard at another port, while it
	// answers at home, until that is its second. Rings are found sooner.
	secondAfter = 3 * time.Second
	// heardLast: a host that was heard at the other port within this time is
	// there still.
	heardLast = time.Second
	// mixedFor: so long after hosts of different homes were heard at a port it
	// is no host's second.
	mixedFor = time.Minute
)

// A pairing says at which port the hosts are that a port is the second of.
type pairing struct {
	home  PortID
	mixed time.Time // attended; until then it is no second port
	hosts map[*hostState]bool
}

// heardTwice takes note that a host has answered at home after it was heard at
// another port, in a contest about that.
func (b *Builder) heardTwice(h *hostState, c *contest) {
	if b.isBound(h.ID()) {
		return // it is nowhere else
	}
	at, now := c.From, b.clock.now
	if c.steady.IsZero() || now.Sub(c.heard) > heardLast {
		c.steady = now
	}
	q := b.pairings[at]
	if q == nil {
		q = &pairing{home: h.At, hosts: map[*hostState]bool{}}
		b.pairings[at] = q
	}
	if q.home != h.At {
		b.unpair(at)
		q.home, q.mixed = h.At, now.Add(mixedFor)
	}
	if p := b.port(at); now.Sub(c.steady) >= secondAfter && !q.mixed.After(now) && p != nil && p.role == Edge && p.trouble == Untroubled {
		b.setSecond(h, at)
	}
}

// setSecond gives a host a second port; External takes it away.
func (b *Builder) setSecond(h *hostState, at PortID) {
	if h.Second == at {
		return
	}
	if q := b.pairings[h.Second]; q != nil {
		delete(q.hosts, h)
	}
	if h.Second = at; at != External {
		if b.pairings[at] == nil {
			b.pairings[at] = &pairing{home: h.At, hosts: map[*hostState]bool{}}
		}
		b.pairings[at].hosts[h] = true
	}
	b.touchHost(h)
}

// unpair has a port be no host's second.
func (b *Builder) unpair(at PortID) {
	if q := b.pairings[at]; q != nil {
		for h := range q.hosts {
			b.setSecond(h, External)
		}
	}
}

// fallBackAll does what fallBack does for all ports of a switch.
func (b *Builder) fallBackAll(dpid openflow.DPID) {
	for no := range b.behind[dpid] {
		b.fallBack(PortID{DPID: dpid, Port: no})
	}
}

// fallBack takes note that a port has gone down, or its switch out of reach. A
// host that was at home there is at its second port, where it need not be
// heard.
func (b *Builder) fallBack(at PortID) {
	b.unpair(at)
	delete(b.pairings, at)
	c := b.behind[at.DPID][at.Port]
	if c == nil {
		return
	}
	for _, h := range c.hosts {
		if !b.isBound(h.ID()) && b.askable(h.Second) && b.makeRoom(h.Second, false, b.clock.wall) {
			b.moveTo(h, h.vlan, h.Second, b.clock.wall)
		}
	}
}

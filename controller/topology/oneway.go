package topology

import "time"

// A cable that carries in one direction only, as a fibre of which one half is
// broken does while both ports have light, is no link: see [Builder.carries].
// Its ports stay trunks, off the tree, and it is said which of them hears
// nothing.

// oneWayAfter is how long a cable may be known in one direction only before it
// is said to carry no other.
const oneWayAfter = 4 * time.Second

// halve takes note that a cable is known in other directions than before.
func (b *Builder) halve(c *cable) {
	if c.directions[0].known == c.directions[1].known {
		delete(b.halved, c)
		b.setOneWay(c, false)
	} else if _, is := b.halved[c]; !is {
		b.halved[c] = b.clock.now
	}
}

// expireHalved finds the cables that have carried one way for long enough,
// while both switches could tell.
func (b *Builder) expireHalved() {
	for c, since := range b.halved {
		switch {
		case !b.tells(c.ends[0]) || !b.tells(c.ends[1]):
			b.halved[c] = b.clock.now
		case b.clock.now.Sub(since) >= oneWayAfter:
			b.setOneWay(c, true)
		}
	}
}

// tells reports whether a probe that arrives at a port is heard of.
func (b *Builder) tells(id PortID) bool {
	p, sw := b.port(id), b.switches[id.DPID]
	return p != nil && isUp(p.port) && sw.info.Connected && sw.ready
}

func (b *Builder) setOneWay(c *cable, is bool) {
	if c.oneWay == is {
		return
	}
	c.oneWay = is
	for _, end := range c.ends {
		if b.switches[end.DPID] != nil {
			b.touchSwitch(end.DPID)
		}
	}
}

// oneWayAt returns what is wrong with the cable at a port, and its other end;
// peer if nothing is.
func (b *Builder) oneWayAt(id, peer PortID) (Trouble, PortID) {
	c := b.cableAt(id)
	switch {
	case c == nil || !c.oneWay:
		return Untroubled, peer
	case c.directions[c.from(id)].known:
		return Deaf, c.far(id)
	}
	return Unheard, c.far(id)
}

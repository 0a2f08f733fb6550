package topology

import (
	"net/netip"
	"slices"
	"time"

	"conga/openflow"
)

// A Query is a frame that is due to a host: the question whether it has an
// address still, or, if Announce is set, the announcement that it has, for all
// others to hear.
type Query struct {
	Host     HostID
	VLAN     uint16 // in which the host has the address; 0: none
	Addr     netip.Addr
	At       PortID
	Announce bool
	contest  *contest
	claimant bool // it is the claimant that is asked
}

// lookEvery is how often all open contests are looked at for what is due. In
// between, only what has begun is: a host that speaks concerns no other.
const lookEvery = 50 * time.Millisecond

// HostAnswered takes note that a host has answered a [Query], in a VLAN (0:
// none) at a port: it is there, and has the addresses that it names.
func (b *Builder) HostAnswered(vlan uint16, at PortID, mac openflow.MAC, addrs []netip.Addr, now time.Time) {
	b.clock.look(now)
	b.contests.claimantAnswered(at, mac, addrs)
	h := b.hostIn(mac, vlan)
	if h == nil || h.At != at {
		return
	}
	h.Seen = now
	b.refresh(h)
	for _, c := range b.contests.byOwner[h.ID()] {
		if (c.kept.IsZero() || c.pursued) && c.concerns(addrs) {
			b.keep(c)
		}
	}
}

// concerns reports whether a host that answers for these addresses answers for
// what was claimed.
func (c *contest) concerns(addrs []netip.Addr) bool {
	return !c.Addr.IsValid() || slices.Contains(addrs, c.Addr)
}

// Queries returns the frames that are due to hosts. The caller says with
// [Builder.Queried] which of them it has sent; the others stay due.
func (b *Builder) Queries(now time.Time) (due []Query) {
	b.clock.look(now)
	k := &b.contests
	look := func(c *contest) {
		if h := b.hosts[c.Owner]; h != nil && b.askable(h.At) {
			due = append(due, b.queries(h, c)...)
		}
		if q, ok := b.queryClaimant(c); ok {
			due = append(due, q)
		}
	}
	fresh := k.fresh
	k.fresh = nil
	if b.clock.now.Sub(k.looked) < lookEvery {
		for _, c := range fresh {
			if k.open[c] { // else it has ended
				look(c)
			}
		}
		return due
	}
	k.looked = b.clock.now
	for c := range k.open {
		if b.quiet(c) {
			delete(k.open, c)
		} else {
			look(c)
		}
	}
	return due
}

// quiet reports whether no frame is due in a contest any more, unless it is
// claimed again or its owner answers.
func (b *Builder) quiet(c *contest) bool {
	switch {
	case c.given && (b.byAddr[c.Addr] != c.Owner || b.clock.now.Sub(c.kept) > pursueFor):
		return true
	case c.kept.IsZero() || c.pursued:
		return false
	}
	return !c.Addr.IsValid() || c.announced >= announcements
}

// queries returns the frames that are due to the owner in a contest, or in its
// name.
func (b *Builder) queries(h *hostState, c *contest) (due []Query) {
	q := Query{Host: h.ID(), VLAN: h.VLANs[c.Addr], Addr: c.Addr, At: h.At, contest: c}
	if announce := q; c.announces(b.clock.now) {
		announce.Announce = true
		due = append(due, announce)
	}
	if !c.asks(b.clock.now) {
		return due
	}
	if !q.Addr.IsValid() && len(h.Addrs) > 0 {
		q.Addr = h.Addrs[c.asked%len(h.Addrs)]
		q.VLAN = h.VLANs[q.Addr]
	}
	if q.Addr.IsValid() {
		due = append(due, q)
	}
	return due
}

// asks reports whether a question to the owner is due.
func (c *contest) asks(now time.Time) bool {
	switch age := now.Sub(c.last); {
	case c.kept.IsZero():
		return c.asked == 0 || age >= askEvery
	case !c.pursued:
		return false
	case c.asked == 0:
		return now.Sub(c.kept) >= pursueEvery
	default:
		return age >= askEvery
	}
}

// announces reports whether an announcement in the owner's name is due.
func (c *contest) announces(now time.Time) bool {
	if c.kept.IsZero() || !c.Addr.IsValid() || c.announced >= announcements {
		return false
	}
	if c.given && c.announced == 0 {
		return now.Sub(c.kept) >= unbarTime
	}
	return now.Sub(c.spread) >= announceAfter[c.announced]
}

// silent reports whether the owner has been asked often enough, and has not
// answered.
func (c *contest) silent(now time.Time) bool {
	return c.asked >= questions && now.Sub(c.first) >= silence && now.Sub(c.last) >= answerTime
}

// Queried takes note that a frame has been sent.
func (b *Builder) Queried(q Query) {
	c, now := q.contest, b.clock.now
	switch {
	case q.Announce:
		c.announced++
		c.spread = now
	case q.claimant:
		c.sought = now
	default:
		if c.asked == 0 {
			c.first = now
		}
		c.asked++
		c.last = now
	}
}

// Verdicts returns what became of claims since the last call.
func (b *Builder) Verdicts() []Verdict {
	v := b.contests.verdicts
	b.contests.verdicts = nil
	return v
}

package topology

import (
	"net/netip"
	"slices"
	"time"

	"conga/openflow"
)

// A claim that was refused may come true a moment later: an address that fails
// over is announced by its new owner, once maybe, while the old one still
// answers. So the old owner is asked on for a while, and the claim is believed
// if it falls silent while the claimant answers. Times are attended time.
const (
	pursueFor   = 4 * time.Second        // after the claim was heard last
	pursueEvery = 180 * time.Millisecond // after an answer of the owner: every other tick
	unbarTime   = 50 * time.Millisecond  // until the claimant's announcements pass again

	maxPursued     = 512 // contests at one time
	maxPortPursued = 64  // of them, of claims by hosts behind one port
)

// pursue has the owner asked on.
func (b *Builder) pursue(c *contest) {
	k := &b.contests
	if c.pursued || c.Foreign || b.bindsOwner(c) || k.pursuing >= maxPursued || len(k.pursued[c.From]) >= maxPortPursued {
		return
	}
	c.pursued = true
	k.pursued[c.From] = append(k.pursued[c.From], c)
	k.pursuing++
}

// release ends pursue. What is claimed from now on is looked into anew.
func (k *contests) release(c *contest) {
	if !c.pursued {
		return
	}
	c.pursued, c.asked, c.present = false, 0, false
	rest := slices.DeleteFunc(k.pursued[c.From], func(other *contest) bool { return other == c })
	if k.pursued[c.From] = rest; len(rest) == 0 {
		delete(k.pursued, c.From)
	}
	k.pursuing--
}

// bindsOwner reports whether what is claimed is its owner's by configuration.
func (b *Builder) bindsOwner(c *contest) bool {
	owner, bound := b.boundAddrs[c.Addr]
	return b.isBound(c.Owner) || bound && owner == c.Owner.MAC && c.Owner.VLAN == 0
}

// queryClaimant returns the question that is due to the claimant of what is
// pursued: once its owner is late to answer, or has gone.
func (b *Builder) queryClaimant(c *contest) (q Query, ok bool) {
	if !c.pursued || c.present || b.clock.now.Sub(c.sought) < askEvery {
		return q, false
	}
	if owner := b.hosts[c.Owner]; c.asked < questions/2 && owner != nil && !b.gone(owner) {
		return q, false
	}
	h := b.hosts[c.By]
	if h == nil || !b.askable(c.From) {
		return q, false
	}
	q = Query{Host: c.By, VLAN: c.VLAN, Addr: c.Addr, At: c.From, contest: c, claimant: true}
	if !q.Addr.IsValid() && len(h.Addrs) > 0 {
		q.Addr = h.Addrs[c.asked%len(h.Addrs)]
		q.VLAN = h.VLANs[q.Addr]
	}
	return q, q.Addr.IsValid()
}

// claimantAnswered takes note that a host has answered for these addresses: it
// is where it has claimed to be, and has what it has claimed.
func (k *contests) claimantAnswered(at PortID, mac openflow.MAC, addrs []netip.Addr) {
	for _, c := range k.pursued[at] {
		if c.By.MAC == mac && c.concerns(addrs) {
			c.present = true
		}
	}
}

// proclaim has an address announced for the host to which it has passed. Its
// own announcements were barred, and others were told that it is not the
// owner.
func (b *Builder) proclaim(c *contest) {
	b.contests.opens(&contest{
		Claim: Claim{Owner: c.By, Addr: c.Addr, At: c.From, By: c.By, From: c.From, VLAN: c.VLAN},
		kept:  b.clock.now,
		given: true,
	})
}

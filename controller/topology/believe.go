package topology

// expireContests ends the contests that are decided, and those that are old.
func (b *Builder) expireContests() {
	var believed, ended []*contest
	now := b.clock.now
	for mac, list := range b.contests.byOwner {
		h := b.hosts[mac]
		for _, c := range list {
			doubted := c.kept.IsZero() || c.pursued && c.present
			switch {
			case doubted && (h == nil || b.gone(h) || c.silent(now)):
				believed = append(believed, c)
			case now.Sub(c.heard) > contestOff || b.moot(h, c):
				ended = append(ended, c)
			case now.Sub(c.heard) > pursueFor:
				b.contests.release(c)
			}
		}
	}
	for _, c := range ended {
		b.forget(c)
	}
	for _, c := range believed {
		b.forget(c)
		b.believe(c)
	}
}

// vacant reports whether the address that a claim is about has passed to no
// third host. That one has not been asked.
func (b *Builder) vacant(c *contest) bool {
	owner, taken := b.byAddr[c.Addr]
	return !taken || owner == c.Owner
}

// moot reports whether a claim need not be looked into any more, nor kept from
// being announced: its owner, h, is behind the same port by now, or has gone,
// or has lost what it has kept. The port's hosts may then have it. Where the
// claimant is to be asked whether it has, they may announce it only.
func (b *Builder) moot(h *hostState, c *contest) bool {
	if h != nil && h.At == c.From {
		return true
	}
	if c.kept.IsZero() || b.bindsOwner(c) {
		return false
	}
	if c.pursued && b.vacant(c) {
		if h == nil || b.gone(h) {
			b.unbar(c)
		}
		return false
	}
	return h == nil || b.gone(h) || c.Addr.IsValid() && b.byAddr[c.Addr] != c.Owner
}

// believe does what a claim says, if it still can be.
func (b *Builder) believe(c *contest) {
	owner, by := b.hosts[c.Owner], b.hosts[c.By]
	p := b.port(c.From)
	if p == nil || p.role != Edge || c.Foreign || b.clock.now.Sub(c.heard) > contestOff || owner != nil && owner.At == c.From {
		return
	}
	switch {
	case !c.Addr.IsValid():
		if owner == nil || !b.makeRoom(c.From, false, b.clock.wall) {
			return
		}
		b.moveTo(owner, c.VLAN, c.From, b.clock.wall)
	case by == nil || by.At != c.From || !b.vacant(c) || !b.takeAddr(by, c.Addr, c.VLAN):
		return
	}
	b.contests.verdicts = append(b.contests.verdicts, Verdict{c.Claim, Taken})
	if c.reported && c.Addr.IsValid() {
		b.proclaim(c)
	}
}

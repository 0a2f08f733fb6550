package allocator

import (
	"net/netip"
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
)

// NetworkChanged tells the allocator that the network is not what it was: the
// snapshot is a new one, or a circuit was lost or has come back. Due and Plan
// look again at what depends on the difference, and what has failed is tried
// again.
func (a *Allocator) NetworkChanged() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.observeLocked()
	a.retryLocked()
	a.signal()
}

// Settled tells the allocator that the network has had the time to connect
// after the start. Until then nothing that has a path is moved or removed
// because one of its switches has not connected yet.
func (a *Allocator) Settled() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.settled {
		return
	}
	a.settled = true
	a.observeLocked()
	a.spareChangedLocked()
	for _, c := range a.cables.byID {
		if c.state != sound {
			a.disturbLocked(c)
		}
	}
	a.lookAtConfinedLocked()
	a.retryLocked()
	a.signal()
}

// observeLocked takes in what has changed in the network since the last time.
// It costs what the difference is, and the allocations that it concerns.
func (a *Allocator) observeLocked() {
	old, now := a.seen, a.cfg.Network()
	if old == now {
		return
	}
	a.seen = now
	a.plan.observed++
	if old == nil {
		old = &topology.Snapshot{} // nothing is here yet that could depend on it
	}
	d, addrs := difference(old, now)
	if len(d.Switches)+len(d.Links)+len(addrs) > 0 { // else a host was heard again, as often happens
		a.spareChangedLocked()
	}
	a.rewiredLocked(old, now, d)
	if !sameAttachments(old.Attachments, now.Attachments) {
		a.lookAtAllLocked()
	}
	for _, side := range a.prefixes.Covering(addrs) {
		if side.IsHost() {
			a.rehostedLocked(old, now, side)
		} else {
			a.rehostedPrefixLocked(old, now, side)
		}
	}
}

// difference returns what may differ between two snapshots, and the addresses
// whose ports may. If one snapshot follows soon on the other, the delta that it
// carries says so.
func difference(old, now *topology.Snapshot) (d topology.Delta, addrs []netip.Addr) {
	if d, ok := now.Since(old.Revision); ok {
		for _, id := range d.Hosts {
			was, _ := old.Hosts.Get(id)
			is, _ := now.Hosts.Get(id)
			addrs = append(append(addrs, was.Addrs...), is.Addrs...)
		}
		return d, addrs
	}
	for addr, is := range now.Addrs.All() {
		if was, ok := old.Addrs.Get(addr); !ok || was.At != is.At {
			addrs = append(addrs, addr)
		}
	}
	for addr := range old.Addrs.All() {
		if _, ok := now.Addrs.Get(addr); !ok {
			addrs = append(addrs, addr)
		}
	}
	return topology.Diff(old, now), addrs
}

func sameAttachments(a, b []topology.Attachment) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// lookAtAllLocked has everything looked at that depends on where hosts are.
func (a *Allocator) lookAtAllLocked() {
	for it := range a.all.after(0) {
		if !it.live() {
			continue
		}
		if it.indexed {
			a.locateEndsLocked(it)
		}
		a.lookLocked(it)
		a.unparkLocked(it)
	}
}

// rewiredLocked takes in what has changed of switches and links.
func (a *Allocator) rewiredLocked(old, now *topology.Snapshot, d topology.Delta) {
	for _, dpid := range d.Switches {
		for _, c := range a.cables.bySwitch[topology.PortID{DPID: dpid}] {
			a.inspectLocked(c)
		}
		was, is := old.Switches[dpid], now.Switches[dpid]
		if !is.Connected {
			continue
		}
		if !was.Connected {
			a.giveWayLocked(&a.waiting.wiring, always)
		}
		a.enforcedLocked(was, is)
		a.masksLostLocked(was, is)
		for no, p := range is.Ports {
			q := was.Ports[no]
			switch {
			case was.Connected && q.Up == p.Up && q.Role == p.Role && q.Capacity == p.Capacity:
			case p.Role == topology.Trunk:
				if p.Up && !q.Up {
					a.giveWayLocked(&a.waiting.wiring, always)
				}
			default:
				a.widenedLocked(topology.LinkID{To: p.ID})
			}
		}
	}
	for _, from := range d.Links {
		for _, c := range a.cables.at(from) {
			a.inspectLocked(c)
		}
		was, before := old.Links[from]
		is, there := now.Links[from]
		switch {
		case there && (!before || was.ID != is.ID):
			a.giveWayLocked(&a.waiting.wiring, always)
		case there && is.Capacity > was.Capacity:
			a.widenedLocked(is.ID)
		}
	}
}

// widenedLocked notes that a link may have more room than it had.
func (a *Allocator) widenedLocked(id topology.LinkID) {
	a.giveWayLocked(a.waiting.links[cableOf(id)], always)
	a.giveWayLocked(&a.waiting.any, always)
}

// inspectLocked brings the condition of a cable up to date.
func (a *Allocator) inspectLocked(c *cable) {
	if state := examine(a.seen, c.id); state != c.state {
		c.state = state
		a.disturbLocked(c)
	}
	a.measureLocked(c)
}

// disturbLocked has what uses a cable looked at, and what waits for it tried
// again.
func (a *Allocator) disturbLocked(c *cable) {
	for _, it := range c.list {
		if c.uses(it) {
			a.lookLocked(it)
			a.unparkLocked(it)
		}
	}
}

// rehostedLocked takes in that a host may be somewhere else. That concerns the
// paths that end where it was, and those that already did not end where it was.
func (a *Allocator) rehostedLocked(old, now *topology.Snapshot, side path.Prefix) {
	was, is := homeOf(old, side), homeOf(now, side)
	if was == is {
		return
	}
	a.giveWayLocked(a.waiting.sides[side], always)
	concerned := a.cables.takeAstray(side)
	if c := a.cables.access(was.at); c != nil {
		for _, it := range c.list {
			if own := sidesOf(it.key()); slices.Contains(own[:], side) && c.uses(it) {
				concerned = append(concerned, it)
			}
		}
	}
	for _, it := range concerned {
		a.locateEndsLocked(it)
		a.lookLocked(it)
		a.unparkLocked(it)
	}
}

// unparkLocked has the installation of an item tried again if nothing in the
// network is in its way any more.
func (a *Allocator) unparkLocked(it *item) {
	if !it.parked || it.busy != nil {
		return
	}
	c := it.record()
	if _, alive := path.Alive(a.seen, c.Path); alive && path.Elsewhere(a.seen, c.Key, c.Path) == "" {
		it.parked = false
		a.rescheduleLocked(it)
		a.signal()
	}
}

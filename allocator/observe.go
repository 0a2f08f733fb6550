package allocator

import (
	"net/netip"
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
)

// NetworkChanged tells that the network is not what it was: the snapshot is a
// new one, or a circuit was lost or has come back. What depends on the difference
// is looked at again, by Due and by Plan, and what has failed is tried again.
func (a *Allocator) NetworkChanged() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.observe()
	a.retry()
	a.signal()
}

// Settled tells that the network has had the time to connect after the start.
// Until then nothing that has a path is moved or torn down because one of its
// switches has not connected yet.
func (a *Allocator) Settled() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.settled {
		return
	}
	a.settled = true
	a.observe()
	for _, c := range a.cables.byID {
		if c.state != sound {
			a.disturb(c)
		}
	}
	a.retry()
	a.signal()
}

// observe takes in what has changed in the network since it was looked at last.
// The cost is that of the difference and of the allocations that it concerns.
func (a *Allocator) observe() {
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
	a.rewired(old, now, d)
	if !sameAttachments(old.Attachments, now.Attachments) {
		a.survey()
	}
	for _, addr := range addrs {
		a.rehosted(old, now, addr)
	}
}

// difference is what may differ between two snapshots, and the addresses whose
// place may. Snapshots of which one follows soon on the other say it themselves.
func difference(old, now *topology.Snapshot) (d topology.Delta, addrs []netip.Addr) {
	if d, ok := now.Since(old.Revision); ok {
		for _, mac := range d.Hosts {
			was, _ := old.Hosts.Get(mac)
			is, _ := now.Hosts.Get(mac)
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

// survey has everything looked at that depends on where hosts are.
func (a *Allocator) survey() {
	for e := range a.all.after(0) {
		if !e.live() {
			continue
		}
		if e.tied {
			a.locateEnds(e)
		}
		a.look(e)
		a.unpark(e)
	}
}

// rewired takes in what has changed of switches and links.
func (a *Allocator) rewired(old, now *topology.Snapshot, d topology.Delta) {
	for _, dpid := range d.Switches {
		for _, c := range a.cables.bySwitch[topology.PortID{DPID: dpid}] {
			a.inspect(c)
		}
		was, is := old.Switches[dpid], now.Switches[dpid]
		if !is.Connected {
			continue
		}
		if !was.Connected {
			a.giveWay(&a.crowds.wiring, always)
		}
		for no, p := range is.Ports {
			q := was.Ports[no]
			switch {
			case was.Connected && q.Up == p.Up && q.Role == p.Role && q.Capacity == p.Capacity:
			case p.Role == topology.Trunk:
				if p.Up && !q.Up {
					a.giveWay(&a.crowds.wiring, always)
				}
			default:
				a.widened(topology.LinkID{To: p.ID})
			}
		}
	}
	for _, from := range d.Links {
		for _, c := range a.cables.at(from) {
			a.inspect(c)
		}
		was, before := old.Links[from]
		is, there := now.Links[from]
		switch {
		case there && (!before || was.ID != is.ID):
			a.giveWay(&a.crowds.wiring, always)
		case there && is.Capacity > was.Capacity:
			a.widened(is.ID)
		}
	}
}

// widened tells that a link may have more room than it had.
func (a *Allocator) widened(id topology.LinkID) {
	a.giveWay(a.crowds.links[cableOf(id)], always)
	a.giveWay(&a.crowds.any, always)
}

// inspect looks whether a cable is in another condition than it was.
func (a *Allocator) inspect(c *cable) {
	if state := examine(a.seen, c.id); state != c.state {
		c.state = state
		a.disturb(c)
	}
}

// disturb has what uses a cable looked at, and what waits for it tried again.
func (a *Allocator) disturb(c *cable) {
	for _, e := range c.list {
		if c.uses(e) {
			a.look(e)
			a.unpark(e)
		}
	}
}

// rehosted takes in that a host may be somewhere else. That concerns the paths
// that end where it was, and those that did not end there already.
func (a *Allocator) rehosted(old, now *topology.Snapshot, addr netip.Addr) {
	was, known := old.Locate(addr)
	is, knows := now.Locate(addr)
	if was == is && known == knows {
		return
	}
	a.giveWay(a.crowds.addrs[addr], always)
	concerned := a.cables.collect(addr)
	if c := a.cables.access(was); c != nil {
		for _, e := range c.list {
			if own := addrsOf(e.key()); slices.Contains(own[:], addr) && c.uses(e) {
				concerned = append(concerned, e)
			}
		}
	}
	for _, e := range concerned {
		a.locateEnds(e)
		a.look(e)
		a.unpark(e)
	}
}

// unpark has the installation of an entry tried again if nothing in the network
// is in its way any more.
func (a *Allocator) unpark(e *entry) {
	if !e.parked || e.busy != nil {
		return
	}
	if _, alive := path.Alive(a.seen, e.path()); alive && elsewhere(a.seen, e.record()) == "" {
		e.parked = false
		a.reschedule(e)
		a.signal()
	}
}

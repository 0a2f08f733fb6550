package topology

import (
	"net/netip"
	"slices"
	"time"

	"conga/openflow"
)

const (
	hostMove  = time.Second      // a host that has moved stays at least this long
	hostHold  = 30 * time.Second // a host that spoke this recently keeps its addresses
	hostStale = 10 * time.Minute // one that did not speak for this long makes room for another

	showSeen = 10 * time.Second // the next snapshot tells when a host spoke if it is this much later
	saveSeen = hostStale / 2    // and so does what is saved
)

// A hostState is what the builder knows of a host.
type hostState struct {
	Host
	shown, saved time.Time // as Seen was then
}

// A crowd is the hosts behind one port.
type crowd struct {
	hosts map[openflow.MAC]*hostState
	full  time.Time // before this moment none of them makes room
}

// HostSeen takes note of a frame that a host sent: where it entered, its source
// MAC, and the addresses that it gives as its own. It reports whether that is
// news. Frames count at edge ports only; a host seen at another edge port has
// moved.
//
// claimed addresses come from address resolution, and a host may take them over
// from one that has fallen silent. Other addresses are the source of a packet,
// which may have been routed, and count only if no host has them.
func (b *Builder) HostSeen(at PortID, mac openflow.MAC, addrs []netip.Addr, claimed bool, now time.Time) bool {
	if p := b.port(at); p == nil || p.role != Edge || mac[0]&1 != 0 || mac == (openflow.MAC{}) {
		return false
	}
	h := b.hosts[mac]
	news := h == nil || h.At != at
	if news {
		if h != nil && now.Sub(h.Moved) < hostMove || !b.makeRoom(at, now) {
			return false
		}
		if h == nil {
			h = &hostState{Host: Host{MAC: mac}}
			b.hosts[mac] = h
		}
		b.enterPort(h, at)
		h.Moved = now
	}
	h.Seen = now
	for _, a := range addrs {
		if b.learnAddr(h, a.Unmap(), claimed, now) {
			news = true
		}
	}
	b.refresh(h)
	return news
}

// refresh marks a host, now and then, to be shown and saved with the time at
// which it last spoke.
func (b *Builder) refresh(h *hostState) {
	if h.Seen.Sub(h.shown) > showSeen {
		b.changed.hosts[h.MAC] = true // which alone is no reason for a snapshot
		h.shown = h.Seen
	}
	if h.Seen.Sub(h.saved) > saveSeen {
		b.unsaved.hosts[h.MAC] = true
		h.saved = h.Seen
	}
}

// enterPort moves a host, which may be new, to a port.
func (b *Builder) enterPort(h *hostState, at PortID) {
	b.leavePort(h)
	h.At = at
	ports := b.behind[at.DPID]
	if ports == nil {
		ports = map[openflow.PortNo]*crowd{}
		b.behind[at.DPID] = ports
	}
	if ports[at.Port] == nil {
		ports[at.Port] = &crowd{hosts: map[openflow.MAC]*hostState{}}
	}
	ports[at.Port].hosts[h.MAC] = h
	b.touchHost(h)
	for _, a := range h.Addrs {
		b.touchAddr(a)
	}
}

func (b *Builder) leavePort(h *hostState) {
	ports := b.behind[h.At.DPID]
	c := ports[h.At.Port]
	if c == nil {
		return
	}
	delete(c.hosts, h.MAC)
	if len(c.hosts) > 0 {
		return
	}
	if delete(ports, h.At.Port); len(ports) == 0 {
		delete(b.behind, h.At.DPID)
	}
}

// learnAddr gives addr to h if h may have it, and reports whether that is a
// change.
func (b *Builder) learnAddr(h *hostState, addr netip.Addr, claimed bool, now time.Time) bool {
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback() || len(h.Addrs) >= b.cfg.MaxAddrs {
		return false
	}
	if owner, taken := b.byAddr[addr]; taken {
		o := b.hosts[owner]
		if o == h || !claimed || (o.At != h.At && b.present(o, now)) {
			return false
		}
		o.Addrs = without(o.Addrs, addr)
		b.touchHost(o)
	}
	b.assign(h, addr)
	return true
}

// present reports whether a host has spoken of late and its port is up.
func (b *Builder) present(h *hostState, now time.Time) bool {
	p := b.port(h.At)
	return p != nil && isUp(p.port) && now.Sub(h.Seen) < hostHold
}

func (b *Builder) assign(h *hostState, addr netip.Addr) {
	b.byAddr[addr] = h.MAC
	i, _ := slices.BinarySearchFunc(h.Addrs, addr, netip.Addr.Compare)
	h.Addrs = slices.Insert(slices.Clone(h.Addrs), i, addr) // snapshots share the old one
	b.touchHost(h)
	b.touchAddr(addr)
}

func without(addrs []netip.Addr, addr netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return a == addr })
}

// makeRoom reports whether a port may have one more host. When the port is
// full, the host that has been silent for longest is dropped, if that is long
// enough.
func (b *Builder) makeRoom(at PortID, now time.Time) bool {
	c := b.behind[at.DPID][at.Port]
	if c == nil || len(c.hosts) < b.cfg.MaxHosts {
		return true
	}
	if now.Before(c.full) {
		return false // one port must not fill the tables of every switch
	}
	var oldest *hostState
	for _, h := range c.hosts {
		if oldest == nil || h.Seen.Before(oldest.Seen) {
			oldest = h
		}
	}
	if c.full = oldest.Seen.Add(hostStale); now.Before(c.full) {
		return false
	}
	b.dropHost(oldest)
	return true
}

func (b *Builder) dropHost(h *hostState) {
	for _, a := range h.Addrs {
		delete(b.byAddr, a)
		b.touchAddr(a)
	}
	b.leavePort(h)
	delete(b.hosts, h.MAC)
	b.touchHost(h)
}

func (b *Builder) dropHosts(at PortID) {
	if c := b.behind[at.DPID][at.Port]; c != nil {
		for _, h := range c.hosts {
			b.dropHost(h)
		}
	}
}

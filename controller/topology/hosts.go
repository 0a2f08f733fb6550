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
)

// HostSeen takes in a frame that a host sent: where it entered, its source
// MAC, and the addresses that it says are its own. It reports whether that is
// news. Only edge ports teach; a host seen at another edge port has moved.
//
// claimed addresses come from address resolution and may be taken over from a
// host that has fallen silent. Without claimed they are but the source of some
// packet, which may have been routed, and count only if nobody has them.
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
			h = &Host{MAC: mac}
			b.hosts[mac] = h
		}
		h.At, h.Moved = at, now
	}
	h.Seen = now
	for _, a := range addrs {
		if b.claim(h, a.Unmap(), claimed, now) {
			news = true
		}
	}
	b.dirty = b.dirty || news
	return news
}

// claim gives addr to h if it may have it. It reports whether that is a change.
func (b *Builder) claim(h *Host, addr netip.Addr, claimed bool, now time.Time) bool {
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback() || len(h.Addrs) >= b.cfg.MaxAddrs {
		return false
	}
	if owner, taken := b.byAddr[addr]; taken {
		o := b.hosts[owner]
		if o == h || !claimed || (o.At != h.At && b.present(o, now)) {
			return false
		}
		o.Addrs = without(o.Addrs, addr)
	}
	b.give(h, addr)
	return true
}

// present reports whether a host has spoken of late and its port is up.
func (b *Builder) present(h *Host, now time.Time) bool {
	p := b.port(h.At)
	return p != nil && isUp(p.port) && now.Sub(h.Seen) < hostHold
}

func (b *Builder) give(h *Host, addr netip.Addr) {
	b.byAddr[addr] = h.MAC
	i, _ := slices.BinarySearchFunc(h.Addrs, addr, netip.Addr.Compare)
	h.Addrs = slices.Insert(slices.Clone(h.Addrs), i, addr) // snapshots share the old one
}

func without(addrs []netip.Addr, addr netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return a == addr })
}

// makeRoom reports whether a port may have one more host; the one that has been
// silent for longest goes if it has been so for long.
func (b *Builder) makeRoom(at PortID, now time.Time) bool {
	n, oldest := 0, (*Host)(nil)
	for _, h := range b.hosts {
		if h.At != at {
			continue
		}
		if n++; oldest == nil || h.Seen.Before(oldest.Seen) {
			oldest = h
		}
	}
	if n < b.cfg.MaxHosts {
		return true
	}
	if now.Sub(oldest.Seen) < hostStale {
		return false // one port must not fill the tables of every switch
	}
	b.dropHost(oldest)
	return true
}

func (b *Builder) dropHost(h *Host) {
	for _, a := range h.Addrs {
		delete(b.byAddr, a)
	}
	delete(b.hosts, h.MAC)
}

func (b *Builder) dropHosts(at PortID) {
	for _, h := range b.hosts {
		if h.At == at {
			b.dropHost(h)
		}
	}
}

package topology

import (
	"net/netip"
	"slices"
	"time"

	"conga/openflow"
)

// HostSeen takes in a frame that a host sent: where it entered, its source
// MAC, and the addresses that it says are its own. It reports whether that is
// news. Only edge ports teach; a host seen at another edge port has moved.
func (b *Builder) HostSeen(at PortID, mac openflow.MAC, addrs []netip.Addr, now time.Time) bool {
	if p := b.port(at); p == nil || p.role != Edge || mac[0]&1 != 0 || mac == (openflow.MAC{}) {
		return false
	}
	h := b.hosts[mac]
	news := h == nil || h.At != at
	if h == nil {
		if b.hostsAt(at) >= b.cfg.MaxHosts {
			return false // one port must not fill the tables of every switch
		}
		h = &Host{MAC: mac}
		b.hosts[mac] = h
	}
	h.At, h.Seen = at, now
	for _, a := range addrs {
		if b.claim(h, a.Unmap()) {
			news = true
		}
	}
	b.dirty = b.dirty || news
	return news
}

// claim gives addr to h, away from whoever had it. It reports whether that is
// a change.
func (b *Builder) claim(h *Host, addr netip.Addr) bool {
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback() {
		return false
	}
	owner, taken := b.byAddr[addr]
	if taken && owner == h.MAC {
		return false
	}
	if len(h.Addrs) >= b.cfg.MaxAddrs {
		return false
	}
	if taken {
		if o := b.hosts[owner]; o != nil {
			o.Addrs = without(o.Addrs, addr)
		}
	}
	b.byAddr[addr] = h.MAC
	i, _ := slices.BinarySearchFunc(h.Addrs, addr, netip.Addr.Compare)
	h.Addrs = slices.Insert(slices.Clone(h.Addrs), i, addr) // snapshots share the old one
	return true
}

func without(addrs []netip.Addr, addr netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return a == addr })
}

func (b *Builder) hostsAt(at PortID) int {
	n := 0
	for _, h := range b.hosts {
		if h.At == at {
			n++
		}
	}
	return n
}

func (b *Builder) dropHosts(at PortID) {
	for mac, h := range b.hosts {
		if h.At != at {
			continue
		}
		for _, a := range h.Addrs {
			delete(b.byAddr, a)
		}
		delete(b.hosts, mac)
	}
}

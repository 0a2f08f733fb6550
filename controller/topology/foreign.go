package topology

import (
	"net/netip"
	"time"

	"conga/openflow"
)

// Announced takes note of a frame that announces addresses under another
// hardware address than its own, mac: its VLAN (0: none) and where it entered.
// Nothing is learned from it. But the hosts that are known to have them at
// other ports are asked, and if they answer, or are bound to be there, hosts
// behind this port may not announce these addresses.
func (b *Builder) Announced(vlan uint16, at PortID, mac openflow.MAC, addrs []netip.Addr, now time.Time) {
	b.clock.look(now)
	p := b.port(at)
	if p == nil || p.role != Edge || p.shared {
		return
	}
	for _, a := range addrs {
		a = a.Unmap()
		owner := b.byAddr[a]
		host, bound := b.boundAddrs[a]
		if bound {
			owner = HostID{MAC: host}
		}
		claim := Claim{Owner: owner, Addr: a, By: HostID{MAC: mac}, From: at, VLAN: vlan, Foreign: true}
		if home, ok := b.boundTo(host); ok && bound {
			if claim.At = home; home != at {
				b.refuse(claim)
			}
			continue
		}
		if h := b.hosts[owner]; h != nil && h.At != at && !b.gone(h) {
			claim.At = h.At
			b.contend(claim)
		}
	}
}

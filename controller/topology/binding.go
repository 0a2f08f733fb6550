package topology

import (
	"net/netip"
	"time"

	"conga/openflow"
)

// A Binding is what the configuration says of a host: it has these addresses,
// which no other host can have, and if At is set it is nowhere else.
type Binding struct {
	MAC   openflow.MAC
	Addrs []netip.Addr
	At    PortID // External: wherever it is seen
}

// bind takes in the configured bindings. Hosts that are bound to a port are
// there whether they have spoken or not.
func (b *Builder) bind(bindings []Binding, now time.Time) {
	for i := range bindings {
		x := &bindings[i]
		b.bound[x.MAC] = x
		for _, a := range x.Addrs {
			b.boundAddrs[a] = x.MAC
		}
		if x.At == External {
			continue
		}
		h := &hostState{Host: Host{MAC: x.MAC, Moved: now, Bound: true}}
		b.hosts[h.ID()] = h
		b.fixed++
		b.enterPort(h, x.At)
		for _, a := range x.Addrs {
			b.assign(h, a, now)
		}
	}
}

// boundTo returns the port that the configuration binds a host to.
func (b *Builder) boundTo(mac openflow.MAC) (at PortID, ok bool) {
	x := b.bound[mac]
	if x == nil || x.At == External {
		return External, false
	}
	return x.At, true
}

// isBound reports whether the configuration binds a host to a port.
func (b *Builder) isBound(id HostID) bool {
	_, bound := b.boundTo(id.MAC)
	return bound
}

// recallable reports whether the configuration allows what was saved of an
// address, or, for the zero value, of the place of a host.
func (b *Builder) recallable(mac openflow.MAC, addr netip.Addr) bool {
	if !addr.IsValid() {
		_, bound := b.boundTo(mac)
		return !bound
	}
	owner, bound := b.boundAddrs[addr]
	return !bound || owner == mac
}

// refuse takes note of a claim that contradicts the configuration.
func (b *Builder) refuse(claim Claim) {
	if c := b.contend(claim); c != nil && c.kept.IsZero() {
		b.keep(c)
	}
}

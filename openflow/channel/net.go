package channel

import (
	"net"
	"net/netip"
)

// netOf returns the network that counts as one peer: an IPv4 address, or the
// /64 of an IPv6 address. It is the zero prefix for a transport without
// addresses.
func netOf(a net.Addr) netip.Prefix {
	if a == nil {
		return netip.Prefix{}
	}
	var addr netip.Addr
	if tcp, ok := a.(*net.TCPAddr); ok {
		addr = tcp.AddrPort().Addr()
	} else if ap, err := netip.ParseAddrPort(a.String()); err == nil {
		addr = ap.Addr()
	}
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

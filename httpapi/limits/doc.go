// Package limits bounds what clients take of the daemon, all together and each
// alone: connections, what is read of them before the client is known, and
// memory for bodies on their way in. It knows nothing of HTTP.
package limits

import "net/netip"

// Net returns what counts as one client: an IPv4 address, or the /64 of an IPv6
// address, since that is what one host has at its disposal. It is the zero
// prefix for what is no address.
func Net(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

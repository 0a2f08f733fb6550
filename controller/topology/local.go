package topology

import (
	"net/netip"
	"slices"
)

// inhabits reports whether a host that has these addresses may be learned
// behind the port to a switch's own network stack. That speaks as soon as its
// interface is up, with addresses that it made up; it is a host once the
// operator has given it one.
func inhabits(addrs []netip.Addr) bool {
	return slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !a.Unmap().IsLinkLocalUnicast() })
}

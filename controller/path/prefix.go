package path

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// A Prefix is one side of an allocation's hosts: a host, or all hosts with
// addresses in a prefix. The zero value is none. Prefixes are equal if they
// have the same hosts.
type Prefix struct {
	addr netip.Addr // the lowest; without a zone and not IPv4-mapped
	open uint8      // how many of its last bits are open; 0: it is a host
}

// The widest prefixes, and the step between the lengths that prefixes of IPv6
// may have, in bits. So there are 25 lengths in each family, and for each two
// of them, which the sides of a key may have, entries have priorities of their
// own; see [FlowKey.Narrowness].
const (
	Widest4 = 8
	Widest6 = 32
	Step6   = 4
)

// Host returns the prefix that is one host.
func Host(a netip.Addr) Prefix { return Prefix{addr: a.Unmap()} }

// PrefixOf returns the hosts of a prefix, whatever its length; host bits do not
// count.
func PrefixOf(p netip.Prefix) Prefix {
	addr, bits := p.Addr(), p.Bits()
	if addr.Is4In6() && bits >= 96 {
		addr, bits = addr.Unmap(), bits-96
	}
	p = netip.PrefixFrom(addr.WithZone(""), bits).Masked()
	return Prefix{addr: p.Addr(), open: uint8(p.Addr().BitLen() - p.Bits())}
}

// ParsePrefix returns what a text says: an address such as 192.127.1.10, or a
// prefix such as 192.127.1.0/24. The error is a sentence for the user.
func ParsePrefix(text string) (Prefix, error) {
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		switch {
		case err != nil:
			return Prefix{}, errPrefix
		case addr.Zone() != "":
			return Prefix{}, errors.New("has a zone, which means nothing outside its host; write the address without it")
		}
		return Host(addr), nil
	}
	given, err := netip.ParsePrefix(text)
	if err != nil {
		return Prefix{}, errPrefix
	}
	p := PrefixOf(given)
	if addr := given.Addr().Unmap(); p.addr != addr {
		return Prefix{}, fmt.Errorf("%s names a host within the prefix; write %s, or %s for that host alone", text, p, addr)
	}
	return p, nil
}

var errPrefix = errors.New("must be an IP address, or a prefix such as 192.127.1.0/24 or 2001:db8:1::/64")

// Problem returns why no allocation can have the prefix, in words for the user,
// or "".
func (p Prefix) Problem() string {
	a := p.addr
	if p.open > 0 {
		return p.widthProblem()
	}
	switch {
	case !a.IsValid():
		return "is required, an IPv4 or IPv6 address"
	case a.Zone() != "":
		return fmt.Sprintf("%s has a zone; write the address without it", a)
	case a.IsUnspecified():
		return fmt.Sprintf("%s is no host's address", a)
	case a.IsMulticast(), a == broadcast:
		return fmt.Sprintf("%s is the address of a group; a path leads to one host", a)
	case a.IsLoopback():
		return fmt.Sprintf("%s is a loopback address, which no network carries", a)
	}
	return ""
}

// widthProblem returns what Problem does of the prefix of several hosts.
func (p Prefix) widthProblem() string {
	widest, step := p.limits()
	switch a := p.addr; {
	case p.Bits() < widest:
		return fmt.Sprintf("%s is wider than /%d, the widest prefix that may be asked for; name a longer one", p, widest)
	case p.open%step != 0:
		return fmt.Sprintf("the length of %s is no multiple of %d, as it must be with IPv6; name %s, which has it in it, or prefixes within it",
			p, step, p.Widen(p.Bits()-p.Bits()%Step6))
	case a.IsUnspecified(), a.IsMulticast(), a.IsLoopback(), p.Contains(broadcast):
		return fmt.Sprintf("%s has addresses that are no host's", p)
	}
	return ""
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// limits returns the length of the widest prefix of the family, and the step
// between lengths.
func (p Prefix) limits() (widest int, step uint8) {
	if p.Is4() {
		return Widest4, 1
	}
	return Widest6, Step6
}

// Addr returns the lowest address, which of a host is the only one.
func (p Prefix) Addr() netip.Addr { return p.addr }

// Bits returns the length of the prefix in bits; of a host that is 32 or 128.
func (p Prefix) Bits() int { return p.addr.BitLen() - int(p.open) }

// Is4 reports whether the addresses are of IPv4.
func (p Prefix) Is4() bool { return p.addr.Is4() }

// IsHost reports whether the prefix is one host.
func (p Prefix) IsHost() bool { return p.open == 0 && p.addr.IsValid() }

// IsValid reports whether there is a host in the prefix: it is not the zero
// value.
func (p Prefix) IsValid() bool { return p.addr.IsValid() }

// Net returns the prefix, of a host that of its address alone.
func (p Prefix) Net() netip.Prefix { return netip.PrefixFrom(p.addr, p.Bits()) }

// Contains reports whether an address is in the prefix.
func (p Prefix) Contains(a netip.Addr) bool {
	if p.open == 0 {
		return p.addr == a
	}
	return p.Net().Contains(a)
}

// Covers reports whether all hosts of o are in p as well.
func (p Prefix) Covers(o Prefix) bool {
	if p.open == 0 {
		return p == o
	}
	return p.open >= o.open && p.Net().Contains(o.addr)
}

// Meets reports whether p and o have a host in common, so that one covers the
// other.
func (p Prefix) Meets(o Prefix) bool {
	if p.open == 0 && o.open == 0 {
		return p.addr == o.addr
	}
	return p.Covers(o) || o.Covers(p)
}

// Equal reports whether p and o have the same hosts.
func (p Prefix) Equal(o Prefix) bool { return p == o }

// Less reports whether p comes before o: by the lowest address, and the wider
// one first.
func (p Prefix) Less(o Prefix) bool {
	if p.addr != o.addr {
		return p.addr.Less(o.addr)
	}
	return p.open > o.open
}

// Widen returns the prefix with that many bits that p is in. It must not be
// longer than p.
func (p Prefix) Widen(bits int) Prefix { return PrefixOf(netip.PrefixFrom(p.addr, bits)) }

// String returns the address of a host, and the prefix of several as
// 192.127.1.0/24; of the zero value "".
func (p Prefix) String() string { return string(p.append(nil)) }

func (p Prefix) append(b []byte) []byte {
	switch {
	case !p.addr.IsValid():
		return b
	case p.open == 0:
		return p.addr.AppendTo(b)
	}
	return p.Net().AppendTo(b)
}

// AppendText appends what String returns.
func (p Prefix) AppendText(b []byte) ([]byte, error) { return p.append(b), nil }

// MarshalText returns what String does.
func (p Prefix) MarshalText() ([]byte, error) { return p.append(nil), nil }

// UnmarshalText reads what MarshalText writes.
func (p *Prefix) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*p = Prefix{}
		return nil
	}
	*p, err = ParsePrefix(string(text))
	return err
}

// Narrowness returns 24 of a host, and less the wider the prefix is, in steps
// between the lengths that prefixes may have.
func (p Prefix) Narrowness() int {
	_, step := p.limits()
	return lengths - 1 - int(p.open/step)
}

// lengths is how many lengths the prefixes of a family may have, hosts among
// them.
const lengths = (32-Widest4)/1 + 1

// MaxNarrowness is the narrowness of a key of two hosts.
const MaxNarrowness = lengths*lengths - 1

// Narrowness returns how narrow the prefixes of a key are, from 0 to
// [MaxNarrowness]: it is greater the fewer pairs of hosts the key is between,
// and of as many the fewer of them are at the side with lower addresses. So of
// two keys that share a pair of hosts one has more, unless they have the same
// prefixes: that is the more specific one, whatever their ports. The prefixes
// must have none in common, and no [Prefix.Problem].
func (k FlowKey) Narrowness() int {
	low, high := k.Src.Narrowness(), k.Dst.Narrowness()
	if k.Dst.Less(k.Src) {
		low, high = high, low
	}
	sum := low + high
	if sum < lengths {
		return sum*(sum+1)/2 + low
	}
	left := 2*lengths - 1 - sum // sums that are no less
	return lengths*lengths - left*(left+1)/2 + low - (sum - lengths + 1)
}

// Precedence returns how specific a key is: a packet that two of them match
// belongs to the one with more, which has the narrower prefixes or, if these
// are the same, the higher specificity.
func (k FlowKey) Precedence() int { return 4*k.Narrowness() + k.Specificity() }

// Hosts reports whether both sides are hosts.
func (k FlowKey) Hosts() bool { return k.Src.IsHost() && k.Dst.IsHost() }

// facing returns o or its reverse, as seen from k's source if the two share a
// pair of hosts.
func (k FlowKey) facing(o FlowKey) FlowKey {
	if !k.Src.Meets(o.Src) {
		return o.Reverse()
	}
	return o
}

// Narrower returns the prefix of both that has fewer hosts, which are those
// that they have in common if they meet.
func Narrower(p, o Prefix) Prefix {
	if o.open < p.open {
		return o
	}
	return p
}

package path

import "net/netip"

// PrefixLengths are those that prefixes of several hosts have, by family. They
// say which prefixes an index by prefix may have of an address.
type PrefixLengths [2][129]bool

// Note enters the length of a prefix.
func (l *PrefixLengths) Note(p Prefix) {
	if !p.IsHost() {
		l[p.addr.BitLen()/128][p.Bits()] = true
	}
}

// Covering returns what an index may have of addresses: they themselves, and
// the prefixes that they are in, each once.
func (l *PrefixLengths) Covering(addrs []netip.Addr) (list []Prefix) {
	seen := map[Prefix]bool{}
	for _, addr := range addrs {
		host := Host(addr)
		list = append(list, host)
		for bits, used := range l[addr.BitLen()/128] {
			if !used {
				continue
			}
			if p := host.Widen(bits); !seen[p] {
				seen[p] = true
				list = append(list, p)
			}
		}
	}
	return list
}

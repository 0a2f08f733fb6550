package topology

import (
	"net/netip"
	"slices"
)

// A prefixTable finds the longest configured prefix that contains an address.
// The cost follows how many lengths of prefixes there are.
type prefixTable struct {
	at      map[netip.Prefix]PortID
	lengths [2][]int // of IPv4 and of IPv6 prefixes, longest first
}

// newPrefixTable returns the table of attachments, which are in order, the
// longest prefix first. Of equal prefixes the first counts.
func newPrefixTable(attachments []Attachment) *prefixTable {
	p := &prefixTable{at: make(map[netip.Prefix]PortID, len(attachments))}
	for _, a := range attachments {
		prefix := a.Prefix.Masked()
		if _, taken := p.at[prefix]; taken || !prefix.IsValid() {
			continue
		}
		p.at[prefix] = a.At
		family := &p.lengths[family(prefix.Addr())]
		if n := len(*family); n == 0 || (*family)[n-1] != prefix.Bits() {
			*family = append(*family, prefix.Bits())
		}
	}
	return p
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

func (p *prefixTable) find(addr netip.Addr) (at PortID, ok bool) {
	if addr.Zone() != "" || !addr.IsValid() {
		return at, false // a prefix says nothing of zones
	}
	for _, bits := range p.lengths[family(addr)] {
		prefix, _ := addr.Prefix(bits)
		if at, ok = p.at[prefix]; ok {
			return at, true
		}
	}
	return at, false
}

// Locate returns the edge port behind which addr is: that of the longest
// configured prefix, else the port where it was seen. A host cannot override
// the configuration. ok is false if the address is not known.
func (s *Snapshot) Locate(addr netip.Addr) (at PortID, ok bool) {
	addr = addr.Unmap()
	if s.located != nil {
		at, ok = s.located.find(addr)
	} else if i := slices.IndexFunc(s.Attachments, func(a Attachment) bool { return a.Prefix.Contains(addr) }); i >= 0 {
		at, ok = s.Attachments[i].At, true
	}
	if ok {
		return at, true
	}
	seen, ok := s.Addrs.Get(addr)
	return seen.At, ok
}

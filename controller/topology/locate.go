package topology

import (
	"net/netip"
	"slices"
)

// A prefixTable finds the longest configured prefix that contains an address.
// The cost follows how many lengths of prefixes there are.
type prefixTable struct {
	at      map[netip.Prefix]Attachment
	lengths [2][]int     // of IPv4 and of IPv6 prefixes, longest first
	order   []Attachment // by address, the widest first
}

// newPrefixTable returns the table of attachments, which are in order, the
// longest prefix first. Of equal prefixes the first counts.
func newPrefixTable(attachments []Attachment) *prefixTable {
	p := &prefixTable{at: make(map[netip.Prefix]Attachment, len(attachments))}
	for _, a := range attachments {
		prefix := a.Prefix.Masked()
		if _, taken := p.at[prefix]; taken || !prefix.IsValid() {
			continue
		}
		a.Prefix = prefix
		p.at[prefix] = a
		family := &p.lengths[family(prefix.Addr())]
		if n := len(*family); n == 0 || (*family)[n-1] != prefix.Bits() {
			*family = append(*family, prefix.Bits())
		}
		p.order = append(p.order, a)
	}
	slices.SortFunc(p.order, func(a, b Attachment) int { return a.Prefix.Compare(b.Prefix) })
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
	a, ok := p.covering(netip.PrefixFrom(addr, addr.BitLen()))
	return a.At, ok
}

// covering returns the longest attachment that a prefix is in.
func (p *prefixTable) covering(whole netip.Prefix) (a Attachment, ok bool) {
	for _, bits := range p.lengths[family(whole.Addr())] {
		if bits > whole.Bits() {
			continue
		}
		prefix, _ := whole.Addr().Prefix(bits)
		if a, ok := p.at[prefix]; ok {
			return a, true
		}
	}
	return a, false
}

// apart appends those attachments that are longer than a prefix, in it and not
// behind a port, as long as there are fewer than most.
func (p *prefixTable) apart(list []Attachment, whole netip.Prefix, from PortID, most int) []Attachment {
	i, _ := slices.BinarySearchFunc(p.order, whole, func(a Attachment, whole netip.Prefix) int { return a.Prefix.Compare(whole) })
	for ; i < len(p.order) && whole.Contains(p.order[i].Prefix.Addr()) && len(list) < most; i++ {
		if a := p.order[i]; a.Prefix != whole && a.At != from {
			list = append(list, a)
		}
	}
	return list
}

// within returns where the attachments are that are longer than a prefix, and
// in it.
func (p *prefixTable) within(whole netip.Prefix) (w Whereabouts) {
	i, _ := slices.BinarySearchFunc(p.order, whole, func(a Attachment, whole netip.Prefix) int { return a.Prefix.Compare(whole) })
	for ; i < len(p.order) && whole.Contains(p.order[i].Prefix.Addr()) && !w.Several(); i++ {
		if p.order[i].Prefix != whole {
			w = w.and(Whereabouts{First: p.order[i]})
		}
	}
	return w
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

// HostAt returns the host that has an address. ok is false if none is known to
// have it.
func (s *Snapshot) HostAt(addr netip.Addr) (id HostID, ok bool) {
	addr = addr.Unmap()
	if s.owners != nil {
		return s.owners.Get(addr)
	}
	for id, h := range s.Hosts.All() {
		if slices.Contains(h.Addrs, addr) {
			return id, true
		}
	}
	return HostID{}, false
}

// A Whereabouts says where the hosts of a prefix are, as far as that is known.
// The zero value says that none is known.
type Whereabouts struct {
	First Attachment // of one, alone or with the prefix that is configured
	Other Attachment // of one behind another port; the zero value: there is none
}

// Known reports whether it is known of a host of the prefix where it is.
func (w Whereabouts) Known() bool { return w.First.Prefix.IsValid() }

// Several reports whether there are hosts of the prefix behind several ports.
func (w Whereabouts) Several() bool { return w.Other.Prefix.IsValid() }

// Away returns one that is not behind a port. The prefix must have hosts behind
// several.
func (w Whereabouts) Away(from PortID) Attachment {
	if w.First.At != from {
		return w.First
	}
	return w.Other
}

// and returns the whereabouts of what w and o are of together.
func (w Whereabouts) and(o Whereabouts) Whereabouts {
	switch {
	case !w.Known():
		return o
	case w.Several() || !o.Known():
		return w
	case o.First.At != w.First.At:
		w.Other = o.First
	default:
		w.Other = o.Other
	}
	return w
}

// LocateAll returns where the hosts of a prefix are, as [Snapshot.Locate] says
// it of each: where the configuration says, else where they were seen. A part
// of the prefix of which the configuration says nothing has no hosts there but
// those.
func (s *Snapshot) LocateAll(p netip.Prefix) (w Whereabouts) {
	located := s.table()
	whole, covered := located.covering(p)
	if covered {
		w.First = whole
	}
	if w = w.and(located.within(p)); covered || w.Several() {
		return w // where hosts were seen says no more
	}
	return w.and(s.seen(located).in(p))
}

// Apart returns which hosts of a prefix are not behind a port, as LocateAll
// says where they are, but for the attachment that all of it is in: at most so
// many.
func (s *Snapshot) Apart(p netip.Prefix, from PortID, most int) []Attachment {
	located := s.table()
	list := located.apart(nil, p, from, most)
	if _, covered := located.covering(p); covered {
		return list
	}
	return s.seen(located).apart(list, p, from, most)
}

// table returns the attachments to search.
func (s *Snapshot) table() *prefixTable {
	if s.located != nil {
		return s.located
	}
	return newPrefixTable(s.Attachments)
}

// seen returns the learned addresses that are in no attachment.
func (s *Snapshot) seen(located *prefixTable) (seen addrTree) {
	if s.unplaced != nil {
		return *s.unplaced
	}
	for addr, a := range s.Addrs.All() {
		if _, ok := located.find(addr); !ok {
			seen = seen.with(a)
		}
	}
	return seen
}

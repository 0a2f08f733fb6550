package auth

import (
	"fmt"
	"net/netip"
	"slices"
)

// A Consent says which ends of a path must be a project's own for it to
// reserve the path.
type Consent string

// The sorts of consent. A path carries what both of its ends send, so that each
// is a source: consent of the source is that of both ends, whichever of them a
// request calls src_ip.
const (
	ConsentEither Consent = "either" // one end or the other; also ""
	ConsentSource Consent = "source" // every end that traffic comes from
	ConsentBoth   Consent = "both"   // both ends
)

// Owned is what a project owns: the addresses of a prefix or, without one,
// those of a host.
type Owned struct {
	Prefix netip.Prefix
	MAC    [6]byte // of a host
}

// Owners says which addresses are whose. The longest prefix that an address is
// in counts, and several projects may own the same one. A host that is listed
// by its MAC address counts for those of its addresses that are in no prefix:
// the configuration knows better than what a host says of itself, or another
// behind the same port in its name. An Owners does not change.
type Owners struct {
	consent  Consent
	prefixes map[netip.Prefix][]string
	lengths  [129]bool // of prefixes; those of IPv4 count from 0, too
	hosts    map[[6]byte][]string
	more     *Owners // looked at as well; nil: none
}

// NewOwners returns the owners that projects make.
func NewOwners(consent Consent, projects []Project) *Owners {
	o := &Owners{consent: consent, prefixes: map[netip.Prefix][]string{}, hosts: map[[6]byte][]string{}}
	for _, p := range projects {
		for _, x := range p.Addresses {
			if !x.Prefix.IsValid() {
				o.hosts[x.MAC] = append(o.hosts[x.MAC], p.ID)
				continue
			}
			prefix := x.Prefix.Masked()
			o.prefixes[prefix] = append(o.prefixes[prefix], p.ID)
			o.lengths[prefix.Bits()] = true
		}
	}
	return o
}

// With returns owners to which those of more belong as well, with the consent
// that o asks for.
func (o *Owners) With(more *Owners) *Owners {
	if !more.Any() {
		return o
	}
	both := *o
	both.more = more
	return &both
}

// Any reports whether a project owns anything. Where none does, every project
// may reserve every path.
func (o *Owners) Any() bool {
	return o != nil && (len(o.prefixes)+len(o.hosts) > 0 || o.more.Any())
}

// An AddressBook returns the addresses that a host is known to have.
type AddressBook func([6]byte) []netip.Addr

// of returns the projects that own an address, none if it belongs to no
// project.
func (o *Owners) of(addr netip.Addr, book AddressBook) []string {
	addr = addr.Unmap()
	if found := o.byPrefix(addr); len(found) > 0 || book == nil {
		return found
	}
	found := o.byHost(addr, book)
	if o.more != nil {
		found = append(found, o.more.byHost(addr, book)...)
	}
	return found
}

// byPrefix returns the projects that own the longest prefix around an address
// that any owns.
func (o *Owners) byPrefix(addr netip.Addr) []string {
	for bits := addr.BitLen(); bits >= 0; bits-- {
		if found := o.covering(addr, bits); len(found) > 0 {
			return found
		}
	}
	return nil
}

// hostOwners returns the projects of all addresses that are known of hosts that
// are owned.
func (o *Owners) hostOwners(book AddressBook) map[netip.Addr][]string {
	owners := map[netip.Addr][]string{}
	for ; o != nil && book != nil; o = o.more {
		for mac, projects := range o.hosts {
			for _, addr := range book(mac) {
				owners[addr] = append(owners[addr], projects...)
			}
		}
	}
	return owners
}

// covering returns the projects that own the prefix of that length around an
// address.
func (o *Owners) covering(addr netip.Addr, bits int) (found []string) {
	if o.lengths[bits] {
		if p, err := addr.Prefix(bits); err == nil {
			found = o.prefixes[p]
		}
	}
	if o.more == nil {
		return found
	}
	more := o.more.covering(addr, bits)
	if len(found) == 0 {
		return more
	}
	return slices.Concat(found, more)
}

func (o *Owners) byHost(addr netip.Addr, book AddressBook) (found []string) {
	for mac, projects := range o.hosts {
		if slices.Contains(book(mac), addr) {
			found = append(found, projects...)
		}
	}
	return found
}

// Owns reports whether all addresses of a prefix are the project's.
func (o *Owners) Owns(project string, addrs netip.Prefix, book AddressBook) bool {
	return o.Any() && o.shareOf(project, addrs, book).own
}

// A share is what a project owns of a prefix.
type share struct {
	own     bool // all of it
	foreign bool // some of it is another's and not the project's
}

// shareOf returns what a project owns of a prefix, which may be an address
// alone.
func (o *Owners) shareOf(project string, p netip.Prefix, book AddressBook) share {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	s := share{own: true}
	if p.IsSingleIP() {
		owners := o.of(p.Addr(), book)
		is := slices.Contains(owners, project)
		return share{is, len(owners) > 0 && !is}
	}
	hosts := o.hostOwners(book) // there may be as many parts as these
	o.eachPart(p.Masked(), o.within(p, book), func(part netip.Prefix) {
		owners := o.byPrefix(part.Addr())
		if len(owners) == 0 && part.IsSingleIP() { // of others no host's address is part
			owners = hosts[part.Addr()]
		}
		is := slices.Contains(owners, project)
		s.own, s.foreign = s.own && is, s.foreign || len(owners) > 0 && !is
	})
	return s
}

// eachPart calls part with the parts of a prefix each of which has the same
// owners throughout. within are the longer prefixes in it that have owners of
// their own.
func (o *Owners) eachPart(p netip.Prefix, within []netip.Prefix, part func(netip.Prefix)) {
	if len(within) == 0 {
		part(p)
		return
	}
	var halves [2]netip.Prefix
	var longer [2][]netip.Prefix
	halves[0] = netip.PrefixFrom(p.Addr(), p.Bits()+1)
	halves[1] = netip.PrefixFrom(withBit(p.Addr(), p.Bits()), p.Bits()+1)
	for _, q := range within {
		for i, half := range halves {
			if half.Contains(q.Addr()) && q != half {
				longer[i] = append(longer[i], q)
			}
		}
	}
	for i, half := range halves {
		o.eachPart(half, longer[i], part)
	}
}

// withBit returns an address with a bit set, of which the first one is 0.
func withBit(a netip.Addr, i int) netip.Addr {
	b := a.AsSlice()
	b[i/8] |= 0x80 >> (i % 8)
	a, _ = netip.AddrFromSlice(b)
	return a
}

// within returns what is longer than a prefix, and in it, and has owners of its
// own: prefixes, and the addresses of hosts that are in none.
func (o *Owners) within(p netip.Prefix, book AddressBook) (list []netip.Prefix) {
	if p.IsSingleIP() {
		return nil
	}
	for ; o != nil; o = o.more {
		for q := range o.prefixes {
			if q.Bits() > p.Bits() && p.Contains(q.Addr()) {
				list = append(list, q)
			}
		}
		for mac := range o.hosts {
			if book == nil {
				break
			}
			for _, addr := range book(mac) {
				if p.Contains(addr) {
					list = append(list, netip.PrefixFrom(addr, addr.BitLen()))
				}
			}
		}
	}
	return list
}

// A ConsentError refuses a path because an address is another project's. It
// names no project: which there are, and what they own, is not for others.
type ConsentError struct {
	Field string // API name of the end
	Addrs netip.Prefix
	Need  Consent
}

// Error returns a sentence that says whose consent is missing.
func (e *ConsentError) Error() string {
	what := e.Addrs.Addr().String() + " belongs to another project"
	if !e.Addrs.IsSingleIP() {
		what = e.Addrs.String() + " belongs to another project, or a part of it does"
	}
	switch e.Need {
	case ConsentBoth:
		return fmt.Sprintf("%s: %s, and both ends must be your project's own; have the network's operators reserve this path", e.Field, what)
	case ConsentSource:
		return fmt.Sprintf("%s: %s, which has not consented, and a path carries what it sends as well, whichever end is src_ip; have the network's operators reserve this path", e.Field, what)
	}
	return fmt.Sprintf("%s: %s, which has not consented; have a member of it ask for this path, or ask for one with an address of your own project at one end", e.Field, what)
}

// Judge returns a [*ConsentError] unless the project may reserve paths from src
// to dst, which it may if it may do so from and to each of their addresses. An
// address that belongs to no project is open to all, but it is no word for the
// other end.
func (o *Owners) Judge(project string, src, dst netip.Prefix, book AddressBook) error {
	if !o.Any() {
		return nil
	}
	from, to := o.shareOf(project, src, book), o.shareOf(project, dst, book)
	need := o.consent
	switch need {
	case ConsentSource, ConsentBoth:
	default:
		if need = ConsentEither; from.own || to.own {
			return nil
		}
	}
	switch {
	case from.foreign:
		return &ConsentError{"src_ip", src, need}
	case to.foreign:
		return &ConsentError{"dst_ip", dst, need}
	}
	return nil
}

package allocator

import (
	"unique"

	"conga/controller/path"
)

// ownedKey is traffic, and whose it is.
type ownedKey struct {
	path.FlowKey // canonical
	by           keyOwner
}

// keyOwner is what decides between owners of the same traffic.
type keyOwner struct {
	project unique.Handle[string]
	rated   bool // a rate is promised
}

func ownedKeyOf(r *Request) ownedKey {
	return ownedKey{canonical(r.Key), keyOwner{unique.Make(r.ProjectID), (r.Bandwidth > 0 || r.Volume != 0) && !r.scavenges()}}
}

// owning reports whether a project owns an end of what is between two hosts or
// prefixes.
type owning func(project unique.Handle[string], between hosts) bool

// blockedBy reports whether c cannot be where o is. A project's own keys may
// not be confused with each other. Those of others are not to be outranked: a
// packet that both match would leave the one that had it for c, which is the
// more specific one; so would a fragment, which says less, if c's prefixes are
// the more specific ones. Only a key without a rate gives way, to a rated one,
// and only if of the two projects the one that asks owns an end of what both
// are between.
func (c ownedKey) blockedBy(o ownedKey, owns owning) bool {
	if c.by.project == o.by.project {
		return c.Conflicts(o.FlowKey)
	}
	packets := c.Precedence() >= o.Precedence() && c.Meets(o.FlowKey)
	switch fragments := c.Narrowness() > o.Narrowness() && c.sharesFragments(o); {
	case !packets && !fragments:
		return false
	case !c.by.rated || o.by.rated:
		return true
	}
	both := hosts{path.Narrower(c.Src, o.Src), path.Narrower(c.Dst, o.Dst)} // both are canonical
	return !owns(c.by.project, both) || owns(o.by.project, both)
}

// sharesFragments reports whether keys of different projects are of the same
// fragments, which name no ports, and, of IPv6, no protocol. TCP has none. In
// the switches the circuit with the narrower prefixes has them and, if these
// are the same, that with the lower handle.
func (c ownedKey) sharesFragments(o ownedKey) bool {
	if c.by.project == o.by.project || !c.Src.Meets(o.Src) || !c.Dst.Meets(o.Dst) ||
		c.Proto == path.ProtoTCP || o.Proto == path.ProtoTCP {
		return false
	}
	if !c.Src.Is4() {
		return c.Specificity() > 0 && o.Specificity() > 0
	}
	return c.Ported() && o.Ported()
}

// selector is what of an ownedKey is not its addresses, in little memory.
type selector struct {
	several          unique.Handle[portPair] // instead of the next two, if a side has several ports
	project          unique.Handle[string]
	srcPort, dstPort uint16
	proto            uint8
	rated            bool
}

// portPair is the ports of both sides.
type portPair struct{ src, dst path.Ports }

func selectorOf(c ownedKey) selector {
	s := selector{project: c.by.project, rated: c.by.rated, proto: c.Proto}
	src, one := c.SrcPort.One()
	dst, other := c.DstPort.One()
	if one && other {
		s.srcPort, s.dstPort = src, dst
	} else {
		s.several = unique.Make(portPair{c.SrcPort, c.DstPort})
	}
	return s
}

// hasSeveral reports whether a side has several ports.
func (s selector) hasSeveral() bool { return s.several != unique.Handle[portPair]{} }

func (s selector) by() keyOwner { return keyOwner{s.project, s.rated} }

// between returns the selector's traffic between two hosts or prefixes.
func (s selector) between(h hosts) ownedKey {
	p := portPair{path.Port(s.srcPort), path.Port(s.dstPort)}
	if s.hasSeveral() {
		p = s.several.Value()
	}
	return ownedKey{path.FlowKey{Src: h[0], Dst: h[1], Proto: s.proto, SrcPort: p.src, DstPort: p.dst}, s.by()}
}

// wider returns the selectors of an owner that match all that s, which has no
// several ports, does, and have none either.
func (s selector) wider(by keyOwner) (list []selector) {
	seen := map[selector]bool{}
	for mask := range 8 {
		w := s
		w.project, w.rated = by.project, by.rated
		if mask&1 != 0 {
			w.srcPort = 0
		}
		if mask&2 != 0 {
			w.dstPort = 0
		}
		if mask&4 != 0 {
			w.proto = 0
		}
		if !seen[w] {
			list = append(list, w)
		}
		seen[w] = true
	}
	return list
}

package topology

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// An addrTree has learned addresses in their order, and tells of each prefix
// where its addresses are. It is immutable: with and without return another
// one, which shares with it all but the nodes on the way to the address. The
// zero addrTree is empty.
type addrTree [2]*addrNode // of IPv4 and of IPv6 addresses

// An addrNode is an address and where it is or, with two kids, all addresses
// that begin as prefix does.
type addrNode struct {
	prefix netip.Prefix
	sum    Whereabouts
	kids   [2]*addrNode
}

// with returns the tree with an attachment of one address, in place of the one
// that the address has.
func (t addrTree) with(a Attachment) addrTree {
	root := &t[family(a.Prefix.Addr())]
	*root = (*root).with(a)
	return t
}

// without returns the tree without an address.
func (t addrTree) without(addr netip.Addr) addrTree {
	root := &t[family(addr)]
	*root = (*root).without(addr)
	return t
}

// in returns where the addresses of a prefix are.
func (t addrTree) in(p netip.Prefix) Whereabouts {
	for n := t[family(p.Addr())]; n != nil; n = n.kid(p.Addr()) {
		if p.Bits() <= n.prefix.Bits() {
			if p.Contains(n.prefix.Addr()) {
				return n.sum
			}
			break
		}
		if !n.prefix.Contains(p.Addr()) {
			break
		}
	}
	return Whereabouts{}
}

// apart appends those of the addresses of a prefix that are not behind a port,
// in their order, as long as there are fewer than most.
func (t addrTree) apart(list []Attachment, p netip.Prefix, from PortID, most int) []Attachment {
	return t[family(p.Addr())].apart(list, p, from, most)
}

func (n *addrNode) apart(list []Attachment, p netip.Prefix, from PortID, most int) []Attachment {
	if n == nil || len(list) >= most || !n.prefix.Overlaps(p) || !n.sum.Several() && n.sum.First.At == from {
		return list
	}
	if n.prefix.IsSingleIP() {
		return append(list, n.sum.First)
	}
	return n.kids[1].apart(n.kids[0].apart(list, p, from, most), p, from, most)
}

// kid returns the kid on the way to an address that begins as the node's do.
func (n *addrNode) kid(addr netip.Addr) *addrNode { return n.kids[bitOf(addr, n.prefix.Bits())] }

func (n *addrNode) with(a Attachment) *addrNode {
	addr := a.Prefix.Addr()
	if n == nil {
		return leafOf(a)
	}
	same := min(sameBits(addr, n.prefix.Addr()), n.prefix.Bits())
	switch {
	case same < n.prefix.Bits():
		side := bitOf(addr, same)
		whole, _ := addr.Prefix(same)
		var kids [2]*addrNode
		kids[side], kids[1-side] = leafOf(a), n
		return joined(whole, kids)
	case !n.prefix.IsSingleIP():
		side := bitOf(addr, same)
		kid := n.kids[side].with(a)
		if kid == n.kids[side] {
			return n
		}
		kids := n.kids
		kids[side] = kid
		return joined(n.prefix, kids)
	case n.sum.First == a:
		return n
	}
	return leafOf(a)
}

// joined returns the node of all addresses that begin as a prefix does.
func joined(p netip.Prefix, kids [2]*addrNode) *addrNode {
	return &addrNode{prefix: p, sum: kids[0].sum.and(kids[1].sum), kids: kids}
}

func leafOf(a Attachment) *addrNode {
	return &addrNode{prefix: a.Prefix, sum: Whereabouts{First: a}}
}

func (n *addrNode) without(addr netip.Addr) *addrNode {
	switch {
	case n == nil || !n.prefix.Contains(addr):
		return n
	case n.prefix.IsSingleIP():
		return nil
	}
	side := bitOf(addr, n.prefix.Bits())
	left := n.kids[side].without(addr)
	switch left {
	case nil:
		return n.kids[1-side]
	case n.kids[side]:
		return n
	}
	kids := n.kids
	kids[side] = left
	return joined(n.prefix, kids)
}

// sameBits returns how many of their first bits two addresses of a family have
// in common.
func sameBits(a, b netip.Addr) int {
	x, y := a.As16(), b.As16()
	same := bits.LeadingZeros64(binary.BigEndian.Uint64(x[:]) ^ binary.BigEndian.Uint64(y[:]))
	if same == 64 {
		same += bits.LeadingZeros64(binary.BigEndian.Uint64(x[8:]) ^ binary.BigEndian.Uint64(y[8:]))
	}
	return same - (128 - a.BitLen())
}

// bitOf returns a bit of an address, of which the first one is 0.
func bitOf(a netip.Addr, i int) int {
	b := a.As16()
	i += 128 - a.BitLen()
	return int(b[i/8]>>(7-i%8)) & 1
}

package purpose

import "conga/openflow"

// A cookie has CONGA's tag in the top 16 bits, and the owner's handle in the
// low 32. Of the 16 between, bits 40 to 43 are the kind, and the others the
// instance of CONGA whose entry it is; 0: it does not say. Entries without the
// tag are never touched.
const (
	CookieTag  openflow.Cookie = 0xc09a << 48 // what every cookie of ours has in CookieMask
	CookieMask openflow.Cookie = 0xffff << 48 // the bits of the tag
	KindMask   openflow.Cookie = 0x0f << kindShift

	kindShift     = 40
	ownerMask     = 1<<32 - 1
	instanceLow   = 0xff << 32 // low 8 of the 12 bits of an instance
	instanceHigh  = 0x0f << 44
	instanceShift = 32
)

// A Kind says what a flow entry is for.
type Kind uint8

// The kinds of flow entry.
const (
	Foreign    Kind = 0 // not ours
	Control    Kind = 1 // keeps the pipeline together; probes; address learning
	Forward    Kind = 2 // best-effort forwarding
	Allocation Kind = 3 // a circuit's; the owner is its handle
)

var kindNames = [...]string{Foreign: "foreign", Control: "control", Forward: "forward", Allocation: "allocation"}

// String returns the name of the kind.
func (k Kind) String() string { return kindNames[k] }

// MakeCookie returns the cookie of an entry of this kind and owner, of no
// instance; 32 bits of owner are kept.
func MakeCookie(k Kind, owner uint64) openflow.Cookie {
	return CookieTag | openflow.Cookie(k)<<kindShift | openflow.Cookie(owner&ownerMask)
}

// Ours reports whether an entry with this cookie is CONGA's.
func Ours(c openflow.Cookie) bool { return c&CookieMask == CookieTag }

// ReadCookie returns what an entry with this cookie is for, and its owner. An
// entry of ours of an unknown kind counts as [Control].
func ReadCookie(c openflow.Cookie) (k Kind, owner uint64) {
	if !Ours(c) {
		return Foreign, 0
	}
	if k = Kind(c >> kindShift & 0x0f); k != Forward && k != Allocation {
		k = Control
	}
	return k, uint64(c & ownerMask)
}

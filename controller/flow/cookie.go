package flow

import "conga/openflow"

// A cookie says who owns a flow entry: CONGA's tag in the top 16 bits, the kind
// in the next 8, the owner's handle in the low 40. Entries without the tag are
// somebody else's and are never touched.
const (
	cookieTag  openflow.Cookie = 0xc09a << 48
	CookieMask openflow.Cookie = 0xffff << 48 // the bits of the tag

	kindShift = 40
	ownerMask = 1<<kindShift - 1
)

// CookieTag is what every cookie of ours has in the bits of [CookieMask].
const CookieTag = cookieTag

// Kind says what a flow entry is for.
type Kind uint8

// The kinds of flow entry.
const (
	KindControl    Kind = 1 // keeps the pipeline together; probes; address learning
	KindForward    Kind = 2 // best-effort forwarding
	KindAllocation Kind = 3 // a circuit's; the owner is its handle
)

// MakeCookie is the cookie of an entry of this kind and owner; 40 bits of owner
// are kept.
func MakeCookie(k Kind, owner uint64) openflow.Cookie {
	return cookieTag | openflow.Cookie(k)<<kindShift | openflow.Cookie(owner&ownerMask)
}

// ReadCookie takes a cookie apart; ok is false if it is not ours.
func ReadCookie(c openflow.Cookie) (k Kind, owner uint64, ok bool) {
	if c&CookieMask != cookieTag {
		return 0, 0, false
	}
	return Kind(c >> kindShift), uint64(c & ownerMask), true
}

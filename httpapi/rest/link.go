package rest

import (
	"net/url"
	"strings"
)

// A Link leads from a resource to another.
type Link struct {
	Href string `json:"href"`
}

// Links lead from a resource to itself.
type Links struct {
	Self Link `json:"self"`
}

// LinkTo returns the link to an address.
func LinkTo(address string) Link { return Link{Href: address} }

// SelfLinks returns the links of the resource at an address.
func SelfLinks(address string) Links { return Links{Self: LinkTo(address)} }

// Relations are links of a resource, by what the other is to it.
type Relations map[string]Link

// Relate returns relations of name and address in turn.
func Relate(pairs ...string) Relations {
	out := Relations{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = LinkTo(pairs[i+1])
	}
	return out
}

// WithQuery returns an address with parameters, which are name and value in
// turn.
func WithQuery(path string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(path)
	for i := 0; i < len(pairs); i += 2 {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(pairs[i] + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String()
}

package httpapi

import (
	"net/url"
	"strings"
)

// relations are links of a resource to others, by what they are to it.
type relations map[string]link

// relate makes relations of name and address in turn; the first is self.
func relate(pairs ...string) relations {
	out := relations{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = link{pairs[i+1]}
	}
	return out
}

// withQuery is an address with parameters, given as name and value in turn.
func withQuery(path string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(path)
	for i := 0; i < len(pairs); i += 2 {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(pairs[i] + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String()
}

package rest

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Parameters are the parameters of a request's query.
type Parameters struct {
	given  map[string]string // by name
	errors []string          // sentences; any makes the answer a 422
}

// ParseQuery returns the named parameters of a query. Done refuses any other:
// with a misspelt page a client would read the first one again and again.
// refused says why a parameter is refused, by name. kind is what the query is
// about, a list or a resource. The error is a Fault with status 400.
func ParseQuery(raw, kind string, refused map[string]string, names ...string) (*Parameters, error) {
	p := &Parameters{}
	if raw == "" { // the usual case
		return p, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, NewFault(http.StatusBadRequest, "query: cannot be read")
	}
	p.given = make(map[string]string, len(values))
	for name, given := range values {
		switch {
		case len(given) > 1:
			p.Reject(fieldName(name), "given twice in the query")
		case slices.Contains(names, name):
			p.given[name] = given[0]
		case refused[name] != "":
			p.Reject(name, refused[name])
		default:
			p.Reject(fieldName(name), "is not a parameter of this "+kind)
		}
	}
	return p, nil
}

// Reject notes that a parameter is not acceptable.
func (p *Parameters) Reject(name, reason string) { p.errors = append(p.errors, name+": "+reason) }

// Done returns a Fault with everything that is wrong, or nil.
func (p *Parameters) Done() error {
	if len(p.errors) == 0 {
		return nil
	}
	slices.Sort(p.errors)
	return NewFault(http.StatusUnprocessableEntity, p.errors...)
}

// Lookup returns a parameter and reports whether it is there.
func (p *Parameters) Lookup(name string) (string, bool) {
	text, ok := p.given[name]
	return text, ok
}

// Text returns a parameter, "" if it is absent.
func (p *Parameters) Text(name string) string { return p.given[name] }

// Either returns a parameter that has two names, "" if it is absent.
func (p *Parameters) Either(name, short string) string {
	text, given := p.given[name]
	other, twice := p.given[short]
	switch {
	case given && twice:
		p.Reject(short, "is "+name+" by another name; give one of them")
	case twice:
		text = other
	}
	return text
}

// Address returns a parameter that is an IP address; the zero one if it is
// absent.
func (p *Parameters) Address(name string) netip.Addr {
	text, ok := p.given[name]
	if !ok {
		return netip.Addr{}
	}
	addr, problem := parseAddress(text)
	if problem != "" {
		p.Reject(name, problem)
	}
	return addr
}

// Prefix returns a parameter that is an IP prefix; the zero one if it is
// absent.
func (p *Parameters) Prefix(name string) netip.Prefix {
	text, ok := p.given[name]
	if !ok {
		return netip.Prefix{}
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		p.Reject(name, Quote(text)+" is not an IP prefix; write 192.127.1.0/24 or 2001:db8::/64")
	}
	return prefix
}

// Network returns a parameter that is an IP prefix, or an address, which stands
// for the prefix of it alone; the zero one if it is absent.
func (p *Parameters) Network(name string) netip.Prefix {
	if text := p.Text(name); strings.Contains(text, "/") {
		return p.Prefix(name)
	}
	addr := p.Address(name)
	if !addr.IsValid() {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(addr, addr.BitLen())
}

// Integer returns a parameter that is an integer from lo to hi; absent if it is
// not there.
func (p *Parameters) Integer(name string, lo, hi, absent int64) int64 {
	text, ok := p.given[name]
	if !ok {
		return absent
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < lo || n > hi {
		p.Reject(name, "must be an integer from "+strconv.FormatInt(lo, 10)+" to "+strconv.FormatInt(hi, 10))
	}
	return n
}

// Time returns a parameter that is a time, in UNIX seconds and not before
// least; 0 if it is absent.
func (p *Parameters) Time(name string, least int64) int64 {
	text, ok := p.given[name]
	if !ok {
		return 0
	}
	t, err := strconv.ParseInt(text, 10, 64)
	if err != nil || t < least || t > MaxTime {
		p.Reject(name, "must be a time in UNIX seconds")
	}
	return t
}

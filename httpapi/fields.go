package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"

	"conga/httpapi/auth"
)

// fields are what a request body holds. Its methods each take one field; what
// is wrong is collected, so that the client hears of everything at once.
type fields struct {
	members   []member
	items     []item   // of a report of connections, or
	single    *fields  // the one that it is about
	wrongType []string // sentences; any makes the answer a 400
	invalid   []string // sentences; without the above, a 422
}

// value is a field that may be absent, or be null, which is another thing in an
// update.
type value[T any] struct {
	v    T
	set  bool // present with a value
	null bool // present as null
}

// take finds a field; nil if it is absent.
func (f *fields) take(name string) []byte {
	m := find(f.members, name)
	if m == nil {
		return nil
	}
	m.used = true
	return m.raw
}

func (f *fields) mistype(name, want string, raw []byte) {
	f.wrongType = append(f.wrongType, fmt.Sprintf("%s: must be %s, not %s", name, want, kindOf(raw)))
}

// reject notes that a field is of the right type but not acceptable.
func (f *fields) reject(name, format string, args ...any) {
	f.invalid = append(f.invalid, fieldName(name)+": "+fmt.Sprintf(format, args...))
}

// text takes a string.
func (f *fields) text(name string) (out value[string]) {
	raw := f.take(name)
	switch {
	case raw == nil:
	case raw[0] == 'n':
		out.null = true
	case raw[0] != '"':
		f.mistype(name, "a string", raw)
	default:
		s, err := unquote(raw)
		if err != nil {
			f.mistype(name, "a string", raw)
			return out
		}
		out.v, out.set = s, true
	}
	return out
}

// name takes the name of a user or a project.
func (f *fields) name(name string) value[string] {
	out := f.text(name)
	if out.set && !auth.ValidName(out.v) {
		f.reject(name, "%s", auth.NameRule)
	}
	return out
}

// integer takes a whole number from lo to hi. 1.0 and 1e3 are not whole in
// writing: the document says integer, and floats lose digits on the way.
func (f *fields) integer(name string, lo, hi int64) (out value[int64]) {
	raw := f.take(name)
	switch {
	case raw == nil:
		return out
	case raw[0] == 'n':
		out.null = true
		return out
	case raw[0] != '-' && (raw[0] < '0' || raw[0] > '9'):
		f.mistype(name, "an integer", raw)
		return out
	case bytes.ContainsAny(raw, ".eE"):
		f.wrongType = append(f.wrongType, fmt.Sprintf("%s: must be an integer, written without point or exponent", name))
		return out
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < lo || n > hi {
		f.reject(name, "must be from %d to %d", lo, hi)
		return out
	}
	out.v, out.set = n, true
	return out
}

// address takes an IP address; of an IPv4-mapped one, the IPv4 address in it.
func (f *fields) address(name string) (out value[netip.Addr]) {
	text := f.text(name)
	out.null = text.null
	if !text.set {
		return out
	}
	addr, err := netip.ParseAddr(text.v)
	switch {
	case err != nil:
		f.reject(name, "%s is not an IP address", quote(text.v))
	case addr.Zone() != "":
		f.reject(name, "%s has a zone, which means nothing outside its host", quote(text.v))
	default:
		out.v, out.set = addr.Unmap(), true
	}
	return out
}

// require notes that a field is absent. On creation null is as good as absent.
func (f *fields) require(names ...string) {
	for _, name := range names {
		if m := find(f.members, name); m == nil || m.raw[0] == 'n' {
			f.reject(name, "is required")
		}
	}
}

// done is the error of everything that was wrong, fields that nobody asked for
// included, or nil.
func (f *fields) done() error {
	for _, m := range f.members {
		if m.used {
			continue
		}
		if reason := ownField[m.name]; reason != "" {
			f.reject(m.name, "%s", reason)
		} else {
			f.reject(m.name, "is not a field of this request")
		}
	}
	switch {
	case len(f.wrongType) > 0:
		return &fault{status: http.StatusBadRequest, errs: append(f.wrongType, f.invalid...)}
	case len(f.invalid) > 0:
		return &fault{status: http.StatusUnprocessableEntity, errs: f.invalid}
	}
	return nil
}

// setByUs is why a field of our answers is refused in a request.
const setByUs = "is set by CONGA; leave it out"

// ownField explains why a field of our answers is refused in a request.
var ownField = func() map[string]string {
	reasons := map[string]string{}
	for _, name := range []string{"allocation_id", "end_time", "state", "reason", "path", "in_use", "connections", "_links"} {
		reasons[name] = setByUs
	}
	return reasons
}()

package rest

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// MaxTime is the last second of the year 9999 in UNIX seconds.
const MaxTime = 253_402_300_799

// Fields are the fields of a JSON object in a request; the zero value has none.
// Its methods take a field each and collect what is wrong, so that one answer
// tells the client everything.
type Fields struct {
	members  []member
	elements []element         // of a body that is a list, see ParseList
	alone    *Fields           // the one element that such a body is
	explain  map[string]string // why a field that is not taken is refused

	wrongType []string // sentences; any makes the answer a 400
	invalid   []string // sentences; without the above, a 422
}

// A Value is what a request says of a field. Both flags are false if the field
// is absent.
type Value[T any] struct {
	V    T
	Set  bool // present with a value
	Null bool // present as null
}

// ParseObject returns the fields of a body that is a JSON object. The error is
// a Fault with status 400.
func ParseObject(raw []byte) (*Fields, error) {
	whole, err := parseJSON(raw)
	if err != nil {
		return nil, err
	}
	if whole[0] != '{' {
		return nil, NewFault(http.StatusBadRequest, "body: must be a JSON object, not "+kindOf(whole))
	}
	members, err := splitObject(whole)
	if err != nil {
		return nil, err
	}
	return &Fields{members: members}, nil
}

// Explain sets why fields are refused that the request does not take, by name.
func (f *Fields) Explain(reasons map[string]string) { f.explain = reasons }

// Has reports whether the field is present, be it as null.
func (f *Fields) Has(name string) bool { return find(f.members, name) != nil }

// Given reports whether the field is present with a value other than null.
func (f *Fields) Given(name string) bool {
	m := find(f.members, name)
	return m != nil && m.raw[0] != 'n'
}

// All returns names and values of the fields, ascending by name.
func (f *Fields) All() iter.Seq2[string, []byte] {
	ordered := slices.SortedFunc(slices.Values(f.members), func(a, b member) int { return strings.Compare(a.name, b.name) })
	return func(yield func(string, []byte) bool) {
		for _, m := range ordered {
			if !yield(m.name, m.raw) {
				return
			}
		}
	}
}

// Ignore takes fields whatever their values are.
func (f *Fields) Ignore(names ...string) {
	for _, name := range names {
		f.take(name)
	}
}

// take returns the JSON of a field, or nil if it is absent.
func (f *Fields) take(name string) []byte {
	m := find(f.members, name)
	if m == nil {
		return nil
	}
	m.used = true
	return m.raw
}

// mistype notes that a field is not of the type wanted.
func (f *Fields) mistype(name, want string, raw []byte) {
	f.wrongType = append(f.wrongType, fmt.Sprintf("%s: must be %s, not %s", name, want, kindOf(raw)))
}

// Reject notes that a field is of the right type and not acceptable.
func (f *Fields) Reject(name, format string, args ...any) {
	f.invalid = append(f.invalid, fieldName(name)+": "+fmt.Sprintf(format, args...))
}

// Faulty reports whether something wrong with the field was noted.
func (f *Fields) Faulty(name string) bool {
	for _, list := range [][]string{f.wrongType, f.invalid} {
		for _, s := range list {
			if strings.HasPrefix(s, name+": ") {
				return true
			}
		}
	}
	return false
}

// Peek returns the string that the body has under a name, "" if it has none. It
// does not take it.
func (f *Fields) Peek(name string) string {
	m := find(f.members, name)
	if m == nil || m.raw[0] != '"' {
		return ""
	}
	s, err := unquote(m.raw)
	if err != nil {
		return ""
	}
	return s
}

// Text takes a string.
func (f *Fields) Text(name string) (out Value[string]) {
	raw := f.take(name)
	switch {
	case raw == nil:
	case raw[0] == 'n':
		out.Null = true
	case raw[0] != '"':
		f.mistype(name, "a string", raw)
	default:
		s, err := unquote(raw)
		if err != nil {
			f.mistype(name, "a string", raw)
			return out
		}
		out.V, out.Set = s, true
	}
	return out
}

// Integer takes an integer from lo to hi. It refuses 1.0 and 1e3, because
// floats lose digits on the way.
func (f *Fields) Integer(name string, lo, hi int64) Value[int64] {
	return f.IntegerAs(name, lo, hi, Wording{})
}

// A Wording is what an integer is said to have to be where another value is
// refused.
type Wording struct {
	Type   string // where that is of another type; "": an integer
	Bounds string // where that is too small or too large; "": from lo to hi
}

// IntegerAs takes what Integer takes, and says of a refused value what as has.
func (f *Fields) IntegerAs(name string, lo, hi int64, as Wording) (out Value[int64]) {
	raw := f.take(name)
	switch {
	case raw == nil:
		return out
	case raw[0] == 'n':
		out.Null = true
		return out
	case raw[0] == '"' && as.Type != "": // some texts may be taken
		f.wrongType = append(f.wrongType, fmt.Sprintf("%s: must be %s, not %s", name, as.Type, Quote(f.Peek(name))))
		return out
	case raw[0] != '-' && (raw[0] < '0' || raw[0] > '9'):
		f.mistype(name, cmp.Or(as.Type, "an integer"), raw)
		return out
	case bytes.ContainsAny(raw, ".eE"):
		f.wrongType = append(f.wrongType, fmt.Sprintf("%s: must be an integer, written without point or exponent", name))
		return out
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < lo || n > hi {
		f.Reject(name, "must be %s", cmp.Or(as.Bounds, fmt.Sprintf("from %d to %d", lo, hi)))
		return out
	}
	out.V, out.Set = n, true
	return out
}

// LooseInteger takes an integer that may come as a string. The strings "" and
// "-" stand for an absent one.
func (f *Fields) LooseInteger(name string, lo, hi int64) Value[int64] {
	if m := find(f.members, name); m == nil || m.raw[0] != '"' {
		return f.Integer(name, lo, hi)
	}
	text := strings.TrimSpace(f.Text(name).V)
	if text == "" || text == "-" {
		return Value[int64]{}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < lo || n > hi {
		f.Reject(name, "must be an integer from %d to %d", lo, hi)
		return Value[int64]{}
	}
	return Value[int64]{V: n, Set: true}
}

// Address takes an IP address; of an IPv4-mapped one, the IPv4 address in it.
func (f *Fields) Address(name string) (out Value[netip.Addr]) {
	text := f.Text(name)
	out.Null = text.Null
	if !text.Set {
		return out
	}
	addr, problem := parseAddress(text.V)
	if problem != "" {
		f.Reject(name, "%s", problem)
		return out
	}
	out.V, out.Set = addr, true
	return out
}

// parseAddress returns the address that text names, or why it names none.
func parseAddress(text string) (addr netip.Addr, problem string) {
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return netip.Addr{}, Quote(text) + " is not an IP address"
	case addr.Zone() != "":
		return netip.Addr{}, Quote(text) + " has a zone, which means nothing outside its host"
	}
	return addr.Unmap(), ""
}

// Object takes an object that is required, and calls take with its fields.
func (f *Fields) Object(name string, take func(*Fields)) {
	raw := f.take(name)
	switch {
	case raw == nil || raw[0] == 'n':
		f.Reject(name, "is required")
		return
	case raw[0] != '{':
		f.mistype(name, "an object", raw)
		return
	}
	f.within(name, raw, take)
}

// within calls take with the fields of a valid object, and notes what is wrong
// with them, unknown fields included.
func (f *Fields) within(name string, raw []byte, take func(*Fields)) {
	members, err := splitObject(raw)
	if err != nil {
		f.wrongType = append(f.wrongType, name+"."+err.Error())
		return
	}
	f.inner(name+".", &Fields{members: members}, take)
}

// inner does what Within does for fields that are apart already.
func (f *Fields) inner(prefix string, in *Fields, take func(*Fields)) {
	in.explain = f.explain
	take(in)
	_ = in.Done() // notes unknown fields
	for _, s := range in.wrongType {
		f.wrongType = append(f.wrongType, prefix+s)
	}
	for _, s := range in.invalid {
		f.invalid = append(f.invalid, prefix+s)
	}
}

// Require notes each named field that is absent or null.
func (f *Fields) Require(names ...string) {
	for _, name := range names {
		if m := find(f.members, name); m == nil || m.raw[0] == 'n' {
			f.Reject(name, "is required")
		}
	}
}

// WrongTypes returns the sentences about fields of a wrong type so far.
func (f *Fields) WrongTypes() []string { return f.wrongType }

// Done returns a Fault with everything that is wrong, fields included that no
// method has taken, or nil.
func (f *Fields) Done() error {
	for i := range f.members {
		m := &f.members[i]
		if m.used {
			continue
		}
		m.used = true
		if reason := f.explain[m.name]; reason != "" {
			f.Reject(m.name, "%s", reason)
		} else {
			f.Reject(m.name, "is not a field of this request")
		}
	}
	switch {
	case len(f.wrongType) > 0:
		return &Fault{Status: http.StatusBadRequest, Reasons: append(f.wrongType, f.invalid...)}
	case len(f.invalid) > 0:
		return &Fault{Status: http.StatusUnprocessableEntity, Reasons: f.invalid}
	}
	return nil
}

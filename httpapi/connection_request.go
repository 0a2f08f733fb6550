package httpapi

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"conga/httpapi/auth"
	"conga/httpapi/connections"
)

const (
	maxReported  = 10_000  // connections in one
	maxSentences = 20      // about what is wrong in one
	maxLabel     = 256     // bytes of a name
	maxAge       = 1 << 32 // seconds
)

// item is one connection in a body, before anybody has looked into it.
type item struct {
	name string // where it stands, to begin a sentence with
	raw  []byte // valid JSON
}

// readReport reads a report of connections: an array of them, as documented; an
// object {"connections": [...]}, which has room for api_key; or one connection
// alone, as the first agents sent them.
func readReport(h http.Header, raw []byte) (*fields, error) {
	if len(raw) == 0 {
		return nil, newFault(http.StatusBadRequest, "body: an array of connections is needed")
	}
	if err := checkContent(h); err != nil {
		return nil, err
	}
	return parseReport(raw)
}

func parseReport(raw []byte) (*fields, error) {
	whole, err := parseJSON(raw)
	if err != nil {
		return nil, err
	}
	switch whole[0] {
	case '[':
		items, err := splitArray("", whole)
		return &fields{items: items}, err
	case '{':
	default:
		return nil, newFault(http.StatusBadRequest, "body: must be an array of connections, not "+kindOf(whole))
	}
	members, err := splitObject(whole)
	if err != nil {
		return nil, err
	}
	b := &fields{members: members}
	list := b.take("connections")
	if list == nil {
		return singleReport(members), nil
	}
	if list[0] != '[' {
		return nil, newFault(http.StatusBadRequest, "connections: must be an array, not "+kindOf(list))
	}
	b.items, err = splitArray("connections", list)
	return b, err
}

// singleReport parts the members that belong to the request from those of the
// one connection in it.
func singleReport(members []member) *fields {
	b := &fields{}
	own := &fields{}
	for _, m := range members {
		if m.name == "api_key" || m.name == "project_id" {
			b.members = append(b.members, m)
		} else {
			own.members = append(own.members, m)
		}
	}
	b.single = own
	return b
}

// splitArray takes the elements of a valid array apart.
func splitArray(name string, array []byte) ([]item, error) {
	items := []item{}
	for s := (scanner{b: array, i: 1}); ; {
		s.space()
		if s.b[s.i] == ']' {
			return items, nil
		}
		if s.b[s.i] == ',' {
			s.i++
			s.space()
		}
		if len(items) == maxReported {
			return nil, newFault(http.StatusRequestEntityTooLarge, fmt.Sprintf(
				"body: more than %d connections; report them in several requests", maxReported))
		}
		items = append(items, item{name + "[" + strconv.Itoa(len(items)) + "]", s.value()})
	}
}

// takeReports takes every connection of the body. What is wrong with them is
// noted in b.
func takeReports(b *fields) []connections.Report {
	if b.single != nil {
		r := takeReport(b.single)
		b.adopt("", b.single)
		return []connections.Report{r}
	}
	reports := make([]connections.Report, 0, len(b.items))
	for _, it := range b.items {
		if len(b.wrongType)+len(b.invalid) >= maxSentences {
			b.invalid = append(b.invalid, "and what follows has not been looked at")
			break
		}
		if it.raw[0] != '{' {
			b.mistype(it.name, "an object", it.raw)
			continue
		}
		members, err := splitObject(it.raw)
		if err != nil {
			b.wrongType = append(b.wrongType, it.name+"."+err.Error())
			continue
		}
		one := &fields{members: members}
		reports = append(reports, takeReport(one))
		b.adopt(it.name, one)
	}
	return reports
}

// adopt takes over what was wrong in an object within, unknown fields included.
func (f *fields) adopt(name string, within *fields) {
	_ = within.done() // notes them
	if name != "" {
		name += "."
	}
	for _, s := range within.wrongType {
		f.wrongType = append(f.wrongType, name+s)
	}
	for _, s := range within.invalid {
		f.invalid = append(f.invalid, name+s)
	}
}

// takeReport takes one connection.
func takeReport(b *fields) connections.Report {
	// What the original agent sends and its server never read.
	for _, name := range []string{"uuid", "connection_uuid", "created_at"} {
		b.take(name)
	}
	r := connections.Report{Protocol: takeProtocol(b)}
	b.object("source", func(s *fields) {
		r.Source = connections.Source{
			Addr:       takeEnd(s),
			Deployment: s.label("deployment"), Job: s.label("job"),
			Index: s.loose("index", 0, math.MaxInt32),
			User:  s.label("user"), Group: s.label("group"),
			PID:         s.loose("pid", 0, math.MaxUint32),
			ProcessName: s.label("process_name"),
			Age:         s.loose("age", 0, maxAge),
		}
	})
	b.object("destination", func(d *fields) { r.Destination = takeEnd(d) })
	src, dst := r.Source.Addr.Addr(), r.Destination.Addr()
	if src.IsValid() && dst.IsValid() && src.Is4() != dst.Is4() {
		b.reject("destination", "its ip is of another family than the source's")
	}
	return r
}

// takeProtocol takes what netstat and its like call a protocol.
func takeProtocol(b *fields) string {
	switch name := b.text("protocol"); strings.ToLower(name.v) {
	case "":
		return connections.Unsaid
	case "tcp", "tcp4", "tcp6":
		return connections.TCP
	case "udp", "udp4", "udp6":
		return connections.UDP
	default:
		b.reject("protocol", "must be tcp or udp, not %s", quote(name.v))
		return connections.Unsaid
	}
}

// takeEnd takes the address and the port of one end.
func takeEnd(b *fields) netip.AddrPort {
	addr, port := b.address("ip"), b.loose("port", 1, math.MaxUint16)
	switch {
	case addr.set && addr.v.IsUnspecified():
		b.reject("ip", "%s is no host's address; report connections, not sockets that listen", addr.v)
	case !addr.set:
		b.require("ip")
	}
	if port == connections.None && !b.complains("port") {
		b.reject("port", "is required")
	}
	return netip.AddrPortFrom(addr.v, uint16(port))
}

// complains reports whether something wrong with the field was noted.
func (f *fields) complains(name string) bool {
	for _, list := range [][]string{f.wrongType, f.invalid} {
		for _, s := range list {
			if strings.HasPrefix(s, name+": ") {
				return true
			}
		}
	}
	return false
}

// object takes an object that is required, by way of f.
func (f *fields) object(name string, take func(*fields)) {
	raw := f.take(name)
	switch {
	case raw == nil || raw[0] == 'n':
		f.reject(name, "is required")
		return
	case raw[0] != '{':
		f.mistype(name, "an object", raw)
		return
	}
	members, err := splitObject(raw)
	if err != nil {
		f.wrongType = append(f.wrongType, name+"."+err.Error())
		return
	}
	within := &fields{members: members}
	take(within)
	f.adopt(name, within)
}

// loose takes a whole number that agents send as a number or as text. What
// netstat prints for "unknown" is no number, as is the empty text.
func (f *fields) loose(name string, lo, hi int64) int64 {
	if m := find(f.members, name); m == nil || m.raw[0] != '"' {
		if n := f.integer(name, lo, hi); n.set {
			return n.v
		}
		return connections.None
	}
	text := strings.TrimSpace(f.text(name).v)
	if text == "" || text == "-" {
		return connections.None
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < lo || n > hi {
		f.reject(name, "must be an integer from %d to %d", lo, hi)
		return connections.None
	}
	return n
}

// label takes a name that something on the reporting host has chosen. Whoever
// can start a process there can name it as they like: what could play tricks on
// a terminal is replaced, so that it cannot keep the rest from being reported.
func (f *fields) label(name string) string {
	text := f.text(name)
	if len(text.v) > maxLabel {
		f.reject(name, "is longer than %d bytes", maxLabel)
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return utf8.RuneError
	}, auth.Redact(text.v)) // somebody may have given a secret as an argument
}

package httpapi

import (
	"bytes"
	"encoding/json"
	"strconv"

	"conga/allocator"
	"conga/controller/path"
	"conga/httpapi/rest"
)

// shown holds an allocation and what answers show besides.
type shown struct {
	allocator.Allocation
	usage
	path     func(...string) string // makes addresses
	reported bool                   // connections can be reported
}

// viewAllocation returns the view of an allocation of whose usage nothing is
// known. path makes the addresses of its links.
func viewAllocation(path func(...string) string, a allocator.Allocation) *shown {
	return &shown{Allocation: a, usage: usage{reported: unreported}, path: path}
}

// MarshalJSON returns the allocation as answers have it.
func (s *shown) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(768)
	for i := range attributes {
		a := &attributes[i]
		buf.WriteByte("{,"[min(i, 1)])
		buf.WriteByte('"')
		buf.WriteString(a.name)
		buf.WriteString(`":`)
		if err := appendJSON(&buf, a.shown(s)); err != nil {
			return nil, err
		}
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// shown returns the attribute's value in an answer.
func (a *attribute) shown(s *shown) any {
	if a.show != nil {
		return a.show(s)
	}
	switch v := a.value(&s.Allocation).(type) {
	case int64:
		if v != 0 || !a.optional {
			return v
		}
	case uint64:
		if v != 0 || !a.optional {
			return v
		}
	case protection:
		if v {
			return v.String()
		}
	case allocator.Class:
		if v != allocator.Normal {
			return v.String()
		}
	case allocator.Elements:
		if v != "" {
			return v.Names()
		}
	case string:
		if v != "" || !a.optional {
			return v
		}
	case path.Ports:
		if n, one := v.One(); !one {
			return v.String()
		} else if n != 0 {
			return uint64(n)
		}
	case path.Prefix:
		return v.String()
	case reverse:
		return v.orNull()
	default:
		return v
	}
	return nil
}

// appendJSON appends the JSON of v to buf. The types of most attributes are
// written without reflection.
func appendJSON(buf *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case nil:
		buf.WriteString("null")
	case int64:
		buf.Write(strconv.AppendInt(buf.AvailableBuffer(), v, 10))
	case uint64:
		buf.Write(strconv.AppendUint(buf.AvailableBuffer(), v, 10))
	case bool:
		buf.Write(strconv.AppendBool(buf.AvailableBuffer(), v))
	case json.RawMessage:
		buf.Write(v)
	case string:
		if !isPlain(v) {
			return appendAny(buf, v)
		}
		buf.WriteByte('"')
		buf.WriteString(v)
		buf.WriteByte('"')
	case []hopView:
		if v == nil {
			buf.WriteString("null")
			return nil
		}
		for i, h := range v {
			buf.WriteByte("[,"[min(i, 1)])
			h.append(buf)
		}
		buf.WriteByte(']')
	default:
		return appendAny(buf, v)
	}
	return nil
}

// appendAny appends the JSON of v to buf, whatever it is.
func appendAny(buf *bytes.Buffer, v any) error {
	if err := rest.Encode(buf, v); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1) // the line feed
	return nil
}

// isPlain reports whether a string is its JSON but for the quotes.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// windowTime returns one end of the window, or nil if there is none yet.
func (s *shown) windowTime(t allocator.Seconds) any {
	if s.Window == (allocator.Window{}) {
		return nil
	}
	return int64(t)
}

// links returns what leads from the allocation to what is on its path.
func (s *shown) links() any {
	out := allocationLinks{Self: rest.LinkTo(s.path("allocations"))} // to where it may be posted
	if s.ID == "" {
		return out
	}
	out.Self = rest.LinkTo(s.path("allocations", s.ID))
	if s.reported {
		out.Connections = new(rest.LinkTo(s.path("connections") + "?allocation=" + s.ID))
	}
	if s.Series != "" {
		out.Series = new(rest.LinkTo(s.path("series", s.Series)))
	}
	return out
}

// allocationLinks are the links of an allocation.
type allocationLinks struct {
	Self        rest.Link  `json:"self"`
	Connections *rest.Link `json:"connections,omitempty"`
	Series      *rest.Link `json:"series,omitempty"`
}

// A hopView is one switch on the path: the ports where traffic from the source
// enters and leaves it.
type hopView struct {
	DPID string `json:"dpid"`
	In   uint32 `json:"in_port"`
	Out  uint32 `json:"out_port"`
}

// append appends the JSON of the hop to buf.
func (h *hopView) append(buf *bytes.Buffer) {
	buf.WriteString(`{"dpid":"`)
	buf.WriteString(h.DPID)
	buf.WriteString(`","in_port":`)
	buf.Write(strconv.AppendUint(buf.AvailableBuffer(), uint64(h.In), 10))
	buf.WriteString(`,"out_port":`)
	buf.Write(strconv.AppendUint(buf.AvailableBuffer(), uint64(h.Out), 10))
	buf.WriteByte('}')
}

// viewHops returns nil for no path.
func viewHops(p path.Path) (out []hopView) {
	for _, h := range p {
		out = append(out, hopView{DPID: h.DPID.String(), In: uint32(h.In), Out: uint32(h.Out)})
	}
	return out
}

// viewProfile returns the steps of an allocation whose rate changes; nil if it
// does not.
func viewProfile(a *allocator.Allocation) any {
	if len(a.Profile) == 0 {
		return nil
	}
	list := []stepView{}
	for _, s := range a.Steps() {
		list = append(list, stepView{*viewInterval(s.Window), uint64(s.Rate)})
	}
	return list
}

// createdView answers POST /allocations.
type createdView struct {
	ID    string     `json:"allocation_id"`
	State string     `json:"state"`
	Links rest.Links `json:"_links"`
}

// deletedView answers DELETE /allocations/{id}.
type deletedView struct {
	ID string `json:"allocation_id"`
}

// orNull returns a pointer to v, or nil for the zero value, which means
// "absent".
func orNull[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

// zeroAsNull returns n, or nil if it is zero.
func zeroAsNull(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// textOrNull returns text, or nil if it is empty.
func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

package path

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"unique"
)

// Ports are the ports of TCP or UDP that one side of an allocation's traffic
// has. The zero value is any, also none: there is no port 0. Ports are equal if
// they are the same ports.
type Ports struct {
	one  uint16                // of one port; else 0
	many unique.Handle[string] // of several: ranges, four bytes each, ascending and apart
}

// A PortRange is the ports from First to Last, both of them among it.
type PortRange struct{ First, Last uint16 }

// Port returns one port; 0 is any.
func Port(n uint16) Ports { return Ports{one: n} }

// PortsOf returns the ports of ranges, which may be in any order and overlap.
// No range may be empty or have port 0.
func PortsOf(ranges ...PortRange) Ports {
	list := slices.Clone(ranges)
	slices.SortFunc(list, func(a, b PortRange) int { return cmp.Compare(a.First, b.First) })
	n := 0
	for _, r := range list {
		if n > 0 && uint32(r.First) <= uint32(list[n-1].Last)+1 {
			list[n-1].Last = max(list[n-1].Last, r.Last)
			continue
		}
		list[n] = r
		n++
	}
	if list = list[:n]; n == 0 || n == 1 && list[0].First == list[0].Last {
		if n == 0 {
			return Ports{}
		}
		return Port(list[0].First)
	}
	packed := make([]byte, 0, 4*n)
	for _, r := range list {
		packed = append(packed, byte(r.First>>8), byte(r.First), byte(r.Last>>8), byte(r.Last))
	}
	return Ports{many: unique.Make(string(packed))}
}

// ParsePorts returns the ports that a text says: numbers and ranges with commas
// between them, such as 443, 5000-5099 or 5001,5003,5010-5019.
func ParsePorts(text string) (Ports, error) {
	var list []PortRange
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, okFirst := parsePort(first)
		b, okLast := parsePort(last)
		switch {
		case !okFirst || !okLast:
			return Ports{}, errPorts
		case a > b:
			return Ports{}, fmt.Errorf("%d-%d ends before it begins; write %d-%d", a, b, b, a)
		}
		list = append(list, PortRange{a, b})
	}
	return PortsOf(list...), nil
}

var errPorts = errors.New("must be a port from 1 to 65535, a range such as 5000-5099, or several of both with commas between them, such as 5001,5003,5010-5019")

func parsePort(text string) (n uint16, ok bool) {
	v, err := strconv.ParseUint(text, 10, 16)
	return uint16(v), err == nil && v > 0 && text[0] != '0'
}

// Any reports whether no port is named.
func (p Ports) Any() bool { return p == Ports{} }

// Equal reports whether p and o are the same ports.
func (p Ports) Equal(o Ports) bool { return p == o }

// One returns the port if it is one; 0 is any.
func (p Ports) One() (n uint16, ok bool) { return p.one, p.many == unique.Handle[string]{} }

// Ranges yields the ranges, ascending and apart; those of any ports are none.
func (p Ports) Ranges() iter.Seq[PortRange] {
	return func(yield func(PortRange) bool) {
		if n, ok := p.One(); ok {
			if n != 0 {
				yield(PortRange{n, n})
			}
			return
		}
		for b := p.many.Value(); len(b) > 0; b = b[4:] {
			if !yield(PortRange{uint16(b[0])<<8 | uint16(b[1]), uint16(b[2])<<8 | uint16(b[3])}) {
				return
			}
		}
	}
}

// Len returns how many ports are named.
func (p Ports) Len() (n int) {
	for r := range p.Ranges() {
		n += int(r.Last-r.First) + 1
	}
	return n
}

// Cover reports whether all of o are among p.
func (p Ports) Cover(o Ports) bool {
	if p == o || p.Any() {
		return true
	}
	both, ok := p.And(o)
	return ok && both == o
}

// And returns the ports that both have; ok is false if there are none.
func (p Ports) And(o Ports) (both Ports, ok bool) {
	switch {
	case p == o || o.Any():
		return p, true
	case p.Any():
		return o, true
	case p.one != 0 && o.one != 0:
		return Ports{}, false
	}
	var list []PortRange
	for a := range p.Ranges() {
		for b := range o.Ranges() {
			if first, last := max(a.First, b.First), min(a.Last, b.Last); first <= last {
				list = append(list, PortRange{first, last})
			}
		}
	}
	return PortsOf(list...), len(list) > 0
}

// meet reports whether some port is among both.
func (p Ports) meet(o Ports) bool {
	if p == o || p.Any() || o.Any() {
		return true
	}
	if p.one != 0 && o.one != 0 {
		return false
	}
	for a := range p.Ranges() {
		for b := range o.Ranges() {
			if a.First <= b.Last && b.First <= a.Last {
				return true
			}
		}
	}
	return false
}

// String returns the ports as [ParsePorts] reads them; those of any are "0".
func (p Ports) String() string { return string(p.AppendText(nil)) }

// AppendText appends what String returns.
func (p Ports) AppendText(b []byte) []byte {
	if n, ok := p.One(); ok {
		return strconv.AppendUint(b, uint64(n), 10)
	}
	comma := false
	for r := range p.Ranges() {
		if comma {
			b = append(b, ',')
		}
		if b, comma = strconv.AppendUint(b, uint64(r.First), 10), true; r.First != r.Last {
			b = strconv.AppendUint(append(b, '-'), uint64(r.Last), 10)
		}
	}
	return b
}

// MarshalJSON writes one port as a number, and several as text.
func (p Ports) MarshalJSON() ([]byte, error) {
	if n, ok := p.One(); ok {
		return json.Marshal(n)
	}
	return json.Marshal(p.String())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Ports) UnmarshalJSON(b []byte) (err error) {
	if len(b) > 0 && b[0] != '"' {
		*p = Ports{}
		return json.Unmarshal(b, &p.one)
	}
	var text string
	if err = json.Unmarshal(b, &text); err == nil {
		*p, err = ParsePorts(text)
	}
	return err
}

// A PortMask is the ports that equal Value in the bits of Mask.
type PortMask struct{ Value, Mask uint16 }

// MaskOf returns the mask of one port.
func MaskOf(n uint16) PortMask { return PortMask{n, math.MaxUint16} }

// Masks returns a few masks of which each of the ports is in one, and no other
// port in any: those of the largest aligned blocks in each range, of which
// those that differ in one bit become one. Those of any ports are none.
func (p Ports) Masks() (list []PortMask) {
	if n, ok := p.One(); ok && n != 0 {
		return []PortMask{MaskOf(n)}
	}
	for r := range p.Ranges() {
		for at, last := uint32(r.First), uint32(r.Last); at <= last; {
			size := uint32(1)
			for at&size == 0 && at+2*size-1 <= last {
				size *= 2
			}
			list = append(list, PortMask{uint16(at), ^uint16(size - 1)})
			at += size
		}
	}
	for i := 0; i < len(list); i++ {
		for j := range list[:i] {
			a, b := list[j], list[i]
			if bit := a.Value ^ b.Value; a.Mask == b.Mask && bit&(bit-1) == 0 {
				list[j] = PortMask{a.Value &^ bit, a.Mask &^ bit}
				list = slices.Delete(list, i, i+1)
				i = j - 1 // the new one may differ in one bit from others
				break
			}
		}
	}
	return list
}

package httpapi

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"conga/allocator"
	"conga/bitrate"
	"conga/controller/path"
	"conga/httpapi/rest"
)

// integer returns a reader of integers from lo to hi.
func integer[T ~int | ~int64 | ~uint64 | ~uint16](lo, hi int64, field func(*allocator.Request) *T) func(*rest.Fields, string) given {
	return reader(func(b *rest.Fields, name string) rest.Value[int64] { return b.Integer(name, lo, hi) },
		func(r *allocator.Request, n int64) { *field(r) = T(n) })
}

// rate returns a reader of rates in bit/s. What is less than the least that may
// be asked for, and no rate at all, is refused with a sentence that names it;
// of any other rate the allocator decides.
func rate(least bitrate.Rate, field func(*allocator.Request) *bitrate.Rate) func(*rest.Fields, string) given {
	as := rest.Wording{Bounds: fmt.Sprintf("from %d to %d bit/s, or null for none", uint64(max(1, least)), int64(math.MaxInt64))}
	return reader(func(b *rest.Fields, name string) rest.Value[int64] { return b.IntegerAs(name, 1, math.MaxInt64, as) },
		func(r *allocator.Request, n int64) { *field(r) = bitrate.Rate(n) })
}

// named returns a reader of names of users and projects.
func named(field func(*allocator.Request) *string) func(*rest.Fields, string) given {
	return reader(takeName, func(r *allocator.Request, name string) { *field(r) = name })
}

// side returns a reader of IP addresses and prefixes.
func side(field func(*allocator.Request) *path.Prefix) func(*rest.Fields, string) given {
	return reader(takeSide, func(r *allocator.Request, p path.Prefix) { *field(r) = p })
}

// takeSide takes an IP address or prefix.
func takeSide(b *rest.Fields, name string) rest.Value[path.Prefix] {
	if !strings.Contains(b.Peek(name), "/") {
		a := b.Address(name)
		return rest.Value[path.Prefix]{V: path.Host(a.V), Set: a.Set, Null: a.Null}
	}
	p, err := path.ParsePrefix(b.Text(name).V)
	if err != nil {
		b.Reject(name, "%v", err)
	}
	return rest.Value[path.Prefix]{V: p, Set: err == nil}
}

// sideOf returns a parameter that is an IP address or prefix; the zero one if
// it is absent.
func sideOf(p *rest.Parameters, name string) path.Prefix {
	text := p.Text(name)
	if !strings.Contains(text, "/") {
		return path.Host(p.Address(name))
	}
	side, err := path.ParsePrefix(text)
	if err != nil {
		p.Reject(name, err.Error())
	}
	return side
}

// ports returns a reader of ports.
func ports(field func(*allocator.Request) *path.Ports) func(*rest.Fields, string) given {
	return reader(takePorts, func(r *allocator.Request, p path.Ports) { *field(r) = p })
}

// takePorts takes a port, which is an integer and no text, or several as text.
func takePorts(b *rest.Fields, name string) rest.Value[path.Ports] {
	text := b.Peek(name)
	if !strings.ContainsAny(text, "-,") {
		n := b.IntegerAs(name, 1, math.MaxUint16, rest.Wording{Type: `an integer, or a text such as "5000-5099" or "5001,5003,5010-5019"`})
		return rest.Value[path.Ports]{V: path.Port(uint16(n.V)), Set: n.Set, Null: n.Null}
	}
	b.Text(name)
	p, err := path.ParsePorts(text)
	if err != nil {
		b.Reject(name, "%v", err)
	}
	return rest.Value[path.Ports]{V: p, Set: err == nil}
}

// reader returns a reader that takes a value and puts it into requests.
func reader[V any](take func(*rest.Fields, string) rest.Value[V], put func(*allocator.Request, V)) func(*rest.Fields, string) given {
	zero := func(r *allocator.Request) { put(r, *new(V)) }
	return func(b *rest.Fields, name string) given {
		v := take(b, name)
		if !v.Set {
			return given{null: v.Null, put: zero}
		}
		return given{set: true, put: func(r *allocator.Request) { put(r, v.V) }}
	}
}

// moment returns a reader of moments, see takeMoment.
func moment(most int64, field func(*allocator.Request) *allocator.Seconds) func(*rest.Fields, string) given {
	return reader(func(b *rest.Fields, name string) rest.Value[allocator.Seconds] { return takeMoment(b, name, most) },
		func(r *allocator.Request, t allocator.Seconds) { *field(r) = t })
}

// takeMoment takes a moment: UNIX seconds or, since the clocks of clients
// differ from ours, the text now, or + and at most so many seconds from now.
func takeMoment(b *rest.Fields, name string, most int64) rest.Value[allocator.Seconds] {
	text := b.Peek(name)
	later, relative := strings.CutPrefix(text, "+")
	if text == "now" {
		later, relative = "0", true
	}
	if !relative {
		n := b.IntegerAs(name, 1, rest.MaxTime, rest.Wording{Type: `an integer of UNIX seconds, or the text "now" or "+SECONDS"`})
		return rest.Value[allocator.Seconds]{V: allocator.Seconds(n.V), Set: n.Set, Null: n.Null}
	}
	b.Text(name)
	n, err := strconv.ParseInt(later, 10, 64)
	if err != nil || n < 0 || n > most || later[0] == '+' {
		b.Reject(name, "must be UNIX seconds, \"now\", or \"+\" and at most %d seconds from now", most)
		return rest.Value[allocator.Seconds]{}
	}
	return rest.Value[allocator.Seconds]{V: allocator.FromNow(allocator.Seconds(n)), Set: true}
}

// takeProtocol takes the name of a protocol.
func takeProtocol(b *rest.Fields, name string) rest.Value[uint8] {
	text := b.Text(name)
	proto, known := protocolNumber(text.V)
	if text.Set && !known {
		b.Reject(name, "must be tcp, udp or any, not %s", rest.Quote(text.V))
	}
	return rest.Value[uint8]{V: proto, Set: text.Set && known, Null: text.Null}
}

// protocolName returns the name of an IP protocol in requests and answers.
func protocolName(proto uint8) string {
	switch proto {
	case path.ProtoTCP:
		return "tcp"
	case path.ProtoUDP:
		return "udp"
	}
	return "any"
}

// protocolNumber returns the protocol of that name. ok is false if there is
// none.
func protocolNumber(name string) (proto uint8, ok bool) {
	switch name {
	case "tcp":
		return path.ProtoTCP, true
	case "udp":
		return path.ProtoUDP, true
	}
	return path.ProtoAny, name == "any"
}

// A reverse is the rate of the traffic back as answers and records have it.
type reverse path.Reverse

// String returns the rate in words.
func (r reverse) String() string {
	if !r.Apart {
		return "as bandwidth"
	}
	return strconv.FormatUint(uint64(r.Rate), 10)
}

// orNull returns the rate, or nil if that is the one of the traffic from the
// source.
func (r reverse) orNull() any {
	if !r.Apart {
		return nil
	}
	return uint64(r.Rate)
}

// takeReverse takes the rate of the traffic back, of which 0 is none.
func takeReverse(b *rest.Fields, name string) rest.Value[path.Reverse] {
	as := rest.Wording{Bounds: fmt.Sprintf("from 0 to %d bit/s, or null for as much as bandwidth", int64(math.MaxInt64))}
	n := b.IntegerAs(name, 0, math.MaxInt64, as)
	return rest.Value[path.Reverse]{V: path.Reverse{Apart: n.Set, Rate: bitrate.Rate(n.V)}, Set: n.Set, Null: n.Null}
}

func setReverse(r *allocator.Request, back path.Reverse) { r.Reverse = back }

package httpapi

import (
	"math"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"conga/httpapi/auth"
	"conga/httpapi/connections"
	"conga/httpapi/rest"
)

const (
	maxReported = 10_000  // connections in one
	maxLabel    = 256     // bytes of a name
	maxAge      = 1 << 32 // seconds
)

// readReport returns a report of connections: an array of them, as documented;
// an object {"connections": [...]}, which has room for api_key; or one
// connection alone, as the first agents sent them.
func readReport(h http.Header, raw []byte) (*rest.Fields, error) {
	if len(raw) > 0 {
		if err := rest.CheckContent(h); err != nil {
			return nil, err
		}
	}
	return rest.ParseList(raw, "connections", maxReported, "api_key", "project_id")
}

// takeReports takes every connection of the body.
func takeReports(b *rest.Fields) (reports []connections.Report) {
	b.Each(func(one *rest.Fields) { reports = append(reports, takeReport(one)) })
	return reports
}

// takeReport takes one connection.
func takeReport(b *rest.Fields) connections.Report {
	// What the original agent sends and its server never read.
	b.Ignore("uuid", "connection_uuid", "created_at")
	r := connections.Report{Protocol: takeConnectionProtocol(b)}
	b.Object("source", func(s *rest.Fields) {
		r.Source = connections.Source{
			Addr:       takeEnd(s),
			Deployment: label(s, "deployment"), Job: label(s, "job"),
			Index: loose(s, "index", 0, math.MaxInt32),
			User:  label(s, "user"), Group: label(s, "group"),
			PID:         loose(s, "pid", 0, math.MaxUint32),
			ProcessName: label(s, "process_name"),
			Age:         loose(s, "age", 0, maxAge),
		}
	})
	b.Object("destination", func(d *rest.Fields) { r.Destination = takeEnd(d) })
	src, dst := r.Source.Addr.Addr(), r.Destination.Addr()
	if src.IsValid() && dst.IsValid() && src.Is4() != dst.Is4() {
		b.Reject("destination", "its ip is of another family than the source's")
	}
	return r
}

// takeConnectionProtocol takes what netstat and its like call a protocol.
func takeConnectionProtocol(b *rest.Fields) string {
	switch name := b.Text("protocol"); strings.ToLower(name.V) {
	case "":
		return connections.Unsaid
	case "tcp", "tcp4", "tcp6":
		return connections.TCP
	case "udp", "udp4", "udp6":
		return connections.UDP
	default:
		b.Reject("protocol", "must be tcp or udp, not %s", rest.Quote(name.V))
		return connections.Unsaid
	}
}

// takeEnd takes the address and the port of one end.
func takeEnd(b *rest.Fields) netip.AddrPort {
	addr, port := b.Address("ip"), loose(b, "port", 1, math.MaxUint16)
	switch {
	case addr.Set && addr.V.IsUnspecified():
		b.Reject("ip", "%s is no host's address; report connections, not sockets that listen", addr.V)
	case !addr.Set:
		b.Require("ip")
	}
	if port == connections.None && !b.Faulty("port") {
		b.Reject("port", "is required")
	}
	return netip.AddrPortFrom(addr.V, uint16(port))
}

// loose takes an integer that agents send as a number or as text.
func loose(b *rest.Fields, name string, lo, hi int64) int64 {
	if n := b.LooseInteger(name, lo, hi); n.Set {
		return n.V
	}
	return connections.None
}

// label takes a name that a process on the reporting host has chosen.
// Characters that could play tricks on a terminal are replaced, so that no such
// name keeps the rest from being reported.
func label(b *rest.Fields, name string) string {
	text := b.Text(name)
	if len(text.V) > maxLabel {
		b.Reject(name, "is longer than %d bytes", maxLabel)
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return utf8.RuneError
	}, auth.Redact(text.V)) // a command's arguments may hold a secret
}

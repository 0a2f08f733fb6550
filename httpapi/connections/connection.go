package connections

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"

	"github.com/google/uuid"

	"conga/controller/path"
)

// None stands for a number that was not reported.
const None int64 = -1

// The protocols of a [Report]. One that names none means TCP, which is all that
// reporters without that field ever look at.
const (
	Unsaid = ""
	TCP    = "tcp"
	UDP    = "udp"
)

// A Report is what a host says of one connection. Its addresses are of one
// family, without zones and not IPv4-mapped.
type Report struct {
	Protocol    string         `json:"protocol,omitempty"` // [TCP], [UDP] or [Unsaid]
	Source      Source         `json:"source"`
	Destination netip.AddrPort `json:"destination"`
}

// A Source is the end of a connection on the host that reports it. The numbers
// may be [None].
type Source struct {
	Addr        netip.AddrPort `json:"addr"`
	Deployment  string         `json:"deployment,omitempty"`
	Job         string         `json:"job,omitempty"`
	Index       int64          `json:"index"`
	User        string         `json:"user,omitempty"`
	Group       string         `json:"group,omitempty"`
	PID         int64          `json:"pid"`
	ProcessName string         `json:"process_name,omitempty"`
	Age         int64          `json:"age"` // seconds, at the time of the report
}

// A Connection is what has been reported of one connection. Times are UNIX
// seconds.
type Connection struct {
	ID      uuid.UUID
	Project string // that reported it
	Report
	FirstSeen int64 // the first report
	LastSeen  int64 // the last one
}

// FlowKey returns the connection's traffic, as seen from its source.
func (r *Report) FlowKey() path.FlowKey {
	proto := path.ProtoTCP
	if r.Protocol == UDP {
		proto = path.ProtoUDP
	}
	return path.FlowKey{
		Src: path.Host(r.Source.Addr.Addr()), Dst: path.Host(r.Destination.Addr()), Proto: proto,
		SrcPort: path.Port(r.Source.Addr.Port()), DstPort: path.Port(r.Destination.Port()),
	}
}

// space sets the names of connections apart from every other name that UUIDs
// are made of.
var space = uuid.MustParse("5d0f2b7e-6c0b-4f0e-9a51-0f3c1f9d8a46")

// identity names the connection that a report of the project is about: by both
// ends and by the process. Deployment, job and index tell hosts apart that use
// the same private addresses; the process ID tells apart processes that share a
// socket, and a later connection over the same ports. User, group, name and age
// may change while the connection stays what it is.
//
// The UUID is made from the identity (RFC 9562, version 8), so that one
// connection cannot have two, whatever was lost or expired in between.
func (r *Report) identity(project string) uuid.UUID {
	k := r.FlowKey()
	b := make([]byte, 0, 256)
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	end := func(a netip.Addr, port uint16) {
		bits := a.As16()
		b = binary.BigEndian.AppendUint16(append(b, bits[:]...), port)
	}
	text(project)
	b = append(b, k.Proto)
	end(k.Src.Addr(), r.Source.Addr.Port())
	end(k.Dst.Addr(), r.Destination.Port())
	text(r.Source.Deployment)
	text(r.Source.Job)
	b = binary.AppendVarint(b, r.Source.Index)
	b = binary.AppendVarint(b, r.Source.PID)
	return uuid.NewHash(sha256.New(), space, b, 8)
}

// differs reports whether o says more than that time has passed.
func (r *Report) differs(o *Report) bool {
	a, b := *r, *o
	a.Source.Age, b.Source.Age = 0, 0
	return a != b
}

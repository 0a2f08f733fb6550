package main

import (
	"context"
	"net/netip"
	"os/user"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"

	"conga/httpapi/client"
)

const (
	// maxLabel is the most bytes of a name that the server takes.
	maxLabel = 256
	// maxAge is the greatest age that the server takes, in seconds.
	maxAge = 1 << 32
)

// A scanner reads the connections of this host. It remembers when it first saw
// each of those that are still there.
type scanner struct {
	first bool // nothing has been read yet
	since map[flowOf]time.Time
}

// A flowOf identifies a connection.
type flowOf struct {
	src, dst netip.AddrPort
	pid      int32
}

func newScanner() *scanner { return &scanner{first: true} }

// An owner is what is known of a process.
type owner struct {
	name, user, group string
	started           time.Time // zero: not known
}

// scan returns the established TCP connections, at most maxReported.
func (s *scanner) scan(ctx context.Context, now time.Time) ([]client.Connection, error) {
	found, err := net.ConnectionsMaxWithContext(ctx, "tcp", maxReported)
	if err != nil {
		return nil, err
	}
	owners := map[int32]owner{}
	since := make(map[flowOf]time.Time, len(found))
	list := []client.Connection{}
	for _, f := range found {
		src, dst := endOf(f.Laddr), endOf(f.Raddr)
		if f.Status != "ESTABLISHED" || !src.IsValid() || !dst.IsValid() || len(list) == maxReported {
			continue
		}
		id := flowOf{src, dst, f.Pid}
		if _, twice := since[id]; twice {
			continue // a socket that a process holds twice
		}
		o, known := owners[f.Pid]
		if !known {
			o = ownerOf(ctx, f.Pid)
			owners[f.Pid] = o
		}
		since[id] = s.begin(id, o, now)
		list = append(list, client.Connection{
			Protocol: "tcp",
			Source: client.Reporter{
				IP: src.Addr().String(), Port: uint32(src.Port()), User: o.user, Group: o.group,
				PID: f.Pid, Process: o.name, Age: min(int64(max(0, now.Sub(since[id]))/time.Second), maxAge),
			},
			Destination: client.Destination{IP: dst.Addr().String(), Port: uint32(dst.Port())},
		})
	}
	s.since, s.first = since, false
	return list, nil
}

// begin returns since when a connection exists: since it was first seen, or, if
// the first scan found it, since its process's start, the earliest possible
// time.
func (s *scanner) begin(id flowOf, o owner, now time.Time) time.Time {
	if t, ok := s.since[id]; ok {
		return t
	}
	if s.first && !o.started.IsZero() {
		return o.started
	}
	return now
}

// endOf returns one end of a connection, the zero value if it has none.
func endOf(a net.Addr) netip.AddrPort {
	ip, err := netip.ParseAddr(a.IP)
	if err != nil || a.Port == 0 || a.Port > 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip.Unmap().WithZone(""), uint16(a.Port))
}

// ownerOf returns what can be found out about a process. Fields stay empty if
// it is hidden, as other users' processes may be, or has ended.
func ownerOf(ctx context.Context, pid int32) (o owner) {
	if pid <= 0 {
		return o
	}
	p, err := process.NewProcessWithContext(ctx, pid)
	if err != nil {
		return o
	}
	name, _ := p.NameWithContext(ctx)
	o.name = label(name)
	if name, err := p.UsernameWithContext(ctx); err == nil {
		o.user = label(name)
	} else if uids, err := p.UidsWithContext(ctx); err == nil && len(uids) > 0 {
		o.user = strconv.FormatUint(uint64(uids[0]), 10)
	}
	if gids, err := p.GidsWithContext(ctx); err == nil && len(gids) > 0 {
		id := strconv.FormatUint(uint64(gids[0]), 10)
		o.group = id
		if g, err := user.LookupGroupId(id); err == nil {
			o.group = label(g.Name)
		}
	}
	if ms, err := p.CreateTimeWithContext(ctx); err == nil {
		o.started = time.UnixMilli(ms)
	}
	return o
}

// label returns as much of a name as the server takes: a process can have any
// bytes as its name.
func label(name string) string {
	name = strings.ToValidUTF8(name, "\ufffd")
	if len(name) <= maxLabel {
		return name
	}
	end := maxLabel
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end]
}

// impossible reports whether a connection cannot be reported: the server would
// refuse every connection of the same report.
func impossible(c client.Connection) bool {
	src, err1 := netip.ParseAddr(c.Source.IP)
	dst, err2 := netip.ParseAddr(c.Destination.IP)
	return err1 != nil || err2 != nil || src.IsUnspecified() || dst.IsUnspecified() || src.Is4() != dst.Is4()
}

// within reports whether a connection stays on the host.
func within(c client.Connection) bool {
	src, err1 := netip.ParseAddr(c.Source.IP)
	dst, err2 := netip.ParseAddr(c.Destination.IP)
	return err1 == nil && err2 == nil && (src.IsLoopback() || dst.IsLoopback() || src == dst)
}

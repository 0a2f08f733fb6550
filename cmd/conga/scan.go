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
	// maxLabel is how many bytes of a name the server takes.
	maxLabel = 256
	// maxAge is the greatest age that it takes, in seconds.
	maxAge = 1 << 32
)

// scanner reads the connections of this host. It remembers since when it has
// seen each, and no other.
type scanner struct {
	first bool // nothing has been read yet
	since map[flowOf]time.Time
}

// flowOf tells connections apart.
type flowOf struct {
	src, dst netip.AddrPort
	pid      int32
}

func newScanner() *scanner { return &scanner{first: true} }

// owner is what is known of a process.
type owner struct {
	name, user, group string
	started           time.Time // zero: not known
}

// scan is the established TCP connections, at most maxReported.
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

// begin is since when a connection has been there: when it was first seen, or,
// of those that were there before us, its process's start, which is the most
// that it can be.
func (s *scanner) begin(id flowOf, o owner, now time.Time) time.Time {
	if t, ok := s.since[id]; ok {
		return t
	}
	if s.first && !o.started.IsZero() {
		return o.started
	}
	return now
}

// endOf is one end of a connection; the zero value if it has none.
func endOf(a net.Addr) netip.AddrPort {
	ip, err := netip.ParseAddr(a.IP)
	if err != nil || a.Port == 0 || a.Port > 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip.Unmap().WithZone(""), uint16(a.Port))
}

// ownerOf is what can be found out about a process. What cannot stays empty:
// others' processes may be hidden, and any may have ended meanwhile.
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

// label is as much of a name as the server takes. Whoever can start a process
// can name it as they like.
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
// take none with it.
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

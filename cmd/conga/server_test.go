package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"conga/allocator"
	"conga/allocator/store/storetest"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/connections"
	"conga/httpapi/httpapitest"
	"conga/httpapi/replay"
	"conga/openflow"
	"conga/scheduler"
)

// start is the time at which every script runs.
var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// passwordHash is that of "correct horse", with the least cost there is.
const passwordHash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$x59UGLuAwBDnzRfVUBQJ7zA6GJrOY5gZkOVPda70TuA"

// adminKey is the admin's key.
var adminKey = auth.NewSecret()

// A server is the real interface over the real allocator and scheduler, and
// over a network that takes a moment for every path.
type server struct {
	*httptest.Server
	busy  atomic.Int64 // how many calls are still answered with 429
	ahead atomic.Int64 // for how long runs of projectB reserve, in seconds
	fake  *fake
	keys  *auth.Keys
	seen  *connections.Registry

	// between, if set, answers requests; it may pass them to api.
	between atomic.Pointer[func(w http.ResponseWriter, r *http.Request, api http.Handler)]
}

// intercept makes f answer from now on.
func (s *server) intercept(f func(w http.ResponseWriter, r *http.Request, api http.Handler)) {
	s.between.Store(&f)
}

// newServer starts a server, and passes the function that stops it to
// stopLater.
func newServer(t testing.TB, stopLater func(func())) *server {
	t.Helper()
	return newServerAt(t, stopLater, func() time.Time { return start })
}

// newServerAt does as newServer, with a clock of its own.
func newServerAt(t testing.TB, stopLater func(func()), now func() time.Time) *server {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	disk, net, ids := storetest.NewMemory(), newNetwork(), 0
	directory, err := auth.NewStatic(auth.StaticConfig{
		Projects: []auth.Project{{ID: "projectB", Members: []string{"abc123"}}, {ID: "project C", Members: []string{"abc123"}}},
		Users:    []auth.User{{ID: "abc123", Password: passwordHash, Subject: "abc123"}},
	})
	must(err)
	keys, err := auth.OpenKeys(t.Context(), auth.KeysConfig{Store: disk, Admin: auth.HashSecret(adminKey), Now: now})
	must(err)
	alloc, err := allocator.Open(t.Context(), allocator.Config{
		Store: disk, Network: net.Snapshot, Now: now,
		NewID: func() string { ids++; return "a-" + strconv.Itoa(ids) },
	})
	must(err)
	sched, err := scheduler.New(scheduler.Config{Allocator: alloc, Network: net, Settle: time.Millisecond})
	must(err)
	seen, err := connections.Open(t.Context(), connections.Config{Store: disk, Now: now})
	must(err)
	replays, err := replay.Open(t.Context(), disk, now, nil)
	must(err)
	s := &server{fake: newFake(), keys: keys, seen: seen}
	api, err := httpapi.New(httpapi.Config{
		Allocations: alloc, Planner: alloc, Maintenance: alloc, Keys: keys, Directory: directory, Tokens: tokens{}, Replays: replays, Connections: seen, Now: now,
		Projects: func() []httpapi.Project {
			return []httpapi.Project{{ID: "projectB", RunAhead: time.Duration(s.ahead.Load()) * time.Second}}
		},
	})
	must(err)
	contract, err := httpapitest.Load()
	must(err)
	api = contract.Handler(api, func(err error) { t.Error(err) })

	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.busy.Add(-1) >= 0 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"status":429,"results":[],"errors":["too many requests"]}`)
			return
		}
		if f := s.between.Load(); f != nil {
			(*f)(w, r, api)
		} else if !s.fake.serve(w, r) {
			api.ServeHTTP(w, r)
		}
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // failed handshakes
	s.StartTLS()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); sched.Run(ctx) }()
	stopLater(func() { s.fake.stop(); s.Close(); stop(); <-done })
	return s
}

// A network is two switches and the cable between them, with a gigabit each
// way.
type network struct {
	snapshot *topology.Snapshot
	changed  chan struct{}
}

var _ scheduler.Network = (*network)(nil)

func newNetwork() *network {
	s := &topology.Snapshot{Revision: 1, Time: start, Switches: map[openflow.DPID]topology.Switch{}, Links: map[topology.PortID]topology.Link{}}
	const edge, trunk = 1, 2
	for _, dpid := range []openflow.DPID{1, 2} {
		sw := topology.Switch{DPID: dpid, Connected: true, Ports: map[openflow.PortNo]topology.Port{}}
		for no, role := range map[openflow.PortNo]topology.PortRole{edge: topology.Edge, trunk: topology.Trunk} {
			sw.Ports[no] = topology.Port{ID: topology.PortID{DPID: dpid, Port: no}, Up: true, Role: role, Capacity: bitrate.Gbps}
		}
		s.Switches[dpid] = sw
		from, to := topology.PortID{DPID: dpid, Port: trunk}, topology.PortID{DPID: 3 - dpid, Port: trunk}
		s.Links[from] = topology.Link{ID: topology.LinkID{From: from, To: to}, Capacity: bitrate.Gbps, Metric: 1, Latency: 4 * time.Millisecond}
	}
	for prefix, dpid := range map[string]openflow.DPID{
		"192.127.1.10/32": 1, "2001:db8::1/128": 1, "192.127.1.11/32": 2, "192.127.1.12/32": 2, "2001:db8::2/128": 2,
	} {
		s.Attachments = append(s.Attachments, topology.Attachment{
			Prefix: netip.MustParsePrefix(prefix), At: topology.PortID{DPID: dpid, Port: edge},
		})
	}
	return &network{snapshot: s, changed: make(chan struct{})}
}

// Snapshot, Changed, Restore, Install and Remove implement scheduler.Network.
func (n *network) Snapshot() *topology.Snapshot { return n.snapshot }
func (n *network) Changed() <-chan struct{}     { return n.changed }
func (n *network) Restore([]path.Circuit)       {}
func (n *network) Lost() []string               { return nil }
func (n *network) Drain([]path.Element)         {}

func (n *network) Install(ctx context.Context, _ path.Circuit) error {
	select {
	case <-time.After(100 * time.Millisecond): // long enough to be seen pending
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *network) Remove(context.Context, string) error { return nil }

// A clock in local time would make the scripts depend on where they run.
func init() { time.Local = time.UTC }

package controller

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/channel"
	"conga/openflow/ofswitch"
)

// patience is how long a test waits for what must happen; it fails after that.
const patience = 20 * time.Second

// emulated describes a network with trunks of 100 Mbit/s.
func emulated() ofswitch.TopologyConfig {
	return ofswitch.TopologyConfig{
		Switch: ofswitch.Config{Backoff: 50 * time.Millisecond},
		Trunk:  ofswitch.LinkConfig{Capacity: 100e6},
	}
}

// A lab is a controller with a network of emulated switches.
type lab struct {
	*testing.T
	*Controller
	net   *ofswitch.Network
	pipes *pipes // by which the switches connect; nil: TCP
	stop  func() // the controller; idempotent
}

type keeper struct {
	mu sync.Mutex
	m  topology.SavedChange // all so far, as one
}

func (k *keeper) Load() (topology.Saved, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.m.Saved, nil
}

func (k *keeper) Save(m topology.SavedChange) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.m = k.m.Then(m)
	return nil
}

func start(t *testing.T, n *ofswitch.Network, cfg Config) *lab {
	t.Helper()
	t.Cleanup(func() { n.Close() })
	l := launch(t, n, cfg)
	n.Start(t.Context(), l.Addr().String())
	return l
}

// launch starts a controller on TCP.
func launch(t *testing.T, n *ofswitch.Network, cfg Config) *lab {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	return launchOn(t, n, cfg, nil)
}

// launchOn starts a controller to which switches come by a listener, or, if
// that is nil, by the configured address, with circuits that are wanted from
// the start.
func launchOn(t *testing.T, n *ofswitch.Network, cfg Config, ln net.Listener, restored ...path.Circuit) *lab {
	t.Helper()
	dscp := uint8(46)
	cfg.Priority.Meter, cfg.Priority.DSCP = true, &dscp
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Restore(restored)
	if ln != nil {
		c.listener = channel.NewListener(ln, channel.Config{Log: c.log})
	} else if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop := func() { cancel(); <-done }
	t.Cleanup(stop)
	return &lab{T: t, Controller: c, net: n, stop: stop}
}

// until waits for a condition, asking again at every change of the network and
// every few milliseconds.
func (l *lab) until(what string, ok func(*topology.Snapshot) bool) {
	l.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		changed := l.Changed()
		if ok(l.Snapshot()) {
			return
		}
		select {
		case <-changed:
		case <-again.C:
		case <-deadline:
			l.Fatalf("still waiting: %s", what)
		}
	}
}

// settled waits until all links are known, all ports have a role, and every
// switch holds what follows.
func (l *lab) settled(switches, cables int) {
	l.Helper()
	l.until("every switch, link and port to be known", func(s *topology.Snapshot) bool {
		if len(s.Switches) != switches || len(s.Links) != 2*cables {
			return false
		}
		for _, sw := range s.Switches {
			for _, p := range sw.Ports {
				if p.Up && p.Role == topology.Undetermined {
					return false
				}
			}
		}
		return l.held(s)
	})
}

// inspect is an event that looks at the core from its own goroutine.
type inspect func(*core)

func (f inspect) apply(k *core) { f(k) }

// held reports whether every switch holds exactly what follows, compiled from
// nothing, from a snapshot and the circuits.
func (l *lab) held(s *topology.Snapshot) bool {
	want := map[openflow.DPID]*flow.State{}
	done := make(chan struct{})
	ok := l.post(l.Context(), inspect(func(k *core) {
		defer close(done)
		n := &flow.Network{Snapshot: s, Routes: k.wanted.Routes(), Policy: k.policy}
		byHandle := func(a, b *circuit) int { return cmp.Compare(a.want.Handle, b.want.Handle) }
		for _, c := range slices.SortedFunc(maps.Values(k.circuits), byHandle) {
			n.Circuits = append(n.Circuits, c.listed()...)
		}
		n.Lent, n.Contested = k.wanted.Lent(), k.wanted.Contested()
		n.Policed = flow.Policed(n)
		for _, sw := range l.net.Switches() {
			want[sw.DPID()] = flow.Compile(n, sw.DPID())
		}
	}))
	if !ok {
		return false
	}
	<-done
	for _, sw := range l.net.Switches() {
		r := flow.NewReconciler(want[sw.DPID()].Whole(), 1)
		for _, f := range sw.Flows(openflow.TableAll) {
			f.Cookie = l.unmarked(f)
			f.Instructions = slices.Clone(f.Instructions)
			for i := range f.Instructions {
				if in := &f.Instructions[i]; in.Meter != 0 {
					in.Meter = l.MeterID(sw.DPID(), in.Meter)
				}
			}
			r.Tell(&f)
		}
		for _, c := range sw.MeterConfigs() {
			c.Meter = l.MeterID(sw.DPID(), c.Meter)
			if id, m, ours := (*flow.Numbers)(nil).ReadMeter(c); ours {
				r.TellMeter(id, m)
			}
		}
		for _, d := range sw.Groups() {
			if g, ours := flow.ReadGroup(d); ours {
				r.TellGroup(d.Group, g)
			}
		}
		if r.Begin(); len(r.Next(1, time.Now())) != 0 {
			return false
		}
	}
	return true
}

// unmarked returns the cookie of an entry without the controller's number.
func (l *lab) unmarked(f openflow.FlowStats) openflow.Cookie {
	return purpose.Instance(l.cfg.Instance).Unmark(f.Cookie)
}

func (l *lab) ping(from, to string) {
	l.Helper()
	h := l.net.Host(to)
	for _, a := range h.Addrs() {
		ctx, cancel := context.WithTimeout(l.Context(), patience)
		if _, err := l.net.Host(from).Ping(ctx, a); err != nil {
			l.Errorf("ping %s -> %s (%v): %v", from, to, a, err)
		}
		cancel()
	}
}

func (l *lab) pingAll() {
	l.Helper()
	for _, from := range l.net.Hosts() {
		for _, to := range l.net.Hosts() {
			if from != to {
				l.ping(from.Name(), to.Name())
			}
		}
	}
	if stats := l.net.Stats(); stats.HopLimit != 0 || stats.Overflow != 0 {
		l.Errorf("frames went round in circles: %+v", stats)
	}
}

// acquainted waits until every host is known with its addresses, and every
// switch holds what follows.
func (l *lab) acquainted() {
	l.Helper()
	l.until("every host to be known", func(s *topology.Snapshot) bool {
		for _, h := range l.net.Hosts() {
			for _, a := range h.Addrs() {
				if _, ok := s.Addrs.Get(a); !ok {
					return false
				}
			}
		}
		return l.held(s)
	})
}

// circuit returns a circuit between two hosts on the path that is best now.
func (l *lab) circuit(id string, handle uint32, from, to string, rate bitrate.Rate) path.Circuit {
	l.Helper()
	src, dst := l.net.Host(from).Addr(), l.net.Host(to).Addr()
	var p path.Path
	l.until("a path from "+from+" to "+to, func(s *topology.Snapshot) (ok bool) {
		a, known := s.Locate(src)
		b, known2 := s.Locate(dst)
		p, ok = path.Find(s, path.Query{From: a, To: b, Rate: rate})
		return ok && known && known2
	})
	return path.Circuit{ID: id, Handle: handle, Rate: rate, Path: p, Key: path.FlowKey{Src: path.Host(src), Dst: path.Host(dst)}}
}

func (l *lab) install(c path.Circuit) error {
	ctx, cancel := context.WithTimeout(l.Context(), patience)
	defer cancel()
	return l.Install(ctx, c)
}

// holders returns the switches that hold entries of a circuit, with their
// number.
func (l *lab) holders(handle uint32) map[openflow.DPID]int {
	out := map[openflow.DPID]int{}
	for _, sw := range l.net.Switches() {
		for _, f := range sw.Flows(openflow.TableAll) {
			if l.unmarked(f) == purpose.MakeCookie(purpose.Allocation, uint64(handle)) {
				out[sw.DPID()]++
			}
		}
	}
	return out
}

func (l *lab) wantHolders(handle uint32, p path.Path) {
	l.Helper()
	got := l.holders(handle)
	for _, h := range p {
		if got[h.DPID] != 2 {
			l.Errorf("switch %v holds %d entries of circuit %d; want 2", h.DPID, got[h.DPID], handle)
		}
		delete(got, h.DPID)
	}
	if len(got) != 0 {
		l.Errorf("entries of circuit %d off its path: %v", handle, got)
	}
}

// send sends so many datagrams and returns how they arrived.
func (l *lab) send(from, to string, n int) ofswitch.Arrivals {
	l.Helper()
	src, dst := l.net.Host(from), l.net.Host(to)
	dst.ResetGot()
	const size = 500
	tr := ofswitch.Traffic{Rate: 8 * size * 1000, Size: size, Duration: time.Duration(n) * time.Millisecond}
	if _, err := src.SendUDP(l.Context(), netip.AddrPortFrom(dst.Addr(), 9), tr); err != nil {
		l.Error(err)
	}
	if err := l.net.Settle(l.Context()); err != nil {
		l.Error(err)
	}
	return dst.Got(src.Addr(), 9)
}

// otherWay returns the way through a diamond that p does not take.
func otherWay(l *lab, p path.Path) path.Path {
	via := 5 - p[1].DPID // 2 or 3
	s := l.Snapshot()
	var out path.Path
	for _, first := range s.Links {
		if first.ID.From.DPID != p[0].DPID || first.ID.To.DPID != via {
			continue
		}
		for _, second := range s.Links {
			if second.ID.From.DPID == via && second.ID.To.DPID == p[2].DPID {
				out = path.Path{
					{DPID: p[0].DPID, In: p[0].In, Out: first.ID.From.Port},
					{DPID: via, In: first.ID.To.Port, Out: second.ID.From.Port},
					{DPID: p[2].DPID, In: second.ID.To.Port, Out: p[2].Out},
				}
			}
		}
	}
	return out
}

// forwards reports whether a switch at the head of a circuit sends its traffic
// along its path.
func (l *lab) forwards(sw *ofswitch.Switch, c path.Circuit) bool {
	for _, f := range sw.Flows(0) {
		in, ok := f.Match.Get(openflow.FieldInPort)
		if l.unmarked(f) != purpose.MakeCookie(purpose.Allocation, uint64(c.Handle)) || !ok || in.Uint64() != uint64(c.Path[0].In) {
			continue
		}
		for _, i := range f.Instructions {
			if slices.Contains(i.Actions, openflow.Output(c.Path[0].Out, 0)) {
				return true
			}
		}
	}
	return false
}

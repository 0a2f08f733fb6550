package scheduler

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"time"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// fabric is a network of two switches with a cable, and one more between them
// that makes a way around. It takes latency for every call and notes what it
// did.
type fabric struct {
	lost    []string // what Lost is to return; guarded by mu
	drained []path.Element
	latency time.Duration
	hanging map[string]bool // circuits for which calls do not return

	mu      sync.Mutex
	snap    *topology.Snapshot
	changed chan struct{}
	refuse  error
	held    map[string]path.Circuit
	log     []string
	running map[string]bool
	most    int // calls under way at once, at most
}

func newFabric() *fabric {
	f := &fabric{latency: 10 * time.Millisecond, changed: make(chan struct{}), held: map[string]path.Circuit{}, running: map[string]bool{}}
	s := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{}, Links: map[topology.PortID]topology.Link{}}
	for d := openflow.DPID(1); d <= 3; d++ {
		s.Switches[d] = topology.Switch{DPID: d, Connected: true, Ports: map[openflow.PortNo]topology.Port{}}
		for p := openflow.PortNo(1); p <= 4; p++ {
			at := topology.PortID{DPID: d, Port: p}
			s.Switches[d].Ports[p] = topology.Port{ID: at, Up: true, Role: topology.Edge, Capacity: 10}
		}
		s.Attachments = append(s.Attachments, topology.Attachment{
			Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(d), 0}), 24), At: topology.PortID{DPID: d, Port: 1}})
	}
	f.snap = s
	f.cable(1, 2, 2, 2)
	f.cable(1, 3, 3, 2)
	f.cable(3, 3, 2, 3)
	return f
}

func (f *fabric) cable(a openflow.DPID, ap openflow.PortNo, b openflow.DPID, bp openflow.PortNo) {
	x, y := topology.PortID{DPID: a, Port: ap}, topology.PortID{DPID: b, Port: bp}
	for _, id := range []topology.LinkID{{From: x, To: y}, {From: y, To: x}} {
		p := f.snap.Switches[id.From.DPID].Ports[id.From.Port]
		p.Role = topology.Trunk
		f.snap.Switches[id.From.DPID].Ports[id.From.Port] = p
		f.snap.Links[id.From] = topology.Link{ID: id, Capacity: 10, Metric: 1}
	}
}

// change publishes a changed snapshot.
func (f *fabric) change(edit func(s *topology.Snapshot)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := *f.snap
	s.Revision++
	s.Wiring++
	s.Switches, s.Links = maps.Clone(s.Switches), maps.Clone(s.Links)
	edit(&s)
	f.snap = &s
	close(f.changed)
	f.changed = make(chan struct{})
}

func connected(yes bool, dpids ...openflow.DPID) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) {
		for _, d := range dpids {
			sw := s.Switches[d]
			sw.Connected = yes
			s.Switches[d] = sw
		}
	}
}

// unmet makes the network that of a daemon that has just started: switches that
// it remembers, but has not met.
func unmet(dpids ...openflow.DPID) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) {
		for _, d := range dpids {
			delete(s.Switches, d)
		}
	}
}

// met has switches of an earlier snapshot connect.
func met(before *topology.Snapshot, dpids ...openflow.DPID) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) {
		for _, d := range dpids {
			s.Switches[d] = before.Switches[d]
		}
	}
}

func cutDirect(s *topology.Snapshot) {
	for _, at := range []topology.PortID{{DPID: 1, Port: 2}, {DPID: 2, Port: 2}} {
		delete(s.Links, at)
	}
}

func (f *fabric) Snapshot() *topology.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.snap
}

func (f *fabric) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// Lost implements Network.
func (f *fabric) Lost() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	lost := f.lost
	f.lost = nil
	return lost
}

// Drain implements Network.
func (f *fabric) Drain(list []path.Element) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drained = list
}

func (f *fabric) note(format string, args ...any) {
	f.log = append(f.log, fmt.Sprintf(format, args...))
}

func (f *fabric) Restore(circuits []path.Circuit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range circuits {
		f.held[c.ID] = c
		f.note("restore %s", c.ID)
	}
}

// call does what Install and Remove have in common.
func (f *fabric) call(ctx context.Context, id string, do func()) error {
	f.mu.Lock()
	if f.running[id] {
		f.note("two calls for %s at once", id)
	}
	f.running[id] = true
	f.most = max(f.most, len(f.running))
	f.mu.Unlock()
	latency := time.After(f.latency)
	if f.hanging[id] {
		latency = nil
	}
	select {
	case <-latency:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.running, id)
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.refuse != nil {
		return f.refuse
	}
	do()
	return nil
}

func (f *fabric) Install(ctx context.Context, c path.Circuit) error {
	return f.call(ctx, c.ID, func() {
		f.held[c.ID] = c
		f.note("install %s at %d over %d", c.ID, c.Rate, len(c.Path))
	})
}

func (f *fabric) Remove(ctx context.Context, id string) error {
	return f.call(ctx, id, func() {
		delete(f.held, id)
		f.note("remove %s", id)
	})
}

// tally says how many calls were under way at once at most, and how many
// circuits are held.
func (f *fabric) tally() (most, held int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.most, len(f.held)
}

// take returns what happened since the last call.
func (f *fabric) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := strings.Join(f.log, "; ")
	f.log = nil
	return text
}

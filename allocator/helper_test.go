package allocator

import (
	"context"
	"errors"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// memory is a store that forgets nothing and can be told to fail.
type memory struct {
	*storetest.Memory
	mu      sync.Mutex
	fail    error
	hold    chan struct{} // not nil: commits wait until it is closed
	commits int
	after   int    // not 0: after so many commits the store fails
	before  func() // not nil: called by the next commit, and no other
}

func (m *memory) Commit(ctx context.Context, ops ...store.Op) error {
	m.mu.Lock()
	hold, fail, before := m.hold, m.fail, m.before
	m.before = nil
	m.mu.Unlock()
	if before != nil {
		before()
	}
	if hold != nil {
		<-hold
		m.mu.Lock()
		fail = m.fail
		m.mu.Unlock()
	}
	m.mu.Lock()
	m.commits++
	if m.after > 0 {
		if m.after--; m.after == 0 {
			m.fail = errors.New("power lost")
		}
	}
	m.mu.Unlock()
	if fail != nil {
		return fail
	}
	return m.Memory.Commit(ctx, ops...)
}

// put writes a record as another program might have.
func (m *memory) put(b store.Bucket, key, value string) {
	if err := m.Memory.Commit(context.Background(), store.Op{Bucket: b, Key: key, Value: []byte(value)}); err != nil {
		panic(err)
	}
}

// get returns a record, "" if there is none.
func (m *memory) get(b store.Bucket, key string) string {
	v, err := m.Get(context.Background(), b, key)
	if err != nil {
		panic(err)
	}
	return string(v)
}

// failer is what a test and a rapid test have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// world is a network, a clock and a store for one test.
type world struct {
	failer
	snap  *topology.Snapshot
	port  openflow.PortNo // next trunk port
	now   Seconds
	store *memory
	ids   int
	cfg   Config
	a     *Allocator
	tells bool // snapshots tell that switches and links are the same, as a Builder's do
	quiet bool // changes of the network are not announced
}

// newWorld makes switches 1..n without cables; host h of switch d is behind
// edge port h and has the address 10.0.d.h.
func newWorld(tb failer, switches int, edge bitrate.Rate) *world {
	w := &world{failer: tb, now: 1_000_000, port: 100, store: &memory{Memory: storetest.NewMemory()}}
	w.snap = &topology.Snapshot{
		Revision: 1, Switches: map[openflow.DPID]topology.Switch{}, Links: map[topology.PortID]topology.Link{},
		Wiring: 1,
	}
	for d := 1; d <= switches; d++ {
		w.snap.Switches[openflow.DPID(d)] = topology.Switch{
			DPID: openflow.DPID(d), Connected: true, Ports: map[openflow.PortNo]topology.Port{},
		}
		for h := 1; h <= 3; h++ {
			at := topology.PortID{DPID: openflow.DPID(d), Port: openflow.PortNo(h)}
			w.setPort(at, topology.Edge, edge)
			w.snap.Attachments = append(w.snap.Attachments, topology.Attachment{Prefix: netip.PrefixFrom(host(d, h), 32), At: at})
		}
	}
	w.cfg = Config{
		Store: w.store, Reservable: 1,
		Network: func() *topology.Snapshot { return w.snap },
		Now:     func() time.Time { return w.now.Time() },
		NewID:   func() string { w.ids++; return "id" + strconv.Itoa(w.ids) },
	}
	return w
}

func host(d, h int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(d >> 8), byte(d), byte(h)})
}

func (w *world) setPort(id topology.PortID, role topology.PortRole, c bitrate.Rate) {
	w.snap.Switches[id.DPID].Ports[id.Port] = topology.Port{ID: id, Up: true, Role: role, Capacity: c}
}

func (w *world) cable(a, b openflow.DPID, c bitrate.Rate) topology.LinkID {
	id := topology.LinkID{From: topology.PortID{DPID: a, Port: w.port}, To: topology.PortID{DPID: b, Port: w.port + 1}}
	w.port += 2
	w.setPort(id.From, topology.Trunk, c)
	w.setPort(id.To, topology.Trunk, c)
	w.snap.Links[id.From] = topology.Link{ID: id, Capacity: c, Metric: 1}
	w.snap.Links[id.To] = topology.Link{ID: id.Reverse(), Capacity: c, Metric: 1}
	return id
}

// open starts, or after a crash restarts, the allocator.
func (w *world) open() *Allocator {
	w.Helper()
	a, err := Open(context.Background(), w.cfg)
	if err != nil {
		w.Fatal(err)
	}
	w.a = a
	return a
}

// change publishes a changed copy of the snapshot.
func (w *world) change(f func(s *topology.Snapshot)) {
	s := *w.snap
	s.Revision++
	s.Wiring++
	s.Links = maps.Clone(s.Links)
	s.Switches = maps.Clone(s.Switches)
	for d, sw := range s.Switches {
		sw.Ports = maps.Clone(sw.Ports)
		s.Switches[d] = sw
	}
	s.Attachments = slices.Clone(s.Attachments)
	f(&s)
	if w.tells && len(topology.Diff(w.snap, &s).Switches)+len(topology.Diff(w.snap, &s).Links) == 0 {
		s.Wiring = w.snap.Wiring
	}
	w.snap = &s
	if !w.quiet {
		w.a.NetworkChanged()
	}
}

func cut(id topology.LinkID) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) {
		delete(s.Links, id.From)
		delete(s.Links, id.To)
	}
}

func mend(id topology.LinkID, c bitrate.Rate) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) {
		s.Links[id.From] = topology.Link{ID: id, Capacity: c, Metric: 1}
		s.Links[id.To] = topology.Link{ID: id.Reverse(), Capacity: c, Metric: 1}
	}
}

func connected(d openflow.DPID, yes bool) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) {
		sw := s.Switches[d]
		sw.Connected = yes
		s.Switches[d] = sw
	}
}

// unmet makes the network that of a daemon that has just started: it remembers
// the switches, but they have not connected yet.
func unmet(dpids ...openflow.DPID) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) {
		for _, d := range dpids {
			delete(s.Switches, d)
		}
	}
}

// met has switches of an earlier snapshot connect.
func met(before *topology.Snapshot) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) { maps.Copy(s.Switches, before.Switches) }
}

// remove releases an allocation and takes it out of the history.
func (w *world) remove(id string) error {
	if err := w.a.Release(bg, id, 0); err != nil {
		return err
	}
	return w.a.Release(bg, id, 0)
}

// plan runs whole passes until nothing is left to do.
func (w *world) plan() {
	w.Helper()
	for range 1000 {
		more, err := w.a.Plan(context.Background())
		if err != nil {
			w.Fatal(err)
		}
		if !more {
			return
		}
	}
	w.Fatal("planning does not come to an end")
}

// awake takes the token that wakes the scheduler, and reports whether there was
// one.
func (w *world) awake() bool {
	select {
	case <-w.a.Wake():
		return true
	default:
		return false
	}
}

// work carries out all that is due, as a scheduler with a perfect network
// would.
func (w *world) work() {
	w.Helper()
	for range 1000 {
		w.plan()
		tasks, _ := w.a.Due(10)
		if len(tasks) == 0 && w.a.plan.idle() {
			return
		}
		for _, t := range tasks {
			report := w.a.Removed
			if t.Do == Install {
				report = w.a.Installed
			}
			if err := report(t); err != nil {
				w.Fatal(err)
			}
		}
	}
	w.Fatal("the work does not come to an end")
}

// pass lets time go by, second by second, and does what is due.
func (w *world) pass(seconds Seconds) {
	w.Helper()
	for range seconds {
		w.now++
		w.work()
	}
}

func key(src, dst netip.Addr) path.FlowKey {
	return path.FlowKey{Src: path.Host(src), Dst: path.Host(dst)}
}

// ask returns a request from host sh of switch s to host dh of switch d.
func ask(s, sh, d, dh int, rate bitrate.Rate, duration Seconds) Request {
	return Request{UserID: "u", ProjectID: "p", Key: key(host(s, sh), host(d, dh)), Bandwidth: rate, Duration: duration}
}

func (w *world) create(r Request) Allocation {
	w.Helper()
	v, err := w.a.Create(context.Background(), r)
	if err != nil {
		w.Fatalf("create: %v", err)
	}
	return v
}

func (w *world) get(id string) Allocation {
	w.Helper()
	v, err := w.a.Get(id)
	if err != nil {
		w.Fatal(err)
	}
	return v
}

// expect compares what matters most.
func (w *world) expect(id string, s State, win Window) Allocation {
	w.Helper()
	v := w.get(id)
	if v.State != s || v.Window != win {
		w.Fatalf("%s is %s [%d, %d) %q, want %s [%d, %d)", id, v.State, v.Window.Start-1_000_000, v.Window.End-1_000_000, v.Reason,
			s, win.Start-1_000_000, win.End-1_000_000)
	}
	return v
}

// secondsRange draws seconds from lo to hi.
func secondsRange(lo, hi Seconds) *rapid.Generator[Seconds] {
	return rapid.Map(rapid.Int64Range(int64(lo), int64(hi)), func(n int64) Seconds { return Seconds(n) })
}

// span returns a window given from the start of the test.
func span(from, to Seconds) Window { return Window{1_000_000 + from, 1_000_000 + to} }

// refused returns the typed error after checking its kind and field.
func refused(tb testing.TB, err error, kind Kind, field string) *Error {
	tb.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != kind || e.Field != field {
		tb.Fatalf("error %#v (%v), want %s about %q", err, err, kind, field)
	}
	if e.Op == "" {
		tb.Fatalf("error %v says no operation", err)
	}
	return e
}

// list returns every allocation of a project, complete ones included.
func (w *world) list(project string) []Allocation {
	w.Helper()
	list, total, err := w.a.Page(context.Background(), Filter{Project: project}, 0, math.MaxInt32)
	if err != nil || len(list) != total {
		w.Fatalf("%d allocations listed, there are %d, error %v", len(list), total, err)
	}
	return list
}

// reopen starts anew and lists everything.
func (w *world) reopen() []Allocation {
	w.open()
	return w.list("")
}

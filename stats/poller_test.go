package stats

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeNetwork is a network whose counters tests set.
type fakeNetwork struct {
	mu      sync.Mutex
	snap    *topology.Snapshot
	fabric  *fabric
	ports   openflow.PortStatsReply
	asked   int           // questions
	entries int           // in answers
	refuses bool          // questions about meters
	fails   error         // instead of every answer
	slow    time.Duration // before every answer
}

func (p *fakeNetwork) Snapshot() *topology.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.snap
}

func (p *fakeNetwork) AskAll(ctx context.Context, dpid openflow.DPID, questions ...*openflow.MultipartRequest) ([]openflow.MultipartReplyBody, error) {
	p.mu.Lock()
	slow := p.slow
	p.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails != nil {
		return nil, p.fails
	}
	p.fabric.now = time.Now()
	bodies := make([]openflow.MultipartReplyBody, len(questions))
	for i, q := range questions {
		p.asked++
		bodies[i] = p.answer(dpid, q)
	}
	return bodies, nil
}

func (p *fakeNetwork) answer(dpid openflow.DPID, q *openflow.MultipartRequest) openflow.MultipartReplyBody {
	a := p.fabric.answer(dpid)
	switch q.MPType {
	case openflow.MultipartFlow:
		p.entries += len(a.flows)
		return a.flows
	case openflow.MultipartMeter:
		if p.refuses {
			return nil
		}
		return a.meters
	case openflow.MultipartPortStats:
		return p.ports
	}
	return openflow.TableStatsReply{{Table: 0, ActiveCount: uint32(len(a.flows)), LookupCount: 10, MatchedCount: 9}}
}

// install adds a circuit's entries to the switches, and to the poller.
func (p *fakeNetwork) install(poller *Poller, c path.Circuit) {
	poller.Install(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range c.Path {
		p.fabric.add(h.DPID, h.In, forward)
		p.fabric.add(h.DPID, h.Out, reverse)
	}
}

// send has what enters at port 1 of switch 1 counted.
func (p *fakeNetwork) send(v Volume) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fabric.send(1, 1, v)
}

// questions returns how many were asked.
func (p *fakeNetwork) questions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *fakeNetwork) connect(connected bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	port := topology.PortID{DPID: 1, Port: 1}
	p.snap = &topology.Snapshot{
		Switches: map[openflow.DPID]topology.Switch{1: {DPID: 1, Connected: connected,
			Ports: map[openflow.PortNo]topology.Port{1: {ID: port, Up: true, Role: topology.Edge, Capacity: bitrate.Gbps}}}},
		Links: map[topology.PortID]topology.Link{port: {ID: topology.LinkID{From: port, To: topology.PortID{DPID: 2, Port: 1}}, Capacity: 1000}},
	}
}

// A memoryArchive keeps records in memory.
type memoryArchive struct {
	mu      sync.Mutex
	records map[Bucket]map[string][]byte
	saves   int
	broken  error
}

func newCupboard() *memoryArchive {
	return &memoryArchive{records: map[Bucket]map[string][]byte{Accounts: {}, Receipts: {}, Sums: {}}}
}

func (c *memoryArchive) Get(_ context.Context, bucket Bucket, key string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.records[bucket][key], nil
}

func (c *memoryArchive) Range(_ context.Context, bucket Bucket, after string, f func(string, []byte) bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(c.records[bucket])) {
		if key > after && !f(key, c.records[bucket][key]) {
			break
		}
	}
	return nil
}

func (c *memoryArchive) Save(_ context.Context, records []Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return c.broken
	}
	c.saves++
	for _, r := range records {
		if r.Value == nil {
			delete(c.records[r.Bucket], r.Key)
		} else {
			c.records[r.Bucket][r.Key] = r.Value
		}
	}
	return nil
}

func (c *memoryArchive) len(bucket Bucket) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.records[bucket])
}

// watch runs a poller over a fake network of one switch until f returns.
func watch(t *testing.T, adjust func(*Config), f func(*testing.T, *Poller, *fakeNetwork)) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeNetwork{fabric: newFabric()}
		src.fabric.now = time.Now()
		src.connect(true)
		cfg := Config{Source: src}
		if adjust != nil {
			adjust(&cfg)
		}
		p, err := New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		synctest.Wait()
		f(t, p, src)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func pass(d time.Duration) { time.Sleep(d); synctest.Wait() }

func TestPortRates(t *testing.T) {
	watch(t, nil, func(t *testing.T, p *Poller, src *fakeNetwork) {
		sw := src.Snapshot().Switches[1]
		set := func(packets, bytes uint64) {
			src.mu.Lock()
			defer src.mu.Unlock()
			src.ports = openflow.PortStatsReply{{Port: 1, RxPackets: packets, RxBytes: bytes, TxPackets: Unkept, TxBytes: Unkept}}
		}
		rate := func() *Rate {
			r, ok := p.Switch(sw)
			port, okPort := r.Port(1)
			if !ok || !okPort || port.SendRate != nil {
				t.Fatalf("the sample is %+v", r)
			}
			return port.ReceiveRate
		}
		set(1_000_000, 1_000_000_000)
		pass(5 * time.Second)
		if r := rate(); r != nil {
			t.Errorf("after one sample the rate is %+v", r)
		}
		set(1_000_010, 1_000_005_000)
		pass(5 * time.Second)
		if r := rate(); r == nil || r.Bits != 8000 || r.Packets != 2 {
			t.Errorf("5,000 bytes in 5 s are %+v", r)
		}
		set(5, 500) // the switch has restarted
		pass(5 * time.Second)
		if r := rate(); r == nil || r.Bits != 800 {
			t.Errorf("after the counter began anew the rate is %+v", r)
		}
		pass(5 * time.Second)
		if r := rate(); r == nil || r.Bits != 0 {
			t.Errorf("without traffic the rate is %+v", r)
		}
	})
}

// A switch that is away keeps its last numbers, marked stale, with the time
// with their time; and no rate is made over its absence.
func TestStale(t *testing.T) {
	var log bytes.Buffer
	watch(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.mu.Lock()
		src.ports = openflow.PortStatsReply{{Port: 1, RxBytes: 700}}
		src.mu.Unlock()
		pass(5 * time.Second)
		answered := time.Now()
		src.connect(false)
		pass(time.Minute)
		r, ok := p.Switch(src.Snapshot().Switches[1])
		port, _ := r.Port(1)
		if !ok || !r.Stale || !r.At.Equal(answered) || port.Received.Bytes != 700 {
			t.Errorf("a switch that is away: %v stale %v at %v, %+v", ok, r.Stale, r.At.Sub(answered), port)
		}
		link := src.Snapshot().Links[topology.PortID{DPID: 1, Port: 1}]
		if l := p.Link(src.Snapshot(), link.ID); !l.Stale || !l.At.Equal(answered) {
			t.Errorf("its link: %+v", l)
		}
		src.connect(true)
		src.mu.Lock()
		src.ports[0].RxBytes = 1 << 40
		src.mu.Unlock()
		pass(5 * time.Second)
		r, _ = p.Switch(src.Snapshot().Switches[1])
		if port, _ := r.Port(1); r.Stale || port.ReceiveRate != nil {
			t.Errorf("after its return: stale %v, rate %+v over its absence", r.Stale, port.ReceiveRate)
		}

		// Connected, but silent: the same, and logged once.
		src.mu.Lock()
		src.fails = errors.New("no answer")
		src.mu.Unlock()
		pass(time.Minute)
		if r, _ := p.Switch(src.Snapshot().Switches[1]); !r.Stale {
			t.Error("a silent switch is not stale")
		}
		if n := strings.Count(log.String(), "does not tell its counters"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
}

// A switch may refuse what it does not know.
func TestRefusedQuestions(t *testing.T) {
	watch(t, nil, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.mu.Lock()
		src.refuses = true
		src.mu.Unlock()
		pass(5 * time.Second)
		r, ok := p.Switch(src.Snapshot().Switches[1])
		if !ok || len(r.Tables) != 1 || len(r.Meters) != 0 || r.Tables[0].LookupRate == nil {
			t.Errorf("the sample is %+v", r)
		}
	})
}

// A slow switch is asked again only when it has answered, and not at once.
func TestSlowSwitch(t *testing.T) {
	watch(t, nil, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.mu.Lock()
		src.slow = 8 * time.Second
		src.mu.Unlock()
		before := src.questions()
		pass(time.Minute)
		if n := src.questions() - before; n < 12 || n > 24 {
			t.Errorf("%d questions in a minute", n)
		}
		if r, ok := p.Switch(src.Snapshot().Switches[1]); !ok || r.Stale {
			t.Error("a slow switch is stale")
		}
	})
}

// Totals are saved, at the latest when the poller stops, and a receipt lasts as
// long as its allocation.
func TestReceiptIsKept(t *testing.T) {
	kept := newCupboard()
	kept.records[Accounts]["broken"] = []byte("nonsense")
	var known, complete atomic.Bool
	known.Store(true)
	with := func(c *Config) {
		c.Archive = kept
		c.Owner = func(id string) (Owner, bool) { return Owner{Project: "p", Complete: complete.Load()}, known.Load() }
	}
	want := Volume{11, 1100}
	watch(t, with, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.install(p, circuitOver(1))
		src.send(Volume{10, 1000})
		pass(40 * time.Second)
		if kept.len(Accounts) != 1 { // what cannot be read is removed
			t.Fatalf("%d records are kept", kept.len(Accounts))
		}
		src.send(Volume{1, 100})
		src.mu.Lock()
		match := src.fabric.held[1][1].Match
		delete(src.fabric.held[1], 1)
		src.mu.Unlock()
		p.Removed(1, &openflow.FlowRemoved{Cookie: purpose.MakeCookie(purpose.Allocation, 7), Priority: 20000, Match: match, PacketCount: 11, ByteCount: 1100})
		p.Leave("a")
		pass(20 * time.Second)
		if a := p.Allocation("a"); !a.Final || a.Forward.Entered != want {
			t.Errorf("the receipt is %+v", a)
		}
		if kept.len(Receipts) != 0 || p.ledger.accounts["a"] == nil {
			t.Error("it is filed, though the allocation is not complete")
		}
		complete.Store(true)
		p.Changed("a", Owner{Project: "p", Complete: true}, false)
		pass(10 * time.Second)
		if kept.len(Receipts) != 1 || kept.len(Accounts) != 0 || len(p.ledger.accounts) != 0 {
			t.Errorf("%d receipts and %d accounts are kept, %d in memory", kept.len(Receipts), kept.len(Accounts), len(p.ledger.accounts))
		}
	})
	watch(t, with, func(t *testing.T, p *Poller, src *fakeNetwork) {
		if a := p.Allocation("a"); !a.Final || a.Forward.Entered != want || p.Totals("p").Entered != want || p.Totals("").Entered != want {
			t.Errorf("after a restart the receipt is %+v, the total %+v", a, p.Totals("p"))
		}
		if len(p.ledger.accounts) != 0 {
			t.Error("receipts were loaded")
		}
		known.Store(false)
		p.Changed("a", Owner{Project: "p", Complete: true}, true) // deleted
		pass(10 * time.Second)
		if a := p.Allocation("a"); a.Final || p.Totals("p").Entered != (Volume{}) {
			t.Errorf("after its deletion %+v, the total %+v", a, p.Totals("p"))
		}
	})
	if kept.len(Receipts) != 0 || kept.len(Accounts) != 0 {
		t.Errorf("%d receipts and %d accounts are kept", kept.len(Receipts), kept.len(Accounts))
	}
}

func TestUnsavedTotalsAreSavedLater(t *testing.T) {
	kept := newCupboard()
	kept.broken = errors.New("full")
	watch(t, func(c *Config) { c.Archive = kept }, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.install(p, circuitOver(1))
		src.send(Volume{10, 1000})
		pass(time.Minute)
		kept.fail(nil)
		pass(time.Minute)
		if kept.len(Accounts) != 1 {
			t.Error("nothing is kept")
		}
	})
}

func TestNewNeedsItsParts(t *testing.T) {
	if _, err := New(t.Context(), Config{}); err == nil {
		t.Error("a poller without parts was made")
	}
}

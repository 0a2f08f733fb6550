package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"conga/allocator"
	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an allocator and a scheduler over a fabric, inside a synctest bubble.
type rig struct {
	*testing.T
	*fabric
	store  store.Store
	now    func() time.Time // nil: time.Now
	notify func(allocator.Allocation, bool)
	ids    int
	a      *allocator.Allocator
	cfg    Config
	stop   context.CancelFunc
	ended  chan error
}

func newRig(t *testing.T) *rig {
	return &rig{T: t, fabric: newFabric(), store: storetest.NewMemory()}
}

func (r *rig) start() {
	r.Helper()
	a, err := allocator.Open(context.Background(), allocator.Config{
		Store: r.store, Network: r.Snapshot, Reservable: 1,
		NewID: func() string { r.ids++; return fmt.Sprintf("id%d", r.ids) },
		Now:   r.now, Notify: r.notify,
	})
	if err != nil {
		r.Fatal(err)
	}
	r.a, r.cfg.Allocator, r.cfg.Network = a, a, r.fabric
	s, err := New(r.cfg)
	if err != nil {
		r.Fatal(err)
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	r.ended = make(chan error, 1)
	go func() { r.ended <- s.Run(ctx) }()
	synctest.Wait()
}

// halt stops the scheduler, as the end of the daemon does.
func (r *rig) halt() {
	r.Helper()
	r.stop()
	if err := <-r.ended; !errors.Is(err, context.Canceled) {
		r.Errorf("Run returned %v", err)
	}
}

func (r *rig) create(dst byte, rate bitrate.Rate, duration, in allocator.Seconds) string {
	r.Helper()
	req := allocator.Request{ProjectID: "p", Bandwidth: rate, Duration: duration, Key: path.FlowKey{
		Src: path.Host(netip.AddrFrom4([4]byte{10, 0, 1, dst})), Dst: path.Host(netip.AddrFrom4([4]byte{10, 0, 2, dst}))}}
	if in != 0 {
		req.StartTime = path.SecondsOf(r.a.Now()) + in
	}
	v, err := r.a.Create(context.Background(), req)
	if err != nil {
		r.Fatal(err)
	}
	return v.ID
}

func (r *rig) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) expect(id string, s allocator.State, log string) allocator.Allocation {
	r.Helper()
	v, err := r.a.Get(id)
	if err != nil {
		r.Fatal(err)
	}
	if v.State != s {
		r.Errorf("%s is %s (%s), want %s", id, v.State, v.Reason, s)
	}
	if got := r.take(); got != log {
		r.Errorf("the network did %q, want %q", got, log)
	}
	return v
}

func TestStartAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		now := r.create(1, 4, 60, 0)
		later := r.create(2, 4, 60, 100)
		r.expect(now, allocator.Pending, "") // active only when the network has said so
		r.sleep(20 * time.Millisecond)
		r.expect(now, allocator.Active, "install id1 at 4 over 2")
		r.sleep(59 * time.Second)
		r.expect(now, allocator.Active, "")
		r.sleep(time.Second)
		r.expect(now, allocator.Complete, "remove id1")
		r.sleep(39 * time.Second)
		r.expect(later, allocator.Pending, "")
		r.sleep(time.Second)
		r.expect(later, allocator.Active, "install id2 at 4 over 2")
		r.halt()
		r.expect(later, allocator.Active, "") // entries stay when the daemon stops
	})
}

func TestDeleteFreesAndMovesSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		defer r.halt()
		first, second := r.create(1, 10, 600, 0), r.create(2, 10, 600, 0)
		r.sleep(5 * time.Second)
		r.expect(second, allocator.Pending, "install id1 at 10 over 2")
		if err := r.a.Release(context.Background(), first, 0); err != nil {
			t.Fatal(err)
		}
		r.sleep(50 * time.Millisecond)
		r.expect(second, allocator.Active, "remove id1; install id2 at 10 over 2")
	})
}

func TestRetriesWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.refuse = errors.New("switch 2 refused it: table full")
		r.start()
		defer r.halt()
		id := r.create(1, 4, 600, 0)
		r.sleep(10 * time.Second)
		if v := r.expect(id, allocator.Pending, ""); !strings.Contains(v.Reason, "table full") {
			t.Errorf("reason %q", v.Reason)
		}
		r.mu.Lock()
		r.refuse = nil
		r.mu.Unlock()
		r.sleep(12 * time.Second)
		v := r.expect(id, allocator.Active, "install id1 at 4 over 2")
		if v.Window.End-v.Window.Start != 600 || v.Reason != "" {
			t.Errorf("started late as %+v", v)
		}
	})
}

// An active allocation that a switch has no room for any more is pending and
// says so, and active when there is room again. The log has that once.
func TestLostCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var out locked
		r.cfg.Log = slog.New(slog.NewTextHandler(&out, nil))
		r.start()
		defer r.halt()
		id, other := r.create(1, 4, 6000, 0), r.create(2, 4, 6000, 0)
		r.sleep(2 * time.Second)
		r.take()
		r.expect(id, allocator.Active, "")
		r.mu.Lock()
		r.refuse = errors.New("the flow table of switch 2 is full")
		r.lost = []string{id, "id77"}
		r.mu.Unlock()
		r.change(func(*topology.Snapshot) {})
		r.sleep(time.Second)
		if v := r.expect(id, allocator.Pending, ""); v.Reason != "not installed yet: the flow table of switch 2 is full" {
			t.Errorf("reason %q", v.Reason)
		}
		r.expect(other, allocator.Active, "")
		r.sleep(10 * time.Minute)
		if out.has("level=WARN", "circuit could not be changed") != 1 {
			t.Errorf("after ten minutes:\n%s", out.b.String())
		}
		r.mu.Lock()
		r.refuse = nil
		r.mu.Unlock()
		r.sleep(2 * time.Minute)
		r.expect(id, allocator.Active, "install id1 at 4 over 2")
	})
}

func TestRateChangeAndReroute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.cfg.Settle = time.Second
		r.start()
		defer r.halt()
		id := r.create(1, 4, 600, 0)
		r.sleep(2 * time.Second)
		r.expect(id, allocator.Active, "install id1 at 4 over 2")
		if _, err := r.a.Update(context.Background(), id, 0, allocator.Change{Bandwidth: new(bitrate.Rate(9))}); err != nil {
			t.Fatal(err)
		}
		r.sleep(time.Second)
		r.expect(id, allocator.Active, "install id1 at 9 over 2")
		r.change(cutDirect)
		r.sleep(time.Second)
		r.expect(id, allocator.Active, "install id1 at 9 over 3")
		r.change(connected(false, 3))
		r.sleep(time.Second)
		if v := r.expect(id, allocator.Pending, ""); !strings.Contains(v.Reason, "switch 0000000000000003 is not connected") {
			t.Errorf("reason %q", v.Reason)
		}
		r.change(connected(true, 3))
		r.sleep(time.Second)
		r.expect(id, allocator.Active, "install id1 at 9 over 3")
	})
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		long, short := r.create(1, 4, 600, 0), r.create(2, 4, 10, 0)
		r.sleep(time.Second)
		soon := r.create(3, 2, 600, 10)
		r.halt()
		r.take()
		// The next daemon knows the network from memory; nothing has connected.
		before := r.Snapshot()
		r.change(unmet(1, 2, 3))
		r.sleep(20 * time.Second)
		r.cfg.Workers = 1 // so that there is one order to expect
		r.start()
		r.sleep(5 * time.Second)
		r.expect(long, allocator.Active, "restore id1") // not moved, not torn down
		if v, _ := r.a.Get(short); v.State != allocator.Complete {
			t.Errorf("missed its end: %+v", v)
		}
		r.change(met(before, 1, 2))
		r.sleep(time.Second)
		r.expect(long, allocator.Active, "install id1 at 4 over 2; install id3 at 2 over 2")
		r.expect(soon, allocator.Active, "")
		r.halt()
	})
}

func TestRestartWithoutASwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		id := r.create(1, 4, 600, 0)
		r.sleep(time.Second)
		r.halt()
		r.take()
		r.change(unmet(2))
		r.start()
		defer r.halt()
		r.sleep(9 * time.Second)
		r.expect(id, allocator.Active, "restore id1")
		r.sleep(2 * time.Second) // settled: a switch that is away now is away
		r.expect(id, allocator.Pending, "")
	})
}

// list returns every allocation, complete ones included.
func (r *rig) list() []allocator.Allocation {
	r.Helper()
	list, _, err := r.a.Page(context.Background(), allocator.Filter{}, 0, 1000)
	if err != nil {
		r.Fatal(err)
	}
	return list
}

func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.cfg.Workers = 8
		r.start()
		defer r.halt()
		for i := range 100 {
			r.create(byte(i+1), 0, 60, 30)
		}
		r.sleep(31 * time.Second)
		for _, v := range r.list() {
			if v.State != allocator.Active {
				t.Fatalf("%+v", v)
			}
		}
		if most, _ := r.tally(); most != 8 {
			t.Errorf("%d calls at once, want 8", most)
		}
		r.sleep(60 * time.Second)
		for _, v := range r.list() {
			if v.State != allocator.Complete {
				t.Fatalf("%+v", v)
			}
		}
		if log := r.take(); strings.Contains(log, "at once") {
			t.Error(log)
		}
		if _, held := r.tally(); held != 0 {
			t.Errorf("%d circuits left", held)
		}
	})
}

func TestHangingNetworkTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.latency, r.cfg.Timeout = time.Hour, 3*time.Second
		r.start()
		defer r.halt()
		id := r.create(1, 0, 600, 0)
		r.sleep(4 * time.Second)
		if v := r.expect(id, allocator.Pending, ""); !strings.Contains(v.Reason, "deadline") {
			t.Errorf("reason %q", v.Reason)
		}
	})
}

// TestHangingCallsMakeRoom: calls that do not return hold up the others for
// seconds, and not until they are given up, as long as there are not more than
// three times as many as there are workers.
func TestHangingCallsMakeRoom(t *testing.T) {
	for _, tc := range []struct {
		hanging int
		wait    time.Duration // of all others
	}{{0, 0}, {3, 0}, {4, patience}, {15, 3 * patience}, {16, 3*patience + DefaultTimeout}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.cfg.Workers, r.hanging = 4, map[string]bool{}
			for i := range tc.hanging {
				r.hanging[fmt.Sprintf("id%d", i+1)] = true
			}
			r.start()
			defer r.halt()
			var prompt []string
			for i := range tc.hanging + 8 {
				id := r.create(byte(i+1), 0, 600, 10)
				if i >= tc.hanging {
					prompt = append(prompt, id)
				}
			}
			installed := func() (n int) {
				for _, id := range prompt {
					if v, err := r.a.Get(id); err == nil && v.State == allocator.Active {
						n++
					}
				}
				return n
			}
			r.sleep(10*time.Second + tc.wait - patience/2)
			before := installed()
			r.sleep(patience)
			if after := installed(); before != 0 || after != len(prompt) {
				t.Errorf("beside %d that hang, %d and %d are active half a second before and after %v; there are %d", tc.hanging, before, after, tc.wait, len(prompt))
			}
			if most, _ := r.tally(); most > 4*(1+slowShare) {
				t.Errorf("%d calls at once", most)
			}
		})
	}
}

// TestRoomIsCounted: calls that took long and have ended leave as much room as
// there was before them.
func TestRoomIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.cfg.Workers, r.cfg.Timeout, r.latency = 2, time.Minute, patience
		r.start()
		defer r.halt()
		for round := range 3 { // the first ends as its patience does
			r.latency = patience + time.Duration(round)*time.Millisecond
			for i := range 20 {
				r.create(byte(i+1+20*round), 0, 600, 10)
			}
			r.sleep(2 * time.Minute)
		}
		r.latency = patience / 2
		r.mu.Lock()
		r.most = 0
		r.mu.Unlock()
		for i := range 20 {
			r.create(byte(i+101), 0, 600, 10)
		}
		r.sleep(time.Minute)
		if most, held := r.tally(); most != 2 || held != 80 {
			t.Errorf("%d calls at once for %d circuits, want 2 for 80", most, held)
		}
	})
}

func TestBackoff(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 6: time.Minute, 10: time.Minute, 1 << 30: time.Minute} {
		if got := backoff(time.Second, failures); got < want || got > want*5/4+1 {
			t.Errorf("after %d failures %v, want %v and at most a quarter more", failures, got, want)
		}
	}
}

func TestNewChecks(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a scheduler without allocator and network")
	}
}

package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"conga/controller/topology"
	"conga/openflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func all(string) bool { return true }

func read(t *testing.T, h *Hub, sees func(string) bool) *Reader {
	t.Helper()
	r, err := h.Read("u", sees)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// types returns what a batch has, in short.
func types(b Batch) string {
	text := ""
	if b.Lost {
		text = "lost "
	}
	for _, e := range b.Events {
		text += e.Type + " "
	}
	return text
}

func TestOrderAndFilter(t *testing.T) {
	h := NewHub(nil)
	h.Publish("before", "p", nil)
	everything, own := read(t, h, all), read(t, h, func(p string) bool { return p == "p" })
	for i, project := range []string{"p", "q", "", "p"} {
		h.Publish(fmt.Sprint(i), project, nil)
	}
	if got := types(everything.Take()); got != "0 1 2 3 " {
		t.Errorf("the operator reads %s", got)
	}
	b := own.Take()
	if got := types(b); got != "0 3 " || b.Next != b.Events[1].ID+1 {
		t.Errorf("the project reads %s", got)
	}
	if got := types(own.Take()); got != "" {
		t.Errorf("and then %s", got)
	}
	resumed := read(t, h, all)
	resumed.Resume(b.Events[0].ID)
	if got := types(resumed.Take()); got != "1 2 3 " {
		t.Errorf("resumed reads %s", got)
	}
}

func TestLost(t *testing.T) {
	h := NewHub(nil)
	slow := read(t, h, all)
	h.Publish("first", "", nil)
	id := slow.Take().Events[0].ID
	for range keep {
		h.Publish("x", "", nil)
	}
	exact := read(t, h, all)
	exact.Resume(id)
	if n := 0; true {
		for b := exact.Take(); len(b.Events) > 0; b = exact.Take() {
			n += len(b.Events)
			if b.Lost || len(b.Events) > maxBatch {
				t.Errorf("a batch of %d, lost %v", len(b.Events), b.Lost)
			}
		}
		if n != keep {
			t.Errorf("%d events, want the %d that are kept", n, keep)
		}
	}
	h.Publish("y", "", nil)
	if got := types(slow.Take()); got != "lost " {
		t.Errorf("who is too slow reads %s", got)
	}
	h.Publish("z", "", nil)
	if got := types(slow.Take()); got != "z " {
		t.Errorf("and then %s", got)
	}
	for name, id := range map[string]uint64{"too old": id, "of an earlier life": 5, "of the future": h.next, "absurd": ^uint64(0)} {
		r := read(t, h, all)
		r.Resume(id)
		if got := types(r.Take()); got != "lost " {
			t.Errorf("an ID %s reads %s", name, got)
		}
		r.Close()
		h.mu.Lock() // Cleanup closes it again
		h.open++
		h.readers["u"]++
		h.mu.Unlock()
	}
	newest := read(t, h, all)
	newest.Resume(h.next - 1)
	if b := newest.Take(); b.Lost || len(b.Events) != 0 {
		t.Errorf("who missed nothing reads %s", types(b))
	}
}

func TestLimits(t *testing.T) {
	h := NewHub(nil)
	var readers []*Reader
	for range maxOfOne {
		readers = append(readers, read(t, h, all))
	}
	if _, err := h.Read("u", all); !errors.Is(err, ErrFull) {
		t.Errorf("one more: %v", err)
	}
	for i := range maxAll - maxOfOne {
		r, err := h.Read(fmt.Sprint(i), all)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
	}
	if _, err := h.Read("v", all); !errors.Is(err, ErrFull) {
		t.Errorf("one more in all: %v", err)
	}
	h.Close()
	h.Close()
	if _, err := h.Read("u", all); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if b := readers[0].Take(); !b.Closed {
		t.Error("the last batch does not say so")
	}
	h.Publish("late", "", nil) // has no effect
}

func TestJSON(t *testing.T) {
	h := NewHub(func() time.Time { return time.Unix(7, 0) })
	r := read(t, h, all)
	h.Publish("a", "", func() any { return map[string]int{"x": 1} })
	h.Publish("b", "", func() any { return nil })
	h.Publish("c", "", func() any { return struct{}{} })
	for i, want := range []string{
		`{"event_id":"7000000","event":"a","time":7,"x":1}`, `{"event_id":"7000001","event":"b","time":7}`, `{"event_id":"7000002","event":"c","time":7}`,
	} {
		got, err := r.Take().Events[0].JSON()
		if err != nil || string(got) != want || !json.Valid(got) {
			t.Errorf("event %d is %s (%v), want %s", i, got, err, want)
		}
		r.Resume(7000000 + uint64(i))
	}
}

// TestWaking: readers sleep until there is something, and are woken together.
func TestWaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(nil)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { h.Run(ctx) })
		var mu sync.Mutex
		takes, events := 0, 0
		for i := range 10 {
			r, err := h.Read(fmt.Sprint(i), all)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				defer r.Close()
				for {
					b := r.Take()
					mu.Lock()
					takes++
					events += len(b.Events)
					mu.Unlock()
					if b.Closed {
						return
					}
					<-b.More
				}
			})
		}
		synctest.Wait()
		for range 100 {
			h.Publish("x", "", nil)
		}
		time.Sleep(time.Second)
		h.Recheck()
		time.Sleep(time.Second)
		mu.Lock()
		if takes < 20 || takes > 50 || events != 1000 {
			t.Errorf("10 readers took %d times, %d events in all", takes, events)
		}
		mu.Unlock()
		h.Close()
		cancel()
		wg.Wait()
	})
}

// fakeNetwork is a topology that changes as it is told.
type fakeNetwork struct {
	mu      sync.Mutex
	snap    *topology.Snapshot
	changed chan struct{}
}

func (n *fakeNetwork) Snapshot() *topology.Snapshot {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.snap
}

func (n *fakeNetwork) Changed() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}

func (n *fakeNetwork) set(s *topology.Snapshot) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.snap = s
	close(n.changed)
	n.changed = make(chan struct{})
}

func TestTopology(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(nil)
		n := &fakeNetwork{snap: &topology.Snapshot{Revision: 1}, changed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { h.Watch(ctx, n) })
		r := read(t, h, all)
		synctest.Wait()
		for i := range 50 {
			n.set(&topology.Snapshot{Revision: uint64(2 + i), Switches: map[openflow.DPID]topology.Switch{1: {Connected: true}, 2: {}}})
		}
		n.set(&topology.Snapshot{Revision: 51, Switches: map[openflow.DPID]topology.Switch{1: {Connected: true}, 2: {}}}) // a circuit came, nothing else
		time.Sleep(3 * topologyRest)
		b := r.Take()
		if len(b.Events) < 1 || len(b.Events) > 3 {
			t.Fatalf("%d events of 50 changes at once", len(b.Events))
		}
		last := b.Events[len(b.Events)-1]
		text, err := last.JSON()
		var got struct{ Topology Topology }
		if err != nil || json.Unmarshal(text, &got) != nil || got.Topology != (Topology{Revision: 51, Switches: 2, Connected: 1}) || last.Project != "" {
			t.Errorf("the event is %s (%v)", text, err)
		}
		cancel()
		wg.Wait()
	})
}

// A port that hears relayed probes is reported once, and again after it has
// ceased to.
func TestRelayedProbesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(nil)
		n := &fakeNetwork{snap: &topology.Snapshot{Revision: 1}, changed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { h.Watch(ctx, n) })
		r := read(t, h, all)
		at, peer := topology.PortID{DPID: 1, Port: 3}, topology.PortID{DPID: 2, Port: 4}
		for i, trouble := range []topology.Trouble{topology.Relayed, topology.Relayed, topology.Untroubled, topology.Relayed} {
			p := topology.Port{ID: at, Trouble: trouble, Peer: peer}
			n.set(&topology.Snapshot{Revision: uint64(2 + i), Switches: map[openflow.DPID]topology.Switch{
				1: {Ports: map[openflow.PortNo]topology.Port{3: p}},
			}})
			time.Sleep(2 * topologyRest)
		}
		reported := 0
		for _, e := range r.Take().Events {
			if e.Type != ProbeRelayed {
				continue
			}
			reported++
			var got Relay
			text, err := e.JSON()
			if err != nil || json.Unmarshal(text, &got) != nil || got.Port != portOf(at) || *got.Peer != portOf(peer) || e.Project != "" {
				t.Errorf("the event is %s (%v)", text, err)
			}
		}
		if reported != 2 {
			t.Errorf("reported %d times; want twice", reported)
		}
		cancel()
		wg.Wait()
	})
}

// TestLimitedSwitches: there is news of a switch when what it cannot do is not
// what it was, and when another controller takes it, or has gone.
func TestLimitedSwitches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(nil)
		n := &fakeNetwork{snap: &topology.Snapshot{Revision: 1}, changed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { h.Watch(ctx, n) })
		r := read(t, h, all)
		for i, sw := range []topology.Switch{
			{Role: openflow.RoleMaster},
			{Role: openflow.RoleMaster, Limitations: []string{"It has no meters."}},
			{Role: openflow.RoleMaster, Limitations: []string{"It has no meters."}, Tables: 3},
			{Role: openflow.RoleSlave, Limitations: []string{"Another controller."}},
			{},
			{Role: openflow.RoleMaster},
		} {
			sw.DPID = 1
			n.set(&topology.Snapshot{Revision: uint64(2 + i), Switches: map[openflow.DPID]topology.Switch{1: sw, 2: {DPID: 2}}})
			time.Sleep(2 * topologyRest)
		}
		var got []string
		for _, e := range r.Take().Events {
			if e.Type == SwitchLimited {
				text, err := e.JSON()
				if err != nil || e.Project != "" {
					t.Errorf("the event is %s of %q (%v)", text, e.Project, err)
				}
				got = append(got, string(text[bytes.Index(text, []byte(`"switch"`)):]))
			}
		}
		want := []string{
			`"switch":{"dpid":"0000000000000001","role":"master","limitations":["It has no meters."]}}`,
			`"switch":{"dpid":"0000000000000001","role":"slave","limitations":["Another controller."]}}`,
			`"switch":{"dpid":"0000000000000001","role":null,"limitations":[]}}`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("published are\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		cancel()
		wg.Wait()
	})
}

func BenchmarkPublish(b *testing.B) {
	for _, readers := range []int{0, 1000} {
		b.Run(fmt.Sprint(readers, "-readers"), func(b *testing.B) {
			h := NewHub(nil)
			var wg sync.WaitGroup
			ctx, cancel := context.WithCancel(b.Context())
			wg.Go(func() { h.Run(ctx) })
			for i := range readers {
				r, err := h.Read(fmt.Sprint(i), all)
				if err != nil {
					b.Fatal(err)
				}
				wg.Go(func() {
					defer r.Close()
					for batch := r.Take(); !batch.Closed; batch = r.Take() {
						<-batch.More
					}
				})
			}
			b.ReportAllocs()
			for b.Loop() {
				h.Publish("x", "p", nil)
			}
			h.Close()
			cancel()
			wg.Wait()
		})
	}
}

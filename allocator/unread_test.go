package allocator

import (
	"context"
	"math"
	"strings"
	"testing"

	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestStoreThatCannotBeRead: what is live is at hand all the same, and whether
// something is complete is not decided.
func TestStoreThatCannotBeRead(t *testing.T) {
	w := newWorld(t, 2, bitrate.Gbps)
	w.cable(1, 2, bitrate.Gbps)
	c := &chronicle{world: w}
	past := c.ended(1, "p", w.now-3600)
	w.cfg.History = 1
	w.open()
	live := w.create(ask(1, 1, 2, 1, 1, 60))
	w.store.Close()
	page := func(f Filter) error {
		_, _, err := w.a.Page(bg, f, 0, 10)
		return err
	}
	none := func(string) error { return nil }
	for name, call := range map[string]func() error{
		"get":                 func() error { _, err := w.a.Get(past.ID); return err },
		"update":              func() error { _, err := w.a.Update(bg, past.ID, 0, Change{Duration: new(Seconds(1))}); return err },
		"delete":              func() error { return w.a.Release(bg, past.ID, 0) },
		"page":                func() error { return page(Filter{}) },
		"page of a project":   func() error { return page(Filter{Project: "p"}) },
		"page of the history": func() error { return page(Filter{State: Complete}) },
		"past":                func() error { return w.a.Past(bg, "", none) },
		"past of a project":   func() error { return w.a.Past(bg, "p", none) },
		"step":                func() error { _, err := w.a.Step(bg, Filter{}, Begin(true), 9); return err },
		"step of a user":      func() error { _, err := w.a.Step(bg, Filter{User: "u"}, Begin(true), 9); return err },
		"skip":                func() error { _, err := w.a.Skip(bg, Filter{}, false, 1); return err },
		"skip from the end":   func() error { _, err := w.a.Skip(bg, Filter{}, true, 1); return err },
		"skip of a user":      func() error { _, err := w.a.Skip(bg, Filter{User: "u"}, false, 1); return err },
		"prune":               func() error { _, err := w.a.Prune(bg); return err },
	} {
		err := call()
		if refusedAs(err) != Internal || err == nil || err.Error() != errUnread.Error() {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if !w.a.Known(past.ID) || !w.a.Known(live.ID) {
		t.Error("what cannot be looked for is said not to be")
	}
	w.get(live.ID)
	if err := page(Filter{State: Pending}); err != nil {
		t.Errorf("page of what is pending: %v", err)
	}
	w.store.Reopen()
	if w.a.Known("id99") {
		t.Error("what is nowhere is known")
	}
	w.get(past.ID)
	w.checkIndexes()
}

// TestHandlesBeginAnew: after 2^32 allocations handles begin anew, and those
// that are still in use, also by what is deleted and in the network, are left
// out, as is 0.
func TestHandlesBeginAnew(t *testing.T) {
	w, _ := pair(t)
	flow := func(i int) Request {
		r := ask(1, 1, 2, 1, 0, 1000)
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(i+1)), path.Port(80)
		return r
	}
	for i := range 3 { // handles 1, 2, 3
		w.create(flow(i))
	}
	w.work()
	if err := w.a.Release(bg, "id3", 0); err != nil {
		t.Fatal(err)
	}
	w.a.seq = math.MaxUint32
	for i, want := range []uint32{4, 5} {
		if v := w.create(flow(10 + i)); v.Handle != want {
			t.Errorf("the handle is %d, want %d", v.Handle, want)
		}
	}
	w.work() // the third is out of the network
	if err := w.a.Release(bg, "id1", 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.a.seq = 2 << 32
	for i, want := range []uint32{1, 3, 6} {
		if v := w.create(flow(20 + i)); v.Handle != want {
			t.Errorf("the handle is %d, want %d", v.Handle, want)
		}
	}
	w.open()
	w.work()
	w.checkIndexes()
	w.a.seq = 3 << 32
	if v := w.create(flow(30)); v.Handle != 7 {
		t.Errorf("after a restart the handle is %d, want 7", v.Handle)
	}
}

// TestSameCircuit: circuits that differ in anything are not the same.
func TestSameCircuit(t *testing.T) {
	c := path.Circuit{ID: "a", Handle: 1, Key: key(host(1, 1), host(2, 1)), Rate: 5, Path: path.Path{{DPID: 1, In: 1, Out: 2}}}
	if !sameCircuit(c, c) {
		t.Error("a circuit is not the same as itself")
	}
	for name, change := range map[string]func(*path.Circuit){
		"ID": func(c *path.Circuit) { c.ID = "b" }, "handle": func(c *path.Circuit) { c.Handle = 2 },
		"key": func(c *path.Circuit) { c.Key.SrcPort = path.Port(1) }, "rate": func(c *path.Circuit) { c.Rate = 0 },
		"path": func(c *path.Circuit) { c.Path = path.Path{{DPID: 1, In: 1, Out: 3}} }, "none": func(c *path.Circuit) { c.Path = nil },
	} {
		d := c
		if change(&d); sameCircuit(c, d) || sameCircuit(d, c) {
			t.Errorf("circuits of another %s are the same", name)
		}
	}
}

// TestReasonOfALostPath: the reason says why a running allocation has lost its
// path, and goes on saying so while other things happen to it.
func TestReasonOfALostPath(t *testing.T) {
	w := newWorld(t, 3, 100)
	trunk := w.cable(1, 2, 10)
	w.open()
	w.a.Settled()
	v := w.create(ask(1, 1, 2, 1, 5, 1000))
	w.work()
	at := func(port topology.PortID) func(*topology.Snapshot) {
		return func(s *topology.Snapshot) {
			for i := range s.Attachments {
				if s.Attachments[i].Prefix.Addr() == host(2, 1) {
					s.Attachments[i].At = port
				}
			}
		}
	}
	w.change(at(topology.PortID{DPID: 3, Port: 1})) // to which no cable leads
	w.work()
	got := w.expect(v.ID, Pending, span(0, 1000))
	if len(got.Path) != 0 || !strings.HasPrefix(got.Reason, "10.0.2.1 has moved to 0000000000000003:1; no path leads") {
		t.Errorf("the path is %v, the reason %q", got.Path, got.Reason)
	}
	w.change(cut(trunk))
	w.work()
	if again := w.get(v.ID); again.Reason != got.Reason {
		t.Errorf("the reason is %q", again.Reason)
	}
	w.change(mend(trunk, 10))
	w.change(at(topology.PortID{DPID: 2, Port: 3}))
	w.work()
	if got := w.expect(v.ID, Active, span(0, 1000)); got.Path[1].Out != 3 || got.Reason != "" {
		t.Errorf("the path is %v, the reason %q", got.Path, got.Reason)
	}
	w.change(cut(trunk))
	w.work()
	if got := w.expect(v.ID, Pending, span(0, 1000)); strings.Contains(got.Reason, "has moved") || !strings.Contains(got.Reason, "; no path leads") {
		t.Errorf("the reason is %q", got.Reason)
	}
}

// TestIrregularHandles opens stores with handles that are not the low half of
// the sequence number: they are kept, and none is used twice.
func TestIrregularHandles(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 100)
	put := func(id string, seq uint64, handle uint32) {
		r := record{Version: recordVersion, Seq: seq, Allocation: Allocation{
			ID: id, Handle: handle, Revision: seq, Created: 1, State: Pending,
			Request: Request{UserID: "u", ProjectID: "p", Key: key(host(1, 1), host(2, 1)), Duration: 1},
		}}
		text, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		w.store.put(store.Allocations, id, string(text))
	}
	put("a", 5, 7)
	put("b", 4, 4)
	w.open()
	for i, want := range []uint32{6, 8} {
		v := w.create(ask(1, 2, 2, i+1, 0, 10))
		if v.Handle != want {
			t.Errorf("the handle is %d, want %d", v.Handle, want)
		}
		if err := w.remove(v.ID); err != nil {
			t.Fatal(err)
		}
	}
	for name, twin := range map[string]struct {
		seq    uint64
		handle uint32
	}{"another irregular one": {3, 7}, "a regular one": {7, 7}, "one after 2^32 more": {1<<32 + 7, 7}, "the same number": {5, 9}} {
		put("c", twin.seq, twin.handle)
		if _, err := Open(bg, w.cfg); err == nil || !strings.Contains(err.Error(), `"a"`) || !strings.Contains(err.Error(), `"c"`) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	put("c", 1<<32+8, 8)
	if n := len(w.reopen()); n != 3 {
		t.Errorf("%d are listed", n)
	}
}

// TestPruneStops removes nothing once it is told to stop.
func TestPruneStops(t *testing.T) {
	w := newWorld(t, 1, bitrate.Gbps)
	(&chronicle{world: w}).ended(1, "p", 1)
	w.open()
	ctx, stop := context.WithCancel(bg)
	stop()
	if n, err := w.a.Prune(ctx); n != 0 || refusedAs(err) != Internal || len(w.list("")) != 1 {
		t.Errorf("%d removed, error %v", n, err)
	}
}

// TestHopsAreShared: paths that differ in their edge ports alone are kept with
// the same hops.
func TestHopsAreShared(t *testing.T) {
	table := newHopTable()
	at := func(in, out openflow.PortNo) path.Path {
		return path.Path{{DPID: 1, In: in, Out: 9}, {DPID: 2, In: 8, Out: 7}, {DPID: 3, In: 6, Out: out}}
	}
	first, ok := table.pack(at(1, 2))
	again, okAgain := table.pack(at(3, 4))
	if !ok || !okAgain || first != again || len(*table.hops.Load()) != 3 {
		t.Errorf("two paths take %d hops, and are %q and %q", len(*table.hops.Load()), first, again)
	}
	if got := table.unpack(first); !got.Equal(at(0, 0)) {
		t.Errorf("the path is %v", got)
	}
	for port := range openflow.PortNo(700) { // so that numbers take more than a byte
		p := path.Path{{DPID: 1, In: 1, Out: 9}, {DPID: 2, In: 8, Out: 100 + port}, {DPID: 3, In: 6, Out: 2}}
		packed, _ := table.pack(p)
		if got := table.unpack(packed); len(got) != 3 || got[1] != p[1] {
			t.Fatalf("%v is unpacked as %v", p, got)
		}
	}
	if n := len(*table.hops.Load()); n != 703 {
		t.Errorf("there are %d hops", n)
	}
}

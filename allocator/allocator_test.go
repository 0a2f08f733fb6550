package allocator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

var bg = context.Background()

// pair returns the smallest world with a trunk: two switches, a cable of
// capacity 10.
func pair(tb testing.TB) (*world, topology.LinkID) {
	w := newWorld(tb, 2, 100)
	trunk := w.cable(1, 2, 10)
	w.open()
	return w, trunk
}

func TestCreateValidates(t *testing.T) {
	w, _ := pair(t)
	addr := netip.MustParseAddr
	good := ask(1, 1, 2, 1, 1, 60)
	for _, tc := range []struct {
		name   string
		spoil  func(r *Request)
		field  string
		phrase string
	}{
		{"no project", func(r *Request) { r.ProjectID = "" }, "project_id", "required"},
		{"no source", func(r *Request) { r.Key.Src = path.Prefix{} }, "src_ip", "required"},
		{"no destination", func(r *Request) { r.Key.Dst = path.Prefix{} }, "dst_ip", "required"},
		{"same ends", func(r *Request) { r.Key.Dst = r.Key.Src }, "dst_ip", "same as src_ip"},
		{"same ends, one mapped", func(r *Request) { r.Key.Dst = path.Host(addr("::ffff:10.0.1.1")) }, "dst_ip", "same as src_ip"},
		{"families", func(r *Request) { r.Key.Dst = path.Host(addr("2001:db8::1")) }, "dst_ip", "different families"},
		{"unspecified", func(r *Request) { r.Key.Src = path.Host(addr("0.0.0.0")) }, "src_ip", "no host's"},
		{"multicast", func(r *Request) { r.Key.Dst = path.Host(addr("224.0.0.1")) }, "dst_ip", "group"},
		{"broadcast", func(r *Request) { r.Key.Dst = path.Host(addr("255.255.255.255")) }, "dst_ip", "group"},
		{"multicast 6", func(r *Request) { r.Key.Dst = path.Host(addr("ff02::1")) }, "dst_ip", "group"},
		{"loopback", func(r *Request) { r.Key.Src = path.Host(addr("127.0.0.1")) }, "src_ip", "loopback"},
		{"zone", func(r *Request) { r.Key.Src = path.Host(addr("fe80::1%eth0")) }, "src_ip", "zone"},
		{"protocol", func(r *Request) { r.Key.Proto = 1 }, "protocol", "tcp, udp or any"},
		{"no duration", func(r *Request) { r.Duration = 0 }, "duration", "at least 1"},
		{"negative duration", func(r *Request) { r.Duration = -1 }, "duration", "at least 1"},
		{"long duration", func(r *Request) { r.Duration = MaxDuration + 1 }, "duration", "31536000"},
		{"past", func(r *Request) { r.StartTime = w.now - 6 }, "start_time", "in the past"},
		{"negative start", func(r *Request) { r.StartTime = math.MinInt64 }, "start_time", "in the past"},
		{"milliseconds", func(r *Request) { r.StartTime = w.now * 1000 }, "start_time", "two years"},
		{"overflow", func(r *Request) { r.StartTime = math.MaxInt64 }, "start_time", "two years"},
	} {
		r := good
		tc.spoil(&r)
		_, err := w.a.Create(bg, r)
		if e := refused(t, err, Invalid, tc.field); !strings.Contains(e.Error(), tc.phrase) {
			t.Errorf("%s: %q does not say %q", tc.name, e, tc.phrase)
		}
	}
	if got := w.list(""); len(got) != 0 {
		t.Errorf("refused requests left %v", got)
	}
	r := good
	r.Key.Src, r.StartTime = path.Host(addr("::ffff:10.0.1.1")), w.now-5
	if v := w.create(r); v.Key.Src != path.Host(addr("10.0.1.1")) || v.Window.Start != w.now {
		t.Errorf("a mapped address or a start just past came out as %+v", v)
	}
}

func TestLifeOfAnAllocation(t *testing.T) {
	w, trunk := pair(t)
	v := w.create(ask(1, 1, 2, 1, 4, 60))
	w.expect(v.ID, Pending, span(0, 60))
	if v.Handle == 0 || v.Revision == 0 || v.Created != w.now || len(v.Path) != 2 {
		t.Errorf("created %+v", v)
	}
	if got := w.a.Reserved(trunk.Reverse(), span(0, 60)); got != 4 {
		t.Errorf("%v reserved on the way back, want 4", got)
	}
	w.work()
	w.expect(v.ID, Active, span(0, 60))
	w.pass(59)
	w.expect(v.ID, Active, span(0, 60))
	w.pass(1)
	done := w.expect(v.ID, Complete, span(0, 60))
	if done.Reason != "" || done.Revision <= v.Revision || len(done.Path) != 2 {
		t.Errorf("completed %+v", done)
	}
	if _, err := w.a.Update(bg, v.ID, 0, Change{Duration: new(Seconds(5))}); refused(t, err, Conflict, "") == nil {
		t.Error("changed a complete allocation")
	}
	w.checkCalendars()
	if len(w.a.calendars.links) != 0 || w.a.calendars.keys.size() != 0 || len(w.a.handles) != 0 {
		t.Errorf("a complete allocation holds %v", w.a.calendars)
	}
}

func TestQueueAndMoveSooner(t *testing.T) {
	w, _ := pair(t)
	first := w.create(ask(1, 1, 2, 1, 6, 100))
	second := w.create(ask(1, 2, 2, 2, 6, 50))
	third := w.create(ask(1, 3, 2, 3, 4, 500))
	w.expect(second.ID, Pending, span(100, 150))
	w.expect(third.ID, Pending, span(0, 500))
	w.work()
	w.pass(10)
	if err := w.remove(first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.a.Get(first.ID); refused(t, err, NotFound, "") == nil {
		t.Error("still there")
	}
	w.plan()
	w.expect(second.ID, Pending, span(100, 150)) // the entries are still in
	w.work()
	w.expect(second.ID, Active, span(10, 60))
	w.checkCalendars()
}

func TestRefusalExplains(t *testing.T) {
	w, trunk := pair(t)
	w.create(ask(1, 1, 2, 1, 7, 100))
	r := ask(1, 2, 2, 2, 5, 10)
	r.StartTime = w.now + 50
	_, err := w.a.Create(bg, r)
	e := refused(t, err, Conflict, "bandwidth")
	if e.Bottleneck == nil || *e.Bottleneck != trunk && *e.Bottleneck != trunk.Reverse() {
		t.Errorf("bottleneck %v, want %v", e.Bottleneck, trunk)
	}
	if e.Offer != (Offer{Later: w.now + 100, Slower: 3}) {
		t.Errorf("offer %+v", e.Offer)
	}
	for _, phrase := range []string{trunk.From.String(), "3 of 10 left", "until 1970-01-12T13:48:20Z", "at most 3", "start at 1970-01-12T13:48:20Z"} {
		if !strings.Contains(e.Error(), phrase) {
			t.Errorf("%q does not say %q", e, phrase)
		}
	}
	_, err = w.a.Create(bg, ask(1, 2, 2, 2, 11, 10))
	if e := refused(t, err, Conflict, "bandwidth"); e.Bottleneck == nil || !strings.Contains(e.Error(), "the most that any path carries is 10") {
		t.Errorf("what never fits is refused with %v", e)
	}
	same := ask(1, 1, 2, 1, 0, 10)
	same.StartTime = w.now + 50
	_, err = w.a.Create(bg, same)
	if e := refused(t, err, Conflict, ""); !strings.Contains(e.Error(), "1970-01-12T13:48:20Z") || e.Offer.Later != w.now+100 || strings.Contains(e.Error(), "id1") {
		t.Errorf("the same traffic twice is refused with %v %+v", e, e.Offer)
	}
	_, err = w.a.Create(bg, Request{ProjectID: "p", Key: key(host(1, 1), host(1, 1).Next().Prev()), Duration: 5})
	refused(t, err, Invalid, "dst_ip")
}

func TestSameTrafficQueues(t *testing.T) {
	w, _ := pair(t)
	w.create(ask(1, 1, 2, 1, 1, 100))
	r := ask(1, 1, 2, 1, 1, 50)
	r.Key = r.Key.Reverse()
	v := w.create(r)
	w.expect(v.ID, Pending, span(100, 150))
	r.Key.DstPort = path.Port(80) // more precise: the switches can tell
	v = w.create(r)
	w.expect(v.ID, Pending, span(0, 50))
}

func TestLimits(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 100)
	w.cfg.Limits = func(p string) Limits {
		if p == "p" {
			return Limits{Bandwidth: new(bitrate.Rate(10)), Active: new(2)}
		}
		return Limits{}
	}
	a := w.open()
	_, err := a.Create(bg, ask(1, 1, 2, 1, 11, 60))
	refused(t, err, Denied, "bandwidth")
	first := w.create(ask(1, 1, 2, 1, 6, 60))
	_, err = a.Create(bg, ask(1, 2, 2, 2, 6, 60))
	if e := refused(t, err, Denied, "bandwidth"); e.Offer != (Offer{Slower: 4, Later: w.now + 60}) {
		t.Errorf("offer %+v", e.Offer)
	}
	later := ask(1, 2, 2, 2, 6, 60)
	later.StartTime = w.now + 60
	w.create(later)
	_, err = a.Create(bg, ask(1, 3, 2, 3, 0, 60))
	refused(t, err, Denied, "project_id")
	other := ask(1, 3, 2, 3, 50, 60)
	other.ProjectID = "q"
	v := w.create(other)
	_, err = a.Update(bg, v.ID, 0, Change{ProjectID: new("p")})
	refused(t, err, Denied, "project_id")
	if _, err := a.Update(bg, first.ID, 0, Change{Bandwidth: new(bitrate.Rate(10))}); err != nil {
		t.Errorf("its own 6 of 10 were not counted as free: %v", err)
	}
}

func TestListIsInOrderOfCreation(t *testing.T) {
	w, _ := pair(t)
	var want []string
	for i := range 100 {
		r := ask(1, 1, 2, 1, 0, 60)
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(i+1)), path.Port(1)
		if r.ProjectID = "even"; i%2 == 1 {
			r.ProjectID = "odd"
		}
		want = append(want, w.create(r).ID)
	}
	ids := func(p string) (ids []string) {
		for _, v := range w.list(p) {
			ids = append(ids, v.ID)
		}
		return ids
	}
	if got := ids(""); !slices.Equal(got, want) {
		t.Fatalf("listed %v", got)
	}
	for i, id := range want {
		switch {
		case i%4 == 1:
			if err := w.remove(id); err != nil {
				t.Fatal(err)
			}
		case i%4 == 0: // there and back again
			for _, p := range []string{"odd", "even"} {
				if _, err := w.a.Update(bg, id, 0, Change{ProjectID: &p}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	var even, odd []string
	for i, id := range want {
		switch i % 4 {
		case 0, 2:
			even = append(even, id)
		case 3:
			odd = append(odd, id)
		}
	}
	for range 2 {
		if got := ids("even"); !slices.Equal(got, even) {
			t.Errorf("even: %v", got)
		}
		if got := ids("odd"); !slices.Equal(got, odd) {
			t.Errorf("odd: %v", got)
		}
		w.open() // and the same after a restart
	}
	if len(w.list("nobody")) != 0 {
		t.Error("a project without allocations has some")
	}
}

func TestStoreFails(t *testing.T) {
	w, _ := pair(t)
	kept := w.create(ask(1, 1, 2, 1, 5, 60))
	w.work()
	kept = w.get(kept.ID)
	w.store.fail = errors.New("disk full")
	_, err := w.a.Create(bg, ask(1, 2, 2, 2, 5, 60))
	if e := refused(t, err, Internal, ""); strings.Contains(e.Error(), "disk") {
		t.Errorf("%v tells users about the disk", e)
	}
	_, err = w.a.Update(bg, kept.ID, 0, Change{Bandwidth: new(bitrate.Rate(9))})
	refused(t, err, Internal, "")
	refused(t, w.a.Release(bg, kept.ID, 0), Internal, "")
	if got := w.get(kept.ID); got.Bandwidth != 5 || got.Revision != kept.Revision {
		t.Errorf("a change that was not saved is seen: %+v", got)
	}
	w.checkCalendars()
	w.store.fail = nil
	if len(w.list("")) != 1 {
		t.Error("an allocation that was not saved is seen")
	}
	w.expect(w.create(ask(1, 2, 2, 2, 5, 60)).ID, Pending, span(0, 60))
}

func TestNothingIsSeenBeforeItIsSaved(t *testing.T) {
	w, _ := pair(t)
	w.store.hold = make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { w.create(ask(1, 1, 2, 1, 8, 60)) })
	for w.a.Reserved(topology.LinkID{To: topology.PortID{DPID: 1, Port: 1}}, span(0, 60)) == 0 {
	}
	if tasks, _ := w.a.Due(10); len(tasks) != 0 || len(w.list("")) != 0 {
		t.Error("an allocation is acted on before it is saved")
	}
	r := ask(1, 2, 2, 2, 8, 60)
	r.StartTime = w.now
	_, err := w.a.Create(bg, r)
	refused(t, err, Conflict, "bandwidth") // the room is taken all the same
	close(w.store.hold)
	wg.Wait()
	if tasks, _ := w.a.Due(10); len(tasks) != 1 {
		t.Error("nothing is due after it was saved")
	}
}

func TestConcurrentWriters(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 64)
	a := w.open()
	a.cfg.NewID = nil
	a.cfg.NewID = func() func() string {
		var mu sync.Mutex
		n := 0
		return func() string {
			mu.Lock()
			defer mu.Unlock()
			n++
			return fmt.Sprint(n)
		}
	}()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 8 {
				r := ask(1, 1, 2, 1, 4, 60)
				r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoUDP, path.Port(uint16(i+1)), path.Port(uint16(j+1))
				v, err := a.Create(bg, r)
				if err != nil {
					t.Error(err)
					return
				}
				switch j % 4 {
				case 1:
					_, err = a.Update(bg, v.ID, v.Revision, Change{Bandwidth: new(bitrate.Rate(2))})
				case 2:
					err = w.remove(v.ID)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.checkCalendars()
	w.checkLoads()
	before := w.list("")
	if after := w.reopen(); len(before) != 64*6 || len(after) != len(before) {
		t.Errorf("%d allocations before the restart, %d after", len(before), len(after))
	}
}

func TestLoadRefusesDamage(t *testing.T) {
	w, _ := pair(t)
	good := old(w.create(ask(1, 1, 2, 1, 1, 60)))
	for _, tc := range []struct{ old, new, phrase string }{
		{good, "{", "unexpected end"},
		{good, "", "unexpected end"},
		{`"v":1`, `"v":2`, "version 2"},
		{`"id":"id1"`, `"id":"id2"`, `about allocation "id2"`},
		{`"state":"pending"`, `"state":"lost"`, `"lost" is no state`},
		{`"handle":1`, `"handle":0`, "no number"},
		{`"start":1000000`, `"start":1000061`, "no window"},
		{`"src":"10.0.1.1"`, `"src":""`, "addresses"},
		{`"dst":"10.0.2.1"`, `"dst":"10.0.2."`, "must be an IP address"},
	} {
		w.store.put(store.Allocations, "id1", strings.Replace(good, tc.old, tc.new, 1))
		if _, err := Open(bg, w.cfg); err == nil || !strings.Contains(err.Error(), tc.phrase) || !strings.Contains(err.Error(), `"id1"`) || !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: error %v, want %q", tc.new, err, tc.phrase)
		}
	}
	w.store.put(store.Allocations, "id1", good)
	w.store.put(store.Allocations, "id0", strings.Replace(good, `"id":"id1"`, `"id":"id0"`, 1))
	if _, err := Open(bg, w.cfg); err == nil || !strings.Contains(err.Error(), "same number 1 as") {
		t.Errorf("two records with one handle: %v", err)
	}
	for _, r := range []float64{-1, 1.1, math.NaN()} {
		cfg := w.cfg
		if cfg.Reservable = r; r != 0 {
			if _, err := Open(bg, cfg); err == nil {
				t.Errorf("reservable share %v was accepted", r)
			}
		}
	}
}

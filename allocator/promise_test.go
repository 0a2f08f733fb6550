package allocator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"conga/allocator/store/storetest"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

func TestOpenChecks(t *testing.T) {
	network := func() *topology.Snapshot { return &topology.Snapshot{} }
	for name, cfg := range map[string]Config{
		"no store":    {Network: network},
		"no network":  {Store: storetest.NewMemory()},
		"neither":     {},
		"a negative":  {Store: storetest.NewMemory(), Network: network, Reservable: -0.1},
		"more":        {Store: storetest.NewMemory(), Network: network, Reservable: 1.01},
		"no number":   {Store: storetest.NewMemory(), Network: network, Reservable: math.NaN()},
		"more by far": {Store: storetest.NewMemory(), Network: network, Reservable: 2},
	} {
		if _, err := Open(bg, cfg); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := Open(bg, Config{Store: storetest.NewMemory(), Network: network, Reservable: 1}); err != nil {
		t.Errorf("all is reservable: %v", err)
	}
}

// Four fifths of a link are reservable unless it is said otherwise, and IDs are
// made.
func TestDefaults(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 100)
	w.cfg.Reservable, w.cfg.NewID = 0, nil
	w.open()
	r := ask(1, 1, 2, 1, 81, 10)
	r.StartTime = w.now
	_, err := w.a.Create(bg, r)
	refused(t, err, Conflict, "bandwidth")
	r.Bandwidth = 80
	first := w.create(r)
	r.Bandwidth, r.Key.SrcPort = 0, path.Port(1)
	r.Key.Proto = path.ProtoTCP
	second := w.create(r)
	if len(first.ID) != 36 || first.ID == second.ID {
		t.Errorf("IDs %q and %q", first.ID, second.ID)
	}
}

// An ID is taken once, and an allocator that finds none says so.
func TestNoNewID(t *testing.T) {
	w, _ := pair(t)
	w.cfg.NewID = func() string { return "always" }
	w.open()
	v := w.create(ask(1, 1, 2, 1, 1, 10))
	if v.ID != "always" {
		t.Fatalf("ID %q", v.ID)
	}
	_, err := w.a.Create(bg, ask(1, 2, 2, 2, 1, 10))
	refused(t, err, Internal, "")
	if err := w.a.Release(bg, v.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.create(ask(1, 2, 2, 2, 1, 10))
}

// A caller that has given up gets nothing, and nothing is held for it.
func TestCreateAfterGivingUp(t *testing.T) {
	w, _ := pair(t)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	_, err := w.a.Create(ctx, ask(1, 1, 2, 1, 10, 10))
	if refused(t, err, Internal, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if len(w.list("")) != 0 {
		t.Error("something was created")
	}
}

func TestKnown(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 1, 10))
	w.work()
	for id, want := range map[string]bool{v.ID: true, "nobody": false, "": false} {
		if got := w.a.Known(id); got != want {
			t.Errorf("%q is known: %t", id, got)
		}
	}
	w.pass(11)
	w.expect(v.ID, Complete, span(0, 10))
	if !w.a.Known(v.ID) {
		t.Error("what is complete is not known")
	}
	if err := w.a.Release(bg, v.ID, 0); err != nil {
		t.Fatal(err)
	}
	if w.a.Known(v.ID) {
		t.Error("what is deleted is known")
	}
	if _, err := w.a.Get(v.ID); refusedAs(err) != NotFound {
		t.Errorf("got what is deleted: %v", err)
	}
}

// What a caller is given it may change.
func TestResultsAreTheCallers(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 1, 10))
	v.Path[0].In = 99
	if got := w.get(v.ID); got.Path[0].In == 99 {
		t.Error("a caller has changed the path that is kept")
	}
	u := w.update(v.ID, Change{Duration: new(Seconds(20))})
	u.Path[0].In = 98
	if got := w.get(v.ID); got.Path[0].In != 1 {
		t.Error("a caller has changed the path that is kept")
	}
}

func (w *world) limit(l Limits) { w.cfg.Limits = func(string) Limits { return l }; w.open() }

// The limits of a project, at their edges, and what is offered instead.
func TestLimitsAtTheirEdges(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	w.limit(Limits{Bandwidth: new(bitrate.Rate(10))})
	_, err := w.a.Create(bg, ask(1, 1, 2, 1, 11, 100))
	e := refused(t, err, Denied, "bandwidth")
	if e.Offer.Slower != 10 || e.Offer.Later != 0 || !strings.Contains(err.Error(), "11 is more than the 10 that project p may hold") {
		t.Errorf("%v, offer %+v", err, e.Offer)
	}
	first := w.create(ask(1, 1, 2, 1, 6, 100))
	_, err = w.a.Create(bg, ask(1, 2, 2, 2, 5, 50))
	e = refused(t, err, Denied, "bandwidth")
	if e.Offer != (Offer{Slower: 4, Later: w.now + 100}) {
		t.Errorf("offer %+v", e.Offer)
	}
	if text := err.Error(); !strings.Contains(text, "project p may hold 10 at a time and already holds 6 between 1970-01-12T13:46:40Z and 1970-01-12T13:47:30Z") {
		t.Error(text)
	}
	w.create(ask(1, 2, 2, 2, 4, 50)) // just fits
	w.create(ask(1, 3, 2, 3, 0, 50)) // holds nothing
	_, err = w.a.Create(bg, ask(1, 2, 2, 3, 10, 50))
	if e = refused(t, err, Denied, "bandwidth"); e.Offer != (Offer{Slower: 0, Later: w.now + 100}) {
		t.Errorf("offer %+v", e.Offer)
	}
	_, err = w.a.Update(bg, first.ID, 0, Change{Bandwidth: new(bitrate.Rate(11))})
	refused(t, err, Denied, "bandwidth")
	_, err = w.a.Update(bg, first.ID, 0, Change{Bandwidth: new(bitrate.Rate(7))})
	if e = refused(t, err, Denied, "bandwidth"); e.Offer.Slower != 6 {
		t.Errorf("offer %+v", e.Offer)
	}
	w.work()
	for _, rate := range []bitrate.Rate{7, 11} { // active by now
		_, err = w.a.Update(bg, first.ID, 0, Change{Bandwidth: &rate})
		refused(t, err, Denied, "bandwidth")
	}
	w.update(first.ID, Change{Bandwidth: new(bitrate.Rate(5))})
}

func TestLimitOfTheNumber(t *testing.T) {
	w, _ := pair(t)
	w.limit(Limits{Active: new(2)})
	first := w.create(ask(1, 1, 2, 1, 1, 10))
	w.create(ask(1, 2, 2, 2, 1, 100))
	_, err := w.a.Create(bg, ask(1, 3, 2, 3, 1, 10))
	refused(t, err, Denied, "project_id")
	if !strings.Contains(err.Error(), "may have 2 allocations that are not complete and has 2; release one first") {
		t.Error(err)
	}
	w.work()
	w.update(first.ID, Change{Bandwidth: new(bitrate.Rate(2))}) // its own place is no obstacle
	w.work()
	w.pass(11)
	w.create(ask(1, 3, 2, 3, 1, 10))
}

// A request whose ends are not known says which.
func TestUnknownEnds(t *testing.T) {
	w, _ := pair(t)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for _, tc := range []struct {
		key  path.FlowKey
		want string
	}{
		{key(a, b), "192.0.2.1 has not been seen yet and no attachment covers it, nor has 192.0.2.2; the allocation is planned as soon as it is known where that is"},
		{key(a, host(2, 1)), "192.0.2.1 has not been seen yet and no attachment covers it; the allocation is planned as soon as it is known where that is"},
		{key(host(1, 1), b), "192.0.2.2 has not been seen yet and no attachment covers it; the allocation is planned as soon as it is known where that is"},
	} {
		v := w.create(Request{ProjectID: "p", Key: tc.key, Bandwidth: 1, Duration: 10})
		if v.Reason != tc.want || v.State != Pending || v.Window != (Window{}) || v.Path != nil {
			t.Errorf("%+v", v)
		}
	}
	running := w.create(ask(1, 1, 2, 1, 1, 100))
	w.work()
	for field, k := range map[string]path.FlowKey{"src_ip": key(a, host(2, 1)), "dst_ip": key(host(1, 1), b)} {
		_, err := w.a.Update(bg, running.ID, 0, Change{Key: &k})
		refused(t, err, Conflict, field)
		if !strings.Contains(err.Error(), "a running allocation can only move to addresses that are known") {
			t.Error(err)
		}
	}
}

// Two hosts behind the same port talk without any switch.
func TestBehindTheSamePort(t *testing.T) {
	w, _ := pair(t)
	w.change(func(s *topology.Snapshot) {
		s.Attachments = append(s.Attachments, topology.Attachment{Prefix: netip.MustParsePrefix("10.9.0.0/24"), At: topology.PortID{DPID: 1, Port: 1}})
	})
	r := ask(1, 1, 2, 1, 1, 10)
	r.Key.Dst = path.Host(netip.MustParseAddr("10.9.0.1"))
	_, err := w.a.Create(bg, r)
	refused(t, err, Conflict, "dst_ip")
	if want := "10.0.1.1 and 10.9.0.1 are both behind port 0000000000000001:1, so no switch carries the traffic between them"; !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
}

// A refusal names the link, what is left, and what would be admitted.
func TestRefusalSays(t *testing.T) {
	w, id := pair(t)
	first := ask(1, 1, 2, 1, 6, 100)
	first.StartTime = w.now
	w.create(first)
	r := ask(1, 2, 2, 2, 5, 50)
	r.StartTime = w.now + 20
	_, err := w.a.Create(bg, r)
	e := refused(t, err, Conflict, "bandwidth")
	if e.Offer != (Offer{Slower: 4, Later: w.now + 100}) || e.Bottleneck == nil || *e.Bottleneck != id {
		t.Errorf("offer %+v, bottleneck %v", e.Offer, e.Bottleneck)
	}
	want := fmt.Sprintf("5 does not fit from 1970-01-12T13:47:00Z to 1970-01-12T13:47:50Z: link %s has 4 of 10 left, "+
		"until 1970-01-12T13:48:20Z; ask for at most 4; or start at 1970-01-12T13:48:20Z", id)
	if !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	r.Bandwidth = 11
	_, err = w.a.Create(bg, r)
	e = refused(t, err, Conflict, "bandwidth")
	if want := fmt.Sprintf("11 never fits: link %s carries 10 for allocations; the most that any path carries is 10", id); !strings.HasSuffix(err.Error(), want) || e.Offer.Later != 0 {
		t.Errorf("%v, want %s; offer %+v", err, want, e.Offer)
	}
	r.Bandwidth = 4
	w.create(r)
	r.Bandwidth, r.Key = 1, key(host(1, 3), host(2, 3))
	_, err = w.a.Create(bg, r)
	if e = refused(t, err, Conflict, "bandwidth"); e.Offer != (Offer{Later: w.now + 70}) || strings.Contains(err.Error(), "ask for at most") {
		t.Errorf("nothing is left: %v, offer %+v", err, e.Offer)
	}
}

// Requests at the edges of what is allowed.
func TestRequestEdges(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	w.open()
	n := 0
	with := func(f func(*Request)) Request {
		n++
		r := ask(1, 1, 2, 1, 0, 10)
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(n)), path.Port(1)
		f(&r)
		return r
	}
	for _, tc := range []struct {
		r     Request
		field string
	}{
		{with(func(r *Request) { r.ProjectID = "" }), "project_id"},
		{with(func(r *Request) { r.Duration = 0 }), "duration"},
		{with(func(r *Request) { r.Duration = 1 }), ""},
		{with(func(r *Request) { r.Duration = MaxDuration }), ""},
		{with(func(r *Request) { r.Duration = MaxDuration + 1 }), "duration"},
		{with(func(r *Request) { r.Lease = -1 }), "lease"},
		{with(func(r *Request) { r.Lease = MaxLease }), ""},
		{with(func(r *Request) { r.Lease = MaxLease + 1 }), "lease"},
		{with(func(r *Request) { r.StartTime = w.now - 5 }), ""},
		{with(func(r *Request) { r.StartTime = w.now - 6 }), "start_time"},
		{with(func(r *Request) { r.StartTime = -1 }), "start_time"},
		{with(func(r *Request) { r.StartTime = FromNow(-1) }), "start_time"},
		{with(func(r *Request) { r.StartTime = FromNow(MaxAhead + 1) }), "start_time"},
		{with(func(r *Request) { r.StartTime = w.now + MaxAhead }), ""},
		{with(func(r *Request) { r.StartTime = w.now + MaxAhead + 1 }), "start_time"},
		{with(func(r *Request) { r.Key.Src = path.Prefix{} }), "src_ip"},
		{with(func(r *Request) { r.Key.Src = path.Host(netip.MustParseAddr("0.0.0.0")) }), "src_ip"},
		{with(func(r *Request) { r.Key.Src = path.Host(netip.MustParseAddr("127.0.0.1")) }), "src_ip"},
		{with(func(r *Request) { r.Key.Src = path.Host(netip.MustParseAddr("fe80::1%eth0")) }), "src_ip"},
		{with(func(r *Request) { r.Key.Dst = path.Host(netip.MustParseAddr("224.0.0.1")) }), "dst_ip"},
		{with(func(r *Request) { r.Key.Dst = path.Host(netip.MustParseAddr("255.255.255.255")) }), "dst_ip"},
		{with(func(r *Request) { r.Key.Dst = path.Host(netip.MustParseAddr("2001:db8::1")) }), "dst_ip"},
		{with(func(r *Request) { r.Key.Dst = r.Key.Src }), "dst_ip"},
		{with(func(r *Request) { r.Key.Dst = path.Host(netip.AddrFrom16(r.Key.Src.Addr().As16())) }), "dst_ip"},
		{with(func(r *Request) { r.Key.Proto = 1 }), "protocol"},
		{with(func(r *Request) { r.Key.Proto = path.ProtoUDP }), ""},
		{with(func(r *Request) { r.Key.Proto = path.ProtoAny }), ""},
	} {
		v, err := w.a.Create(bg, tc.r)
		if tc.field != "" {
			refused(t, err, Invalid, tc.field)
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", tc.r, err)
			continue
		}
		if start := max(tc.r.StartTime, w.now); v.Window != (Window{start, start + tc.r.Duration}) || (v.LeaseEnd != 0) != (tc.r.Lease != 0) || tc.r.Lease != 0 && v.LeaseEnd != w.now+tc.r.Lease {
			t.Errorf("%+v became %+v", tc.r, v)
		}
	}
}

// What fails is tried again when the network changes, but not sooner than after
// a second, and the rarer the more often it has failed.
func TestRetriesAtChanges(t *testing.T) {
	w, _ := pair(t)
	var millis int64
	w.cfg.Now = func() time.Time { return w.now.Time().Add(time.Duration(millis) * time.Millisecond) }
	w.open()
	w.create(ask(1, 1, 2, 1, 1, 100_000))
	due := func() (tasks []Task) {
		w.plan()
		tasks, _ = w.a.Due(10)
		return tasks
	}
	for failures, wait := range []int64{1, 2, 4, 8, 16, 32, 64, 64, 64} {
		tasks := due()
		if len(tasks) != 1 || tasks[0].Failures != failures {
			t.Fatalf("after %d failures due is %+v", failures, tasks)
		}
		if err := w.a.Failed(tasks[0], errors.New("table full"), w.cfg.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		millis += 1000*wait - 1
		w.change(func(*topology.Snapshot) {})
		if tasks := due(); len(tasks) > 0 {
			t.Fatalf("tried again %d s after failure %d: %+v", wait, failures+1, tasks)
		}
		millis++
		w.change(func(*topology.Snapshot) {})
	}
	if tasks := due(); len(tasks) != 1 {
		t.Errorf("due is %+v", tasks)
	}
}

package allocator

import (
	"net/netip"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
)

// TestChangesAreChecked has each attribute of a change checked as that of a
// request is, and a change that is refused change nothing.
func TestChangesAreChecked(t *testing.T) {
	w, _ := pair(t)
	w.cfg.Least = 2
	w.open()
	r := ask(1, 1, 2, 1, 4, 10)
	r.StartTime = w.now + 100
	v := w.create(r)
	loop := v.Key
	loop.Dst = path.Host(netip.MustParseAddr("127.0.0.1"))
	for _, x := range []struct {
		change Change
		field  string
	}{
		{Change{ProjectID: new("")}, "project_id"},
		{Change{Key: &loop}, "dst_ip"},
		{Change{Duration: new(Seconds(0))}, "duration"},
		{Change{Duration: new(Seconds(MaxDuration + 1))}, "duration"},
		{Change{Bandwidth: new(bitrate.Rate(1))}, "bandwidth"},
		{Change{Reverse: &path.Reverse{Apart: true, Rate: 1}}, "reverse_bandwidth"},
		{Change{Bandwidth: new(bitrate.Rate(0)), Reverse: &path.Reverse{Apart: true, Rate: 3}}, "reverse_bandwidth"},
		{Change{StartTime: new(w.now - startSlack - 1)}, "start_time"},
		{Change{StartTime: new(w.now + MaxAhead + 1)}, "start_time"},
		{Change{Lease: new(Seconds(-1))}, "lease"},
		{Change{ActiveLease: new(Seconds(MaxLease + 1))}, "active_lease"},
		{Change{Hold: new(Seconds(-1))}, "hold"},
		{Change{MaxHops: new(MaxHops + 1)}, "max_hops"},
		{Change{Avoid: new(Elements("x"))}, "avoid"},
		{Change{MinBandwidth: new(bitrate.Rate(3))}, "volume"},
		{Change{Volume: new(uint64(5)), Duration: new(Seconds(5))}, "duration"},
	} {
		_, err := w.a.Update(bg, v.ID, 0, x.change)
		refused(t, err, Invalid, x.field)
		if now := w.get(v.ID); now.Request != v.Request || now.Revision != v.Revision {
			t.Errorf("%+v has changed it to %+v", x.change, now)
		}
	}
	at := w.now - startSlack // clocks differ
	if got := w.update(v.ID, Change{StartTime: &at}); got.StartTime != w.now {
		t.Errorf("a start that has just passed is taken for %d", got.StartTime)
	}
	one := ask(1, 1, 2, 1, 0, 10)
	one.Reverse = path.Reverse{Apart: true, Rate: 3}
	_, err := w.a.Create(bg, one)
	refused(t, err, Invalid, "reverse_bandwidth")
}

// TestBounds: what is just at a bound may be asked for, and what is one beyond
// is refused by its name.
func TestBounds(t *testing.T) {
	w, _ := pair(t)
	w.cfg.Least = 8
	w.open()
	elements := func(n int) Elements {
		var list []path.Element
		for i := range n {
			list = append(list, path.Element{Switch: openflow.DPID(i + 1)})
		}
		return ElementsOf(list...)
	}
	volume := func(bytes uint64, rate, most bitrate.Rate) func(*Request) {
		return func(r *Request) {
			r.Duration, r.Bandwidth, r.Volume, r.MaxBandwidth = 0, rate, bytes, most
		}
	}
	for _, x := range []struct {
		field        string
		good, beyond func(*Request)
	}{
		{"duration", lasts(1), lasts(0)},
		{"duration", lasts(MaxDuration), lasts(MaxDuration + 1)},
		{"bandwidth", rate(8), rate(7)},
		{"bandwidth", rate(0), rate(1)},
		{"reverse_bandwidth", func(r *Request) { *r = reversed(*r, 8) }, func(r *Request) { *r = reversed(*r, 7) }},
		{"reverse_bandwidth", func(r *Request) { *r = reversed(*r, 0) }, func(r *Request) { *r = reversed(*r, 0).withRate(0); r.Reverse.Apart = true }},
		{"lease", func(r *Request) { r.Lease = MaxLease }, func(r *Request) { r.Lease = MaxLease + 1 }},
		{"lease", func(r *Request) { r.Lease = 0 }, func(r *Request) { r.Lease = -1 }},
		{"active_lease", func(r *Request) { r.ActiveLease = MaxLease }, func(r *Request) { r.ActiveLease = MaxLease + 1 }},
		{"active_lease", func(r *Request) { r.ActiveLease = 0 }, func(r *Request) { r.ActiveLease = -1 }},
		{"hold", func(r *Request) { r.Hold = MaxLease }, func(r *Request) { r.Hold = MaxLease + 1 }},
		{"hold", func(r *Request) { r.Hold = 0 }, func(r *Request) { r.Hold = -1 }},
		{"start_time", start(-startSlack), start(-startSlack - 1)},
		{"start_time", start(MaxAhead), start(MaxAhead + 1)},
		{"earliest", func(r *Request) { r.Earliest = w.now + MaxAhead }, func(r *Request) { r.Earliest = w.now + MaxAhead + 1 }},
		{"earliest", func(r *Request) { r.Earliest = 0 }, func(r *Request) { r.Earliest = -1 }},
		{"deadline", deadline(MaxDeadline), deadline(MaxDeadline + 1)},
		{"deadline", deadline(10), deadline(9)},
		{"deadline", both(lasts(1), deadline(1)), both(lasts(1), deadline(0))},
		{"start_time", deadline(10), both(deadline(10), start(0))},
		{"max_hops", func(r *Request) { r.MaxHops = MaxHops }, func(r *Request) { r.MaxHops = MaxHops + 1 }},
		{"max_hops", func(r *Request) { r.MaxHops = 1 }, func(r *Request) { r.MaxHops = -1 }},
		{"max_latency", func(r *Request) { r.MaxLatency = MaxLatency }, func(r *Request) { r.MaxLatency = MaxLatency + 1 }},
		{"max_latency", func(r *Request) { r.MaxLatency = 1 }, func(r *Request) { r.MaxLatency = -1 }},
		{"include", func(r *Request) { r.Include = elements(MaxInclude) }, func(r *Request) { r.Include = elements(MaxInclude + 1) }},
		{"avoid", func(r *Request) { r.Avoid = elements(MaxAvoid) }, func(r *Request) { r.Avoid = elements(MaxAvoid + 1) }},
		{"volume", volume(MaxVolume, 0, 0), volume(MaxVolume+1, 0, 0)},
		{"bandwidth", volume(MaxDuration, 8, 0), volume(MaxDuration+1, 8, 0)},
		{"max_bandwidth", volume(MaxDuration, 0, 8), volume(MaxDuration+1, 0, 8)},
		{"bandwidth", volume(80, 8, 0), volume(80, 8, 8)},
		{"min_bandwidth", both(volume(80, 0, 9), func(r *Request) { r.MinBandwidth = 9 }), both(volume(80, 0, 9), func(r *Request) { r.MinBandwidth = 10 })},
		{"min_bandwidth", both(volume(80, 0, 0), func(r *Request) { r.MinBandwidth = 8 }), both(volume(80, 0, 0), func(r *Request) { r.MinBandwidth = 7 })},
		{"max_bandwidth", volume(80, 0, 8), volume(80, 0, 7)},
		{"duration", volume(80, 0, 0), both(volume(80, 0, 0), lasts(1))},
		{"volume", volume(80, 0, 9), func(r *Request) { r.MaxBandwidth = 9 }},
		{"deadline", both(volume(80, 0, 64), deadline(10)), both(volume(80, 0, 64), deadline(9))},
	} {
		r := ask(1, 1, 2, 1, 10, 10)
		if x.good(&r); w.a.check(&r, w.now) != nil {
			t.Errorf("%s: %v", x.field, w.a.check(&r, w.now))
		}
		r = ask(1, 1, 2, 1, 10, 10)
		x.beyond(&r)
		if err := w.a.check(&r, w.now); err == nil || err.Kind != Invalid || err.Field != x.field {
			t.Errorf("beyond the bound of %s: %v", x.field, err)
		}
	}
	for _, x := range []struct{ asked, want Seconds }{
		{FromNow(0), w.now}, {FromNow(7), w.now + 7}, {FromNow(MaxAhead), w.now + MaxAhead}, {w.now - startSlack, w.now}, {w.now + 1, w.now + 1}, {0, 0},
	} {
		r := ask(1, 1, 2, 1, 10, 10)
		if r.StartTime = x.asked; w.a.check(&r, w.now) != nil || r.StartTime != x.want {
			t.Errorf("a start at %d is one at %d, want %d", x.asked, r.StartTime, x.want)
		}
	}
	r := ask(1, 1, 2, 1, 10, 10)
	if r.Deadline = FromNow(MaxDeadline); w.a.check(&r, w.now) != nil || r.Deadline != w.now+MaxDeadline {
		t.Errorf("the last deadline from now on is %d", r.Deadline)
	}
	if r.Deadline = FromNow(MaxDeadline + 1); w.a.check(&r, w.now) == nil {
		t.Errorf("a deadline of %d is none that there may be", r.Deadline)
	}
}

// TestChangesTogether: a change makes all that it names of a request at once.
func TestChangesTogether(t *testing.T) {
	k := key(host(1, 2), host(2, 2))
	back := path.Reverse{Apart: true, Rate: 3}
	got, err := ask(1, 1, 2, 1, 4, 10).with(Change{
		ProjectID: new("q"), Key: &k, Duration: new(Seconds(20)), Bandwidth: new(bitrate.Rate(5)), Reverse: &back, Lease: new(Seconds(30)),
		ActiveLease: new(Seconds(40)), Hold: new(Seconds(50)), StartTime: new(Seconds(1_000_100)), Include: new(Elements("0000000000000001")),
		Avoid: new(Elements("0000000000000002")), DisjointFrom: new("x"), MaxHops: new(4), MaxLatency: new(time.Second), Protected: new(true),
	}, 1_000_000)
	want := Request{
		UserID: "u", ProjectID: "q", Key: k, Duration: 20, Bandwidth: 5, Reverse: back, Lease: 30, ActiveLease: 40, Hold: 50, StartTime: 1_000_100, Protected: true,
		Constraints: Constraints{Include: "0000000000000001", Avoid: "0000000000000002", DisjointFrom: "x", MaxHops: 4, MaxLatency: time.Second},
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want\n%+v", got, err, want)
	}
	got, err = ask(1, 1, 2, 1, 4, 10).with(Change{
		Lease: new(Seconds(30)), Bandwidth: new(bitrate.Rate(0)), Earliest: new(Seconds(1_000_100)), Deadline: new(Seconds(1_000_200)),
		Volume: new(uint64(80)), MinBandwidth: new(bitrate.Rate(2)), MaxBandwidth: new(bitrate.Rate(8)),
	}, 1_000_000)
	want = ask(1, 1, 2, 1, 0, 10)
	want.Lease, want.Leeway = 30, Leeway{Earliest: 1_000_100, Deadline: 1_000_200, Volume: 80, MinBandwidth: 2, MaxBandwidth: 8}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want\n%+v", got, err, want)
	}
}

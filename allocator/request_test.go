package allocator

import (
	"net/netip"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
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

package allocator

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/allocator/store/storetest"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// TestMaintenanceIsLikeAFullLink: what asks for a rate is planned, refused and
// advised with something under maintenance as if all of its links were reserved
// for others meanwhile.
func TestMaintenanceIsLikeAFullLink(t *testing.T) {
	admitted, around := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w := drawMesh(rt)
		o := *w
		o.store = &memory{Memory: storetest.NewMemory()}
		o.cfg.Store, o.cfg.Network, o.cfg.Now = o.store, func() *topology.Snapshot { return o.snap }, func() time.Time { return o.now.Time() }
		o.cfg.NewID = w.cfg.NewID
		w.open()
		o.open()
		h := &history{world: w}
		for _, l := range w.snap.Links {
			h.cables = append(h.cables, l)
		}
		for range rapid.IntRange(1, 2).Draw(rt, "maintenances") {
			e, start := ofSwitch(3), w.now+secondsRange(1, 20).Draw(rt, "start")
			if rapid.Bool().Draw(rt, "link") {
				e = ofLink(topology.LinkID{From: topology.PortID{DPID: 1, Port: 100}, To: topology.PortID{DPID: 2, Port: 101}})
			}
			win := Window{start, start + secondsRange(1, 10).Draw(rt, "length")}
			if _, _, err := w.a.Maintain(bg, Maintenance{Element: e, Window: win}, false); err != nil {
				rt.Fatal(err)
			}
		}
		o.occupy(w.a.calendars.room.of)
		for i := range rapid.IntRange(1, 10).Draw(rt, "requests") {
			r := drawRequest(rt, w)
			r.Key.Proto, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(1+i))
			if r.Bandwidth == 0 {
				r.Bandwidth = 1
			}
			r.Protected = rapid.IntRange(0, 3).Draw(rt, "protected") == 0
			if rapid.IntRange(0, 2).Draw(rt, "volume") == 0 {
				r.Volume, r.Bandwidth, r.Duration, r.StartTime, r.Reverse = uint64(rapid.IntRange(1, 4).Draw(rt, "bytes")), 0, 0, 0, path.Reverse{}
				r.Deadline = w.now + secondsRange(5, 40).Draw(rt, "deadline")
			}
			one, err := w.a.Create(bg, r)
			other, same := o.a.Create(bg, r)
			if refusedAs(err) != refusedAs(same) || err == nil && (one.Window != other.Window || !one.Path.Equal(other.Path) || !one.Backup.Equal(other.Backup) || !reflect.DeepEqual(one.Profile, other.Profile)) {
				rt.Fatalf("%+v is %+v, %v; beside what is full it is %+v, %v", r, one, err, other, same)
			}
			if err == nil {
				admitted++
				if one.Window.Start > w.now {
					around++
				}
				continue
			}
			if a, b := err.(*Error), same.(*Error); a.Offer != b.Offer || !reflect.DeepEqual(rated(a.Alternatives), rated(b.Alternatives)) {
				rt.Fatalf("%+v is refused with %v: %+v, %+v; beside what is full with %v: %+v, %+v", r, a, a.Offer, a.Alternatives, b, b.Offer, b.Alternatives)
			}
		}
	})
	t.Logf("%d admitted, %d of them later", admitted, around)
}

// rated returns the requests with a rate: without one they fit beside whatever
// is full.
func rated(list []Request) (out []Request) {
	for _, r := range list {
		if r.Bandwidth > 0 || r.Volume > 0 {
			out = append(out, r)
		}
	}
	return out
}

// occupy reserves all links in the windows of their cables.
func (w *world) occupy(windows func(cable topology.LinkID) []Window) {
	full := func(id topology.LinkID, rate bitrate.Rate) {
		for _, win := range windows(cableOf(id)) {
			w.a.calendars.room.add(reservation[lane]{lane{id, true}, win, rate})
		}
	}
	for _, l := range w.snap.Links {
		full(l.ID, l.Capacity)
	}
	for _, sw := range w.snap.Switches {
		for _, p := range sw.Ports {
			if p.Role == topology.Edge {
				full(topology.LinkID{To: p.ID}, p.Capacity)
				full(topology.LinkID{From: p.ID}, p.Capacity)
			}
		}
	}
}

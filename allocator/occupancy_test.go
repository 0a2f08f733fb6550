package allocator

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/topology"
)

// TestOccupancy compares what is told of a timeline with its highest level at
// each second, or in each span, of a window.
func TestOccupancy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l timeline
		for range rapid.IntRange(0, 300).Draw(t, "reservations") {
			start := secondsRange(0, 500).Draw(t, "start")
			l.add(Window{start, start + secondsRange(1, 60).Draw(t, "length")}, rapid.Int64Range(1, 9).Draw(t, "rate"))
		}
		start := secondsRange(0, 600).Draw(t, "from")
		w := Window{start, start + secondsRange(1, 600).Draw(t, "window")}
		exact, ok := l.levels(w, int(w.End-w.Start))
		if !ok {
			t.Fatal("more levels than seconds")
		}
		checkSteps(t, &l, w, exact, 1)
		if len(exact) > 1 {
			if _, ok := l.levels(w, len(exact)-1); ok {
				t.Fatal("more levels than were asked for")
			}
		}
		each := secondsRange(1, 50).Draw(t, "each")
		checkSteps(t, &l, w, l.peaks(w, each), each)
	})
}

// checkSteps fails if steps do not cover the window, each with the peak of all
// its spans, and no two alike side by side.
func checkSteps(t *rapid.T, l *timeline, w Window, steps []Step, each Seconds) {
	at := w.Start
	for i, s := range steps {
		if s.Start != at || s.End <= at || i > 0 && steps[i-1].Rate == s.Rate {
			t.Fatalf("step %d of %+v", i, steps)
		}
		for ; at < s.End; at += each {
			if span := (Window{at, min(at+each, w.End)}); bitrate.Rate(l.peak(span)) != s.Rate {
				t.Fatalf("%+v is not the peak in %+v", s, span)
			}
		}
		at = min(at, w.End)
	}
	if at != w.End {
		t.Fatalf("%+v ends before %+v", steps, w)
	}
}

// TestOccupancyOfAllocations has what a link and a project hold while one
// allocation is there, and of what is not there nothing is known.
func TestOccupancyOfAllocations(t *testing.T) {
	w := newWorld(t, 1, 100)
	w.cfg.Reservable = 0.5
	w.open()
	v := w.create(ask(1, 1, 1, 2, 30, 20))
	window := Window{v.Window.Start, v.Window.End + 10}
	want := []Step{{v.Window, v.Bandwidth}, {Window{v.Window.End, window.End}, 0}}
	link := topology.LinkID{From: topology.External, To: topology.PortID{DPID: v.Path[0].DPID, Port: v.Path[0].In}}
	o := w.a.OccupancyOfLink(link, window)
	if o.Capacity != 100 || o.Limit != 50 || o.Each != 0 || !slices.Equal(o.Steps, want) {
		t.Errorf("%+v of the link, want %+v", o, want)
	}
	if o = w.a.OccupancyOfProject(v.ProjectID, window); !slices.Equal(o.Steps, want) {
		t.Errorf("%+v of the project, want %+v", o, want)
	}
	if o = w.a.OccupancyOfProject("none", window); !slices.Equal(o.Steps, []Step{{window, 0}}) {
		t.Errorf("%+v of no project", o)
	}
	link.To.Port += 1000
	if o = w.a.OccupancyOfLink(link, window); o.Capacity != 0 || len(o.Steps) != 1 {
		t.Errorf("%+v of no link", o)
	}
}

// TestOccupancyOfManyLevels: of more levels than are told there is the peak of
// spans, as few seconds as do for so many of them.
func TestOccupancyOfManyLevels(t *testing.T) {
	for seconds, each := range map[Seconds]Seconds{MaxOccupancy: 0, MaxOccupancy + 1: 2, 2 * MaxOccupancy: 2, 2*MaxOccupancy + 1: 3} {
		var l timeline
		for at := range seconds {
			l.add(Window{9 + at, 10 + at}, int64(1+at%2))
		}
		var o Occupancy
		if o.take(&l, Window{9, 9 + seconds}); o.Each != each || len(o.Steps) > MaxOccupancy {
			t.Errorf("%d levels are told as %d, each of %d s, want %d s", seconds, len(o.Steps), o.Each, each)
		}
	}
}

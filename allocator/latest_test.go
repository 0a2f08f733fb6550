package allocator

import (
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestLatestAgainstTrial compares latest with what it is defined to be: the
// last start at which trying finds a path.
func TestLatestAgainstTrial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pl, _, keys := busyPlanner(t)
		for range 4 {
			to := rapid.IntRange(1, 4).Draw(t, "to")
			d := demand{from: topology.PortID{DPID: 1, Port: 1}, to: topology.PortID{DPID: openflow.DPID(to + 1), Port: 1}}
			d.ProjectID, d.Duration = "p", secondsRange(1, 20).Draw(t, "duration")
			d.Bandwidth = bitrate.Rate(rapid.IntRange(0, 7).Draw(t, "bandwidth"))
			d.limit = drawLimit(t)
			if to <= len(keys) && rapid.Bool().Draw(t, "rivals") {
				d.conflicting = keys[to-1 : to]
			}
			start := secondsRange(0, 80).Draw(t, "start")
			after := start - secondsRange(0, 90).Draw(t, "after")
			want, found := Seconds(0), false
			for at := start; at >= after && !found; at-- {
				_, want, found = byTrial(pl, d, at, at+1)
			}
			if got, ok := pl.lastFit(d, after, start); ok != found || ok && got != want {
				t.Fatalf("from %d back to %d: %d, %v; by trial %d, %v", start, after, got, ok, want, found)
			}
		}
	})
}

// Between ends that no path joins there is no last window either.
func TestLatestWithoutPath(t *testing.T) {
	w := newWorld(t, 2, 10)
	books := newCalendars()
	pl := planner{snapshot: w.snap, graph: path.NewGraph(w.snap), share: wholeShare, calendars: &books}
	d := demand{from: topology.PortID{DPID: 1, Port: 1}, to: topology.PortID{DPID: 2, Port: 1}}
	d.Duration = 5
	if got, ok := pl.lastFit(d, 0, 100); ok {
		t.Errorf("%v", got)
	}
}

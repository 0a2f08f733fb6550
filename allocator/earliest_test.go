package allocator

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// busyPlanner returns the planner of a small network that is crowded for a
// minute.
func busyPlanner(t *rapid.T) (pl planner, links []topology.LinkID, keys []ownedKey) {
	const switches = 5
	rate := rapid.SampledFrom([]bitrate.Rate{2, 3, 4, 6})
	w := newWorld(t, switches, rate.Draw(t, "edge"))
	for range rapid.IntRange(3, 9).Draw(t, "cables") {
		a, b := rapid.IntRange(1, switches).Draw(t, "a"), rapid.IntRange(1, switches).Draw(t, "b")
		if a != b {
			w.cable(openflow.DPID(a), openflow.DPID(b), rate.Draw(t, "capacity"))
		}
	}
	books := newCalendars()
	pl = planner{snapshot: w.snap, graph: path.NewGraph(w.snap), share: wholeShare, calendars: &books}
	window := func() Window {
		start := secondsRange(0, 60).Draw(t, "claim")
		return Window{start, start + secondsRange(1, 12).Draw(t, "length")}
	}
	for _, l := range w.snap.Links {
		if l.ID == cableOf(l.ID) {
			links = append(links, l.ID)
		}
	}
	slices.SortFunc(links, topology.CompareLinks)
	for s := range switches {
		links = append(links, topology.LinkID{To: topology.PortID{DPID: openflow.DPID(s + 1), Port: 1}})
	}
	for _, id := range links {
		for range rapid.IntRange(0, 9).Draw(t, "claims") {
			books.links.add(reservation[lane]{drawLane(t, id), window(), bitrate.Rate(rapid.IntRange(1, 3).Draw(t, "rate"))})
		}
	}
	for i := range 3 {
		k := ownedKeyOf(&Request{Key: key(host(1, 1), host(i+2, 1))})
		for at := Seconds(0); at < 60; {
			x := Window{at + secondsRange(0, 30).Draw(t, "key"), 0}
			x.End = x.Start + secondsRange(1, 9).Draw(t, "kept")
			books.keys.add(reservation[ownedKey]{k, x, 1})
			at = x.End
		}
		keys = append(keys, k)
	}
	for range rapid.IntRange(0, 5).Draw(t, "project") {
		books.projects.add(reservation[string]{"p", window(), 2})
	}
	closed := map[path.Element][]Window{}
	for range rapid.IntRange(0, 3).Draw(t, "closures") {
		e := ofSwitch(openflow.DPID(rapid.IntRange(1, switches).Draw(t, "switch")))
		if l := rapid.SampledFrom(links).Draw(t, "link"); l.From != topology.External {
			e = ofLink(l)
		}
		closed[e] = append(closed[e], window())
	}
	books.room.set(closed)
	return pl, links, keys
}

// drawLimit draws what a project may hold at a time; nil: any.
func drawLimit(t *rapid.T) *bitrate.Rate {
	return rapid.SampledFrom([]*bitrate.Rate{nil, nil, new(bitrate.Rate(0)), new(bitrate.Rate(2)), new(bitrate.Rate(4)), new(bitrate.Rate(6))}).Draw(t, "limit")
}

// byTrial returns what earliest does, as it is defined: every start is tried.
func byTrial(pl planner, d demand, start, before Seconds) (path.Path, Seconds, bool) {
	for ; start < before; start++ {
		w := Window{start, start + d.Duration}
		if held := d.held(); pl.taken(d, w) || d.limit != nil && held > 0 && pl.calendars.projects.peak("p", w) > max(*d.limit, held)-held {
			continue
		}
		if p, ok := pl.graph.Find(pl.query(d, w)); ok {
			return p, start, true
		}
	}
	return nil, 0, false
}

// TestEarliestAgainstTrial compares earliest with byTrial. It also takes out
// all reservations that were not named as an obstacle, which must not help.
func TestEarliestAgainstTrial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pl, links, keys := busyPlanner(t)
		for range 4 {
			to := rapid.IntRange(1, 4).Draw(t, "to")
			d := demand{from: topology.PortID{DPID: 1, Port: 1}, to: topology.PortID{DPID: openflow.DPID(to + 1), Port: 1}}
			d.ProjectID, d.Duration = "p", secondsRange(1, 20).Draw(t, "duration")
			d.Bandwidth = bitrate.Rate(rapid.IntRange(0, 5).Draw(t, "bandwidth"))
			d.Reverse = drawReverse(t, d.Bandwidth)
			d.limit = drawLimit(t)
			if to <= len(keys) && rapid.Bool().Draw(t, "rivals") {
				d.conflicting = keys[to-1 : to]
			}
			start, before := secondsRange(0, 60).Draw(t, "start"), rapid.SampledFrom([]Seconds{30, 50, 200}).Draw(t, "before")
			wantPath, want, found := byTrial(pl, d, start, before)
			var block obstacles
			pl.obstacles = &block
			p, w, ok := pl.earliest(d, start, before)
			pl.obstacles = nil
			if ok != found || !p.Equal(wantPath) || ok && (w != Window{want, want + d.Duration}) {
				t.Fatalf("%v at %v, %v; by trial %v at %d, %v", p, w, ok, wantPath, want, found)
			}
			if block.many {
				continue
			}
			relieved := relieve(*pl.calendars, &block, links)
			after := pl
			after.calendars = &relieved
			if again := d; ok || start < before {
				if !slices.ContainsFunc(d.conflicting, func(k ownedKey) bool { return slices.Contains(block.keys, k.FlowKey) }) {
					again.conflicting = nil
				}
				if block.project == "" {
					again.limit = nil
				}
				if _, sooner, some := byTrial(after, again, start, before); some && (!ok || sooner < w.Start) {
					t.Fatalf("only %+v is in the way of an earlier start than %d (%v), but without the rest it fits at %d", block, w.Start, ok, sooner)
				}
			}
		}
	})
}

// relieve returns the calendars without the reservations on links that are no
// obstacles, which are not closed either.
func relieve(b calendars, block *obstacles, links []topology.LinkID) calendars {
	b.links = maps.Clone(b.links)
	closed := map[path.Element][]Window{}
	for _, id := range links {
		if !slices.Contains(block.links, id) {
			delete(b.links, id)
		} else if windows := b.room.of(id); len(windows) > 0 {
			closed[path.Element{Cable: id}] = windows
		}
	}
	b.room = newClosures(b.links)
	b.room.set(closed)
	return b
}

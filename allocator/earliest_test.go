package allocator

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// busyDesk is a small network that is crowded for a minute.
func busyDesk(t *rapid.T) (d desk, links []topology.LinkID, keys []path.FlowKey) {
	const switches = 5
	rate := rapid.SampledFrom([]topology.BitRate{2, 3, 4, 6})
	w := newWorld(t, switches, rate.Draw(t, "edge"))
	for range rapid.IntRange(3, 9).Draw(t, "cables") {
		a, b := rapid.IntRange(1, switches).Draw(t, "a"), rapid.IntRange(1, switches).Draw(t, "b")
		if a != b {
			w.cable(openflow.DPID(a), openflow.DPID(b), rate.Draw(t, "capacity"))
		}
	}
	books := newBooks()
	d = desk{snapshot: w.snap, graph: path.NewGraph(w.snap), share: wholeShare, books: &books}
	window := func() Window {
		start := rapid.Int64Range(0, 60).Draw(t, "claim")
		return Window{start, start + rapid.Int64Range(1, 12).Draw(t, "length")}
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
			books.links.add(claim[topology.LinkID]{id, window(), topology.BitRate(rapid.IntRange(1, 3).Draw(t, "rate"))})
		}
	}
	for i := range 3 {
		k := canonical(key(host(1, 1), host(i+2, 1)))
		for at := int64(0); at < 60; {
			x := Window{at + rapid.Int64Range(0, 30).Draw(t, "key"), 0}
			x.End = x.Start + rapid.Int64Range(1, 9).Draw(t, "kept")
			books.keys.add(claim[path.FlowKey]{k, x, 1})
			at = x.End
		}
		keys = append(keys, k)
	}
	for range rapid.IntRange(0, 5).Draw(t, "project") {
		books.projects.add(claim[string]{"p", window(), 2})
	}
	return d, links, keys
}

// byTrial is earliest as it is defined: every start is tried.
func byTrial(d desk, e errand, start, before int64) (path.Path, int64, bool) {
	for ; start < before; start++ {
		w := Window{start, start + e.Duration}
		if d.rivalled(e, w) || e.limit >= e.Bandwidth && e.Bandwidth > 0 && d.books.projects.peak("p", w) > e.limit-e.Bandwidth {
			continue
		}
		if p, ok := d.graph.Find(d.query(e, w)); ok {
			return p, start, true
		}
	}
	return nil, 0, false
}

// TestEarliestAgainstTrial also has everything removed that was not named as an
// obstacle, which must help nobody.
func TestEarliestAgainstTrial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, links, keys := busyDesk(t)
		for range 4 {
			to := rapid.IntRange(1, 4).Draw(t, "to")
			e := errand{from: topology.PortID{DPID: 1, Port: 1}, to: topology.PortID{DPID: openflow.DPID(to + 1), Port: 1}}
			e.ProjectID, e.Duration = "p", rapid.Int64Range(1, 20).Draw(t, "duration")
			e.Bandwidth = topology.BitRate(rapid.IntRange(0, 5).Draw(t, "bandwidth"))
			e.limit = topology.BitRate(rapid.SampledFrom([]int{0, 0, 4, 6}).Draw(t, "limit"))
			if to <= len(keys) && rapid.Bool().Draw(t, "rivals") {
				e.rivals = keys[to-1 : to]
			}
			start, before := rapid.Int64Range(0, 60).Draw(t, "start"), rapid.SampledFrom([]int64{30, 50, 200}).Draw(t, "before")
			wantPath, want, found := byTrial(d, e, start, before)
			var block obstacles
			d.block = &block
			p, w, ok := d.earliest(e, start, before)
			d.block = nil
			if ok != found || !p.Equal(wantPath) || ok && (w != Window{want, want + e.Duration}) {
				t.Fatalf("%v at %v, %v; by trial %v at %d, %v", p, w, ok, wantPath, want, found)
			}
			if block.many {
				continue
			}
			relieved := relieve(*d.books, &block, links)
			after := d
			after.books = &relieved
			if again := e; ok || start < before {
				if !slices.ContainsFunc(e.rivals, func(k path.FlowKey) bool { return slices.Contains(block.keys, k) }) {
					again.rivals = nil
				}
				if block.project == "" {
					again.limit = 0
				}
				if _, sooner, some := byTrial(after, again, start, before); some && (!ok || sooner < w.Start) {
					t.Fatalf("only %+v is in the way of an earlier start than %d (%v), but without the rest it fits at %d", block, w.Start, ok, sooner)
				}
			}
		}
	})
}

// relieve is the books without the claims on links that are no obstacles.
func relieve(b books, block *obstacles, links []topology.LinkID) books {
	b.links = cableBook{maps.Clone(b.links.calendar)}
	for _, id := range links {
		if !slices.Contains(block.links, id) {
			delete(b.links.calendar, id)
		}
	}
	return b
}

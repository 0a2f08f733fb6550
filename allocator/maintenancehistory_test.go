package allocator

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestAnyHistoryWithMaintenance: whatever happens beside maintenances that are
// rehearsed, entered and ended, calendars and indexes are those that follow
// from all items, and no link has more than it may.
func TestAnyHistoryWithMaintenance(t *testing.T) {
	moved, stayed := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: drawWorld(rt), out: map[string]Task{}, in: map[string][]path.Circuit{}}
		h.cfg.DrainLead = time.Duration(rapid.IntRange(1, 4).Draw(rt, "lead")) * time.Second
		h.vary(rt)
		h.start()
		actions := map[string]func(*rapid.T){
			"create": h.create, "create another": h.create, "update": h.update, "release": h.release, "time": h.time, "due": h.due, "due again": h.due,
			"report": h.report, "report again": h.report, "plan": h.planOne, "network": h.network, "settle": func(*rapid.T) { h.a.Settled() },
			"restart": h.restart, "store": h.breakStore, "rest": h.rest, "host": h.host,
			"maintain": func(t *rapid.T) {
				for _, o := range h.maintainAny(t) {
					if o.Fate == FateStays {
						stayed++
					} else {
						moved++
					}
				}
			},
			"end": h.endAny,
			"": func(*rapid.T) {
				h.checkCalendars()
				h.checkIndexes()
				h.checkLoads()
				h.checkNetwork()
				h.checkLeeway()
				h.checkStages()
			},
		}
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			rt.Repeat(actions)
		}
	})
	t.Logf("%d moved, %d stayed", moved, stayed)
}

// drawMesh draws a network in which most switches can be reached by several
// ways.
func drawMesh(t *rapid.T) *world {
	w := newWorld(t, 5, 20)
	for d := openflow.DPID(1); d <= 5; d++ {
		w.cable(d, d%5+1, bitrate.Rate(rapid.IntRange(1, 8).Draw(t, "capacity")))
	}
	for range rapid.IntRange(0, 4).Draw(t, "chords") {
		a, b := rapid.IntRange(1, 5).Draw(t, "a"), rapid.IntRange(1, 5).Draw(t, "b")
		if a != b {
			w.cable(openflow.DPID(a), openflow.DPID(b), bitrate.Rate(rapid.IntRange(1, 8).Draw(t, "capacity")))
		}
	}
	return w
}

// drawElement draws a switch or a cable.
func (h *history) drawElement(t *rapid.T) path.Element {
	if len(h.cables) > 0 && rapid.Bool().Draw(t, "link") {
		return ofLink(rapid.SampledFrom(h.cables).Draw(t, "cable").ID)
	}
	return ofSwitch(openflow.DPID(rapid.IntRange(1, len(h.snap.Switches)).Draw(t, "switch")))
}

// maintainAny rehearses a maintenance and enters it, unless the rehearsal alone
// is drawn. Nothing that is under way may be in its way.
func (h *history) maintainAny(t *rapid.T) []Outcome {
	start := h.now + secondsRange(0, 15).Draw(t, "start")
	m := Maintenance{Element: h.drawElement(t), Window: Window{start, start + secondsRange(1, 8).Draw(t, "length")}}
	before := h.saved()
	_, rehearsed, err := h.a.Maintain(bg, m, true)
	after := h.saved()
	if len(before) != len(after) || !slices.EqualFunc(before, after, func(a, b Allocation) bool {
		return a.ID == b.ID && a.Window == b.Window && a.Path.Equal(b.Path) && a.Revision == b.Revision && a.State == b.State
	}) {
		t.Fatalf("before the rehearsal %+v, after it %+v", before, after)
	}
	h.checkCalendars()
	h.checkIndexes()
	if err != nil || rapid.Bool().Draw(t, "rehearsal alone") {
		return nil
	}
	_, outcomes, err := h.a.Maintain(bg, m, false)
	if err == nil && !slices.EqualFunc(rehearsed, outcomes, sameOutcome) {
		t.Fatalf("rehearsed %+v, came to %+v", rehearsed, outcomes)
	}
	return outcomes
}

func (h *history) endAny(t *rapid.T) {
	var ids []string
	for _, m := range h.a.Maintenances() {
		if m.Phase(h.now) != PhaseEnded {
			ids = append(ids, m.ID)
		}
	}
	if len(ids) == 0 {
		t.Skip("nothing to end")
	}
	h.a.EndMaintenance(bg, rapid.SampledFrom(ids).Draw(t, "which"))
}

// checkStages: stages follow one another up to the end of the window, and are
// of items that are listed.
func (w *world) checkStages() {
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	for _, it := range w.a.byID {
		if (len(it.stages) > 0) != w.a.staged[it] {
			w.Fatalf("%s has stages %+v, and is listed: %v", it.id(), it.stages, w.a.staged[it])
		}
		for i, l := range it.stages {
			if l.window.empty() || i > 0 && it.stages[i-1].window.End != l.window.Start || i == len(it.stages)-1 && l.window.End > it.record().limit() {
				w.Fatalf("%s has stages %+v", it.id(), it.stages)
			}
		}
	}
	if n := len(slices.Collect(maps.Keys(w.a.staged))); n > len(w.a.byID) {
		w.Fatalf("%d items with stages", n)
	}
}

// TestRehearsalIsWhatHappens: in any calendar, what a rehearsal says is what
// the maintenance does at once, and what then comes true: what is to move has
// each path that was said in time, and nothing of it is over what is under
// maintenance.
func TestRehearsalIsWhatHappens(t *testing.T) {
	fates := map[Fate]int{}
	later := 0
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: drawMesh(rt), out: map[string]Task{}, in: map[string][]path.Circuit{}}
		h.cfg.DrainLead = 2 * time.Second
		h.start()
		for range rapid.IntRange(1, 12).Draw(rt, "requests") {
			r := drawRequest(rt, h.world)
			if r.Duration *= 4; rapid.Bool().Draw(rt, "protected") {
				r.Protected = true
			}
			h.a.Create(bg, r)
		}
		h.work()
		h.pass(secondsRange(0, 5).Draw(rt, "before"))
		var last []Outcome
		var m Maintenance
		for range rapid.IntRange(1, 3).Draw(rt, "maintenances") {
			start := h.now + secondsRange(0, 15).Draw(rt, "start")
			m = Maintenance{Element: h.drawElement(rt), Window: Window{start, start + secondsRange(1, 8).Draw(rt, "length")}}
			m, last = h.maintain(m.Element, m.Window)
		}
		for _, o := range last {
			if fates[o.Fate]++; o.Fate == FateStays {
				continue
			}
			if got := h.get(o.Allocation.ID); got.Window != o.Window || !got.Path.Equal(o.Path) {
				rt.Fatalf("%+v is at once %+v", o, got)
			}
		}
		for h.now < m.Window.End {
			h.work()
			for _, o := range last {
				if o.Fate == FateMoves && h.comesTrue(rt, o) {
					later++
				}
			}
			h.now++
		}
		h.checkCalendars()
	})
	t.Logf("fates %v, %d moved later", fates, later)
}

// comesTrue checks an outcome of something that moves, and reports whether that
// was at this moment. Where others have left room it may be on any path that is
// open to its end.
func (h *history) comesTrue(t *rapid.T, o Outcome) (now bool) {
	got := h.get(o.Allocation.ID)
	if got.State == Complete || got.Window != o.Window || h.now < got.Window.Start {
		return false
	}
	want, sooner := o.Path, path.Path(nil)
	for _, m := range o.Moves {
		if m.At <= h.now {
			want, now = m.Path, m.At == h.now
		} else if sooner == nil {
			sooner = m.Path // the other maintenance may have ended that kept it from there in time
		}
	}
	h.a.mu.Lock()
	defer h.a.mu.Unlock()
	links := path.LinksOf(got.Path, got.Backup)
	open := !h.a.calendars.room.closedIn(links, Window{h.now, got.Window.End})
	if !got.Path.Equal(want) && !got.Path.Equal(sooner) && !open {
		t.Fatalf("at %d %s is on %v, not on %v, as %+v says", h.now-1_000_000, got.ID, got.Path, want, o.Moves)
	}
	if h.a.calendars.room.closedIn(links, Window{h.now, h.now + 1}) {
		t.Fatalf("at %d %s is on %v, which is closed", h.now-1_000_000, got.ID, got.Path)
	}
	return now
}

// TestClosures: what is closed is closed in both directions and at all ports,
// whatever was reserved before or after that.
func TestClosures(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		open := linkCalendar{}
		c := newClosures(open)
		cables := []topology.LinkID{trunkOf(1, 2), trunkOf(2, 3), {To: topology.PortID{DPID: 2, Port: 9}}}
		windows := map[path.Element][]Window{}
		var held []reservation[lane]
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 2).Draw(rt, "what") {
			case 0:
				e := rapid.SampledFrom([]path.Element{ofSwitch(2), ofLink(cables[0])}).Draw(rt, "element")
				windows[e] = append(windows[e], drawSpan(rt))
				c.set(windows)
			case 1:
				id := rapid.SampledFrom(cables).Draw(rt, "cable")
				x := reservation[lane]{lane{id, rapid.Bool().Draw(rt, "one way")}, drawSpan(rt), 3}
				if !x.on.oneWay {
					x.on.id = cableOf(id)
				}
				held = append(held, x)
				c.add(x)
			default:
				if len(held) > 0 {
					c.remove(held[0])
					held = held[1:]
				}
			}
			for _, id := range cables {
				for at := range Seconds(20) {
					w := Window{at, at + 1}
					want := int64(open.peak(id, w))
					for e, list := range windows {
						if crosses(e, []topology.LinkID{id}) && slices.ContainsFunc(list, w.Overlaps) {
							want = int64(open.peak(id, w)) + shut
						}
					}
					if got := int64(c.peak(id, w)); got != want || (want >= shut) != c.closed(id, w) {
						rt.Fatalf("%v at %d: %d, want %d, closed %v", id, at, got, want, c.closed(id, w))
					}
				}
			}
		}
	})
}

func trunkOf(a, b openflow.DPID) topology.LinkID {
	return topology.LinkID{From: topology.PortID{DPID: a, Port: 1}, To: topology.PortID{DPID: b, Port: 2}}
}

func drawSpan(t *rapid.T) Window {
	from := secondsRange(0, 15).Draw(t, "from")
	return Window{from, from + secondsRange(1, 5).Draw(t, "length")}
}

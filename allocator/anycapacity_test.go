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

// TestAnyCapacity drives the allocator with whatever may happen, links that
// carry less or more than before and a clock that is set among it. Once all
// that follows is done, no link has more reserved than it carries, nothing that
// waits could have a path, and what runs has begun by now.
func TestAnyCapacity(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: drawWorld(rt), out: map[string]Task{}, in: map[string][]path.Circuit{}, varies: true}
		h.vary(rt)
		h.cfg.RequireMeters = rapid.Bool().Draw(rt, "meters are required")
		h.open()
		for _, from := range slices.SortedFunc(maps.Keys(h.snap.Links), topology.ComparePorts) {
			h.cables = append(h.cables, h.snap.Links[from])
		}
		rt.Repeat(map[string]func(*rapid.T){
			"create": h.create, "update": h.update, "delete": h.delete, "release": h.release, "time": h.time, "due": h.due,
			"report": h.report, "plan": h.planOne, "network": h.network, "settle": func(*rapid.T) { h.a.Settled() },
			"host": h.host, "restart": h.restart, "limit": h.limit, "capacity": h.capacities, "meters": h.meters, "clock": h.setClock,
			"rest": func(t *rapid.T) {
				h.rest(t)
				h.checkPromises()
				h.checkBegun()
			},
			"": func(*rapid.T) { h.checkCalendars() },
		})
	})
}

// capacities has a cable carry another rate.
func (h *history) capacities(t *rapid.T) {
	if len(h.cables) == 0 {
		return
	}
	l := rapid.SampledFrom(h.cables).Draw(t, "cable")
	if _, up := h.snap.Link(l.ID); up {
		h.change(mend(l.ID, bitrate.Rate(rapid.IntRange(1, 8).Draw(t, "capacity"))))
	}
}

// meters has a switch enforce rates, all of them, some or none.
func (h *history) meters(t *rapid.T) {
	d := openflow.DPID(rapid.IntRange(1, len(h.snap.Switches)).Draw(t, "switch"))
	h.change(enforcing(d, rapid.Bool().Draw(t, "unmetered"), uint32(rapid.IntRange(0, 3).Draw(t, "unpoliced"))))
}

// setClock sets the clock, forward or back.
func (h *history) setClock(t *rapid.T) {
	by := secondsRange(-20, 20).Draw(t, "step")
	h.now += by
	h.a.ClockSet(time.Duration(by) * time.Second)
}

// checkBegun fails if something that has started has its start before it.
func (h *history) checkBegun() {
	for _, v := range h.a.Live("") {
		if it := h.a.findLocked(v.ID); it.started && v.Window.Start > h.now {
			h.Fatalf("at %d %+v", h.now, v)
		}
	}
}

package allocator

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestIndexesInAnyHistory drives the allocator with all that other histories
// have, each some of it, all at once, and with series, allocations that are
// taken back since they are idle, circuits that are lost, and switches that
// take no masks of ports. After each step calendars and indexes are those that
// follow from all items.
func TestIndexesInAnyHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: drawWorld(rt), out: map[string]Task{}, in: map[string][]path.Circuit{}, varies: true}
		h.tells = rapid.Bool().Draw(rt, "snapshots tell what is the same")
		h.vary(rt)
		h.cfg.RequireMeters = rapid.Bool().Draw(rt, "meters are required")
		h.start()
		actions := map[string]func(*rapid.T){
			"create": h.create, "update": h.update, "delete": h.delete, "release": h.release, "time": h.time, "due": h.due,
			"report": h.report, "plan": h.planOne, "network": h.network, "settle": func(*rapid.T) { h.a.Settled() },
			"host": h.host, "restart": h.restartKnowing, "store": h.breakStore, "limit": h.limit, "prune": h.prune,
			"capacity": h.capacities, "meters": h.meters, "clock": h.setClock, "masks": h.masks,
			"series": h.series, "end of series": h.endSeries, "reclaim": h.reclaim, "lost": h.loseCircuits,
			"announce": func(t *rapid.T) { h.quiet = rapid.Bool().Draw(t, "quiet") },
			"rest":     h.rest,
			"": func(*rapid.T) {
				h.checkCalendars()
				h.checkIndexes()
			},
		}
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			rt.Repeat(actions)
		}
	})
}

// series asks for several windows at once.
func (h *history) series(t *rapid.T) {
	r := h.request(t)
	r.StartTime = h.now + secondsRange(0, 20).Draw(t, "series starts")
	r.Leeway, r.Hold, r.Volume, r.MaxBandwidth = Leeway{}, 0, 0, 0
	r.Duration = max(1, min(r.Duration, 4))
	r.Recurrence.Rule = fmt.Sprintf("FREQ=SECONDLY;INTERVAL=%d;COUNT=%d", rapid.IntRange(5, 9).Draw(t, "interval"), rapid.IntRange(1, 4).Draw(t, "count"))
	_, _ = h.a.CreateSeries(bg, r)
}

// endSeries releases what is left of the series of an allocation.
func (h *history) endSeries(t *rapid.T) {
	v, err := h.a.Get(h.pick(t))
	if err == nil && v.Series != "" {
		_ = h.a.ReleaseSeries(bg, h.a.Series(v.Series))
	}
}

// reclaim takes an allocation back that is said to be idle.
func (h *history) reclaim(t *rapid.T) { _ = h.a.Reclaim(bg, h.pick(t), "idle") }

// loseCircuits has some circuits be lost by switches.
func (h *history) loseCircuits(t *rapid.T) {
	var ids []string
	for range rapid.IntRange(1, 3).Draw(t, "circuits") {
		ids = append(ids, h.pick(t))
	}
	h.a.CircuitsLost(ids)
}

// masks has a switch found to take masks of ports or not.
func (h *history) masks(t *rapid.T) {
	d := openflow.DPID(rapid.IntRange(1, len(h.snap.Switches)).Draw(t, "switch"))
	lacks := topology.Lacks(0)
	if rapid.Bool().Draw(t, "takes none") {
		lacks = topology.LacksPortMasks
	}
	h.change(func(s *topology.Snapshot) {
		sw := s.Switches[d]
		sw.Lacks = lacks
		s.Switches[d] = sw
	})
}

// restartKnowing restarts an allocator that knows of all that has changed.
func (h *history) restartKnowing(t *rapid.T) {
	h.a.NetworkChanged()
	h.restart(t)
}

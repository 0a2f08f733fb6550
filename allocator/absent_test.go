package allocator

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/controller/topology"
)

// TestNothingIsPlannedOverAnAbsentSwitch: while switches are away, whose links
// still count, what is new, changed or has lost its path is planned over none
// of them. What had its path before may keep it: they go on forwarding.
func TestNothingIsPlannedOverAnAbsentSwitch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: drawWorld(rt), out: map[string]Task{}, in: map[string][]path.Circuit{}}
		h.open()
		for _, from := range slices.SortedFunc(maps.Keys(h.snap.Links), topology.ComparePorts) {
			h.cables = append(h.cables, h.snap.Links[from])
		}
		h.a.Settled()
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			before := map[string]Allocation{}
			for _, v := range h.list("") {
				before[v.ID] = v
			}
			switch step := rapid.IntRange(0, 4).Draw(rt, "step"); {
			case step < 2:
				h.network(rt)
			case step == 2 && len(before) > 0:
				h.update(rt)
			default:
				h.create(rt)
			}
			h.plan()
			for _, v := range h.list("") {
				for _, ways := range [][2]path.Path{{v.Path, before[v.ID].Path}, {v.Backup, before[v.ID].Backup}} {
					if len(ways[0]) == 0 || ways[0].Equal(before[v.ID].Path) || ways[0].Equal(before[v.ID].Backup) {
						continue
					}
					if why, alive := path.Alive(h.snap, ways[0]); !alive {
						rt.Fatalf("%+v was given the path %v, though %s", v, ways[0], why)
					}
				}
			}
			h.work()
		}
	})
}

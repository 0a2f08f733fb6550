package scheduler

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator"
	"conga/controller/path"
	"conga/controller/topology"
)

// TestMaintenance: a minute before the maintenance of a link begins what is on
// it moves and the network is told to drain it, until the maintenance is over.
func TestMaintenance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		defer r.halt()
		id := r.create(1, 5, 3600, 0)
		r.sleep(time.Second)
		r.expect(id, allocator.Active, "install id1 at 5 over 2")
		link := topology.LinkID{From: topology.PortID{DPID: 1, Port: 2}, To: topology.PortID{DPID: 2, Port: 2}}
		start := path.SecondsOf(r.a.Now()) + 600
		m := allocator.Maintenance{Element: path.Element{Cable: link}, Window: allocator.Window{Start: start, End: start + 300}}
		if _, _, err := r.a.Maintain(context.Background(), m, false); err != nil {
			t.Fatal(err)
		}
		drained := func() int {
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.drained)
		}
		r.sleep(539 * time.Second)
		if r.expect(id, allocator.Active, ""); drained() != 0 {
			t.Error("it is drained too early")
		}
		r.sleep(2 * time.Second)
		if r.expect(id, allocator.Active, "install id1 at 5 over 3"); drained() != 1 {
			t.Error("it is not drained in time")
		}
		r.sleep(358 * time.Second)
		if r.expect(id, allocator.Active, ""); drained() != 1 {
			t.Error("it is drained no longer, before the end")
		}
		r.sleep(2 * time.Second)
		if r.expect(id, allocator.Active, ""); drained() != 0 {
			t.Error("it is drained for longer than the maintenance")
		}
	})
}

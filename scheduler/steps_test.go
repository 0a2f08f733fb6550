package scheduler

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator"
	"conga/controller/path"
)

// TestSteps: a volume that passes in steps has each rate when its step begins:
// lower before others get what it gives up, higher after they have left, also
// where the daemon was down meanwhile; and on another path if its own dies.
func TestSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.cfg.Settle, r.cfg.Workers = time.Second, 1 // so that there is one order
		r.start()
		other := r.create(1, 6, 40, 20)
		now := path.SecondsOf(r.a.Now())
		v, err := r.a.Create(context.Background(), allocator.Request{
			ProjectID: "p", Leeway: allocator.Leeway{Volume: 80, Deadline: now + 90}, Key: path.FlowKey{
				Src: path.Host(netip.AddrFrom4([4]byte{10, 0, 1, 2})), Dst: path.Host(netip.AddrFrom4([4]byte{10, 0, 2, 2}))},
		})
		if err != nil || len(v.Profile) != 3 {
			t.Fatalf("%+v, %v", v, err)
		}
		r.sleep(time.Second)
		r.expect(v.ID, allocator.Active, "install id2 at 10 over 2")
		r.sleep(20 * time.Second)
		r.expect(other, allocator.Active, "install id2 at 4 over 2; install id1 at 6 over 2")
		r.change(cutDirect)
		r.sleep(5 * time.Second)
		if got := r.expect(v.ID, allocator.Active, "install id1 at 6 over 3; install id2 at 4 over 3"); got.Bandwidth != 4 || len(got.Profile) != 3 {
			t.Errorf("%+v", got)
		}
		r.sleep(35 * time.Second)
		if got := r.expect(v.ID, allocator.Active, "remove id1; install id2 at 10 over 3"); got.Bandwidth != 10 {
			t.Errorf("%+v", got)
		}
		r.halt()
		r.start()
		r.sleep(2 * time.Second)
		if got := r.expect(v.ID, allocator.Active, "restore id2; install id2 at 10 over 3"); got.Bandwidth != 10 {
			t.Errorf("%+v", got)
		}
		r.sleep(30 * time.Second)
		if got := r.expect(v.ID, allocator.Complete, "remove id2"); got.Reason != "" {
			t.Errorf("%+v", got)
		}
		r.halt()
	})
}

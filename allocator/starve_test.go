package allocator

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNoClassStarves: as requests of both classes and of two projects come and
// go, no start that was planned is put off, whatever comes later; each normal
// allocation has its whole window, and each scavenger begins once those that
// came before it, and what is reserved, leave room.
func TestNoClassStarves(t *testing.T) {
	scavengers := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := drawBusy(rt)
		w.cfg.ScavengerGrace = 2 * time.Second
		w.cfg.Limits = func(project string) Limits { return Limits{Weight: map[string]int{"q": 5}[project]} }
		w.open()
		w.a.Settled()
		planned, spare := map[string]Seconds{}, map[string]bool{}
		look := func() {
			w.work()
			for id, start := range planned {
				v := w.get(id)
				if v.Window.Start > start && !v.Started {
					rt.Fatalf("%s was planned for %d and is for %d: %s", id, start-1_000_000, v.Window.Start-1_000_000, v.Reason)
				}
				if planned[id] = v.Window.Start; v.Window.Contains(w.now) != (v.State == Active) {
					rt.Fatalf("%s is %s at %d: %+v", id, v.State, w.now-1_000_000, v)
				}
			}
		}
		n := 0
		for range rapid.IntRange(5, 25).Draw(rt, "seconds") {
			for range rapid.IntRange(0, 2).Draw(rt, "requests") {
				n++
				r := drawPiece(rt, w, n)
				if r.StartTime <= w.now || rapid.Bool().Draw(rt, "as early as it fits") {
					r.StartTime = 0
				}
				r.ProjectID = rapid.SampledFrom([]string{"p", "q"}).Draw(rt, "project")
				scavenges := rapid.IntRange(0, 2).Draw(rt, "scavenges") == 0
				if scavenges {
					if r = asScavenger(rt, r); r.MinBandwidth > 2 {
						r.MinBandwidth = 2 // of what any way has
					}
				}
				switch v, err := w.a.Create(bg, r); {
				case err != nil:
				case scavenges:
					spare[v.ID] = true
				case v.Window != (Window{}):
					planned[v.ID] = v.Window.Start
				}
			}
			look()
			w.now++
			look()
		}
		last := w.now
		for id := range planned {
			last = max(last, w.get(id).Window.End)
		}
		for w.now <= last {
			w.now++
			look()
		}
		for id := range planned {
			if v := w.get(id); v.State != Complete || !v.Started || v.Window.End-v.Window.Start != v.Duration || v.Reason != "" {
				rt.Fatalf("%s has not had its window: %+v", id, v)
			}
		}
		w.pass(Seconds(len(spare)+1) * 15) // each lasts nine seconds at most
		for id := range spare {
			if v := w.get(id); v.State != Complete || !v.Started {
				rt.Fatalf("scavenger %s starves: %+v", id, v)
			}
		}
		scavengers += len(spare)
		w.checkCalendars()
	})
	if scavengers == 0 && !testing.Short() {
		t.Error("there were no scavengers: this tried half")
	}
}

package allocator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
)

// backbone returns a world of so many switches: a ring of ten with chords, and
// the others in trees below it.
func backbone(b *testing.B, switches int) *world {
	w := newWorld(b, switches, 100*bitrate.Gbps)
	const core = 10
	for d := openflow.DPID(1); d <= core; d++ {
		w.cable(d, d%core+1, 400*bitrate.Gbps)
		if d <= core/2 {
			w.cable(d, d+core/2, 400*bitrate.Gbps)
		}
	}
	for d := openflow.DPID(core + 1); int(d) <= switches; d++ {
		w.cable(d, max(1, (d-1)/3), 100*bitrate.Gbps)
		w.cable(d, d%core+1, 100*bitrate.Gbps)
	}
	w.open()
	return w
}

// reserve enters n reservations between hosts at random within a month into the
// calendars. The more there are the lower their rates are, so that links have
// room beside any number of them.
func (w *world) reserve(n int, random *rand.Rand) {
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	switches := len(w.snap.Switches)
	for i := range n {
		r := ask(1+random.IntN(switches), 1+random.IntN(3), 1+random.IntN(switches), 1+random.IntN(3), bitrate.Rate(1+random.IntN(20))*bitrate.Gbps/bitrate.Rate(1+n/20_000), Seconds(600+random.IntN(7200)))
		if r.Key.Src == r.Key.Dst {
			continue
		}
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = 6, path.Port(uint16(i%60000+1)), path.Port(uint16(i/60000+1))
		r.StartTime = w.now + Seconds(random.IntN(30*24*3600))
		at, err := w.a.admitLocked(r, w.now)
		if err == nil && at.window != (Window{}) {
			rec := record{Allocation: Allocation{Request: r, State: Pending, Window: at.window, Path: at.path}}
			w.a.calendars.add(rec.reservations())
		}
	}
}

// BenchmarkDeadlinePlan plans volumes by deadlines on 500 switches beside n
// reservations of a month, and tells the slowest hundredth, and what one takes
// of the processor.
func BenchmarkDeadlinePlan(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("beside=%d", n), func(b *testing.B) {
			if n > 10_000 && testing.Short() {
				b.Skip("takes minutes to fill")
			}
			w, random := backbone(b, 500), rand.New(rand.NewPCG(1, 2))
			w.reserve(n, random)
			w.a.mu.Lock()
			defer w.a.mu.Unlock()
			var took []time.Duration
			before := cpu()
			for b.Loop() {
				r := ask(1+random.IntN(500), 1, 1+random.IntN(500), 2, 0, 0)
				r.Volume = uint64(1+random.IntN(400)) * 100e9 // up to 40 TB
				r.Earliest = w.now + Seconds(random.IntN(20*24*3600))
				r.Deadline = r.Earliest + 5*24*3600
				begun := time.Now()
				if _, err := w.a.admitLocked(r, w.now); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begun))
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(len(took)), "cpu-µs/op")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		})
	}
}

// BenchmarkSteppedPlan looks for the profiles of volumes that are too large for
// a constant rate by their deadline, on 500 switches beside 10,000 reservations
// of a month, and tells how many have one, and the slowest hundredth.
func BenchmarkSteppedPlan(b *testing.B) {
	w, random := backbone(b, 500), rand.New(rand.NewPCG(1, 2))
	w.reserve(10_000, random)
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	var took []time.Duration
	found := 0
	for b.Loop() {
		pl := w.a.plannerLocked()
		r := ask(1+random.IntN(500), 1, 1+random.IntN(500), 2, 0, 0)
		r.Earliest = w.now + Seconds(random.IntN(20*24*3600))
		r.Deadline = r.Earliest + Seconds(1+random.IntN(5))*24*3600
		r.Volume = uint64(r.Deadline-r.Earliest) * uint64(80+random.IntN(20)) / 8 * 1e9
		d := demand{Request: r}
		d.from, d.to, _, _ = locate(pl.snapshot, r.Key)
		begun := time.Now()
		if _, ok := pl.stepped(d, r.Earliest, r.Deadline, false); ok {
			found++
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(found)/float64(len(took)), "found")
}

package allocator

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"conga/bitrate"
)

// BenchmarkSeries admits a series of a year of days on 500 switches beside
// 10,000 reservations of a month, or refuses it with what would be admitted
// instead, and tells how long others wait for it at most.
func BenchmarkSeries(b *testing.B) {
	for name, rate := range map[string]bitrate.Rate{"admitted": 100 * bitrate.Mbps, "refused": 70 * bitrate.Gbps} {
		b.Run(name, func(b *testing.B) {
			w, random := backbone(b, 500), rand.New(rand.NewPCG(1, 2))
			w.reserve(10_000, random)
			var took []time.Duration
			for b.Loop() {
				r := again(ask(1+random.IntN(500), 1, 1+random.IntN(500), 2, rate, 3600), Seconds(random.IntN(24*3600)), "FREQ=DAILY;COUNT=366")
				asked, err := w.a.occurrences(r, w.now)
				if err != nil {
					b.Fatal(err)
				}
				w.a.mu.Lock()
				begun := time.Now()
				_, err = w.a.admitSeriesLocked(asked, w.now)
				took = append(took, time.Since(begun))
				w.a.mu.Unlock()
				if name == "admitted" && err != nil {
					b.Fatal(err)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		})
	}
}

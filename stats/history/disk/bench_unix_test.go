//go:build unix

package disk

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"conga/stats/history"
)

// BenchmarkLargeNetwork has 1,000 switches with 10 ports each and 10,000
// allocations polled each 5 s, none of them ever idle, and written down each
// minute. It prints which part of a core that takes, and what it holds.
func BenchmarkLargeNetwork(b *testing.B) {
	const ports, ends = 10_000, 20_000
	keys := make([]string, 0, ports+ends)
	for i := range ports {
		keys = append(keys, fmt.Sprintf("%sport %016x:%d", history.Lesser, i/10+1, i%10+1))
	}
	for i := range ends {
		keys = append(keys, fmt.Sprintf("allocation %032x %d", i/2, i%2))
	}
	at := time.Unix(1_800_000_000, 0)
	r := Open(Config{Dir: b.TempDir(), Interval: 5 * time.Second, Now: func() time.Time { return at }})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, in := float32(0), make([]history.Input, 0, 30)
	minute := func() {
		for range 12 {
			at = at.Add(5 * time.Second)
			now := at.UnixMilli()
			for i := 0; i < len(keys); i += 30 {
				in = in[:0]
				for _, key := range keys[i : i+30] {
					n++
					in = append(in, history.Input{Key: key, Run: history.Run{From: now - 5000, To: now, Values: history.Values{n, n, n, n}}})
				}
				r.Add(in)
			}
		}
		r.Write()
	}
	for range 20 { // until memory holds all that it ever holds
		minute()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := processor()
	b.ResetTimer()
	minutes := 0
	for b.Loop() {
		minute()
		minutes++
	}
	b.ReportMetric((processor()-used).Seconds()/60/float64(minutes), "cores")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(keys)), "B/track")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
	b.ReportMetric(float64(Size(len(keys), 5*time.Second))/1e9, "GB-a-year")
}

// processor returns for how long the process has had a processor.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

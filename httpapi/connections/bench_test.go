package connections_test

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/controller/path"
	"conga/httpapi/connections"
)

// many is how many live connections the registry must take without trouble.
const many = 100_000

// hostReports returns what 200 hosts report: 500 connections each.
func hostReports() [][]connections.Report {
	hosts := make([][]connections.Report, 200)
	for h := range hosts {
		for i := range many / len(hosts) {
			r := one(1024 + i)
			r.Source.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(h), 1}), uint16(1024+i))
			r.Destination = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 2, byte(i % 50), 1}), 443)
			r.Source.Job, r.Source.PID = fmt.Sprint("job-", h), int64(i)
			hosts[h] = append(hosts[h], r)
		}
	}
	return hosts
}

func filled(b *testing.B, disk store.Store) (*connections.Registry, *clock, [][]connections.Report) {
	b.Helper()
	clock := newClock()
	r := open(b, connections.Config{Store: disk, Now: clock.Now})
	hosts := hostReports()
	for _, reports := range hosts {
		report(b, r, "p", reports...)
	}
	if n := r.Len(); n != many {
		b.Fatalf("%d live", n)
	}
	return r, clock, hosts
}

func bolt(b *testing.B) store.Store {
	b.Helper()
	disk, err := store.OpenBolt(filepath.Join(b.TempDir(), "conga.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = disk.Close() })
	return disk
}

// BenchmarkMemory measures what a live connection takes.
func BenchmarkMemory(b *testing.B) {
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		r, _, _ := filled(b, nothing{})
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(r)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/many, "bytes/connection")
}

// BenchmarkMany measures what questions cost with 100,000 live connections: the
// first and the last page of a list, a list by time, and a count for 128
// allocations.
func BenchmarkMany(b *testing.B) {
	r, clock, _ := filled(b, nothing{})
	now := clock.Now().Unix()
	for name, q := range map[string]connections.Query{
		"all": {}, "project": {Project: "p"}, "times": {Project: "p", After: now, Before: now},
	} {
		for place, skip := range map[string]int{"first": 0, "last": many - 128} {
			b.Run(name+"/"+place, func(b *testing.B) {
				for b.Loop() {
					if page, total := r.List(q, skip, 128); len(page) != 128 || total != many {
						b.Fatal(len(page), total)
					}
				}
			})
		}
	}
	b.Run("count-128", func(b *testing.B) {
		flows := make([]connections.Flow, 128)
		for i := range flows {
			flows[i] = connections.Flow{Project: "p", Key: path.FlowKey{
				Src: path.Host(netip.AddrFrom4([4]byte{10, 1, byte(i), 1})), Dst: path.Host(netip.AddrFrom4([4]byte{10, 2, 1, 1})),
			}}
		}
		for b.Loop() {
			if counts := r.Count(flows); counts[0] != 10 {
				b.Fatal(counts)
			}
		}
	})
}

// nothing keeps nothing, so that memory is the registry's alone.
type nothing struct{ store.Store }

// BenchmarkReport measures one host's report of 500 connections beside the
// 99,500 of others, durable: all of them new, or a repeat with half a minute in
// between.
func BenchmarkReport(b *testing.B) {
	b.Run("repeat", func(b *testing.B) {
		r, clock, hosts := filled(b, bolt(b))
		i := 0
		for b.Loop() {
			if i%len(hosts) == 0 {
				clock.advance(30 * time.Second)
			}
			report(b, r, "p", hosts[i%len(hosts)]...)
			i++
		}
		b.ReportMetric(float64(i*500)/b.Elapsed().Seconds(), "connections/s")
	})
	b.Run("new", func(b *testing.B) {
		disk, hosts := bolt(b), hostReports()
		r := open(b, connections.Config{Store: disk, Keep: time.Hour, PerProject: 1 << 30, Total: 1 << 30})
		i := 0
		for b.Loop() {
			report(b, r, fmt.Sprint(i), hosts[i%len(hosts)]...)
			i++
		}
		b.ReportMetric(float64(i*500)/b.Elapsed().Seconds(), "connections/s")
	})
}

// BenchmarkOpen measures what a restart with 100,000 live connections waits
// for.
func BenchmarkOpen(b *testing.B) {
	disk := storetest.NewMemory()
	_, clock, _ := filled(b, disk)
	for b.Loop() {
		if r := open(b, connections.Config{Store: disk, Now: clock.Now}); r.Len() != many {
			b.Fatal(r.Len())
		}
	}
}

// Scan finds nothing.
func (nothing) Scan(context.Context, store.Bucket, func(string, []byte) error) error { return nil }

// Commit forgets.
func (nothing) Commit(context.Context, ...store.Op) error { return nil }

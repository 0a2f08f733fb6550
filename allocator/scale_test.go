package allocator

import (
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// torus returns a world of side x side switches, each with a cable to its four
// neighbours and three hosts that have been learned.
func torus(tb testing.TB, side int) *world {
	w := newWorld(tb, 0, 0)
	n := side * side
	for d := 1; d <= n; d++ {
		w.snap.Switches[openflow.DPID(d)] = topology.Switch{DPID: openflow.DPID(d), Connected: true, Ports: map[openflow.PortNo]topology.Port{}}
		for h := 1; h <= 3; h++ {
			at := topology.PortID{DPID: openflow.DPID(d), Port: openflow.PortNo(h)}
			w.setPort(at, topology.Edge, bitrate.Tbps)
			addr := host(d, h)
			w.snap.Addrs = w.snap.Addrs.With(addr, topology.Attachment{Prefix: netip.PrefixFrom(addr, 32), At: at})
		}
	}
	for i := range n {
		row, col := i/side, i%side
		w.cable(openflow.DPID(i+1), openflow.DPID(row*side+(col+1)%side+1), 10*bitrate.Tbps)
		w.cable(openflow.DPID(i+1), openflow.DPID((row+1)%side*side+col+1), 10*bitrate.Tbps)
	}
	w.cfg.NewID = func() string { w.ids++; return fmt.Sprint("id", w.ids) }
	w.open()
	w.a.Settled()
	return w
}

// across returns the i-th of many requests between hosts of a torus.
func across(i, side int) Request {
	n := side * side
	r := ask(i%n+1, i/n%3+1, (i*7+i/n*13+n/2)%n+1, (i/n/3)%3+1, bitrate.Mbps, 36000)
	if r.Key.Src == r.Key.Dst {
		r.Key.Dst = path.Host(host((i*7+i/n*13+n/2+1)%n+1, 1))
	}
	r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = 6, path.Port(uint16(i/50000+1)), path.Port(uint16(i%50000+1))
	return r
}

// fill has so many allocations active.
func (w *world) fill(many, side int) {
	w.Helper()
	for i := range many {
		w.create(across(i, side))
	}
	w.all()
}

// all carries out all that is due and reports it together.
func (w *world) all() {
	w.Helper()
	for {
		w.plan()
		tasks, _ := w.a.Due(1000)
		if len(tasks) == 0 && w.a.plan.idle() {
			return
		}
		var results []Result
		for _, t := range tasks {
			results = append(results, Result{Task: t})
		}
		if err := w.a.Report(results...); err != nil {
			w.Fatal(err)
		}
	}
}

// cpu returns the processor's time that the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLife has an allocation asked for, installed, deleted and taken out
// again beside many that are active. What it costs does not depend on how many
// those are.
func BenchmarkLife(b *testing.B) {
	for _, beside := range []int{100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("beside=%d", beside), func(b *testing.B) {
			w := torus(b, 10)
			w.fill(beside, 10)
			runtime.GC()
			b.ReportAllocs()
			b.ResetTimer()
			i, before := beside, cpu()
			for b.Loop() {
				v := w.create(across(i, 10))
				w.all()
				if err := w.a.Release(bg, v.ID, 0); err != nil {
					b.Fatal(err)
				}
				w.all()
				i++
			}
			b.ReportMetric(float64((cpu()-before).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
		})
	}
}

// BenchmarkCut moves what uses one of 200 cables to other paths: 10,000 are
// active, about 1,000 of them concerned at each of a few cables.
func BenchmarkCut(b *testing.B) {
	var planned, all time.Duration
	many := 0
	for b.Loop() {
		b.StopTimer()
		w := torus(b, 10)
		w.fill(10_000, 10)
		var most *cable
		for _, c := range w.a.cables.byID {
			if c.id.From != topology.External && (most == nil || c.size > most.size) {
				most = c
			}
		}
		many += most.size
		runtime.GC()
		b.StartTimer()
		t := cpu()
		w.change(cut(most.id))
		w.plan()
		planned += cpu() - t
		w.all()
		all += cpu() - t
	}
	b.ReportMetric(float64(many)/float64(b.N), "moved")
	b.ReportMetric(float64(planned.Microseconds())/float64(many), "cpu-µs/planned")
	b.ReportMetric(float64(all.Microseconds())/float64(many), "cpu-µs/confirmed")
}

// BenchmarkUnconcerned takes in changes of a network in which 100,000 are
// active that none of them concerns.
func BenchmarkUnconcerned(b *testing.B) {
	w := torus(b, 10)
	w.fill(100_000, 10)
	on := *w.snap
	off := on
	off.Switches = map[openflow.DPID]topology.Switch{}
	for d, sw := range on.Switches {
		off.Switches[d] = sw
	}
	sw := off.Switches[1]
	ports := map[openflow.PortNo]topology.Port{}
	for no, p := range sw.Ports {
		ports[no] = p
	}
	ports[99] = topology.Port{ID: topology.PortID{DPID: 1, Port: 99}, Up: true, Role: topology.Edge, Capacity: bitrate.Gbps}
	sw.Ports = ports
	off.Switches[1] = sw
	looked := w.a.plan.looked
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		s := on
		if i%2 == 0 {
			s = off
		}
		s.Revision = w.snap.Revision + 1
		s.Wiring = s.Revision
		w.snap = &s
		w.a.NetworkChanged()
		w.plan()
	}
	b.ReportMetric(float64(w.a.plan.looked-looked), "looked-at")
}

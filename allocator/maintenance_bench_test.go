package allocator

import (
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
)

// BenchmarkMaintenance rehearses the maintenance of a switch among a hundred,
// over which the paths of some of 10,000 active allocations lead: one call, for
// all of which the lock is held.
func BenchmarkMaintenance(b *testing.B) {
	const side, many = 10, 10_000
	w := newWorld(b, side*side, 100*bitrate.Gbps)
	for d := openflow.DPID(1); d <= side*side; d++ {
		if d%side != 0 {
			w.cable(d, d+1, 100*bitrate.Gbps)
		}
		if d+side <= side*side {
			w.cable(d, d+side, 100*bitrate.Gbps)
		}
	}
	w.open()
	for i := range many {
		r := ask(1+i%(side*side), 1+i%3, 1+(i*37+side)%(side*side), 1+(i/7)%3, bitrate.Mbps, 100_000)
		r.Key.DstPort = path.Port(uint16(1 + i))
		w.a.Create(bg, r)
	}
	tasks, _ := w.a.Due(many)
	for _, t := range tasks {
		if err := w.a.Installed(t); err != nil {
			b.Fatal(err)
		}
	}
	m := Maintenance{Element: ofSwitch(45), Window: Window{w.now + 1000, w.now + 2000}}
	concerned := 0
	for b.Loop() {
		_, outcomes, err := w.a.Maintain(bg, m, true)
		if err != nil {
			b.Fatal(err)
		}
		concerned = len(outcomes)
	}
	b.ReportMetric(float64(concerned), "concerned")
}

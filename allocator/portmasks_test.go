package allocator

import (
	"maps"
	"strings"
	"testing"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// maskingNot has a switch take no masks of ports.
func maskingNot(d openflow.DPID) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) {
		s.Switches = maps.Clone(s.Switches)
		sw := s.Switches[d]
		sw.Lacks |= topology.LacksPortMasks
		s.Switches[d] = sw
	}
}

// Ports that would need too many entries are led around switches without masks,
// also once that is found out, or refused where there is no other way.
func TestPortsAvoidSwitchesWithoutMasks(t *testing.T) {
	w := newWorld(t, 4, 100)
	w.cable(1, 2, 10)
	w.cable(2, 4, 10)
	w.cable(1, 3, 5)
	w.cable(3, 4, 5)
	w.open()
	w.a.Settled()
	ported := func(text string) Request {
		r := ask(1, 1, 4, 1, 1, 100)
		var err error
		if r.Key.Proto, r.StartTime = path.ProtoTCP, w.now+1000; text != "" {
			r.Key.DstPort, err = path.ParsePorts(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	crosses := func(when string, v Allocation, want openflow.DPID) {
		t.Helper()
		if p := w.get(v.ID).Path; len(p) != 3 || p[1].DPID != want {
			t.Errorf("%s: %v has the path %v, want one over %d", when, v.Key.DstPort, p, want)
		}
	}
	few, many := w.create(ported("5000-5255")), w.create(ported("6000-6256"))
	crosses("with masks everywhere", few, 2)
	crosses("with masks everywhere", many, 2)
	w.change(maskingNot(2))
	w.work()
	crosses("without masks", few, 2)
	crosses("without masks", many, 3)
	crosses("asked for without masks", w.create(ported("7000-8000")), 3)
	crosses("one port", w.create(ported("9000")), 2)
	w.change(maskingNot(3))
	w.work()
	crosses("with nowhere else to go", many, 3)
	_, err := w.a.Create(bg, ported("10000-10256"))
	refused(t, err, Conflict, "dst_port")
	if text := err.Error(); !strings.Contains(text, "takes no masks of ports, so these would need 257 entries there for each direction, and 256 are the most; name fewer ports") {
		t.Error(text)
	}
	other := ported("10000-10256")
	other.Key = other.Key.Reverse()
	_, err = w.a.Create(bg, other)
	refused(t, err, Conflict, "src_port")
	w.create(ported("10000-10255"))
}

//go:build linux

package main

import (
	"bytes"
	"net/netip"
	"testing"

	"conga/controller/path"
	"conga/openflow"
)

// Every switch of a torus has four neighbours, and its hosts.
func TestGrid(t *testing.T) {
	g := newGrid(4, 3)
	defer g.Close()
	ways := g.ways()
	if len(ways) != g.directed() || len(g.Hosts()) != 48 {
		t.Fatalf("%d directed links, %d hosts", len(ways), len(g.Hosts()))
	}
	dpid := func(sw int) openflow.DPID { return g.Switches()[sw].DPID() }
	for sw := range g.size() {
		for direction, to := range []int{g.neighbour(sw, 1, 0), g.neighbour(sw, -1, 0), g.neighbour(sw, 0, 1), g.neighbour(sw, 0, -1)} {
			if got := ways[switchPort{dpid(sw), g.trunk(direction)}]; got.dpid != dpid(to) || got.port != g.trunk(direction^1) {
				t.Errorf("switch %d, direction %d: leads to %v, want switch %d", sw, direction, got, to)
			}
		}
		if s, port := g.HostAt(g.hostOf(sw, 2)).At(); s.DPID() != dpid(sw) || port != 3 {
			t.Errorf("host 2 of switch %d is at %v:%d", sw, s.DPID(), port)
		}
	}
}

// No two requests are for the same packets.
func TestGenerator(t *testing.T) {
	g := newGrid(3, 1)
	defer g.Close()
	q := newGenerator(g, 4)
	seen := map[path.FlowKey]bool{}
	for _, r := range q.some(5000) {
		proto := map[string]uint8{"tcp": path.ProtoTCP, "udp": path.ProtoUDP}[r.Protocol]
		k := path.FlowKey{Src: path.Host(netip.MustParseAddr(r.SrcIP)), Dst: path.Host(netip.MustParseAddr(r.DstIP)), Proto: proto, SrcPort: path.Port(r.SrcPort), DstPort: path.Port(r.DstPort)}
		if k.Src == k.Dst || seen[k] || seen[k.Reverse()] {
			t.Fatalf("%+v", k)
		}
		seen[k] = true
		if spared := path.Host(g.hostOf(4, 0)); k.Src == spared || k.Dst == spared {
			t.Fatalf("%+v is at the switch that is spared", k)
		}
	}
}

// What reaches the switches is counted, and what comes twice is noticed.
func TestRecorder(t *testing.T) {
	g := newGrid(3, 0)
	defer g.Close()
	r := g.recorder
	mod := &openflow.FlowMod{Priority: 1, BufferID: openflow.NoBuffer}
	other := &openflow.FlowMod{Priority: 2, BufferID: openflow.NoBuffer}
	r.reset(true)
	for _, m := range []openflow.Message{mod, other, mod, &openflow.MeterMod{}, &openflow.PacketOut{}} {
		r.hear(r.marks[1], m)
	}
	r.hear(r.marks[2], mod)
	got := r.sum()
	if got.flows != 4 || got.again != 1 || got.meters != 1 || got.outs != 1 || got.written[1] != 4 || got.written[2] != 1 || len(got.written) != 2 {
		t.Errorf("counted: %+v", got)
	}
	for told, d := range []openflow.DPID{1, 2} { // only the second barrier is the last
		r.hear(r.marks[d], &openflow.BarrierRequest{})
		if len(r.acked) != told {
			t.Errorf("after the barrier of switch %v: %d told", d, len(r.acked))
		}
	}
	if r.reset(false); r.sum().flows != 0 {
		t.Error("reset leaves something")
	}
}

// Only a switch is needless that was written though nothing of it changed, or
// only routes whose way still exists.
func TestNeedless(t *testing.T) {
	g := newGrid(3, 1)
	defer g.Close()
	s := g.Switches()
	mac := openflow.MAC{2, 0, 0, 0, 0, 5}
	make := func(first, second openflow.PortNo) contents {
		p := contents{}
		for _, sw := range s {
			p[sw.DPID()] = &switchContents{rules: map[string]string{}, routes: map[openflow.MAC]openflow.PortNo{}}
		}
		p[1].routes[mac], p[2].routes[mac] = first, second
		p[3].routes[mac], p[4].routes[mac] = 1, 1
		return p
	}
	east, south := g.trunk(0), g.trunk(2)
	f := failure{leads: []end{{s[1], east}}} // switch 2 to switch 3
	written := map[openflow.DPID]int{1: 1, 2: 1, 9: 1}
	for _, test := range []struct {
		old, now         contents
		switches, routes int
	}{
		{make(east, east), make(south, south), 1, 0}, // both led into it; 9 need not be written
		{make(south, east), make(east, south), 2, 1}, // that of 1 did not
		{make(east, east), make(east, south), 2, 0},  // 1 has changed nothing
	} {
		switches, routes := test.old.needless(test.now, g, f, written, map[openflow.DPID]bool{})
		if switches != test.switches || routes != test.routes {
			t.Errorf("%d switches and %d routes are needless, want %d and %d", switches, routes, test.switches, test.routes)
		}
	}
}

func TestList(t *testing.T) {
	var out bytes.Buffer
	if ok, err := measure(t.Context(), []string{"-list"}, &out, &out); !ok || err != nil || bytes.Count(out.Bytes(), []byte("\n")) != len(scenarios) {
		t.Errorf("%t, %v\n%s", ok, err, &out)
	}
}

package path_test

import (
	"fmt"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// mesh returns a grid of side*side switches.
func mesh(side int) *net { return grid(side, false) }

// grid returns a mesh whose rows and columns are closed to rings if torus is
// set.
func grid(side int, torus bool) *net {
	n := newNet(side * side)
	at := func(x, y int) openflow.DPID { return openflow.DPID(y%side*side + x%side + 1) }
	for y := range side {
		for x := range side {
			if torus || x+1 < side {
				n.cable(at(x, y), at(x+1, y), 10*gig, 10*gig, 1)
			}
			if torus || y+1 < side {
				n.cable(at(x, y), at(x, y+1), 10*gig, 10*gig, 1)
			}
		}
	}
	return n
}

// slow serves as a Free that takes about 100 ns, as a calendar may.
func slow(l topology.Link) bitrate.Rate {
	h := uint64(l.ID.From.Port)
	for range 90 {
		h = h*0x9e3779b97f4a7c15 + 1
	}
	return l.Capacity - bitrate.Rate(h&1)
}

// BenchmarkFind searches between all sorts of ends.
func BenchmarkFind(b *testing.B) {
	b.Run("calendar", func(b *testing.B) {
		for b.Loop() {
			slow(topology.Link{Capacity: 1})
		}
	})
	for _, side := range []int{4, 10, 32} {
		n := grid(side, true)
		g := path.NewGraph(&n.Snapshot)
		b.Run(fmt.Sprintf("switches=%d/first", side*side), func(b *testing.B) { // the first one that leads to a switch
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%(side*side) == 0 {
					g = path.NewGraph(&n.Snapshot)
				}
				to := openflow.DPID(i%(side*side) + 1)
				g.Find(path.Query{From: edgeOf(to%2+1, 1), To: edgeOf(to, 2)})
			}
		})
		for name, free := range map[string]func(topology.Link) bitrate.Rate{"capacity": nil, "calendar": slow} {
			b.Run(fmt.Sprintf("switches=%d/%s", side*side, name), func(b *testing.B) {
				for d := range openflow.DPID(side * side) {
					g.Find(path.Query{From: edgeOf(d%2+1, 1), To: edgeOf(d+1, 2)})
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					from, to := openflow.DPID(i%(side*side)+1), openflow.DPID(i*7919%(side*side)+1)
					if _, ok := g.Find(path.Query{From: edgeOf(from, 1), To: edgeOf(to, 2), Rate: gig, Free: free}); !ok {
						b.Fatal("no path")
					}
				}
			})
		}
	}
}

// BenchmarkNewGraph makes a graph from nothing, and one from another after a
// link has changed.
func BenchmarkNewGraph(b *testing.B) {
	for _, side := range []int{10, 32} {
		n := grid(side, true)
		b.Run(fmt.Sprintf("switches=%d/new", side*side), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				path.NewGraph(&n.Snapshot)
			}
		})
		b.Run(fmt.Sprintf("switches=%d/link", side*side), func(b *testing.B) {
			t0 := time.Unix(1_800_000_000, 0)
			build := topology.NewBuilder(topology.Config{}, t0)
			for d, sw := range n.Switches {
				var ports []openflow.Port
				for no := range sw.Ports {
					ports = append(ports, openflow.Port{No: no})
				}
				build.SwitchUp(topology.Switch{DPID: d}, ports, t0)
			}
			for _, l := range n.Links {
				build.LinkSeen(l.ID.From, l.ID.To, t0)
			}
			one := n.Links[topology.PortID{DPID: 1, Port: 10}].ID
			up := build.Snapshot(t0)
			build.PortChanged(1, openflow.PortModified, openflow.Port{No: 10, State: openflow.PortStateLinkDown}, t0)
			down := build.Snapshot(t0)
			build.PortChanged(1, openflow.PortModified, openflow.Port{No: 10}, t0)
			build.LinkSeen(one.From, one.To, t0)
			build.LinkSeen(one.To, one.From, t0)
			again := build.Snapshot(t0)
			b.ReportAllocs()
			g := path.NewGraph(up)
			for b.Loop() {
				if g.For(down).For(again) == nil {
					b.Fatal("no graph")
				}
			}
		})
	}
}

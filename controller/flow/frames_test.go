package flow

import (
	"cmp"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/topology"
	"conga/openflow"
)

// next returns where a frame for a host goes from a switch that it has entered
// by a port.
func (s *spreading) next(in topology.PortID, mac openflow.MAC) (out []topology.PortID) {
	x, sw := s.devices[in.DPID], s.snapshot.Switches[in.DPID]
	p := sw.Ports[in.Port]
	if x.dark || p.Role == topology.Undetermined {
		return nil
	}
	var ports []openflow.PortNo
	key := openflow.EntryKey{Table: tableForwarding, Priority: prioHost, Match: newStation(topology.HostID{MAC: mac}).key}
	switch r := x.holds.Rules[key]; {
	case r != nil:
		ports = outputs(r)
	case p.Role == topology.Trunk && !s.snapshot.Tree[in]:
	default:
		for _, a := range s.floods[in.DPID] {
			ports = append(ports, a.Port)
		}
	}
	for _, no := range ports {
		if far, ok := s.cables[at(in.DPID, no)]; ok && no != in.Port {
			out = append(out, far)
		}
	}
	return out
}

// check finds no frame that comes by where it was before.
func (s *spreading) check() {
	for n := openflow.DPID(1); n <= spreadHosts; n++ {
		if s.excused[host(n)] || s.leftOver(host(n)) {
			continue
		}
		state := map[topology.PortID]int{} // 1: on the way from there, 2: it ends
		var walk func(in topology.PortID)
		walk = func(in topology.PortID) {
			state[in] = 1
			for _, to := range s.next(in, host(n)) {
				if state[to] == 1 {
					s.Fatalf("a frame for host %d goes round by %v", n, to)
				}
				if state[to] == 0 {
					walk(to)
				}
			}
			state[in] = 2
		}
		for d, sw := range s.snapshot.Switches {
			for no := range sw.Ports {
				if id := at(d, no); state[id] == 0 {
					walk(id)
				}
			}
		}
	}
}

// heal has all switches connect, and take in everything.
func (s *spreading) heal() {
	s.publish()
	for d, x := range s.devices {
		clear(x.refuses)
		if x.r == nil {
			s.connect(d)
		}
		s.compare(d)
	}
	for range 200 {
		for d, x := range s.devices {
			x.r.Retry(s.now)
			if len(x.flight) == 0 {
				x.flight, x.refused, x.done = x.r.Next(1000, s.now), map[int]error{}, 0
			}
			if len(x.flight) == 0 {
				s.report(d) // what changed nothing is confirmed as well
			}
			s.land(d)
		}
	}
}

// TestFramesNeverGoRound has hosts come and move, links come and go, and
// switches refuse entries, while each takes in what it is asked for at its own
// time: at no moment does a frame for a host come by twice. When all have,
// switches hold what is compiled from nothing.
func TestFramesNeverGoRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSpreading(t)
		for range rapid.IntRange(1, 200).Draw(t, "events") {
			s.step()
			s.check()
		}
		s.heal()
		clear(s.excused)
		s.check()
		n := &Network{Snapshot: s.snapshot, Routes: s.wanted.Routes(), Policy: s.wanted.policy}
		for d, x := range s.devices {
			if diff := difference(x.holds, Compile(n, d)); diff != "" {
				t.Fatalf("switch %d: %s", d, diff)
			}
		}
		if n := len(s.wanted.work) + len(s.wanted.lingering) + s.wanted.refusals; n > 0 {
			t.Fatalf("%d, %d and %d hops and refusals are still open", len(s.wanted.work), len(s.wanted.lingering), s.wanted.refusals)
		}
	})
}

func comparePorts(a, b topology.PortID) int {
	return cmp.Or(cmp.Compare(a.DPID, b.DPID), cmp.Compare(a.Port, b.Port))
}

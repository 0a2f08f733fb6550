package flow

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// TestPortionsFit has circuits that allocations may have on two switches with
// links of all sorts, and adds up what the meters let through.
func TestPortionsFit(test *testing.T) {
	rapid.Check(test, func(t *rapid.T) {
		n := square(test, threeTables)
		n.Policy.Spare = rapid.SampledFrom([]float64{0, 0.01, 0.2, 0.9}).Draw(t, "spare")
		room := bitrate.Rate(float64(100*bitrate.Mbps) * (1 - n.Policy.Spare))
		if rapid.Bool().Draw(t, "slower") { // than when the circuits were admitted
			for no, p := range n.Switches[2].Ports {
				p.Capacity = 50 * bitrate.Mbps
				n.Switches[2].Ports[no] = p
			}
		}
		for i := range rapid.IntRange(1, 12).Draw(t, "circuits") {
			c := forth(fmt.Sprint(i), uint32(rapid.IntRange(0, 99).Draw(t, "handle")*100+i), bitrate.Rate(rapid.Uint64Range(1, uint64(room)/4).Draw(t, "rate")))
			if c.Key.DstPort = path.Port(uint16(i + 1)); c.Rate > room {
				continue
			}
			room -= c.Rate
			n.Circuits = append(n.Circuits, c)
		}
		n.Policed = Policed(n)
		states := map[openflow.DPID]*State{1: Compile(n, 1), 2: Compile(n, 2), 3: Compile(n, 3)}
		var sum bitrate.Rate
		for _, c := range n.Circuits {
			rate := c.Rate
			if m, is := states[1].Meters[purpose.PolicerID(c.Handle)]; is {
				rate = max(rate, bitrate.Rate(m.Rate)*bitrate.Kbps) // a meter's unit is coarser
			}
			sum += rate
		}
		for d, st := range states {
			for no, p := range n.Switches[d].Ports {
				checkLink(t, n, st, p, no, sum)
			}
		}
		checkPortions(t, n, states[1])
	})
}

// checkLink adds best effort to what the circuits of a link may send.
func checkLink(t *rapid.T, n *Network, st *State, p topology.Port, no openflow.PortNo, sum bitrate.Rate) {
	id, _ := purpose.PortID(no)
	m, metered := st.Meters[id]
	if !metered {
		return
	}
	var reserved bitrate.Rate
	for _, c := range n.Circuits {
		reserved += c.Rate
	}
	least := bitrate.Rate(minRate) * bitrate.Kbps // address resolution has to get through
	best := bitrate.Rate(m.Rate+st.Meters[purpose.FloodID].Rate) * bitrate.Kbps
	if reserved <= p.Capacity && sum+best > p.Capacity+2*least {
		t.Fatalf("of %v circuits may send %v, best effort %v", p.Capacity, sum, best)
	}
	spare := min(bitrate.Rate(float64(p.Capacity)*n.Policy.Spare), p.Capacity-min(reserved, p.Capacity))
	if best+bitrate.Kbps < spare/2 {
		t.Fatalf("best effort keeps %v of %v that are never reserved", best, spare)
	}
}

// checkPortions checks that each policed circuit has its rate, and more than
// half of an equal part of what the circuits share.
func checkPortions(t *rapid.T, n *Network, st *State) {
	part := ^bitrate.Rate(0)
	var reserved bitrate.Rate
	for _, c := range n.Circuits {
		reserved += c.Rate
	}
	for d := openflow.DPID(1); d <= 3; d++ {
		for _, no := range []openflow.PortNo{2, 3} {
			if p := n.Switches[d].Ports[no]; passes(n, d, no) {
				spare := min(bitrate.Rate(float64(p.Capacity)*n.Policy.Spare), p.Capacity-min(reserved, p.Capacity))
				part = min(part, spare*15/32/bitrate.Rate(len(n.Circuits)))
			}
		}
	}
	for _, c := range n.Circuits {
		m, policed := st.Meters[purpose.PolicerID(c.Handle)]
		if policed != (len(n.Circuits) > 1) {
			t.Fatalf("of %d circuits one is policed: %v", len(n.Circuits), policed)
		}
		has := bitrate.Rate(m.Rate+1) * bitrate.Kbps // rounded down
		if policed && (has <= c.Rate || part > 64*bitrate.Kbps && has <= part/2) {
			t.Fatalf("a circuit with %v is policed to %d kbit/s, where %v is a part", c.Rate, m.Rate, part)
		}
	}
}

func passes(n *Network, d openflow.DPID, no openflow.PortNo) bool {
	return len(n.Circuits) > 0 && slices.ContainsFunc(n.Circuits[0].Path, func(h path.Hop) bool { return h.DPID == d && (h.In == no || h.Out == no) })
}

// TestPortionsMoveFew has hundreds of circuits come and go on the same ports
// and counts the policers that are others for it.
func TestPortionsMoveFew(t *testing.T) {
	n := square(t, threeTables)
	n.Policy.Spare = 0.2
	w := NewWanted(n.Policy)
	w.SetNetwork(n.Snapshot)
	for d := range n.Switches {
		w.Watch(d)
	}
	changes := 0
	set := func(i int, listed ...path.Circuit) {
		w.SetCircuit(fmt.Sprint(i), listed)
		takeAll(w, func(_ openflow.DPID, p Patch) {
			for id := range p.Meters {
				if kind, _ := purpose.ReadMeter(id); kind == purpose.MeterPolicer && id != purpose.PolicerID(uint32(i)) {
					changes++
				}
			}
		})
	}
	const circuits = 400
	for i := range circuits {
		c := forth(fmt.Sprint(i), uint32(i), 10*bitrate.Kbps)
		c.Key.DstPort = path.Port(uint16(i + 1))
		set(i, c)
	}
	for i := range circuits {
		set(i)
	}
	if most := 2 * 2 * 2 * circuits; changes == 0 || changes > most { // two others, at both ends, on both occasions
		t.Errorf("%d policers of others changed; want some, and %d at most", changes, most)
	}
}

// A circuit learns which switches have to lower policers before what is granted
// on its links fits.
func TestLowered(t *testing.T) {
	n := square(t, threeTables)
	n.Policy.Spare = 0.2
	w := NewWanted(n.Policy)
	w.SetNetwork(n.Snapshot)
	for d := range n.Switches {
		w.Watch(d)
	}
	take := func() { takeAll(w, func(openflow.DPID, Patch) {}) }
	for i := range 3 {
		c := forth(fmt.Sprint(i), 16, bitrate.Mbps)
		c.Key.DstPort = path.Port(uint16(i + 1))
		w.SetCircuit(c.ID, []path.Circuit{c})
		take()
		switch got := w.Lowered(c.ID); {
		case i < 2 && len(got) != 0:
			t.Errorf("circuit %d lowers policers of %v", i, got)
		case i == 2 && len(got) != 2:
			t.Errorf("where three share what two shared, policers of %v are lowered; want those of both ends", got)
		}
	}
	take()
	w.SetCircuit("0", nil)
	take()
	if got := w.Lowered("2"); len(got) != 0 {
		t.Errorf("an end lowers policers of %v", got)
	}
}

// However many circuits move from a link to others, no policer changes, and no
// circuit waits for one, until portions catch up: each is then changed once.
func TestManyMovesChangePolicersOnce(t *testing.T) {
	c := newCutting(6, 1500)
	n := c.move(3)
	if n.policers > 0 {
		t.Errorf("%d policers are changed while %d circuits move", n.policers, len(c.affected))
	}
	for _, id := range c.affected {
		if got := c.wanted.Lowered(id); len(got) > 0 {
			t.Fatalf("circuit %s waits for policers of %v", id, got)
		}
	}
	if !c.wanted.PutOff() {
		t.Error("no portions are put off")
	}
	var once, twice changes
	c.wanted.CatchUp()
	c.take(&once)
	c.wanted.CatchUp()
	c.take(&twice)
	if once.policers == 0 || once.rules > 0 || twice != (changes{}) || c.wanted.PutOff() {
		t.Errorf("policers and rules changed: %+v, and then %+v", once, twice)
	}
}

// Where portions change, the entries of their circuits are not made again.
func TestPolicersAloneAreMade(t *testing.T) {
	c := newCutting(4, 300)
	moved := map[string]bool{}
	for _, id := range c.affected {
		moved[id] = true
	}
	had := map[*Rule]bool{}
	each := func(f func(m *member, r *Rule)) {
		for _, m := range c.wanted.members {
			for _, p := range m.parts {
				for _, r := range p.rules {
					f(m, r)
				}
			}
		}
	}
	each(func(_ *member, r *Rule) { had[r] = true })
	c.move(1)
	c.wanted.CatchUp()
	c.take(&changes{})
	each(func(m *member, r *Rule) {
		if !moved[m.id] && !had[r] {
			t.Fatalf("an entry of circuit %s, which stays, was made again", m.id)
		}
	})
}

// What is flooded takes nothing from the best effort of a trunk off the tree,
// by which it does not leave.
func TestFloodsLeaveTrunksOffTheTree(t *testing.T) {
	sw := topology.Switch{DPID: 1, Connected: true, Tables: 254, Meters: 1 << 18, Ports: map[openflow.PortNo]topology.Port{}}
	for no, role := range []topology.PortRole{topology.Edge, topology.Edge, topology.Trunk} {
		id := topology.PortID{DPID: 1, Port: openflow.PortNo(no + 1)}
		sw.Ports[id.Port] = topology.Port{ID: id, Up: true, Role: role, Capacity: 10 * bitrate.Gbps}
	}
	slow := sw.Ports[3]
	slow.Capacity = 100 * bitrate.Mbps
	sw.Ports[3] = slow
	v := newView(Policy{Forwarding: ForwardL2, Meter: true, Spare: 0.2}, sw, nil, map[openflow.PortNo]bitrate.Rate{
		1: bitrate.Mbps, 2: bitrate.Mbps, 3: 20 * bitrate.Mbps,
	})
	flood, fast, trunk := v.meters[purpose.FloodID].Rate, v.meters[v.limits[1]].Rate, v.meters[v.limits[3]].Rate
	if flood < 400_000 || flood+fast > 9_999_000 || trunk != 80_000 {
		t.Errorf("floods get %d kbit/s, an edge port's best effort %d, a trunk's %d", flood, fast, trunk)
	}
}

package flow

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

var t0 = time.Unix(1_800_000_000, 0)

func at(d openflow.DPID, p openflow.PortNo) topology.PortID { return topology.PortID{DPID: d, Port: p} }

// square returns four switches in a ring on ports 1 (back) and 2 (on), a host
// each on port 3 with address 10.0.0.N, every port 100 Mbit/s.
func square(t *testing.T, sw topology.Switch) *Network {
	t.Helper()
	b := topology.NewBuilder(topology.Config{DefaultCapacity: 100 * bitrate.Mbps}, t0)
	for d := openflow.DPID(1); d <= 4; d++ {
		sw.DPID = d
		b.SwitchUp(sw, []openflow.Port{{No: 1}, {No: 2}, {No: 3}, {No: 4, State: openflow.PortStateLinkDown}}, t0)
		b.SwitchReady(d, t0)
	}
	for d := openflow.DPID(1); d <= 4; d++ {
		b.LinkSeen(at(d, 2), at(d%4+1, 1), t0)
		b.LinkSeen(at(d%4+1, 1), at(d, 2), t0)
	}
	settle(b)
	for d := openflow.DPID(1); d <= 4; d++ {
		b.HostSeen(0, at(d, 3), host(d), []netip.Addr{addr(d)}, true, t0)
	}
	s := b.Snapshot(t0)
	return &Network{Snapshot: s, Routes: NewRoutes(s), Policy: Policy{Forwarding: ForwardL2, Meter: true, Mark: true, DSCP: 46}}
}

// settle lets the time pass in which quiet ports become edge ports.
func settle(b *topology.Builder) {
	s := b.Snapshot(t0)
	for now := t0; now.Before(t0.Add(2 * time.Second)); now = now.Add(100 * time.Millisecond) {
		for _, sw := range s.Switches {
			for _, p := range sw.Ports {
				b.Probed(p.ID, now)
			}
		}
		b.Expire(now)
	}
}

func host(d openflow.DPID) openflow.MAC { return openflow.MAC{0, 0, 0, 0, 1, byte(d)} }
func addr(d openflow.DPID) netip.Addr   { return netip.AddrFrom4([4]byte{10, 0, 0, byte(d)}) }
func addr6(d openflow.DPID) netip.Addr  { return netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(d)}) }

var threeTables = topology.Switch{Tables: 254, Meters: 1000}

func named(d openflow.DPID) topology.HostID { return topology.HostID{MAC: host(d)} }

// forth returns a circuit from host 1 over switch 2 to host 3.
func forth(id string, handle uint32, rate bitrate.Rate) path.Circuit {
	return path.Circuit{
		ID: id, Handle: handle, Rate: rate, Key: path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(3))},
		Path: path.Path{{DPID: 1, In: 3, Out: 2}, {DPID: 2, In: 1, Out: 2}, {DPID: 3, In: 1, Out: 3}},
	}
}

func owned(st *State, k purpose.Kind) (out []*Rule) {
	for _, r := range st.Rules {
		if kind, _ := purpose.ReadCookie(r.Cookie); kind == k {
			out = append(out, r)
		}
	}
	return out
}

func find(t *testing.T, st *State, table openflow.TableID, prio uint16, m openflow.Match) *Rule {
	t.Helper()
	r, ok := st.Rules[openflow.EntryKey{Table: table, Priority: prio, Match: m.Canonical().Key()}]
	if !ok {
		t.Fatalf("no entry in table %d, priority %d, match %v", table, prio, m)
	}
	return r
}

func outputs(r *Rule) (ports []openflow.PortNo) {
	for _, in := range r.Instructions {
		for _, a := range in.Actions {
			if a.Type == openflow.ActionOutput {
				ports = append(ports, a.Port)
			}
		}
	}
	return ports
}

func meterOf(r *Rule) openflow.MeterID {
	for _, in := range r.Instructions {
		if in.Type == openflow.InstructionMeter {
			return in.Meter
		}
	}
	return 0
}

func TestUnicastTakesShortestPath(t *testing.T) {
	n := square(t, threeTables)
	st := Compile(n, 1)
	for d, want := range map[openflow.DPID]openflow.PortNo{1: 3, 2: 2, 4: 1} {
		r := find(t, st, tableForwarding, prioHost, openflow.Match{openflow.EthDst(host(d))})
		if got := outputs(r); !slices.Equal(got, []openflow.PortNo{want}) {
			t.Errorf("to host %d out of %v; want %d", d, got, want)
		}
	}
}

func TestFloodLeavesOverTreeAndEdgesOnly(t *testing.T) {
	n := square(t, threeTables)
	copies := 0
	for d := openflow.DPID(1); d <= 4; d++ {
		st := Compile(n, d)
		ports := outputs(find(t, st, tableForwarding, prioMiss, nil))
		copies += len(ports)
		for _, no := range ports {
			if p := n.Switches[d].Ports[no]; !p.Up || p.Role == topology.Trunk && !n.Tree[p.ID] {
				t.Errorf("switch %d floods to port %d, which is %v", d, no, p.Role)
			}
		}
		for no, p := range n.Switches[d].Ports {
			if p.Role == topology.Trunk && !n.Tree[p.ID] {
				r := find(t, st, tableForwarding, prioPort, openflow.Match{openflow.InPort(no), openflow.EthDstMasked(groupBit, groupBit)})
				stray := find(t, st, tableForwarding, prioStray, openflow.Match{openflow.InPort(no)})
				if len(r.Instructions) != 0 || !slices.Equal(outputs(stray), []openflow.PortNo{openflow.PortController}) {
					t.Errorf("what enters switch %d off the tree can be flooded", d)
				}
			}
		}
	}
	if copies != 4+6 { // four hosts, three cables with two ends
		t.Errorf("a broadcast leaves %d ports of the network; want 10", copies)
	}
}

func TestPortThatIsDownOrUndeterminedLearnsNothing(t *testing.T) {
	st := Compile(square(t, threeTables), 1)
	r := find(t, st, tableLearning, prioPort, openflow.Match{openflow.InPort(4)})
	if !slices.Equal(outputs(r), []openflow.PortNo{openflow.PortController}) || meterOf(r) != purpose.UnknownID || len(r.Instructions) != 2 {
		t.Errorf("what enters through a port that is down goes elsewhere than up to the controller: %v", r.Instructions)
	}
	n := square(t, threeTables)
	up := n.Switches[1].Ports[4]
	up.Up = true
	n.Switches[1].Ports[4] = up
	r = find(t, Compile(n, 1), tableLearning, prioPort, openflow.Match{openflow.InPort(4)})
	if len(r.Instructions) != 0 {
		t.Errorf("what enters through an undetermined port is not dropped: %v", r.Instructions)
	}
}

func TestCircuitIsInSwitchesOfItsPathBothWays(t *testing.T) {
	n := square(t, threeTables)
	n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)}
	for d, want := range map[openflow.DPID]int{1: 2, 2: 2, 3: 2, 4: 0} {
		if got := owned(Compile(n, d), purpose.Allocation); len(got) != want {
			t.Errorf("switch %d holds %d entries of the circuit; want %d", d, len(got), want)
		}
	}
	st := Compile(n, 2)
	there := openflow.Match{openflow.InPort(1), openflow.EthType(etherTypeIPv4), openflow.IPv4Src(addr(1)), openflow.IPv4Dst(addr(3))}
	back := openflow.Match{openflow.InPort(2), openflow.EthType(etherTypeIPv4), openflow.IPv4Src(addr(3)), openflow.IPv4Dst(addr(1))}
	for m, out := range map[*openflow.Match]openflow.PortNo{&there: 2, &back: 1} {
		r := find(t, st, tableAllocations, prioAllocation+3, *m)
		if r.Cookie != purpose.MakeCookie(purpose.Allocation, 7) || !slices.Equal(outputs(r), []openflow.PortNo{out}) || meterOf(r) != 0 {
			t.Errorf("entry %+v; want cookie of 7, output to %d, no meter", r, out)
		}
		if r.Instructions[0].Actions[0] != openflow.SetField(openflow.IPDSCP(46)) {
			t.Errorf("allocated traffic is not marked: %v", r.Instructions)
		}
	}
}

func TestBestEffortIsHeldToWhatIsLeft(t *testing.T) {
	n := square(t, threeTables)
	n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)}
	st := Compile(n, 1)
	r := find(t, st, tableForwarding, prioHost, openflow.Match{openflow.EthDst(host(2))})
	id := meterOf(r)
	flood := st.Meters[purpose.FloodID]
	// Ports 2 and 3 carry the circuit; what is flooded leaves through both.
	if got := st.Meters[id].Rate + flood.Rate; got != 60_000 || flood.Rate != 3_000 {
		t.Errorf("best effort may use %d kbit/s, of which flooding %d; want 60000 and 3000", got, flood.Rate)
	}
	if got := meterOf(find(t, st, tableForwarding, prioMiss, nil)); got != purpose.FloodID {
		t.Errorf("flooding goes through meter %x", got)
	}
	if id := meterOf(find(t, st, tableForwarding, prioHost, openflow.Match{openflow.EthDst(host(4))})); id != 0 {
		t.Errorf("best effort is metered on a port without reservations: %x", id)
	}
	const always = 3 // two limits of what goes up, and the trial
	if st := Compile(n, 4); len(st.Meters) != always {
		t.Errorf("a switch off the path has meters %v", st.Meters)
	}

	n.Circuits[0].Rate = 0
	if st := Compile(n, 1); len(st.Meters) != always {
		t.Error("a circuit without a rate reserves something")
	}
}

func TestCircuitsThatShareALinkArePoliced(t *testing.T) {
	n := square(t, threeTables)
	a, b := forth("a", 7, 40*bitrate.Mbps), forth("b", 8, 20*bitrate.Mbps)
	b.Key.DstPort = path.Port(80)
	n.Circuits = []path.Circuit{a}
	if p := Policed(n); len(p) != 0 {
		t.Errorf("a lone circuit is policed: %v", p)
	}
	n.Circuits = []path.Circuit{a, b}
	n.Policed = Policed(n)
	if _, a := n.Policed["a"]; !a || len(n.Policed) != 2 {
		t.Fatalf("policed: %v; want both", n.Policed)
	}
	st := Compile(n, 1)
	want := Meter{Rate: 40_000, Burst: 12_000}
	if got := st.Meters[purpose.PolicerID(7)]; got != want {
		t.Errorf("policer %+v; want %+v", got, want)
	}
	for _, r := range owned(st, purpose.Allocation) {
		in, _ := r.Match.Get(openflow.FieldInPort)
		if metered := meterOf(r) != 0; metered != (in.Uint64() == 3) {
			t.Errorf("entry for port %d is policed: %v; want it where traffic enters only", in.Uint64(), metered)
		}
	}
	for _, r := range owned(Compile(n, 2), purpose.Allocation) {
		if meterOf(r) != 0 {
			t.Error("traffic is policed inside the network")
		}
	}
	for no, p := range n.Switches[2].Ports {
		p.Up, p.Role = false, topology.Undetermined
		n.Switches[2].Ports[no] = p
	}
	for _, r := range owned(Compile(n, 2), purpose.Allocation) {
		if meterOf(r) != 0 {
			t.Error("traffic is policed inside the network when a link is cut")
		}
	}
}

func TestMovingCircuitHasBothPathsAndPrecedenceDecides(t *testing.T) {
	n := square(t, threeTables)
	was, is := forth("a", 7, 40*bitrate.Mbps), forth("a", 7, 40*bitrate.Mbps)
	is.Path = path.Path{{DPID: 1, In: 3, Out: 1}, {DPID: 4, In: 2, Out: 1}, {DPID: 3, In: 2, Out: 3}}
	head := func() []openflow.PortNo {
		return outputs(find(t, Compile(n, 1), tableAllocations, prioAllocation+3, openflow.Match{openflow.InPort(3),
			openflow.EthType(etherTypeIPv4), openflow.IPv4Src(addr(1)), openflow.IPv4Dst(addr(3))}))
	}
	n.Circuits = []path.Circuit{was, is}
	if got := head(); !slices.Equal(got, []openflow.PortNo{2}) {
		t.Errorf("joining, the head sends to %v; want the old path", got)
	}
	if got := len(owned(Compile(n, 4), purpose.Allocation)); got != 2 {
		t.Errorf("joining, the new path's switch holds %d entries", got)
	}
	n.Circuits = []path.Circuit{is, was}
	if got := head(); !slices.Equal(got, []openflow.PortNo{1}) {
		t.Errorf("switching, the head sends to %v; want the new path", got)
	}
	if len(Policed(n)) != 0 {
		t.Error("a circuit shares links with itself")
	}
	id, _ := purpose.PortID(3)
	if m := Compile(n, 1).Meters[id]; m.Rate+Compile(n, 1).Meters[purpose.FloodID].Rate != 60_000 {
		t.Errorf("a circuit that moves counts twice on a port of both paths: %+v", m)
	}
}

func TestPortsWithoutProtocolMeanTCPAndUDP(t *testing.T) {
	k := path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(3)), DstPort: path.Port(80)}
	for want, k := range map[int]path.FlowKey{
		1: {Src: path.Host(addr(1)), Dst: path.Host(addr(3))},
		2: k,
	} {
		if got := matches(k, 1, false); len(got) != want {
			t.Errorf("%+v has %d matches; want %d", k, len(got), want)
		}
	}
	six := path.FlowKey{Src: path.Host(netip.MustParseAddr("2001:db8::1")), Dst: path.Host(netip.MustParseAddr("2001:db8::2")), Proto: path.ProtoUDP, SrcPort: path.Port(9)}
	for _, m := range append(matches(k, 1, false), append(matches(six, 1, false), matches(six.Reverse(), 1, false)...)...) {
		if !slices.Equal(m, m.Canonical()) {
			t.Errorf("%v is not canonical", m)
		}
		if err := m.Check(); err != nil {
			t.Errorf("%v: %v", m, err)
		}
	}
}

func TestPoliciesAndReducedPipelines(t *testing.T) {
	n := square(t, topology.Switch{Tables: 1})
	n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)}
	for _, f := range []Forwarding{ForwardL2, ForwardNormal, ForwardNone} {
		n.Policy.Forwarding = f
		st := Compile(n, 1)
		for k := range st.Rules {
			if k.Table != 0 {
				t.Errorf("%s: an entry in table %d of a switch with one table", f, k.Table)
			}
		}
		if len(st.Meters) != 0 {
			t.Errorf("%s: meters %v in a switch without meters", f, st.Meters)
		}
		if got := len(owned(st, purpose.Allocation)); got != 2 {
			t.Errorf("%s: %d entries of the circuit", f, got)
		}
		_, miss := st.Rules[openflow.EntryKey{Table: 0, Priority: prioMiss, Match: openflow.Match{}.Key()}]
		if miss == (f == ForwardNone) {
			t.Errorf("%s: table-miss entry: %v", f, miss)
		}
	}
}

func TestEveryRuleIsValid(t *testing.T) {
	n := square(t, threeTables)
	n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)}
	for d, sw := range n.Switches {
		sw.Barred = []topology.Bar{{Port: 3, Addr: addr(1)}, {Port: 3, Addr: netip.MustParseAddr("fe80::1"), VLAN: 9}}
		p := sw.Ports[3]
		p.Storming, p.Crowded, p.Echoing = true, true, true
		sw.Ports[3] = p
		n.Switches[d] = sw
		for _, r := range Compile(n, d).Rules {
			if err := r.Match.Check(); err != nil {
				t.Errorf("%v: %v", r.Match, err)
			}
			if !purpose.Ours(r.Cookie) {
				t.Errorf("cookie %x is not ours", r.Cookie)
			}
		}
	}
}

func TestDumpedStateEqualsCompiled(t *testing.T) {
	n := square(t, threeTables)
	n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)}
	st := Compile(n, 1)
	r := NewReconciler(st.Whole(), 1)
	for _, rule := range st.Rules {
		in := slices.Clone(rule.Instructions)
		slices.Reverse(in) // a switch lists them in an order of its own
		r.Tell(&openflow.FlowStats{Table: rule.Table, Priority: rule.Priority, Cookie: rule.Cookie, Match: rule.Match, Instructions: in})
	}
	for id, m := range st.Meters {
		c := m.modify(id, openflow.MeterAdd)
		got, meter, ours := (*Numbers)(nil).ReadMeter(openflow.MeterConfig{Flags: c.Flags, Meter: c.ID, Bands: c.Bands})
		if !ours {
			t.Fatalf("meter %x is not recognised", id)
		}
		r.TellMeter(got, meter)
	}
	r.Tell(&openflow.FlowStats{Cookie: 0xbeef, Priority: 1}) // not ours
	if r.Begin(); len(soon(r, 1)) != 0 {
		t.Errorf("a dump of the very state differs from it")
	}
	if _, ours := FromStats(&openflow.FlowStats{Cookie: 0xbeef}); ours {
		t.Error("somebody else's entry is taken for ours")
	}
	if _, _, ours := (*Numbers)(nil).ReadMeter(openflow.MeterConfig{Meter: 1}); ours {
		t.Error("somebody else's meter is taken for ours")
	}
}

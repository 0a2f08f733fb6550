package flow

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// history is a small network in which anything happens, with the wanted states
// kept along.
type history struct {
	*rapid.T
	builder  *topology.Builder
	now      time.Time
	snapshot *topology.Snapshot
	policy   Policy
	wanted   *Wanted
	kept     map[openflow.DPID]*State
	circuits map[string][]path.Circuit
}

const (
	someSwitches = 4
	somePorts    = 4
)

func (h *history) dpid() openflow.DPID {
	return openflow.DPID(rapid.IntRange(1, someSwitches).Draw(h.T, "switch"))
}

func (h *history) port() topology.PortID {
	return at(h.dpid(), openflow.PortNo(rapid.IntRange(1, somePorts).Draw(h.T, "port")))
}

// switchUp connects a switch, with some of its tables, meters and ports.
func (h *history) switchUp() {
	d := h.dpid()
	info := topology.Switch{DPID: d, Tables: rapid.SampledFrom([]uint8{1, 254}).Draw(h.T, "tables"), Meters: rapid.SampledFrom([]uint32{0, 30, 100, 1 << 20}).Draw(h.T, "meters"), Numbered: rapid.Bool().Draw(h.T, "numbered")}
	var ports []openflow.Port
	for no := openflow.PortNo(1); no <= somePorts; no++ {
		ports = append(ports, h.portState(no))
	}
	h.builder.SwitchUp(info, ports, h.now)
	h.builder.SwitchReady(d, h.now)
	h.wanted.Unwatch(d)
	delete(h.kept, d)
}

func (h *history) portState(no openflow.PortNo) openflow.Port {
	p := openflow.Port{No: no, CurrSpeed: 100_000, Supported: 1}
	if rapid.IntRange(0, 3).Draw(h.T, "down") == 0 {
		p.State = openflow.PortStateLinkDown
	}
	return p
}

func (h *history) cable() {
	a, b := h.port(), h.port()
	h.builder.LinkSeen(a, b, h.now)
	h.builder.LinkSeen(b, a, h.now)
}

func (h *history) hostSpeaks() {
	mac := host(openflow.DPID(rapid.IntRange(1, 6).Draw(h.T, "host")))
	vlan := uint16(rapid.IntRange(0, 1).Draw(h.T, "VLAN")) // in which it may be another one
	var own []netip.Addr
	if rapid.IntRange(0, 3).Draw(h.T, "silent") > 0 {
		own = append(own, addr(openflow.DPID(mac[5])+10*openflow.DPID(vlan)))
	}
	h.builder.HostSeen(vlan, h.port(), mac, own, true, h.now)
}

// theft has a host claim another one's address, and that one answer.
func (h *history) theft() {
	h.hostSpeaks()
	h.answer()
}

// answer has hosts answer what they are asked.
func (h *history) answer() {
	for _, q := range h.builder.Queries(h.now) {
		h.builder.Queried(q)
		h.builder.HostAnswered(q.VLAN, q.At, q.Host.MAC, []netip.Addr{q.Addr}, h.now)
	}
}

// twoCards has a host send by another port, too, for as long as makes that its
// second.
func (h *history) twoCards() {
	mac, home, second := host(openflow.DPID(rapid.IntRange(1, 2).Draw(h.T, "host"))), h.port(), h.port()
	h.builder.HostSeen(0, home, mac, []netip.Addr{addr(openflow.DPID(mac[5]))}, true, h.now)
	for range 50 {
		h.pass(100 * time.Millisecond)
		h.builder.HostSeen(0, second, mac, nil, false, h.now)
		h.answer()
	}
}

func (h *history) circuit() {
	id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(h.T, "circuit")
	var listed []path.Circuit
	c := path.Circuit{ID: id, Handle: uint32(id[0]), Key: path.FlowKey{Src: addr(1), Dst: addr(2)}}
	if rapid.Bool().Draw(h.T, "ports") {
		switch rapid.IntRange(0, 2).Draw(h.T, "which") { // two of these share a corner
		case 0:
			c.Key.DstPort = drawPorts(h.T, "ports")
		case 1:
			c.Key.SrcPort = rapid.SampledFrom([]path.Ports{path.Port(2), path.PortsOf(path.PortRange{First: 2, Last: 5})}).Draw(h.T, "ports")
		default:
			c.Key.Proto = path.ProtoUDP
		}
	}
	for range rapid.IntRange(0, 3).Draw(h.T, "listed") {
		c.Rate = bitrate.Rate(rapid.SampledFrom([]int{0, 1, 10, 60}).Draw(h.T, "rate")) * bitrate.Mbps
		if c.Path, c.Backup, c.Reverse = h.path(), nil, (path.Reverse{}); c.Rate > 0 && rapid.Bool().Draw(h.T, "apart") {
			c.Reverse = path.Reverse{Apart: true, Rate: bitrate.Rate(rapid.SampledFrom([]int{0, 1, 20}).Draw(h.T, "rate back")) * bitrate.Mbps}
		}
		if rapid.IntRange(0, 2).Draw(h.T, "protected") == 0 {
			c.Backup = h.backup(c.Path)
		}
		listed = append(listed, c)
	}
	h.circuits[id] = listed
	h.wanted.SetCircuit(id, listed)
}

// path returns any walk over the switches.
func (h *history) path() (p path.Path) {
	for _, d := range rapid.Permutation([]openflow.DPID{1, 2, 3, 4}).Draw(h.T, "path")[:rapid.IntRange(1, 3).Draw(h.T, "hops")] {
		p = append(p, path.Hop{DPID: d,
			In: openflow.PortNo(rapid.IntRange(1, somePorts).Draw(h.T, "in")), Out: openflow.PortNo(rapid.IntRange(1, somePorts).Draw(h.T, "out"))})
	}
	return p
}

// backup returns another walk between the ends of a path, which it leaves and
// comes to by other ports; nil if both are at one switch.
func (h *history) backup(p path.Path) path.Path {
	if len(p) < 2 {
		return nil
	}
	other := func(no openflow.PortNo) openflow.PortNo {
		return (no+openflow.PortNo(rapid.IntRange(0, somePorts-2).Draw(h.T, "another port")))%somePorts + 1
	}
	first, last := p[0], p[len(p)-1]
	first.Out, last.In = other(first.Out), other(last.In)
	b := path.Path{first}
	for _, hop := range h.path() {
		if hop.DPID != first.DPID && hop.DPID != last.DPID {
			b = append(b, hop)
		}
	}
	return append(b, last)
}

// lend has meters count anything.
func (h *history) lend() {
	for _, d := range slices.Sorted(maps.Keys(h.kept)) {
		for _, id := range slices.Sorted(maps.Keys(h.wanted.members)) {
			if rapid.Bool().Draw(h.T, "drops") {
				h.wanted.Dropping(d, purpose.PolicerID(h.wanted.members[id].handle))
			}
		}
		for no := openflow.PortNo(1); no <= somePorts; no++ {
			if id, _ := purpose.PortID(no); rapid.Bool().Draw(h.T, "best effort drops") {
				h.wanted.Dropping(d, id)
			}
		}
	}
	seed := rapid.Uint64().Draw(h.T, "loads")
	h.wanted.Lend(func(d openflow.DPID, id openflow.MeterID) (l Load, known bool) {
		random := rand.New(rand.NewPCG(seed, uint64(d)<<32|uint64(id)))
		l = Load{At: h.now, Entered: []bitrate.Rate{0, 50 * bitrate.Kbps, 7 * bitrate.Mbps, 90 * bitrate.Mbps, bitrate.Gbps}[random.IntN(5)]}
		l.Dropped = l.Entered / bitrate.Rate(1+random.IntN(1000))
		return l, random.IntN(6) > 0
	}, h.now)
}

func (h *history) step() {
	switch rapid.IntRange(0, 16).Draw(h.T, "what") {
	case 14, 15:
		h.lend()
	case 16:
		h.twoCards()
	case 12:
		h.builder.PortStorms(h.port(), h.now)
		h.builder.PortEchoes(h.port(), h.now)
	case 13:
		h.theft()
	case 0:
		h.switchUp()
	case 1, 2:
		h.cable()
	case 3:
		id := h.port()
		h.builder.PortChanged(id.DPID, openflow.PortModified, h.portState(id.Port), h.now)
	case 4, 5:
		h.hostSpeaks()
	case 6:
		d := h.dpid()
		h.builder.SwitchDown(d, h.now)
		h.wanted.Unwatch(d)
		delete(h.kept, d)
	case 7:
		h.builder.SwitchLacks(h.dpid(), topology.Lacks(1<<rapid.IntRange(0, 8).Draw(h.T, "lacks")), h.now)
		h.builder.SwitchRoom(h.dpid(), uint32(rapid.IntRange(0, 8).Draw(h.T, "room")), h.now)
	case 8:
		h.builder.SetQueues(h.dpid(), 3, []openflow.PortNo{1, openflow.PortNo(rapid.IntRange(2, 3).Draw(h.T, "queue"))})
	default:
		h.circuit()
	}
	h.pass(rapid.SampledFrom([]time.Duration{0, 1500 * time.Millisecond, 4 * time.Second}).Draw(h.T, "passes"))
}

// pass lets time go by, in which every port is probed.
func (h *history) pass(d time.Duration) {
	const tick = 100 * time.Millisecond
	for end := h.now.Add(d); h.now.Before(end); h.now = h.now.Add(tick) {
		for d, sw := range h.snapshot.Switches {
			for no := range sw.Ports {
				h.builder.Probed(at(d, no), h.now)
			}
		}
		h.builder.Expire(h.now)
	}
}

// settle takes what has changed, and watches switches that are there anew.
func (h *history) settle() {
	if h.builder.Changed() {
		h.snapshot = h.builder.Snapshot(h.now)
		if rapid.IntRange(0, 4).Draw(h.T, "missed") > 0 { // else it is skipped, and the next one is compared whole
			h.wanted.SetNetwork(h.snapshot)
		}
	}
	if h.wanted.snapshot != h.snapshot {
		return
	}
	h.take()
	for _, d := range slices.Sorted(maps.Keys(h.snapshot.Switches)) {
		if h.kept[d] == nil && rapid.Bool().Draw(h.T, "watch") {
			h.kept[d] = h.wanted.Watch(d).State()
		}
	}
	h.take() // what waited for these
}

func (h *history) take() {
	takeAll(h.wanted, func(d openflow.DPID, p Patch) {
		if h.kept[d] == nil {
			h.Fatalf("switch %d is told of though it is not watched", d)
		}
		h.kept[d].Patch(p)
	})
}

func (h *history) check() {
	if h.wanted.snapshot != h.snapshot {
		return
	}
	n := &Network{Snapshot: h.snapshot, Routes: h.wanted.Routes(), Policy: h.policy}
	for _, id := range slices.Sorted(maps.Keys(h.circuits)) {
		n.Circuits = append(n.Circuits, h.circuits[id]...)
	}
	n.Lent, n.Contested = h.wanted.Lent(), h.wanted.Contested()
	n.Policed = Policed(n)
	h.checkPutOff(n)
	if rapid.IntRange(0, 2).Draw(h.T, "busy") == 0 {
		return // more happens before portions catch up
	}
	h.wanted.CatchUp()
	h.take()
	h.checkKept()
	for d, kept := range h.kept {
		want := Compile(n, d)
		h.overlook(d, want)
		if diff := difference(kept, want); diff != "" {
			h.Fatalf("switch %d: %s", d, diff)
		}
	}
}

// overlook has a compiled state agree with the one that is kept about hosts to
// which frames go by switches that are not watched: nothing says that these
// hold their entries.
func (h *history) overlook(d openflow.DPID, want *State) {
	for k := range h.kept[d].Rules {
		if kept := h.kept[d].Rules[k]; kept.host {
			if x := h.wanted.stations[hostOf(k)]; x == nil || !h.watched(d, x) {
				want.Rules[k] = kept
			}
		}
	}
	for k, r := range want.Rules {
		if r.host && h.kept[d].Rules[k] == nil && !h.watched(d, h.wanted.stations[hostOf(k)]) {
			delete(want.Rules, k)
		}
	}
}

// watched reports whether all switches on the way to a host are.
func (h *history) watched(d openflow.DPID, x *station) bool {
	for ; d != x.at.DPID; _, d, _ = h.wanted.routes.toward(d, x.at.DPID) {
		if h.kept[d] == nil {
			return false
		}
	}
	return h.kept[d] != nil
}

// checkPutOff finds no rules other than those that are compiled, and no port
// whose meters let through more than its capacity, while portions are put off.
func (h *history) checkPutOff(n *Network) {
	for d, kept := range h.kept {
		want := Compile(n, d)
		h.overlook(d, want)
		if diff := difference(&State{Rules: kept.Rules, Meters: want.Meters, Groups: kept.Groups}, want); diff != "" {
			h.Fatalf("switch %d: %s", d, diff)
		}
		floods := (&view{sw: n.Switches[d], tree: n.Tree}).floodPorts()
		for no, p := range n.Switches[d].Ports {
			id, _ := purpose.PortID(no)
			best, metered := kept.Meters[id]
			if !metered {
				continue
			}
			var sum, reserved bitrate.Rate
			for _, m := range h.wanted.members {
				for _, u := range m.held {
					if u.port == p.ID {
						reserved += u.rate
						sum += u.rate + u.beyond(m.least)
					}
				}
			}
			sum += bitrate.Rate(best.Rate) * bitrate.Kbps
			if slices.ContainsFunc(floods, func(a openflow.Action) bool { return a.Port == no }) {
				sum += bitrate.Rate(kept.Meters[purpose.FloodID].Rate) * bitrate.Kbps
			}
			least := bitrate.Rate(minRate) * bitrate.Kbps // address resolution has to get through
			if reserved <= p.Capacity && sum > p.Capacity+2*least {
				h.Fatalf("the meters of %v let through %v", p.ID, sum)
			}
		}
	}
}

// difference says what one state has and the other has not; "" if they are the
// same.
func difference(kept, want *State) string {
	for k, r := range want.Rules {
		if have := kept.Rules[k]; have == nil || !have.Equal(r) {
			return fmt.Sprintf("has %+v instead of %+v", have, r)
		}
	}
	for k, r := range kept.Rules {
		if want.Rules[k] == nil {
			return fmt.Sprintf("still has %+v", r)
		}
	}
	if !maps.Equal(kept.Groups, want.Groups) {
		return fmt.Sprintf("has groups %+v instead of %+v", kept.Groups, want.Groups)
	}
	if !maps.Equal(kept.Meters, want.Meters) {
		return fmt.Sprintf("has meters %+v instead of %+v", kept.Meters, want.Meters)
	}
	return ""
}

// TestKeptStateIsTheCompiledOne drives random histories and finds what is kept
// equal to what is compiled from nothing after every event.
func TestKeptStateIsTheCompiledOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &history{
			T: t, now: t0, kept: map[openflow.DPID]*State{}, circuits: map[string][]path.Circuit{},
			policy: Policy{
				Forwarding: rapid.SampledFrom([]Forwarding{ForwardL2, ForwardL2, ForwardL2, ForwardNormal, ForwardNone}).Draw(t, "forwarding"),
				Meter:      rapid.IntRange(0, 3).Draw(t, "meter") > 0, Mark: true, DSCP: 46, UseQueue: true, Queue: 3,
				Spare: rapid.SampledFrom([]float64{0, 0.2, 0.5}).Draw(t, "spare"),
			},
		}
		h.builder = topology.NewBuilder(topology.Config{MaxHosts: 2}, t0)
		h.snapshot = h.builder.Snapshot(t0)
		h.wanted = NewWanted(h.policy)
		h.wanted.SetNetwork(h.snapshot)
		for range someSwitches {
			h.switchUp()
		}
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			h.step()
			h.settle()
			h.check()
		}
		h.leave()
	})
}

// TestAChangeTouchesWhatItConcerns counts the rules that are handed out after
// one change in a network that is otherwise quiet.
func TestAChangeTouchesWhatItConcerns(t *testing.T) {
	n := grid(8, 4)
	w := NewWanted(n.Policy)
	w.SetNetwork(n.Snapshot)
	for d := range n.Switches {
		w.Watch(d)
	}
	told := func() (switches, rules int) {
		takeAll(w, func(_ openflow.DPID, p Patch) {
			switches++
			rules += len(p.Rules)
		})
		return switches, rules
	}
	along := path.Path{{DPID: 1, In: 5, Out: 1}, {DPID: 2, In: 2, Out: 1}, {DPID: 3, In: 2, Out: 5}}
	first := path.Circuit{ID: "a", Handle: 1, Rate: bitrate.Mbps, Path: along, Key: path.FlowKey{Src: addr(1), Dst: addr(2)}}
	w.SetCircuit("a", []path.Circuit{first})
	if switches, _ := told(); switches != 3 {
		t.Errorf("a circuit over 3 switches changes %d", switches)
	}
	second := first
	second.ID, second.Handle, second.Key.DstPort = "b", 2, path.Port(80)
	w.SetCircuit("b", []path.Circuit{second})
	told()
	third := second
	third.ID, third.Handle, third.Key.DstPort = "c", 3, path.Port(81)
	w.SetCircuit("c", []path.Circuit{third})
	if switches, rules := told(); switches != 3 || rules != 3*4 {
		t.Errorf("one more circuit on ports that are metered changes %d rules of %d switches; want its own 12 of 3", rules, switches)
	}
	w.SetCircuit("c", nil)
	if switches, rules := told(); switches != 3 || rules != 3*4 {
		t.Errorf("its end changes %d rules of %d switches", rules, switches)
	}
	if switches, rules := told(); switches != 0 {
		t.Errorf("nothing changes %d rules of %d switches", rules, switches)
	}
}

// BenchmarkCircuit measures the cost of a circuit that comes and goes, in a
// small and in a large network.
func BenchmarkCircuit(b *testing.B) {
	for _, side := range []int{3, 10, 32} {
		b.Run(fmt.Sprintf("switches=%d", side*side), func(b *testing.B) {
			n := grid(side, 4)
			w := NewWanted(n.Policy)
			w.SetNetwork(n.Snapshot)
			for _, d := range slices.SortedFunc(maps.Keys(n.Switches), cmp.Compare) {
				w.Watch(d)
			}
			c := path.Circuit{ID: "x", Handle: 1, Rate: bitrate.Mbps, Key: path.FlowKey{Src: addr(1), Dst: addr(2)}, Path: path.Path{
				{DPID: 1, In: 5, Out: 1}, {DPID: 2, In: 2, Out: 1}, {DPID: 3, In: 2, Out: 5},
			}}
			base := c
			base.ID, base.Handle, base.Key.DstPort = "base", 2, path.Port(80)
			w.SetCircuit("base", []path.Circuit{base})
			b.ReportAllocs()
			for b.Loop() {
				w.SetCircuit("x", []path.Circuit{c})
				takeAll(w, func(openflow.DPID, Patch) {})
				w.SetCircuit("x", nil)
				takeAll(w, func(openflow.DPID, Patch) {})
			}
		})
	}
}

// A circuit does not keep a switch that has gone.
func TestUnwatchForgetsTheSwitch(t *testing.T) {
	n := grid(4, 1)
	w := NewWanted(n.Policy)
	w.SetNetwork(n.Snapshot)
	w.Watch(1)
	w.Watch(2)
	c := path.Circuit{ID: "a", Handle: 1, Path: path.Path{{DPID: 1, In: 5, Out: 1}, {DPID: 2, In: 2, Out: 5}}, Key: path.FlowKey{Src: addr(1), Dst: addr(2)}}
	w.SetCircuit("a", []path.Circuit{c})
	takeAll(w, func(openflow.DPID, Patch) {})
	c.Path = path.Path{{DPID: 1, In: 5, Out: 5}}
	w.SetCircuit("a", []path.Circuit{c})
	w.Unwatch(2) // before the change is taken
	takeAll(w, func(openflow.DPID, Patch) {})
	if n := len(w.members["a"].parts); n != 1 {
		t.Errorf("the circuit has parts in %d switches; one is watched", n)
	}
}

package flow

import (
	"cmp"
	"fmt"
	"maps"
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

// settle takes what has changed, and watches switches that are there anew.
func (h *history) settle() {
	if h.builder.Changed() {
		h.snapshot = h.builder.Snapshot(h.now)
		for _, d := range slices.Sorted(maps.Keys(h.kept)) { // of switches that are away some are forgotten
			if _, known := h.snapshot.Switches[d]; !known {
				h.wanted.Unwatch(d)
				delete(h.kept, d)
			}
		}
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
				Meter:      rapid.IntRange(0, 3).Draw(t, "meter") > 0, DSCP: 46, Queue: 3,
				Mark: rapid.IntRange(0, 3).Draw(t, "mark") > 0, UseQueue: rapid.IntRange(0, 3).Draw(t, "queue") > 0,
				MeterBurst: rapid.SampledFrom([]time.Duration{0, 0, 50 * time.Millisecond}).Draw(t, "burst"),
				Spare:      rapid.SampledFrom([]float64{0, 0.2, 0.5}).Draw(t, "spare"),
			},
		}
		if rapid.Bool().Draw(t, "frames") {
			h.policy.Frames = Frames{Overhead: 24, BestEffort: rapid.SampledFrom([]int{0, 600}).Draw(t, "best effort"), Allocated: 300}
		}
		cfg := topology.Config{MaxHosts: 2, MaxAway: rapid.SampledFrom([]int{1, 100}).Draw(t, "away")}
		if rapid.Bool().Draw(t, "attachments") {
			bits := rapid.SampledFrom([]int{30, 32}).Draw(t, "length")
			at := topology.Attachment{Prefix: netip.PrefixFrom(addr(5), bits).Masked(), At: at(2, 3)}
			at.VLAN = rapid.SampledFrom([]uint16{0, 1, topology.Untagged}).Draw(t, "VLAN of the attachment")
			cfg.Attachments = append(cfg.Attachments, at)
		}
		h.builder = topology.NewBuilder(cfg, t0)
		h.snapshot = h.builder.Snapshot(t0)
		h.wanted = NewWanted(h.policy)
		h.wanted.batch = 1 // so that even a few parts are made by several goroutines
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
	first := path.Circuit{ID: "a", Handle: 1, Rate: bitrate.Mbps, Path: along, Key: path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2))}}
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
			c := path.Circuit{ID: "x", Handle: 1, Rate: bitrate.Mbps, Key: path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2))}, Path: path.Path{
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
	c := path.Circuit{ID: "a", Handle: 1, Path: path.Path{{DPID: 1, In: 5, Out: 1}, {DPID: 2, In: 2, Out: 5}}, Key: path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2))}}
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

package flow

import (
	"slices"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// Numbers go from the highest down, around, and never to one that is taken;
// there are as many as the range has.
func TestNumbersAreGivenOnce(t *testing.T) {
	n := NewNumbers(4, shortBurst)
	n.others[3] = true
	ids := []openflow.MeterID{purpose.UnknownID, purpose.FloodID, purpose.TeachingID, purpose.PolicerID(1)}
	want := []openflow.MeterID{4, 2, 1, 0}
	for i, id := range ids {
		if ok := n.assign(id); ok != (want[i] != 0) || n.Number(id) != want[i] {
			t.Errorf("meter %#x has number %d, want %d", uint32(id), n.Number(id), want[i])
		}
	}
	if n.Room() != 3 {
		t.Errorf("room for %d meters, want 3", n.Room())
	}
	n.free(ids[1])
	if n.assign(ids[3]); n.Number(ids[3]) != 2 {
		t.Errorf("the number that became free is %d, want 2", n.Number(ids[3]))
	}
	if id, ours := n.ID(2); !ours || id != ids[3] {
		t.Errorf("number 2 is that of %#x, want %#x", uint32(id), uint32(ids[3]))
	}
	if n.cede(ids[3]); n.Number(ids[3]) != 0 || n.Room() != 2 {
		t.Errorf("a number that is another's is still given: %d, room for %d", n.Number(ids[3]), n.Room())
	}
}

// A meter is ours at a first look only if an entry of ours goes through it, and
// if it is such as we add.
func TestWhoseMetersAreAtFirst(t *testing.T) {
	policing := police(5000, shortBurst)
	kept := Meter{Rate: 4000, Burst: 77}
	for name, c := range map[string]struct {
		meter  Meter
		put    Meter // by an earlier connection
		named  bool
		wanted bool // the entry goes through a meter that is wanted
		want   openflow.MeterID
	}{
		"a policer that is wanted":             {meter: policing, named: true, wanted: true, want: purpose.PolicerID(7)},
		"an eased one":                         {meter: policing.eased(shortBurst), named: true, wanted: true, want: purpose.PolicerID(7)},
		"best effort":                          {meter: drop(123_456, shortBurst), named: true, wanted: true, want: purpose.PolicerID(7)},
		"of another configuration":             {meter: drop(123_456, slowBurst), named: true, wanted: true, want: purpose.PolicerID(7)},
		"packets":                              {meter: upMeter(upRate, true), named: true, wanted: true, want: purpose.PolicerID(7)},
		"one that is not wanted any more":      {meter: policing, named: true, want: purpose.StrayIDs},
		"another's, of another burst":          {meter: Meter{Rate: 5000, Burst: 5000}, named: true, wanted: true},
		"another's, beyond ours":               {meter: Meter{}, named: true, wanted: true},
		"another's, that no entry names":       {meter: policing},
		"of an earlier connection":             {meter: kept, put: kept, want: purpose.PolicerID(9)},
		"another's, instead of an earlier one": {meter: policing, put: kept},
	} {
		t.Run(name, func(t *testing.T) {
			n := NewNumbers(1024, shortBurst)
			if c.put != (Meter{}) {
				old := NewNumbers(1024, shortBurst)
				old.bind(purpose.PolicerID(9), 1000, c.put)
				n.Recall(old)
			}
			n.Find()
			n.found[1000] = c.meter
			n.AllFound()
			r := NewReconciler(Whole{}, 1)
			r.Suit(n, shortBurst)
			if c.named {
				want := openflow.MeterID(0)
				if c.wanted {
					want = purpose.PolicerID(7)
				}
				n.named(1000, want)
			}
			r.TellMeters()
			id, ours := n.ID(1000)
			if ours != (c.want != 0) || id != c.want && ours {
				t.Errorf("ours: %t, as %#x; want %#x", ours, uint32(id), uint32(c.want))
			}
			if n.others[1000] == ours {
				t.Errorf("another's: %t, and ours: %t", n.others[1000], ours)
			}
			if r.meters[c.want].have == nil && ours {
				t.Error("the meter is not known to be there")
			}
		})
	}
}

// Whatever rate and burst a meter of ours has, it is found to be one of ours.
func TestOurMetersAreTypical(t *testing.T) {
	for _, burst := range []time.Duration{shortBurst, slowBurst, time.Second} {
		n := NewNumbers(1024, burst)
		for _, rate := range []uint32{100, 101, 119, 999, 1000, 1009, 12_345, 1_000_000, 99_999_999} {
			for _, m := range []Meter{drop(rate, burst), police(rate, burst), police(rate/100, burst)} {
				if m.Rate > 0 && (!n.typical(m) || m.Rate > 1 && !n.typical(m.eased(burst))) {
					t.Errorf("with bursts of %v: %+v, or eased %+v, is taken for another's", burst, m, m.eased(burst))
				}
			}
		}
	}
}

// Where a switch has few meters, those of allocations go first, and there are
// never more than it has.
func TestFewMetersAreShared(t *testing.T) {
	for meters := range uint32(40) {
		sw := threeTables
		sw.Meters, sw.Numbered = meters, true
		n := square(t, sw)
		for i := range 30 {
			n.Circuits = append(n.Circuits, path.Circuit{
				ID: string(rune('a' + i)), Handle: 10 + uint32(i), Rate: bitrate.Mbps, Key: path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(4)), DstPort: path.Port(uint16(i + 1)), Proto: path.ProtoUDP},
				Path: path.Path{{DPID: 1, In: 3, Out: 1}, {DPID: 2, In: 1, Out: 2}, {DPID: 4, In: 1, Out: 3}},
			})
		}
		n.Policed = Policed(n)
		st := Compile(n, 1)
		if len(st.Meters) > int(meters) {
			t.Errorf("%d meters are wanted of %d", len(st.Meters), meters)
		}
		var policed []uint32
		for id := range st.Meters {
			if kind, of := purpose.ReadMeter(id); kind == purpose.MeterPolicer {
				policed = append(policed, of)
			}
		}
		slices.Sort(policed)
		for i, handle := range policed {
			if handle != 10+uint32(i) {
				t.Errorf("of %d meters the policers are those of %v", meters, policed)
				break
			}
		}
		if len(st.Meters) < int(meters)-10 && len(policed) < 30 {
			t.Errorf("of %d meters only %d are used", meters, len(st.Meters))
		}
		for _, r := range st.Rules {
			if id := r.meter(); id != 0 {
				if _, there := st.Meters[id]; !there {
					t.Errorf("with %d meters an entry goes through %#x, which is not there: %v", meters, uint32(id), r.Match)
				}
			}
		}
		if held := st.Meters[purpose.FloodID]; meters > 0 && held.Rate == 0 && !(&view{policy: n.Policy, sw: n.Switches[1]}).budget().alone {
			t.Errorf("best effort is not held back by %d meters", meters)
		}
	}
}

// What is kept for the next connection does not change with what an audit of
// this one still finds.
func TestKeptNumbersStay(t *testing.T) {
	n := NewNumbers(4, shortBurst)
	n.assign(purpose.PolicerID(1))
	kept := n.Kept()
	n.assign(purpose.PolicerID(2))
	n.free(purpose.PolicerID(1))
	again := NewNumbers(4, shortBurst)
	again.Recall(kept)
	if again.Number(purpose.PolicerID(1)) != 4 || again.Number(purpose.PolicerID(2)) != 0 {
		t.Errorf("recalled are %v", again.numbers)
	}
}

// Bursts are as long as the switch needs, unless the configuration says
// otherwise.
func TestBurstsSuitTheSwitch(t *testing.T) {
	for _, c := range []struct {
		desc       string
		configured time.Duration
		want       uint32
	}{
		{"Nicira, Inc. Open vSwitch 3.1.0", 0, 600},
		{"Stanford University, Ericsson Research and CPqD Research OpenFlow 1.3 Reference Userspace Switch ofsoftswitch13", 0, 66000},
		{"Nicira, Inc. Open vSwitch 3.1.0", 50 * time.Millisecond, 3000},
		{"", 0, 600},
	} {
		p := Policy{Forwarding: ForwardL2, Meter: true, MeterBurst: c.configured}
		v := &view{policy: p, sw: topology.Switch{Desc: c.desc, Meters: 100}}
		if m := drop(60_000, v.burst()); m.Burst != c.want {
			t.Errorf("%q, configured %v: a burst of %d kbit, want %d", c.desc, c.configured, m.Burst, c.want)
		}
	}
}

// The sentence about queues names the ports, but no more than a few.
func TestUnusedQueuesAreNamed(t *testing.T) {
	sw := topology.Switch{Meters: 100, Tables: 254, Ports: map[openflow.PortNo]topology.Port{}}
	p := Policy{Forwarding: ForwardL2, UseQueue: true, Queue: 5}
	for _, c := range []struct {
		ports int
		want  string
	}{{0, ""}, {1, "at port 1,"}, {3, "at ports 1, 2, 3,"}, {10, "at ports 1, 2, 3, 4, 5, 6, 7, 8 and 2 more,"}} {
		for no := range c.ports {
			sw.Ports[openflow.PortNo(no+1)] = topology.Port{Unqueued: true}
		}
		got := strings.Join(Limitations(sw, p), " ")
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("of %d ports it says %q, want %q", c.ports, got, c.want)
		}
	}
}

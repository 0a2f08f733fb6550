package flow

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// described returns a state as text: a line for each entry, as a switch goes
// through them, and one for each meter.
func described(st *State) string {
	var entries []*Rule
	for _, r := range st.Rules {
		entries = append(entries, r)
	}
	slices.SortFunc(entries, func(a, b *Rule) int {
		if a.Table != b.Table {
			return int(a.Table) - int(b.Table)
		}
		if a.Priority != b.Priority {
			return int(b.Priority) - int(a.Priority)
		}
		return strings.Compare(a.Match.String(), b.Match.String())
	})
	var out strings.Builder
	for _, r := range entries {
		kind, owner := purpose.ReadCookie(r.Cookie)
		fmt.Fprintf(&out, "%d %d %d/%d %v:", r.Table, r.Priority, kind, owner, r.Match)
		for _, in := range r.Instructions {
			fmt.Fprintf(&out, " %v", in)
		}
		out.WriteString("\n")
	}
	var ids []openflow.MeterID
	for id := range st.Meters {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		fmt.Fprintf(&out, "meter %x: %+v\n", id, st.Meters[id])
	}
	return out.String()
}

var update = flag.Bool("update", false, "write the golden files anew")

// examples are networks with the switch that is looked at. What it holds is in
// testdata/held.txtar under the same name.
var examples = []struct {
	name   string
	dpid   openflow.DPID
	sw     topology.Switch
	change func(n *Network)
}{
	{"a circuit enters", 1, threeTables, func(n *Network) { n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)} }},
	{"a circuit passes by", 2, threeTables, func(n *Network) { n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)} }},
	{"no circuit", 4, threeTables, func(*Network) {}},
	{"no meters", 1, topology.Switch{Tables: 3}, func(n *Network) { n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)} }},
	{"meters are not wanted", 1, threeTables, func(n *Network) {
		n.Policy.Meter = false
		n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)}
		n.Policed = map[string]PerDirection{"a": {}}
	}},
	{"a circuit beside the tree", 3, threeTables, func(n *Network) {
		c := forth("a", 7, 40*bitrate.Mbps)
		c.Path = path.Path{{DPID: 3, In: 2, Out: 3}}
		n.Circuits = []path.Circuit{c}
	}},
	{"all is reserved", 1, threeTables, func(n *Network) { n.Circuits = []path.Circuit{forth("a", 7, 200*bitrate.Mbps)} }},
	{"circuits are policed", 1, threeTables, func(n *Network) {
		a, b := forth("a", 0x0300_0007, 40*bitrate.Mbps), forth("b", 8, 500)
		b.Key.Proto, b.Key.DstPort = path.ProtoTCP, path.Port(80)
		n.Circuits = []path.Circuit{a, b}
		n.Policed = Policed(n)
	}},
	{"policed circuits have a portion", 1, threeTables, func(n *Network) {
		n.Policy.Spare = 0.2
		a, b := forth("a", 0x0300_0007, 40*bitrate.Mbps), forth("b", 8, 500)
		b.Key.Proto, b.Key.DstPort = path.ProtoTCP, path.Port(80)
		n.Circuits = []path.Circuit{a, b}
		n.Policed = Policed(n)
	}},
	{"a circuit without a rate", 1, threeTables, func(n *Network) {
		a, b := forth("a", 7, 40*bitrate.Mbps), forth("b", 8, 0)
		b.Key.DstPort = path.Port(80)
		n.Circuits = []path.Circuit{a, b}
		n.Policed = Policed(n)
	}},
	{"a queue and no mark", 1, threeTables, func(n *Network) {
		n.Policy = Policy{Forwarding: ForwardNone, UseQueue: true, Queue: 3}
		p, queue := n.Switches[1].Ports[2], uint32(3)
		p.Queue = &queue
		n.Switches[1].Ports[2] = p
		n.Circuits = []path.Circuit{forth("a", 7, 0)}
	}},
	{"queues are not wanted", 1, threeTables, func(n *Network) {
		n.Policy = Policy{Forwarding: ForwardNone, Mark: true, DSCP: 10}
		p, queue := n.Switches[1].Ports[2], uint32(3)
		p.Queue = &queue
		n.Switches[1].Ports[2] = p
		n.Circuits = []path.Circuit{forth("a", 7, 0)}
	}},
	{"a circuit turns back, over IPv6", 1, threeTables, func(n *Network) {
		n.Policy.Forwarding = ForwardNone
		n.Circuits = []path.Circuit{{ID: "a", Handle: 7, Path: path.Path{{DPID: 1, In: 3, Out: 3}}, Key: path.FlowKey{
			Src: path.Host(netip.MustParseAddr("2001:db8::1")), Dst: path.Host(netip.MustParseAddr("2001:db8::2")), Proto: path.ProtoUDP, SrcPort: path.Port(9), DstPort: path.Port(10),
		}}}
	}},
	{"one table", 1, topology.Switch{Tables: 2, Meters: 10}, func(*Network) {}},
	{"one table, and a trunk off the tree", 3, topology.Switch{Tables: 1, Meters: 10}, func(*Network) {}},
	{"normal", 3, threeTables, func(n *Network) {
		n.Policy.Forwarding = ForwardNormal
		n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)}
	}},
	{"none", 3, threeTables, func(n *Network) {
		n.Policy.Forwarding = ForwardNone
		n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)}
	}},
	{"an unknown switch", 9, threeTables, func(*Network) {}},
}

// TestHeld holds what switches are to have against examples of what
// ARCHITECTURE.md says.
func TestHeld(t *testing.T) {
	const name = "testdata/held.txtar"
	var got txtar.Archive
	got.Comment = []byte("What switches hold, as ARCHITECTURE.md has it: table, priority, kind and owner,\nmatch, instructions; and meters.\n")
	for _, x := range examples {
		n := square(t, x.sw)
		x.change(n)
		got.Files = append(got.Files, txtar.File{Name: x.name, Data: []byte(described(Compile(n, x.dpid)))})
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(&got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(txtar.Format(want)), string(txtar.Format(&got))); diff != "" {
		t.Error(diff)
	}
}

// The trial is the last of our meters, and one that a switch with meters keeps.
func TestMeterTrial(t *testing.T) {
	m := MeterTrial(true)
	id, read, ours := (*Numbers)(nil).ReadMeter(openflow.MeterConfig{Flags: m.Flags, Meter: m.ID, Bands: m.Bands})
	if m.Command != openflow.MeterAdd || !ours || id != purpose.TrialID {
		t.Errorf("%+v is no trial", m)
	}
	if got := Compile(square(t, threeTables), 1).Meters[id]; got != read {
		t.Errorf("the switch keeps %+v, the trial is %+v", got, read)
	}
}

func TestFromMeterConfig(t *testing.T) {
	band := openflow.MeterBand{Type: openflow.MeterBandDrop, Rate: 5, BurstSize: 6}
	kbps := openflow.MeterKbps | openflow.MeterBurst
	for _, tc := range []struct {
		config openflow.MeterConfig
		want   Meter
		ours   bool
	}{
		{openflow.MeterConfig{Flags: kbps, Meter: purpose.FirstID, Bands: []openflow.MeterBand{band}}, Meter{Rate: 5, Burst: 6}, true},
		{openflow.MeterConfig{Flags: kbps | openflow.MeterStats, Meter: purpose.LastID, Bands: []openflow.MeterBand{band}}, Meter{Rate: 5, Burst: 6}, true},
		{openflow.MeterConfig{Flags: openflow.MeterPktps | openflow.MeterBurst, Meter: purpose.FirstID, Bands: []openflow.MeterBand{band}}, Meter{Packets: true, Rate: 5, Burst: 6}, true},
		{openflow.MeterConfig{Flags: kbps, Meter: purpose.FirstID - 1, Bands: []openflow.MeterBand{band}}, Meter{}, false},
		{openflow.MeterConfig{Flags: kbps, Meter: purpose.LastID + 1, Bands: []openflow.MeterBand{band}}, Meter{}, false},
		{openflow.MeterConfig{Flags: openflow.MeterKbps, Meter: purpose.FirstID, Bands: []openflow.MeterBand{band}}, Meter{Rate: 5}, true}, // without a burst
		{openflow.MeterConfig{Flags: openflow.MeterBurst, Meter: purpose.FirstID, Bands: []openflow.MeterBand{band}}, Meter{Rate: 5, Burst: 6}, true},
		{openflow.MeterConfig{Flags: kbps | openflow.MeterPktps, Meter: purpose.FirstID, Bands: []openflow.MeterBand{band}}, Meter{}, true},
		{openflow.MeterConfig{Flags: kbps, Meter: purpose.FirstID}, Meter{}, true},
		{openflow.MeterConfig{Flags: kbps, Meter: purpose.FirstID, Bands: []openflow.MeterBand{band, band}}, Meter{}, true},
		{openflow.MeterConfig{Flags: kbps, Meter: purpose.FirstID, Bands: []openflow.MeterBand{{Type: openflow.MeterBandDSCPRemark, Rate: 5, BurstSize: 6}}}, Meter{}, true},
	} {
		id, m, ours := (*Numbers)(nil).ReadMeter(tc.config)
		if m != tc.want || ours != tc.ours || ours && id != tc.config.Meter {
			t.Errorf("%+v is read as %x %+v, %t; want %+v, %t", tc.config, id, m, ours, tc.want, tc.ours)
		}
	}
}

func TestCookies(t *testing.T) {
	c := purpose.MakeCookie(purpose.Allocation, 7)
	for _, foreign := range []openflow.Cookie{0, 0xc09b_0300_0000_0007, 0x0300_0000_0007} {
		if _, ours := FromStats(&openflow.FlowStats{Cookie: foreign}); ours {
			t.Errorf("an entry with cookie %x is taken for ours", foreign)
		}
	}
	if _, ours := FromStats(&openflow.FlowStats{Cookie: c}); !ours {
		t.Errorf("an entry with cookie %x is not taken for ours", c)
	}
}

package flow

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// TestEntriesOfTroubledPorts: what a port's hosts do has the entries, and the
// budget, that are for it; what a trunk is said to do has none.
func TestEntriesOfTroubledPorts(t *testing.T) {
	storm, _ := purpose.StormID(1)
	heard := func(meter openflow.MeterID) string {
		return fmt.Sprintf("CONTROLLER:65535,meter:%d,goto_table:2", meter)
	}
	for _, x := range []struct {
		name   string
		port   topology.Port
		meters uint32
		want   map[string]string // entries about the port by priority and match: what they do
		budget bool              // of its own
	}{
		{"a quiet one", topology.Port{Role: topology.Edge}, 1000, nil, false},
		{"a crowded one", topology.Port{Role: topology.Edge, Crowded: true}, 1000, map[string]string{"150 in_port=1": "goto_table:2"}, false},
		{"a storming one", topology.Port{Role: topology.Edge, Storming: true}, 1000, map[string]string{
			"310 arp,in_port=1": heard(storm), "310 icmp6,in_port=1,icmp_type=135": heard(storm), "310 icmp6,in_port=1,icmp_type=136": heard(storm),
		}, true},
		{"an echoing one", topology.Port{Role: topology.Edge, Echoing: true}, 1000, map[string]string{
			"315 in_port=1,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00": heard(storm),
		}, true},
		{"a storming trunk", topology.Port{Role: topology.Trunk, Storming: true, Crowded: true, Echoing: true}, 1000, map[string]string{"400 in_port=1": "goto_table:2"}, true},
		{"a storming one of few meters", topology.Port{Role: topology.Edge, Storming: true, Echoing: true}, 5, map[string]string{
			"310 arp,in_port=1": "goto_table:2", "310 icmp6,in_port=1,icmp_type=135": "goto_table:2", "310 icmp6,in_port=1,icmp_type=136": "goto_table:2",
		}, false},
	} {
		x.port.ID, x.port.Up = at(1, 1), true
		sw := topology.Switch{DPID: 1, Tables: 254, Meters: x.meters, Numbered: true, Ports: map[openflow.PortNo]topology.Port{1: x.port}}
		v := newView(Policy{Forwarding: ForwardL2, Meter: true}, sw, map[topology.PortID]bool{at(1, 1): true}, nil)
		got := map[string]string{}
		for _, r := range v.base() {
			if _, of := r.Match.Get(openflow.FieldInPort); of && r.Table == tableLearning {
				got[fmt.Sprint(r.Priority, " ", r.Match)] = textOf(r)
			}
		}
		if !maps.Equal(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
		if _, has := v.meters[storm]; has != x.budget {
			t.Errorf("%s has a budget of its own: %v", x.name, has)
		}
	}
}

// TestLimitationsOfASwitch: of what a switch lacks just that is said which the
// policy asks for.
func TestLimitationsOfASwitch(t *testing.T) {
	all := Policy{Forwarding: ForwardL2, Meter: true, Mark: true}
	none := Policy{Forwarding: ForwardNone}
	whole := topology.Switch{Tables: 254, Meters: 1000, Numbered: true, Ports: map[openflow.PortNo]topology.Port{1: {}}}
	for name, x := range map[string]struct {
		policy Policy
		change func(*topology.Switch)
		want   []string // how the sentences begin
	}{
		"nothing":                        {all, func(*topology.Switch) {}, nil},
		"one table":                      {all, func(sw *topology.Switch) { sw.Tables = 1 }, []string{"It has one table for CONGA, so"}},
		"one table, allocations only":    {none, func(sw *topology.Switch) { sw.Tables = 1 }, nil},
		"one table, and no masks":        {all, func(sw *topology.Switch) { sw.Tables, sw.Lacks = 1, topology.LacksMasks }, []string{"It has one table for CONGA and no masks"}},
		"no masks":                       {all, func(sw *topology.Switch) { sw.Lacks = topology.LacksMasks }, []string{"It has no masks of Ethernet addresses, so multicasts"}},
		"no masks, allocations only":     {none, func(sw *topology.Switch) { sw.Lacks = topology.LacksMasks }, nil},
		"no types":                       {all, func(sw *topology.Switch) { sw.Lacks = topology.LacksICMPv6Type }, []string{"It cannot match the type of ICMPv6, so all", "It cannot match the type of ICMPv6, so messages"}},
		"no types, nor meters":           {all, func(sw *topology.Switch) { sw.Lacks, sw.Meters = topology.LacksICMPv6Type, 0 }, []string{"It cannot match the type of ICMPv6, so messages", "It has no meters that CONGA can use"}},
		"no types, allocations only":     {none, func(sw *topology.Switch) { sw.Lacks = topology.LacksICMPv6Type }, []string{"It cannot match the type of ICMPv6, so messages"}},
		"no types of ICMP":               {all, func(sw *topology.Switch) { sw.Lacks = topology.LacksICMPv4Type }, []string{"It cannot match the type of ICMP, so messages"}},
		"no removals":                    {all, func(sw *topology.Switch) { sw.Lacks = topology.LacksRemovals }, []string{"It does not report flow entries"}},
		"no marks":                       {all, func(sw *topology.Switch) { sw.Lacks = topology.LacksMarks }, []string{"It cannot set DSCP"}},
		"no marks, unmarked":             {none, func(sw *topology.Switch) { sw.Lacks = topology.LacksMarks }, nil},
		"no packet rates":                {all, func(sw *topology.Switch) { sw.Lacks = topology.LacksPacketRates }, []string{"It cannot limit numbers of packets"}},
		"no packet rates, no forwarding": {Policy{Forwarding: ForwardNone, Meter: true}, func(sw *topology.Switch) { sw.Lacks = topology.LacksPacketRates }, nil},
		"no packet rates, nor meters":    {all, func(sw *topology.Switch) { sw.Lacks, sw.Meters = topology.LacksPacketRates, 0 }, []string{"It has no meters that CONGA can use"}},
		"no failover":                    {all, func(sw *topology.Switch) { sw.Lacks = topology.LacksFailover }, []string{"It has no groups that send to the first port"}},
		"few meters":                     {all, func(sw *topology.Switch) { sw.Meters = 3 }, []string{"It has few meters"}},
		"two meters":                     {all, func(sw *topology.Switch) { sw.Meters = 2 }, []string{"It has few meters", "It has too few meters to enforce"}},
		"no meters":                      {all, func(sw *topology.Switch) { sw.Meters = 0 }, []string{"It has no meters that CONGA can use"}},
		"no meters, allocations only":    {none, func(sw *topology.Switch) { sw.Meters = 0 }, nil},
		"all circuits without a policer": {all, func(sw *topology.Switch) { sw.Unpoliced = 1 }, nil},
		"some without a policer":         {all, func(sw *topology.Switch) { sw.Unpoliced = 2 }, []string{"It has too few meters for all allocations"}},
		"silent queues":                  {Policy{UseQueue: true, Queue: 5}, func(sw *topology.Switch) { sw.QueuesSilent = true }, []string{"It does not say what its queues send, so whether it uses queue 5"}},
		"silent queues, not used":        {none, func(sw *topology.Switch) { sw.QueuesSilent = true }, nil},
	} {
		sw := whole
		x.change(&sw)
		got := Limitations(sw, x.policy)
		if !slices.EqualFunc(got, x.want, strings.HasPrefix) {
			t.Errorf("%s: it says %q, want %q", name, got, x.want)
		}
	}
}

// TestManyRefusalsAreSaidOnce: what is refused for one reason is one sentence,
// and of many reasons the first by the alphabet are told.
func TestManyRefusalsAreSaidOnce(t *testing.T) {
	const many = 40
	for reasons, want := range map[int]int{1: 1, 3: 3, mostSentences: mostSentences, many: mostSentences} {
		st := NewState()
		for i := range many {
			st.add(newRule(purpose.Forward, tableForwarding, prioHost, openflow.Match{openflow.InPort(openflow.PortNo(i + 1))}))
		}
		r := NewReconciler(st.Whole(), 1)
		r.Begin()
		refused := map[int]error{}
		for i, s := range r.Next(many, t0) {
			_ = s
			refused[i] = fmt.Errorf("reason %02d", i%reasons)
		}
		r.Landed(refused)
		says := r.Limitations()
		for i, text := range says {
			if text != fmt.Sprintf("It refuses entries of best effort: reason %02d.", i) {
				t.Errorf("of %d reasons the %d. is %q", reasons, i, text)
			}
		}
		if len(says) != want {
			t.Errorf("of %d reasons %d are said, want %d", reasons, len(says), want)
		}
		byOwner, meter := r.Refused()
		if len(byOwner) != 1 || meter != nil {
			t.Errorf("refused are %v and %v", byOwner, meter)
		}
	}
}

// TestRefusedByOwner: each circuit of which an entry is refused is named, and
// what is not wanted any more is not.
func TestRefusedByOwner(t *testing.T) {
	no := errors.New("bad match")
	st := NewState()
	var rules []*Rule
	for owner := uint64(1); owner <= 3; owner++ {
		r := newRule(purpose.Allocation, tableAllocations, prioAllocation, openflow.Match{openflow.InPort(openflow.PortNo(owner))})
		r.Cookie = purpose.MakeCookie(purpose.Allocation, owner)
		st.add(r)
		rules = append(rules, r)
	}
	r := NewReconciler(st.Whole(), 1)
	r.Begin()
	r.Next(10, t0)
	r.Landed(map[int]error{0: no, 2: no})
	if byOwner, meter := r.Refused(); len(byOwner) != 2 || byOwner[1] != no || byOwner[3] != no || meter != nil {
		t.Errorf("refused are %v and %v", byOwner, meter)
	}
	p := NewPatch()
	p.Rules[rules[0].Key()] = nil
	r.Want(p, 2, 2)
	if byOwner, _ := r.Refused(); len(byOwner) != 1 || byOwner[3] != no {
		t.Errorf("refused are %v", byOwner)
	}
}

// TestCircuitsAreConfirmedApart: what is under way of best effort does not keep
// circuits from being confirmed, and the other way round.
func TestCircuitsAreConfirmedApart(t *testing.T) {
	plain := newRule(purpose.Forward, tableForwarding, prioHost, openflow.Match{openflow.InPort(1)})
	circuit := newRule(purpose.Allocation, tableAllocations, prioAllocation, openflow.Match{openflow.InPort(1)})
	for _, x := range []struct {
		rule          *Rule
		circuits, all uint64 // while it is under way
	}{{plain, 1, 0}, {circuit, 0, 0}} {
		r := NewReconciler(Whole{Rules: []*Rule{x.rule}}, 1)
		if circuits, all := r.Confirmed(); circuits != 0 || all != 0 {
			t.Errorf("confirmed up to %d and %d before it is known what is there", circuits, all)
		}
		r.Begin()
		for _, when := range []string{"to be sent", "under way"} {
			if circuits, all := r.Confirmed(); circuits != x.circuits || all != x.all {
				t.Errorf("%s of priority %d: confirmed up to %d and %d", when, x.rule.Priority, circuits, all)
			}
			r.Next(10, t0)
		}
		r.Landed(nil)
		if circuits, all := r.Confirmed(); circuits != 1 || all != 1 {
			t.Errorf("confirmed up to %d and %d in the end", circuits, all)
		}
	}
}

// TestHostThatIsFoundElsewhere: an entry towards a host that is found to lead
// elsewhere has lapsed until it is put right.
func TestHostThatIsFoundElsewhere(t *testing.T) {
	mac := host(7)
	rule := func(out openflow.PortNo) *Rule {
		r := newRule(purpose.Forward, tableForwarding, prioHost, openflow.Match{openflow.EthDst(mac)}, openflow.ApplyActions(openflow.Output(out, 0)))
		r.host = true
		return r
	}
	want := rule(1)
	r := NewReconciler(Whole{Rules: []*Rule{want}}, 1)
	r.Begin()
	r.Next(10, t0)
	r.Landed(nil)
	r.Lapses()
	r.Asked()
	r.Found(&State{Rules: map[openflow.EntryKey]*Rule{want.Key(): rule(2)}})
	if got := r.Lapses(); !slices.Equal(got, []Lapse{{topology.HostID{MAC: mac}, true, false}}) {
		t.Errorf("%+v", got)
	}
	if got := r.Courses(); !slices.Equal(got, []Course{{Host: topology.HostID{MAC: mac}, Port: 2}}) {
		t.Errorf("%+v", got)
	}
	r.Next(10, t0)
	r.Landed(nil)
	if got := r.Lapses(); !slices.Equal(got, []Lapse{{topology.HostID{MAC: mac}, false, false}}) {
		t.Errorf("%+v", got)
	}
}

// TestPolicersOfACircuit: a circuit has a policer where what it carries enters
// with a rate, in each direction, by any of its paths while it moves.
func TestPolicersOfACircuit(t *testing.T) {
	c := forth("a", 1, 1000)
	oneWay, back, free := c, c, c
	oneWay.Reverse = path.Reverse{Apart: true}
	back.Rate, back.Reverse = 0, path.Reverse{Apart: true, Rate: 5}
	free.Rate = 0
	round := c
	round.Path = path.Path{{DPID: 3, In: 3, Out: 1}, {DPID: 1, In: 1, Out: 3}}
	for _, x := range []struct {
		listed []path.Circuit
		want   [4]uint8 // at switches 1 to 4
	}{
		{[]path.Circuit{c}, [4]uint8{1, 0, 1, 0}}, {[]path.Circuit{oneWay}, [4]uint8{1, 0, 0, 0}}, {[]path.Circuit{back}, [4]uint8{0, 0, 1, 0}},
		{[]path.Circuit{free}, [4]uint8{}}, {[]path.Circuit{c, c}, [4]uint8{1, 0, 1, 0}}, {[]path.Circuit{c, round}, [4]uint8{2, 0, 2, 0}},
		{[]path.Circuit{oneWay, back}, [4]uint8{1, 0, 1, 0}}, {[]path.Circuit{{ID: "a", Rate: 5}}, [4]uint8{}}, {nil, [4]uint8{}},
	} {
		for i, want := range x.want {
			if got := policersOf(x.listed, openflow.DPID(i+1)); got != want {
				t.Errorf("%+v has %d policers at switch %d, want %d", x.listed, got, i+1, want)
			}
		}
	}
}

package flow

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// checkKept finds nothing marked as changed after Take, and everything that is
// kept in use.
func (h *history) checkKept() {
	w := h.wanted
	if n := len(w.changed) + len(w.resized) + len(w.unsettled) + len(w.later) + len(w.work) + len(w.diverted) + len(w.lingering) + w.refusals; n > 0 {
		h.Fatalf("still marked: %d %d %d %d %d %d %d %d", len(w.changed), len(w.resized), len(w.unsettled), len(w.later), len(w.work), len(w.diverted), len(w.lingering), w.refusals)
	}
	for d, s := range w.sites {
		if s.base || s.limits || s.all || len(s.members)+len(s.policers)+len(s.stations)+len(s.asked)+len(s.lapses)+len(s.ports)+len(s.left) > 0 {
			h.Fatalf("switch %d still has marks: %+v", d, s)
		}
		for k, c := range s.contenders {
			bids := []bid{c.bid}
			if c.others != nil {
				bids = append(bids, *c.others...)
			}
			for _, c := range bids {
				if w.members[c.member.id] != c.member || c.member.part(s) == nil || !slices.Contains(c.member.part(s).rules, c.rule) {
					h.Fatalf("switch %d: %v is contested by what is not wanted", d, k)
				}
			}
		}
	}
	for id, m := range w.members {
		for _, x := range m.selected {
			if !m.selects(x.key, x.in) {
				h.Fatalf("circuit %s keeps how %v is selected at port %d, by which it does not come in", id, x.key, x.in)
			}
		}
		for _, p := range m.parts {
			if w.sites[p.site.dpid] != p.site {
				h.Fatalf("circuit %s keeps a switch that is not watched", id)
			}
		}
	}
	for d, home := range w.homes {
		if len(home) == 0 {
			h.Fatalf("the home at switch %d is empty", d)
		}
	}
}

// leave has all circuits and then the network go, after which nothing is kept.
func (h *history) leave() {
	w := h.wanted
	h.snapshot = h.builder.Snapshot(h.now)
	w.SetNetwork(h.snapshot)
	for id := range h.circuits {
		w.SetCircuit(id, nil)
	}
	takeAll(w, func(openflow.DPID, Patch) {})
	for d, s := range w.sites {
		if len(s.contenders)+len(s.meters)+len(s.groups) > 0 {
			h.Fatalf("switch %d keeps %d entries and %d policers of circuits that are gone", d, len(s.contenders), len(s.meters))
		}
	}
	w.SetNetwork(&topology.Snapshot{})
	takeAll(w, func(openflow.DPID, Patch) {})
	for d := range h.kept {
		w.Unwatch(d)
	}
	if n := len(w.members) + len(w.sides) + len(w.passing) + len(w.usages) + len(w.resized) + len(w.unsettled) + len(w.later) + len(w.loans) + len(w.stations) + len(w.slots) - len(w.free) + len(w.homes) + len(w.sites) + len(w.changed) + len(w.routes.trees); n > 0 {
		h.Fatalf("kept of an empty network: %+v", w)
	}
	for d, ports := range w.reserved {
		if len(ports) > 0 {
			h.Fatalf("at switch %d %v is still reserved", d, ports)
		}
	}
}

// Of equal rules there is one, whatever the switch: a network has many hosts.
func TestRulesAreShared(t *testing.T) {
	n := grid(4, 2)
	w := NewWanted(n.Policy)
	w.SetNetwork(n.Snapshot)
	for x := range 2 { // also when it is watched anew
		made, rules := map[*Rule]bool{}, 0
		instructions := map[*openflow.Instruction]bool{}
		for d := range n.Switches {
			for _, r := range w.Watch(d).Rules {
				if r.Priority == prioHost && r.Table == tableForwarding {
					rules++
					made[r] = true
					instructions[&r.Instructions[0]] = true
				}
			}
		}
		// A host is reached by at most five ports, and a switch has as many.
		if hosts := 16 * 2; rules != 16*hosts || len(made) > 5*hosts || len(instructions) > 2*5*16 {
			t.Errorf("watched %d times: %d rules for %d hosts are %d different ones with %d lists of instructions", x+1, rules, hosts, len(made), len(instructions))
		}
	}
}

// What is set as it is changes nothing; what concerns no circuit changes no
// circuit's rules.
func TestNothingChangesForNothing(t *testing.T) {
	n := grid(4, 1)
	n.Policy.UseQueue, n.Policy.Queue = true, 7
	w := NewWanted(n.Policy)
	w.SetNetwork(n.Snapshot)
	for d := range n.Switches {
		w.Watch(d)
	}
	along := path.Path{{DPID: 1, In: 5, Out: 1}, {DPID: 2, In: 2, Out: 1}, {DPID: 3, In: 2, Out: 5}}
	a := path.Circuit{ID: "a", Handle: 1, Rate: bitrate.Mbps, Path: along, Key: path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2))}}
	b := a
	b.ID, b.Handle, b.Key.DstPort = "b", 2, path.Port(80)
	c := a
	c.ID, c.Handle, c.Key.DstPort, c.Rate = "c", 3, path.Port(81), 0
	for _, x := range []path.Circuit{a, b, c} {
		w.SetCircuit(x.ID, []path.Circuit{x})
	}
	takeAll(w, func(openflow.DPID, Patch) {})
	changes := func(f func(*topology.Switch)) (patches map[openflow.DPID]Patch) {
		now := *w.snapshot
		now.Revision += 1000 // compared as a whole
		now.Switches = maps.Clone(now.Switches)
		sw := now.Switches[2]
		sw.Ports = maps.Clone(sw.Ports)
		f(&sw)
		now.Switches[2] = sw
		w.SetNetwork(&now)
		patches = map[openflow.DPID]Patch{}
		takeAll(w, func(d openflow.DPID, p Patch) { patches[d] = p })
		return patches
	}
	queue := func(no openflow.PortNo, q uint32) func(*topology.Switch) {
		return func(sw *topology.Switch) {
			p := sw.Ports[no]
			p.Queue = &q
			sw.Ports[no] = p
		}
	}
	for name, change := range map[string]func() map[openflow.DPID]Patch{
		"the same circuits": func() map[openflow.DPID]Patch {
			w.SetCircuit("a", []path.Circuit{a})
			w.SetCircuit("c", []path.Circuit{c})
			return changes(func(*topology.Switch) {})
		},
		"a circuit that is not there": func() map[openflow.DPID]Patch {
			w.SetCircuit("x", nil)
			return changes(func(*topology.Switch) {})
		},
		"the same network":        func() map[openflow.DPID]Patch { return changes(func(*topology.Switch) {}) },
		"a queue at another port": func() map[openflow.DPID]Patch { return changes(queue(3, 7)) },
	} {
		if got := change(); len(got) > 0 {
			t.Errorf("%s changes %+v", name, got)
		}
	}
	if got := changes(queue(1, 7)); len(got) != 1 || len(got[2].Rules) == 0 {
		t.Errorf("a queue at a port of circuits changes %+v", got)
	}
	if len(w.members) != 3 {
		t.Errorf("%d circuits are kept, want 3", len(w.members))
	}
	w.SetCircuit("c", nil)
	takeAll(w, func(openflow.DPID, Patch) {})
	// An unrated circuit's rules change with the best-effort meters of its
	// ports only.
	c.Path = path.Path{{DPID: 2, In: 3, Out: 4}}
	w.SetCircuit("c", []path.Circuit{c})
	takeAll(w, func(openflow.DPID, Patch) {})
	if got := changes(queue(4, 7)); len(got) != 1 || len(got[2].Rules) == 0 {
		t.Errorf("a queue at a port of one circuit alone changes %+v", got)
	}
	had := w.members["c"].part(w.sites[2])
	w.SetCircuit("a", nil)
	w.SetCircuit("b", nil)
	takeAll(w, func(openflow.DPID, Patch) {})
	if w.members["c"].part(w.sites[2]) != had {
		t.Error("the rules of a circuit were made again for meters of ports that it does not use")
	}
}

// The nearest comes first, and of equals the one with the lower number.
func TestFrontierIsOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f frontier
		f.reset(8)
		var in, out []reach
		for range rapid.IntRange(0, 40).Draw(t, "pushed") {
			x := reach{rapid.Uint64Range(0, 5).Draw(t, "distance"), rapid.Int32Range(0, 7).Draw(t, "vertex")}
			in = append(in, x)
			f.push(x)
			if !ordered(f.heap) {
				t.Fatalf("not a heap: %v", f.heap)
			}
		}
		for x, ok := f.pop(); ok; x, ok = f.pop() {
			out = append(out, x)
		}
		slices.SortFunc(in, func(a, b reach) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
		if !slices.Equal(in, out) {
			t.Fatalf("pushed %v, popped %v", in, out)
		}
	})
}

// ordered reports whether no element of a heap is before its parent.
func ordered(heap []reach) bool {
	for i := 1; i < len(heap); i++ {
		if heap[i].before(heap[(i-1)/2]) {
			return false
		}
	}
	return true
}

// Instructions are the same if every field is.
func TestSameInstructions(t *testing.T) {
	meter, table := openflow.Instruction{Type: openflow.InstructionMeter, Meter: 3}, openflow.GotoTable(2)
	apply := openflow.ApplyActions(openflow.Output(1, 0))
	list := []openflow.Instruction{meter, apply, table}
	for name, c := range map[string]struct {
		with []openflow.Instruction
		same bool
	}{
		"itself":          {list, true},
		"another order":   {[]openflow.Instruction{table, meter, apply}, true},
		"one less":        {list[:2], false},
		"one more":        {append(slices.Clone(list), openflow.Instruction{Type: openflow.InstructionClearActions}), false},
		"another table":   {[]openflow.Instruction{meter, apply, openflow.GotoTable(3)}, false},
		"another meter":   {[]openflow.Instruction{{Type: openflow.InstructionMeter, Meter: 4}, apply, table}, false},
		"another port":    {[]openflow.Instruction{meter, openflow.ApplyActions(openflow.Output(2, 0)), table}, false},
		"no port":         {[]openflow.Instruction{meter, openflow.ApplyActions(), table}, false},
		"written actions": {[]openflow.Instruction{meter, {Type: openflow.InstructionWriteActions, Actions: apply.Actions}, table}, false},
	} {
		if got := sameInstructions(list, c.with); got != c.same {
			t.Errorf("%s: same is %v", name, got)
		}
		if got := sameInstructions(c.with, list); got != c.same {
			t.Errorf("%s, the other way round: same is %v", name, got)
		}
	}
	metadata := openflow.Instruction{Type: openflow.InstructionWriteMetadata, Metadata: 1, MetadataMask: 3}
	for _, other := range []openflow.Instruction{
		{Type: openflow.InstructionWriteMetadata, Metadata: 2, MetadataMask: 3}, {Type: openflow.InstructionWriteMetadata, Metadata: 1, MetadataMask: 1},
		{Type: openflow.InstructionWriteMetadata, Metadata: 1, MetadataMask: 3, Raw: "x"},
	} {
		if sameInstructions([]openflow.Instruction{metadata}, []openflow.Instruction{other}) {
			t.Errorf("%+v is taken for %+v", other, metadata)
		}
	}
}

// Only an entry towards a host says by which way a switch forwards.
func TestCoursesOfOddEntries(t *testing.T) {
	n := square(t, threeTables)
	wanted := NewWanted(n.Policy)
	wanted.SetNetwork(n.Snapshot)
	var toHost3 *Rule
	for _, rule := range wanted.Watch(1).Rules {
		if rule.Priority == prioHost && rule.Match.Canonical().Key() == (openflow.Match{openflow.EthDst(host(3))}).Canonical().Key() {
			toHost3 = rule
		}
	}
	other := *toHost3
	other.host = false
	port := outputOf(toHost3)
	for name, c := range map[string]struct {
		want *Rule
		have []openflow.Instruction // nil: there is none
		by   []openflow.PortNo
	}{
		"the other way":           {toHost3, through(0, openflow.Output(7, 0)), []openflow.PortNo{7}},
		"the same":                {toHost3, toHost3.Instructions, nil},
		"through a meter":         {toHost3, through(5, openflow.Output(port, 0)), nil},
		"none":                    {toHost3, nil, []openflow.PortNo{0}},
		"not by a port":           {toHost3, []openflow.Instruction{openflow.ApplyActions(openflow.SetField(openflow.EthDst(host(3))))}, []openflow.PortNo{0}},
		"a field, a port":         {toHost3, []openflow.Instruction{openflow.ApplyActions(openflow.SetField(openflow.EthDst(host(3))), openflow.Output(7, 0))}, []openflow.PortNo{7}},
		"not of a host":           {&other, through(0, openflow.Output(7, 0)), nil},
		"of a host, but unwanted": {nil, through(0, openflow.Output(7, 0)), nil},
	} {
		r := NewReconciler(Whole{}, 1)
		if c.want != nil {
			r = NewReconciler(Whole{Rules: []*Rule{c.want}}, 1)
		}
		if c.have != nil {
			r.Tell(&openflow.FlowStats{Table: toHost3.Table, Priority: toHost3.Priority, Cookie: toHost3.Cookie, Match: toHost3.Match, Instructions: c.have})
		}
		var by []openflow.PortNo
		for _, course := range r.Courses() {
			if by = append(by, course.Port); course.Host != named(3) {
				t.Errorf("%s: of host %v", name, course.Host)
			}
		}
		if !slices.Equal(by, c.by) {
			t.Errorf("%s: by port %d, want %d", name, by, c.by)
		}
	}
}

// What a switch has lost, or is to be tried again, was confirmed in no
// generation.
func TestLossIsNotConfirmed(t *testing.T) {
	rule := newRule(purpose.Allocation, tableAllocations, prioAllocation, openflow.Match{openflow.InPort(1)}, through(0, openflow.Output(2, 0))...)
	other := newRule(purpose.Forward, tableForwarding, prioHost, openflow.Match{openflow.InPort(1)}, through(0, openflow.Output(2, 0))...)
	id := purpose.FirstID
	meters := map[openflow.MeterID]Meter{id: {Rate: 1000, Burst: 100}}
	all := &State{Rules: map[openflow.EntryKey]*Rule{rule.Key(): rule, other.Key(): other}, Meters: meters}
	without := func(k openflow.EntryKey) *State {
		s := &State{Rules: maps.Clone(all.Rules), Meters: meters}
		delete(s.Rules, k)
		return s
	}
	changed := func(k openflow.EntryKey, r Rule) *State {
		s := without(k)
		r.Cookie++
		s.Rules[k] = &r
		return s
	}
	for name, c := range map[string]struct {
		found         *State
		circuits, all uint64
	}{
		"everything":           {all, 7, 7},
		"no circuit":           {without(rule.Key()), 0, 0},
		"another circuit's":    {changed(rule.Key(), *rule), 0, 0},
		"no host":              {without(other.Key()), 7, 0},
		"another host's":       {changed(other.Key(), *other), 7, 0},
		"no meter":             {&State{Rules: all.Rules}, 0, 0},
		"a meter's other rate": {&State{Rules: all.Rules, Meters: map[openflow.MeterID]Meter{id: {Rate: 900, Burst: 100}}}, 0, 0},
	} {
		r := NewReconciler(all.Whole(), 7)
		tell(r, all)
		if circuits, all := r.Confirmed(); circuits != 7 || all != 7 {
			t.Fatalf("at first %d and %d are confirmed", circuits, all)
		}
		r.Found(&State{Rules: maps.Clone(c.found.Rules), Meters: maps.Clone(c.found.Meters)})
		if circuits, all := r.Confirmed(); circuits != c.circuits || all != c.all {
			t.Errorf("%s is found: %d and %d are confirmed, want %d and %d", name, circuits, all, c.circuits, c.all)
		}
	}
	for what, step := range map[string]func(Step) bool{
		"a circuit": func(s Step) bool { return s.Rule == rule },
		"a meter":   func(s Step) bool { return s.Meter != nil },
	} {
		r := NewReconciler(all.Whole(), 7)
		r.Begin()
		for steps := soon(r, 10); len(steps) > 0; steps = soon(r, 10) {
			refused := map[int]error{}
			for i, s := range steps {
				if step(s) {
					refused[i] = errRefused
				}
			}
			r.Landed(refused)
		}
		if circuits, _ := r.Confirmed(); circuits != 7 {
			t.Errorf("%s was refused, and %d is confirmed of the others", what, circuits)
		}
		if !r.Retry(t0) || r.Retry(t0) {
			t.Errorf("%s is not tried again once", what)
		}
		if circuits, all := r.Confirmed(); circuits != 0 || all != 0 {
			t.Errorf("%s is tried again: %d and %d are confirmed", what, circuits, all)
		}
	}
}

package flow

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

func refusedFor(t openflow.ErrorType, code uint16) error {
	return &openflow.Error{ErrType: t, Code: code}
}

// What a switch has refused for want of a type is in none of its entries, those
// of circuits and those against claims included.
func TestLackedTypesAreNotMatched(t *testing.T) {
	sw := topology.Switch{
		DPID: 1, Tables: pipelineTables, Lacks: topology.LacksICMPv4Type | topology.LacksICMPv6Type,
		Ports:  map[openflow.PortNo]topology.Port{1: {ID: topology.PortID{DPID: 1, Port: 1}, Up: true, Role: topology.Edge}},
		Barred: []topology.Bar{{Port: 1, Addr: netip.MustParseAddr("10.0.0.1")}, {Port: 1, Addr: netip.MustParseAddr("fe80::1")}},
	}
	v := newView(Policy{Forwarding: ForwardL2}, sw, nil, nil)
	rules := v.base()
	for _, prefix := range []string{"10.0.0.", "2001:db8::"} {
		key := path.FlowKey{Src: path.Host(netip.MustParseAddr(prefix + "1")), Dst: path.Host(netip.MustParseAddr(prefix + "2")), Proto: path.ProtoUDP, DstPort: path.Port(80)}
		v.circuit(path.Circuit{ID: prefix, Key: key, Path: path.Path{{DPID: 1, In: 1, Out: 2}}}, path.VLANs{}, false, func(_ path.Circuit, x incoming) []selection { return selections(x) }, func(r Rule) { rules = append(rules, &r) })
	}
	bars := 0
	for _, r := range rules {
		_, v4 := r.Match.Get(openflow.FieldICMPv4Type)
		_, v6 := r.Match.Get(openflow.FieldICMPv6Type)
		if v4 || v6 {
			t.Errorf("priority %d matches a type: %v", r.Priority, r.Match)
		}
		if r.Priority == prioBar {
			bars++
		}
	}
	if bars != 1 || !slices.ContainsFunc(rules, func(r *Rule) bool { return r.Priority == prioFragment }) {
		t.Errorf("%d entries against claims, and %d in all", bars, len(rules))
	}
}

func TestBlame(t *testing.T) {
	rule := func(m openflow.Match, in ...openflow.Instruction) Step {
		return ruleStep(nil, newRule(purpose.Control, tableAllocations, 1, m, in...))
	}
	plain := rule(openflow.Match{openflow.EthType(etherTypeLLDP)}, openflow.ApplyActions(toController))
	masked := rule(openflow.Match{openflow.EthDstMasked(groupBit, groupBit)})
	typed := rule(openflow.Match{openflow.EthType(etherTypeIPv6), openflow.IPProto(protoICMPv6), openflow.ICMPv6Type(135)})
	both := rule(openflow.Match{openflow.EthDstMasked(groupBit, groupBit), openflow.EthType(etherTypeIPv6), openflow.IPProto(protoICMPv6), openflow.ICMPv6Type(135)})
	target := rule((&view{}).barred(topology.Bar{Port: 1, Addr: netip.MustParseAddr("fe80::1")})[1])
	tooBig4 := rule(openflow.Match{openflow.EthType(etherTypeIPv4), openflow.IPProto(protoICMP), openflow.ICMPv4Type(icmpUnreachable)})
	onward := rule(nil, openflow.GotoTable(1))
	metered := rule(nil, openflow.Meter(1), openflow.GotoTable(1))
	marking := rule(nil, openflow.ApplyActions(openflow.SetField(openflow.IPDSCP(46)), openflow.Output(1, 0)))
	field := refusedFor(openflow.ErrorTypeBadMatch, uint16(openflow.BadMatchBadField))
	mask := refusedFor(openflow.ErrorTypeBadMatch, uint16(openflow.BadMatchBadMask))
	instruction := refusedFor(openflow.ErrorTypeBadInstruction, uint16(openflow.BadInstructionUnsupInst))
	unknown := refusedFor(openflow.ErrorTypeFlowModFailed, uint16(openflow.FlowModFailedUnknown))
	type answers map[int]error
	for _, c := range []struct {
		name    string
		steps   []Step
		refused answers
		known   topology.Lacks
		want    topology.Lacks
	}{
		{"nothing refused", []Step{plain, masked, typed}, nil, 0, 0},
		{"a full table", []Step{masked}, answers{0: refusedFor(openflow.ErrorTypeFlowModFailed, uint16(openflow.FlowModFailedTableFull))}, 0, 0},
		{"an error of ours", []Step{masked}, answers{0: errRefused}, 0, 0},
		{"nothing special in the rule", []Step{plain}, answers{0: field}, 0, 0},
		{"a mask", []Step{plain, masked}, answers{1: mask}, 0, topology.LacksMasks},
		{"a type", []Step{typed}, answers{0: field}, 0, topology.LacksICMPv6Type},
		{"a type of ICMP", []Step{tooBig4}, answers{0: field}, 0, topology.LacksICMPv4Type},
		{"the target of neighbour discovery", []Step{target}, answers{0: field}, 0, 0},
		{"one of two, by the error", []Step{both}, answers{0: field}, 0, topology.LacksICMPv6Type},
		{"the other of two, by the error", []Step{both}, answers{0: mask}, 0, topology.LacksMasks},
		{"one of two, cleared by what was taken", []Step{both, masked}, answers{0: mask}, 0, topology.LacksICMPv6Type},
		{"known already", []Step{both}, answers{0: field}, topology.LacksMasks, 0},
		{"both at once", []Step{both, masked, typed}, answers{0: field, 1: mask, 2: field}, 0, topology.LacksMasks | topology.LacksICMPv6Type},
		{"no way to other tables", []Step{metered, onward}, answers{0: instruction, 1: instruction}, 0, topology.LacksTables},
		{"no meters in entries", []Step{metered, onward}, answers{0: instruction}, 0, topology.LacksMeters},
		{"no such table", []Step{onward}, answers{0: refusedFor(openflow.ErrorTypeFlowModFailed, uint16(openflow.FlowModFailedBadTableID))}, 0, topology.LacksTables},
		{"no marks", []Step{marking}, answers{0: refusedFor(openflow.ErrorTypeBadAction, uint16(openflow.BadActionBadType))}, 0, topology.LacksMarks},
		{"flags", []Step{plain}, answers{0: refusedFor(openflow.ErrorTypeFlowModFailed, uint16(openflow.FlowModFailedBadFlags))}, 0, topology.LacksRemovals},
	} {
		if got, suspects := Blame(c.steps, c.refused, c.known, nil); got != c.want || len(suspects) != 0 {
			t.Errorf("%s: %b, suspected %v, want %b", c.name, got, suspects, c.want)
		}
	}
	for _, c := range []struct {
		name      string
		steps     []Step
		refused   answers
		suspected Suspects
		want      topology.Lacks
		suspects  Suspects
	}{
		{"the first time", []Step{plain}, answers{0: unknown}, nil, 0, Suspects{plain.Rule.Key(): topology.LacksRemovals}},
		{"again", []Step{plain}, answers{0: unknown}, Suspects{plain.Rule.Key(): topology.LacksRemovals}, topology.LacksRemovals, Suspects{}},
		{"another entry", []Step{plain}, answers{0: unknown}, Suspects{masked.Rule.Key(): topology.LacksRemovals}, 0, Suspects{plain.Rule.Key(): topology.LacksRemovals}},
		{"taken at last", []Step{plain}, nil, Suspects{plain.Rule.Key(): topology.LacksRemovals}, 0, Suspects{}},
		{"others taken, the first time", []Step{plain, masked}, answers{1: unknown}, nil, 0, Suspects{masked.Rule.Key(): topology.LacksMasks}},
		{"others taken, again", []Step{plain, masked}, answers{1: unknown}, Suspects{masked.Rule.Key(): topology.LacksMasks}, topology.LacksMasks, Suspects{}},
		{"explained by what is clear", []Step{masked, both}, answers{0: mask, 1: unknown}, nil, topology.LacksMasks, Suspects{}},
		{"several again, of which one explains all", []Step{masked, plain}, answers{0: unknown, 1: unknown},
			Suspects{masked.Rule.Key(): topology.LacksMasks, plain.Rule.Key(): topology.LacksRemovals}, topology.LacksRemovals, Suspects{}},
	} {
		if got, suspects := Blame(c.steps, c.refused, 0, c.suspected); got != c.want || !maps.Equal(suspects, c.suspects) {
			t.Errorf("unknown reason, %s: %b, suspected %v; want %b and %v", c.name, got, suspects, c.want, c.suspects)
		}
	}
}

// A switch that gives another reason for each refusal has few of them told,
// and always the same ones.
func TestReasonsAreBounded(t *testing.T) {
	r := &Reconciler{rules: map[openflow.EntryKey]*slot{}, refused: map[openflow.EntryKey]refusal{}}
	for i := range uint32(1000) {
		rule := newRule(purpose.Forward, tableForwarding, 1, openflow.Match{openflow.InPort(openflow.PortNo(i))})
		r.rules[rule.Key()] = &slot{pair: pair[Rule]{want: rule}}
		r.refused[rule.Key()] = refusal{rule, &openflow.Error{ErrType: openflow.ErrorTypeExperimenter, Experimenter: i}}
	}
	first := r.Limitations()
	if len(first) != mostSentences || !slices.IsSorted(first) {
		t.Errorf("%d sentences", len(first))
	}
	for range 10 {
		if again := r.Limitations(); !slices.Equal(again, first) {
			t.Fatalf("%v after %v", again, first)
		}
	}
}

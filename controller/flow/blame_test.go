package flow

import (
	"testing"

	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

func refusedFor(t openflow.ErrorType, code uint16) error {
	return &openflow.Error{ErrType: t, Code: code}
}

func TestBlame(t *testing.T) {
	rule := func(m openflow.Match, in ...openflow.Instruction) Step {
		return ruleStep(nil, newRule(purpose.Control, tableAllocations, 1, m, in...))
	}
	plain := rule(openflow.Match{openflow.EthType(etherTypeLLDP)}, openflow.ApplyActions(toController))
	masked := rule(openflow.Match{openflow.EthDstMasked(groupBit, groupBit)})
	typed := rule(openflow.Match{openflow.EthType(etherTypeIPv6), openflow.IPProto(protoICMPv6), openflow.ICMPv6Type(135)})
	both := rule(openflow.Match{openflow.EthDstMasked(groupBit, groupBit), openflow.EthType(etherTypeIPv6), openflow.IPProto(protoICMPv6), openflow.ICMPv6Type(135)})
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
		{"an unknown reason, all refused", []Step{plain}, answers{0: unknown}, 0, topology.LacksRemovals},
		{"an unknown reason, others taken", []Step{plain, masked}, answers{1: unknown}, 0, topology.LacksMasks},
	} {
		if got := Blame(c.steps, c.refused, c.known); got != c.want {
			t.Errorf("%s: %b, want %b", c.name, got, c.want)
		}
	}
}

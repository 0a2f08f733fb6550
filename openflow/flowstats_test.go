package openflow

import (
	"errors"
	"testing"
)

var flowStatsSamples = []sample{
	{"flow stats request", NewMultipartRequest(&FlowStatsRequest{
		Table: TableAll, OutPort: PortAny, OutGroup: GroupAny, Cookie: 1 << 48, CookieMask: 0xffff << 48, Match: sampleMatch,
	})},
	{"aggregate stats request", NewMultipartRequest((*AggregateStatsRequest)(AllFlows()))},
	{"flow stats reply", NewMultipartReply(FlowStatsReply{
		{
			Table: 1, DurationSec: 5, DurationNsec: 6, Priority: 7, IdleTimeout: 8, HardTimeout: 9, Flags: FlowSendFlowRem,
			Cookie: 10, PacketCount: 11, ByteCount: 12, Match: sampleMatch, Instructions: sampleFlowMod.Instructions,
		},
		{Table: 2},
		{Table: 3, Match: everyField, Instructions: []Instruction{ApplyActions(everyAction...)}},
	})},
	{"flow stats reply without flows", NewMultipartReply(FlowStatsReply(nil))},
	{"aggregate stats reply", NewMultipartReply(&AggregateStatsReply{PacketCount: 1, ByteCount: 2, FlowCount: 3})},
}

func TestFlowStatsRefuses(t *testing.T) {
	reply := NewMultipartReply(FlowStatsReply{{Table: 1}})
	for length, want := range map[byte]error{0: ErrLength, 55: ErrLength, 57: ErrShort} {
		err := mutate(t, reply, func(b []byte) []byte { b[17] = length; return b })
		if !errors.Is(err, want) {
			t.Errorf("entry length %d: %v, want %v", length, err, want)
		}
	}
}

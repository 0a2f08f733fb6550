package openflow

import (
	"errors"
	"net/netip"
	"testing"
)

var sampleMatch = Match{
	InPort(1), EthType(0x0800), IPProto(6),
	IPv4Src(netip.MustParseAddr("10.0.0.1")), IPv4DstPrefix(netip.MustParsePrefix("10.0.2.0/24")),
	TCPSrc(40000), TCPDst(5001),
}

var sampleFlowMod = &FlowMod{
	Cookie: 0xc06a000000000001, CookieMask: 0xffff000000000000, Table: 2, Command: FlowModifyStrict,
	IdleTimeout: 10, HardTimeout: 3600, Priority: 40000, BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny,
	Flags: FlowSendFlowRem | FlowCheckOverlap | FlowResetCounts | FlowNoPktCounts | FlowNoBytCounts,
	Match: sampleMatch,
	Instructions: []Instruction{
		Meter(7), ApplyActions(SetField(IPDSCP(46)), SetQueue(1), Output(2, 0)),
		WriteMetadata(0x1234, 0xffff), GotoTable(3),
	},
}

// everyAction holds every action of OpenFlow 1.3, each set field padding, and
// two raw ones.
var everyAction = []Action{
	Output(PortController, 128), Output(5, 0), CopyTTLOut(), CopyTTLIn(), SetMPLSTTL(9), DecMPLSTTL(),
	PushVLAN(0x8100), SetField(VLANVID(100)), PopVLAN(), PushMPLS(0x8847), SetField(MPLSLabel(77)),
	PopMPLS(0x0800), SetQueue(3), GroupAction(8), SetNwTTL(64), DecNwTTL(),
	SetField(EthDst(MAC{1, 2, 3, 4, 5, 6})), SetField(IPv6Dst(netip.MustParseAddr("2001:db8::1"))),
	SetField(IPv4Src(netip.MustParseAddr("192.0.2.1"))), PushPBB(0x88e7), SetField(PBBISID(0x123456)), PopPBB(),
	{Type: ActionExperimenter, Raw: "\x00\x00\x23\x20\x00\x12\x00\x00\x00\x00\x00\x00"},
	{Type: 99, Raw: "\x01\x02\x03\x04"},
}

var flowSamples = []sample{
	{"flow mod", sampleFlowMod},
	{"flow mod of every action", &FlowMod{
		BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny,
		Instructions: []Instruction{WriteActions(everyAction...), ApplyActions(everyAction...), ClearActions()},
	}},
	{"flow mod of every field", &FlowMod{BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny, Match: everyField}},
	{"flow mod of raw fields", &FlowMod{BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny, Match: rawFields}},
	{"flow mod of a raw instruction", &FlowMod{Instructions: []Instruction{
		{Type: InstructionExperimenter, Raw: "\x00\x00\x23\x20\x00\x00\x00\x00\x00\x00\x00\x01"},
		{Type: 42, Raw: "\x01\x02\x03\x04"},
		ApplyActions(),
	}}},
	{"flow delete", NewFlowDelete(TableAll, nil)},
	{"flow removed", &FlowRemoved{
		Cookie: 0xc06a000000000001, Priority: 100, Reason: FlowRemovedHardTimeout, Table: 1,
		DurationSec: 3600, DurationNsec: 5_000_000, IdleTimeout: 1, HardTimeout: 3600,
		PacketCount: 1 << 40, ByteCount: 1 << 50, Match: sampleMatch,
	}},
}

// mutate parses m's encoding after f has changed it and made the header's
// length right.
func mutate(t *testing.T, m Message, f func(b []byte) []byte) error {
	t.Helper()
	b := f(mustAppend(t, 1, m))
	b[2], b[3] = byte(len(b)>>8), byte(len(b))
	_, _, err := Parse(b)
	return err
}

func TestFlowModRefuses(t *testing.T) {
	const match, instruction = 48, 56
	flow := &FlowMod{Instructions: []Instruction{ApplyActions(SetField(IPDSCP(46)))}}
	set := func(at int, v byte) func([]byte) []byte {
		return func(b []byte) []byte { b[at] = v; return b }
	}
	tests := []struct {
		name string
		f    func([]byte) []byte
		err  error
	}{
		{"deprecated match", set(match+1, 0), ErrUnknownType},
		{"match of 3 bytes", set(match+3, 3), ErrLength},
		{"instruction of no bytes", set(instruction+3, 0), ErrLength},
		{"instruction of odd length", set(instruction+3, 23), ErrLength},
		{"instruction too long", set(instruction+3, 32), ErrShort},
		{"action of no bytes", set(instruction+11, 0), ErrLength},
		{"action of odd length", set(instruction+11, 15), ErrLength},
		{"action too long", set(instruction+11, 24), ErrShort},
		{"action of another length", set(instruction+9, byte(ActionPopVLAN)), ErrLength},
		{"set field of a longer field", set(instruction+15, 20), ErrShort},
		{"set field of a wrong length", set(instruction+15, 2), ErrLength},
		{"set field with a mask", set(instruction+14, byte(FieldIPDSCP)<<1|1), ErrLength},
		{"goto table of 24 bytes", set(instruction+1, byte(InstructionGotoTable)), ErrLength},
	}
	for _, test := range tests {
		if err := mutate(t, flow, test.f); !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", test.name, err, test.err)
		}
	}
}

func TestParseRefusesMaskedSetField(t *testing.T) {
	out := &PacketOut{Actions: []Action{SetField(IPv4Src(v4))}} // its 4 bytes are as many as a masked VLAN_VID's
	err := mutate(t, out, func(b []byte) []byte { b[30] = byte(FieldVLANVID)<<1 | 1; return b })
	if !errors.Is(err, ErrValue) {
		t.Errorf("%v, want ErrValue", err)
	}
}

func TestAppendRefusesActions(t *testing.T) {
	for name, a := range map[string]Action{
		"masked set field":  SetField(VLANAny()),
		"zero field":        SetField(OXM{}),
		"address of IPv6":   SetField(IPv4Src(netip.MustParseAddr("::1"))),
		"raw of odd length": {Type: 99, Raw: "abc"},
		"raw of no bytes":   {Type: 99},
	} {
		if _, err := Append(nil, 1, &PacketOut{Actions: []Action{a}}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := Append(nil, 1, &FlowMod{Instructions: []Instruction{{Type: 99}}}); !errors.Is(err, ErrLength) {
		t.Errorf("raw instruction of no bytes: %v, want ErrLength", err)
	}
}

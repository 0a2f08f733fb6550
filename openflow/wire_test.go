package openflow

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"reflect"
	"testing"
)

// A wireCase is a message and its bytes, written down from the structures of
// the specification.
type wireCase struct {
	name string
	m    Message
	hex  string
}

var wireSymmetric = []wireCase{
	{"hello", NewHello(4), "0400 0010 00000007  0001 0008 00000010"},
	{"hello of two words", NewHello(1, 32), "0400 0018 00000007  0001 000c 00000002 00000001 00000000"},
	{"error", NewError(FlowModFailedOverlap, []byte{4, 14}), "0401 000e 00000007  0005 0003 040e"},
	{"error of an experimenter", &Error{ErrType: ErrorTypeExperimenter, Code: 0x0102, Experimenter: 0x2320},
		"0401 0010 00000007  ffff 0102 00002320"},
	{"echo request", &EchoRequest{Data: []byte("hi")}, "0402 000a 00000007  6869"},
	{"echo reply", &EchoReply{}, "0403 0008 00000007"},
	{"experimenter", &Experimenter{Experimenter: 0x2320, ExpType: 5, Data: []byte{1}}, "0404 0011 00000007  00002320 00000005 01"},
}

var wireSwitch = []wireCase{
	{"features request", &FeaturesRequest{}, "0405 0008 00000007"},
	{"features reply", &FeaturesReply{DPID: 0x0102030405060708, NBuffers: 256, NTables: 254, AuxiliaryID: 1, Capabilities: 0x4f},
		"0406 0020 00000007  0102030405060708 00000100 fe 01 0000 0000004f 00000000"},
	{"get config request", &GetConfigRequest{}, "0407 0008 00000007"},
	{"get config reply", &GetConfigReply{Flags: ConfigFragReasm, MissSendLen: 128}, "0408 000c 00000007  0002 0080"},
	{"set config", &SetConfig{MissSendLen: MaxLenNoBuffer}, "0409 000c 00000007  0000 ffff"},
	{"table mod", &TableMod{Table: 9, Config: 3}, "0411 0010 00000007  09 000000 00000003"},
	{"barrier request", &BarrierRequest{}, "0414 0008 00000007"},
	{"barrier reply", &BarrierReply{}, "0415 0008 00000007"},
	{"role request", &RoleRequest{Role: RoleMaster, GenerationID: 9}, "0418 0018 00000007  00000002 00000000 0000000000000009"},
	{"role reply", &RoleReply{Role: RoleSlave, GenerationID: 10}, "0419 0018 00000007  00000003 00000000 000000000000000a"},
	{"get async request", &GetAsyncRequest{}, "041a 0008 00000007"},
	{"get async reply", &GetAsyncReply{AsyncConfig{[2]uint32{1, 2}, [2]uint32{3, 4}, [2]uint32{5, 6}}},
		"041b 0020 00000007  00000001 00000002 00000003 00000004 00000005 00000006"},
	{"set async", &SetAsync{AsyncConfig{PacketIn: [2]uint32{7, 0}}},
		"041c 0020 00000007  00000007 00000000 00000000 00000000 00000000 00000000"},
	{"queue get config request", &QueueGetConfigRequest{Port: 3}, "0416 0010 00000007  00000003 00000000"},
	{"queue get config reply", &QueueGetConfigReply{Port: 3, Queues: []PacketQueue{{ID: 1, Port: 3, Properties: []QueueProperty{
		{Type: QueueMinRate, Rate: 100}, {Type: QueueExperimenter, Experimenter: 0x2320, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}},
	}}}}, "0417 0048 00000007  00000003 00000000  00000001 00000003 0038 000000000000" +
		"0001 0010 00000000 0064 000000000000  ffff 0018 00000000 00002320 00000000 0102030405060708"},
}

var wirePackets = []wireCase{
	{"packet-in", &PacketIn{
		BufferID: NoBuffer, TotalLen: 3, Reason: PacketInAction, Table: 2, Cookie: 0x11, Match: Match{InPort(5)}, Data: []byte{1, 2, 3},
	}, "040a 002d 00000007  ffffffff 0003 01 02 0000000000000011  0001 000c 80000004 00000005 00000000  0000 010203"},
	{"packet-out", &PacketOut{BufferID: NoBuffer, InPort: PortController, Actions: []Action{Output(PortFlood, 0)}, Data: []byte{9}},
		"040d 0029 00000007  ffffffff fffffffd 0010 000000000000  0000 0010 fffffffb 0000 000000000000  09"},
	{"port status", &PortStatus{Reason: PortModified, Port: wirePort}, "040c 0050 00000007  02 00000000000000" + wirePortHex},
	{"port mod", &PortMod{PortNo: 4, HWAddr: macA, Config: PortConfigDown, Mask: PortConfigDown | PortConfigNoFwd, Advertise: PortFeature10GFull},
		"0410 0028 00000007  00000004 00000000 0a0000000001 0000 00000001 00000021 00000040 00000000"},
	{"flow removed", &FlowRemoved{
		Cookie: 1, Priority: 2, Reason: FlowRemovedDelete, Table: 3, DurationSec: 4, DurationNsec: 5, IdleTimeout: 6, HardTimeout: 7,
		PacketCount: 8, ByteCount: 9,
	}, "040b 0038 00000007  0000000000000001 0002 02 03 00000004 00000005 0006 0007 0000000000000008 0000000000000009 0001 0004 00000000"},
}

var (
	wirePort = Port{
		No: 4, HWAddr: macA, Name: "eth4", Config: PortConfigNoRecv, State: PortStateLive, Curr: PortFeature1GFull | PortFeatureCopper,
		Advertised: 1, Supported: 2, Peer: 3, CurrSpeed: 1_000_000, MaxSpeed: 10_000_000,
	}
	wirePortHex = "00000004 00000000 0a0000000001 0000 65746834000000000000000000000000 00000004 00000004 00000820" +
		"00000001 00000002 00000003 000f4240 00989680"
)

const wireFlowHead = "0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000"

func wireFlow(m Match, ins ...Instruction) *FlowMod {
	return &FlowMod{Priority: 0x8000, BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny, Match: m, Instructions: ins}
}

var wireFlows = []wireCase{
	{"flow mod", &FlowMod{
		Cookie: 1, CookieMask: 2, Table: 3, Command: FlowDeleteStrict, IdleTimeout: 5, HardTimeout: 6, Priority: 7, BufferID: 8, OutPort: 9,
		OutGroup: 10, Flags: FlowSendFlowRem | FlowNoBytCounts,
	}, "040e 0038 00000007  0000000000000001 0000000000000002 03 04 0005 0006 0007 00000008 00000009 0000000a 0011 0000  0001 0004 00000000"},
	{"match on layers 1 and 2", wireFlow(Match{
		InPort(1), InPhyPort(2), Metadata(3, 4), EthDst(macA), EthSrcMasked(macA, macM), EthType(0x0806), VLANVIDMasked(0x1001, 0x1003), VLANPCP(5),
	}), "040e 0088 00000007 " + wireFlowHead + "0001 0055  80000004 00000001  80000204 00000002  80000510 0000000000000003 0000000000000004" +
		"80000606 0a0000000001  8000090c 0a0000000001 ffffff000000  80000a02 0806  80000d04 1001 1003  80000e01 05  000000"},
	{"match on IPv4", wireFlow(Match{
		EthType(0x0800), IPDSCP(46), IPECN(1), IPProto(6), IPv4Src(v4), IPv4DstPrefix(netip.MustParsePrefix("10.0.0.0/9")), TCPSrc(1), TCPDst(2),
	}), "040e 0070 00000007 " + wireFlowHead + "0001 0039  80000a02 0800  80001001 2e  80001201 01  80001401 06  80001604 c0000201" +
		"80001908 0a000000 ff800000  80001a02 0001  80001c02 0002  00000000000000"},
	{"match on other transports", wireFlow(Match{UDPSrc(1), UDPDst(2), SCTPSrc(3), SCTPDst(4), ICMPv4Type(5), ICMPv4Code(6)}),
		"040e 0058 00000007 " + wireFlowHead + "0001 0026  80001e02 0001  80002002 0002  80002202 0003  80002402 0004  80002601 05  80002801 06  0000"},
	{"match on ARP", wireFlow(Match{ARPOp(1), ARPSPA(v4), ARPTPA(v4), ARPSHA(macA), ARPTHAMasked(macA, macM)}),
		"040e 0068 00000007 " + wireFlowHead + "0001 0034  80002a02 0001  80002c04 c0000201  80002e04 c0000201  80003006 0a0000000001" +
			"8000330c 0a0000000001 ffffff000000  00000000"},
	{"match on IPv6", wireFlow(Match{
		IPv6Src(v6), IPv6DstPrefix(netip.MustParsePrefix("2001:db8::/32")), IPv6FLabelMasked(1, 3), ICMPv6Type(135), ICMPv6Code(0),
		IPv6NDTarget(v6), IPv6NDSLL(macA), IPv6NDTLL(macA), IPv6ExtHdrMasked(1, 0x1ff),
	}), "040e 00b8 00000007 " + wireFlowHead + "0001 0082  80003410 20010db8000000000000000000000001" +
		"80003720 20010db8000000000000000000000000 ffffffff000000000000000000000000  80003908 00000001 00000003  80003a01 87  80003c01 00" +
		"80003e10 20010db8000000000000000000000001  80004006 0a0000000001  80004206 0a0000000001  80004f04 0001 01ff 000000000000"},
	{"match on labels and tunnels", wireFlow(Match{MPLSLabel(77), MPLSTC(3), MPLSBOS(1), PBBISID(0x123456), TunnelID(1, ^uint64(0))}),
		"040e 0060 00000007 " + wireFlowHead + "0001 0029  80004404 0000004d  80004601 03  80004801 01  80004a03 123456  80004c08 0000000000000001" +
			"00000000000000"},
	{"instructions", wireFlow(nil, Meter(1), ClearActions(), WriteActions(Output(2, 0)), WriteMetadata(3, 4), GotoTable(5)),
		"040e 0080 00000007 " + wireFlowHead + "0001 0004 00000000  0006 0008 00000001  0005 0008 00000000" +
			"0003 0018 00000000 0000 0010 00000002 0000 000000000000  0002 0018 00000000 0000000000000003 0000000000000004  0001 0008 05 000000"},
	{"actions", wireFlow(nil, ApplyActions(
		Output(PortController, 128), CopyTTLOut(), CopyTTLIn(), SetMPLSTTL(1), DecMPLSTTL(), PushVLAN(0x8100), PopVLAN(), PushMPLS(0x8847),
		PopMPLS(0x0800), SetQueue(2), GroupAction(3), SetNwTTL(4), DecNwTTL(), PushPBB(0x88e7), PopPBB(),
	)), "040e 00c0 00000007 " + wireFlowHead + "0001 0004 00000000  0004 0088 00000000  0000 0010 fffffffd 0080 000000000000  000b 0008 00000000" +
		"000c 0008 00000000  000f 0008 01 000000  0010 0008 00000000  0011 0008 8100 0000  0012 0008 00000000  0013 0008 8847 0000" +
		"0014 0008 0800 0000  0015 0008 00000002  0016 0008 00000003  0017 0008 04 000000  0018 0008 00000000  001a 0008 88e7 0000  001b 0008 00000000"},
	{"set field", wireFlow(nil, ApplyActions(SetField(IPDSCP(46)), SetField(EthDst(macA)), SetField(Metadata(1, ^uint64(0))), SetField(IPv6Dst(v6)))),
		"040e 0088 00000007 " + wireFlowHead + "0001 0004 00000000  0004 0050 00000000  0019 0010 80001001 2e 00000000000000" +
			"0019 0010 80000606 0a0000000001 0000  0019 0010 80000408 0000000000000001  0019 0018 80003610 20010db8000000000000000000000001"},
}

var wireGroups = []wireCase{
	{"group mod", &GroupMod{Command: GroupModify, GroupType: GroupTypeFF, ID: 5, Buckets: []Bucket{
		{WatchPort: 1, WatchGroup: GroupAny, Actions: []Action{Output(2, 0)}}, {Weight: 3, WatchPort: PortAny, WatchGroup: 4},
	}}, "040f 0040 00000007  0001 03 00 00000005  0020 0000 00000001 ffffffff 00000000 0000 0010 00000002 0000 000000000000" +
		"0010 0003 ffffffff 00000004 00000000"},
	{"meter mod", &MeterMod{Command: MeterModify, Flags: MeterKbps | MeterBurst, ID: 5, Bands: []MeterBand{
		{Type: MeterBandDrop, Rate: 1000, BurstSize: 100}, {Type: MeterBandDSCPRemark, Rate: 2, BurstSize: 3, PrecLevel: 1},
		{Type: MeterBandExperimenter, Rate: 4, BurstSize: 5, Experimenter: 0x2320},
	}}, "041d 0040 00000007  0001 0005 00000005  0001 0010 000003e8 00000064 00000000  0002 0010 00000002 00000003 01 000000" +
		"ffff 0010 00000004 00000005 00002320"},
}

func allWireCases() (all []wireCase) {
	for _, cases := range [][]wireCase{
		wireSymmetric, wireSwitch, wirePackets, wireFlows, wireGroups, wireRequests, wireReplies, wireTables,
	} {
		all = append(all, cases...)
	}
	return all
}

// TestWire demands of each message the bytes that the specification gives it,
// and of the bytes the message.
func TestWire(t *testing.T) {
	for _, c := range allWireCases() {
		want := hexBytes(t, c.hex)
		if int(binary.BigEndian.Uint16(want[2:])) != len(want) {
			t.Errorf("%s: the case has %d bytes", c.name, len(want))
		}
		if got := mustAppend(t, 7, c.m); !bytes.Equal(got, want) {
			t.Errorf("%s:\nis   %x\nwant %x", c.name, got, want)
		}
		h, m, err := Parse(want)
		if err != nil || !reflect.DeepEqual(m, c.m) {
			t.Errorf("%s: parses as %+v, %v\nwant %+v", c.name, m, err, c.m)
		}
		if h != (Header{Version, c.m.Type(), uint16(len(want)), 7}) {
			t.Errorf("%s: header %+v", c.name, h)
		}
	}
}

package openflow

import "strings"

var wireRequests = []wireCase{
	{"desc request", &MultipartRequest{MPType: MultipartDesc}, "0412 0010 00000007  0000 0000 00000000"},
	{"flow request", NewMultipartRequest(&FlowStatsRequest{Table: 1, OutPort: 2, OutGroup: 3, Cookie: 4, CookieMask: 5, Match: Match{InPort(6)}}),
		"0412 0040 00000007  0001 0000 00000000  01 000000 00000002 00000003 00000000 0000000000000004 0000000000000005" +
			"0001 000c 80000004 00000006 00000000"},
	{"aggregate request", NewMultipartRequest((*AggregateStatsRequest)(AllFlows())),
		"0412 0038 00000007  0002 0000 00000000  ff 000000 ffffffff ffffffff 00000000 0000000000000000 0000000000000000  0001 0004 00000000"},
	{"table request", &MultipartRequest{MPType: MultipartTable}, "0412 0010 00000007  0003 0000 00000000"},
	{"port request", NewMultipartRequest(&PortStatsRequest{Port: PortAny}), "0412 0018 00000007  0004 0000 00000000  ffffffff 00000000"},
	{"queue request", NewMultipartRequest(&QueueStatsRequest{Port: 1, Queue: 2}), "0412 0018 00000007  0005 0000 00000000  00000001 00000002"},
	{"group request", NewMultipartRequest(&GroupStatsRequest{Group: 9}), "0412 0018 00000007  0006 0000 00000000  00000009 00000000"},
	{"meter request", NewMultipartRequest(&MeterStatsRequest{Meter: 9}), "0412 0018 00000007  0009 0000 00000000  00000009 00000000"},
	{"meter config request", NewMultipartRequest(&MeterConfigRequest{Meter: MeterAll}), "0412 0018 00000007  000a 0000 00000000  ffffffff 00000000"},
	{"port desc request", &MultipartRequest{MPType: MultipartPortDesc, Flags: MultipartMore}, "0412 0010 00000007  000d 0001 00000000"},
	{"experimenter request", NewMultipartRequest(&ExperimenterRequest{Experimenter: 1, ExpType: 2, Data: []byte{3}}),
		"0412 0019 00000007  ffff 0000 00000000  00000001 00000002 03"},
}

// padded returns text and zeros up to n bytes, in hex.
func padded(textHex string, n int) string { return textHex + strings.Repeat("00", n-len(textHex)/2) }

var wireReplies = []wireCase{
	{"desc reply", NewMultipartReply(&DescReply{Manufacturer: "m", Hardware: "h", Software: "s", SerialNum: "n", Datapath: "d"}),
		"0413 0430 00000007  0000 0000 00000000" + padded("6d", 256) + padded("68", 256) + padded("73", 256) + padded("6e", 32) + padded("64", 256)},
	{"flow reply", NewMultipartReply(FlowStatsReply{{
		Table: 1, DurationSec: 2, DurationNsec: 3, Priority: 4, IdleTimeout: 5, HardTimeout: 6, Flags: FlowSendFlowRem, Cookie: 7, PacketCount: 8,
		ByteCount: 9, Match: Match{InPort(10)}, Instructions: []Instruction{GotoTable(2)},
	}}), "0413 0058 00000007  0001 0000 00000000  0048 01 00 00000002 00000003 0004 0005 0006 0001 00000000 0000000000000007" +
		"0000000000000008 0000000000000009  0001 000c 80000004 0000000a 00000000  0001 0008 02 000000"},
	{"aggregate reply", NewMultipartReply(&AggregateStatsReply{PacketCount: 1, ByteCount: 2, FlowCount: 3}),
		"0413 0028 00000007  0002 0000 00000000  0000000000000001 0000000000000002 00000003 00000000"},
	{"table reply", NewMultipartReply(TableStatsReply{{Table: 1, ActiveCount: 2, LookupCount: 3, MatchedCount: 4}}),
		"0413 0028 00000007  0003 0000 00000000  01 000000 00000002 0000000000000003 0000000000000004"},
	{"port reply", NewMultipartReply(PortStatsReply{{
		Port: 1, RxPackets: 2, TxPackets: 3, RxBytes: 4, TxBytes: 5, RxDropped: 6, TxDropped: 7, RxErrors: 8, TxErrors: 9, RxFrameErr: 10,
		RxOverErr: 11, RxCRCErr: 12, Collisions: 13, DurationSec: 14, DurationNsec: 15,
	}}), "0413 0080 00000007  0004 0000 00000000  00000001 00000000 0000000000000002 0000000000000003 0000000000000004 0000000000000005" +
		"0000000000000006 0000000000000007 0000000000000008 0000000000000009 000000000000000a 000000000000000b 000000000000000c" +
		"000000000000000d 0000000e 0000000f"},
	{"queue reply", NewMultipartReply(QueueStatsReply{{Port: 1, Queue: 2, TxBytes: 3, TxPackets: 4, TxErrors: 5, DurationSec: 6, DurationNsec: 7}}),
		"0413 0038 00000007  0005 0000 00000000  00000001 00000002 0000000000000003 0000000000000004 0000000000000005 00000006 00000007"},
	{"group reply", NewMultipartReply(GroupStatsReply{{
		Group: 1, RefCount: 2, PacketCount: 3, ByteCount: 4, DurationSec: 5, DurationNsec: 6, Buckets: []BucketCounter{{PacketCount: 7, ByteCount: 8}},
	}}), "0413 0048 00000007  0006 0000 00000000  0038 0000 00000001 00000002 00000000 0000000000000003 0000000000000004 00000005 00000006" +
		"0000000000000007 0000000000000008"},
	{"group desc reply", NewMultipartReply(GroupDescReply{{GroupType: GroupTypeSelect, Group: 2, Buckets: []Bucket{{Weight: 3, WatchPort: PortAny, WatchGroup: GroupAny}}}}),
		"0413 0028 00000007  0007 0000 00000000  0018 01 00 00000002  0010 0003 ffffffff ffffffff 00000000"},
	{"group features reply", NewMultipartReply(&GroupFeatures{
		Types: 0xf, Capabilities: GroupCapChaining, MaxGroups: [4]uint32{1, 2, 3, 4}, Actions: [4]uint32{5, 6, 7, 8},
	}), "0413 0038 00000007  0008 0000 00000000  0000000f 00000004 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008"},
	{"meter reply", NewMultipartReply(MeterStatsReply{{
		Meter: 1, FlowCount: 2, PacketInCount: 3, ByteInCount: 4, DurationSec: 5, DurationNsec: 6, Bands: []BandCounter{{PacketCount: 7, ByteCount: 8}},
	}}), "0413 0048 00000007  0009 0000 00000000  00000001 0038 000000000000 00000002 0000000000000003 0000000000000004 00000005 00000006" +
		"0000000000000007 0000000000000008"},
	{"meter config reply", NewMultipartReply(MeterConfigReply{{Flags: MeterPktps, Meter: 1, Bands: []MeterBand{{Type: MeterBandDrop, Rate: 2}}}}),
		"0413 0028 00000007  000a 0000 00000000  0018 0002 00000001  0001 0010 00000002 00000000 00000000"},
	{"meter features reply", NewMultipartReply(&MeterFeatures{MaxMeter: 1, BandTypes: 2, Capabilities: 3, MaxBands: 4, MaxColor: 5}),
		"0413 0020 00000007  000b 0000 00000000  00000001 00000002 00000003 04 05 0000"},
	{"port desc reply", NewMultipartReply(PortDescReply{wirePort}), "0413 0050 00000007  000d 0000 00000000" + wirePortHex},
	{"experimenter reply", NewMultipartReply(&ExperimenterReply{Experimenter: 1, ExpType: 2}), "0413 0018 00000007  ffff 0000 00000000  00000001 00000002"},
}

const wireTableHead = "746162 0000000000000000000000000000000000000000000000000000000000 0000000000000001 0000000000000002 00000003 00000004"

func wireTable(props ...TableProperty) *MultipartReply {
	return NewMultipartReply(TableFeaturesReply{{
		Table: 5, Name: "tab", MetadataMatch: 1, MetadataWrite: 2, Config: 3, MaxEntries: 4, Properties: props,
	}})
}

var wireTables = []wireCase{
	{"table features request", NewMultipartRequest(TableFeaturesRequest{{Table: 5, Name: "tab", MetadataMatch: 1, MetadataWrite: 2, Config: 3, MaxEntries: 4}}),
		"0412 0050 00000007  000c 0000 00000000  0040 05 0000000000 " + wireTableHead},
	{"table features without properties", wireTable(), "0413 0050 00000007  000c 0000 00000000  0040 05 0000000000 " + wireTableHead},
	{"instruction and table IDs", wireTable(
		TableProperty{Type: TablePropInstructions, Instructions: []InstructionID{{Type: InstructionGotoTable}, {Type: InstructionMeter}}},
		TableProperty{Type: TablePropNextTablesMiss, Tables: []TableID{6, 7, 8}},
	), "0413 0068 00000007  000c 0000 00000000  0058 05 0000000000 " + wireTableHead +
		"0000 000c 0001 0004 0006 0004 00000000  0003 0007 060708 00"},
	{"action IDs", wireTable(
		TableProperty{Type: TablePropWriteActions, Actions: []ActionID{{Type: ActionOutput}, {Type: ActionExperimenter, Experimenter: 0x2320}}},
		TableProperty{Type: TablePropApplyActionsMiss},
	), "0413 0068 00000007  000c 0000 00000000  0058 05 0000000000 " + wireTableHead +
		"0004 0010 0000 0004 ffff 0008 00002320  0007 0004 00000000"},
	{"field IDs", wireTable(
		TableProperty{Type: TablePropMatch, Fields: []OXMID{
			{Class: OXMClassBasic, Field: FieldEthDst, Masked: true, Length: 12},
			{Class: OXMClassExperimenter, Field: 1, Length: 6, Experimenter: ExperimenterONF},
		}},
		TableProperty{Type: TablePropApplySetFieldMiss, Fields: []OXMID{{Class: OXMClassBasic, Field: FieldVLANVID, Length: 2}}},
	), "0413 0068 00000007  000c 0000 00000000  0058 05 0000000000 " + wireTableHead +
		"0008 0010 8000070c ffff0206 4f4e4600  000f 0008 80000c02"},
	{"property of an experimenter", wireTable(TableProperty{Type: TablePropExperimenterMiss, Data: []byte{0, 0, 0x23, 0x20, 0, 0, 0, 1, 9}}),
		"0413 0060 00000007  000c 0000 00000000  0050 05 0000000000 " + wireTableHead + "ffff 000d 00002320 00000001 09 000000"},
}

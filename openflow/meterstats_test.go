package openflow

var meterStatsSamples = []sample{
	{"meter stats request", NewMultipartRequest(&MeterStatsRequest{Meter: MeterAll})},
	{"meter config request", NewMultipartRequest(&MeterConfigRequest{Meter: 5})},
	{"meter stats reply", NewMultipartReply(MeterStatsReply{
		{
			Meter: 1, FlowCount: 2, PacketInCount: 3, ByteInCount: 4, DurationSec: 5, DurationNsec: 6,
			Bands: []BandCounter{{PacketCount: 7, ByteCount: 8}},
		},
		{Meter: 2},
	})},
	{"meter config reply", NewMultipartReply(MeterConfigReply{
		{Flags: MeterKbps | MeterStats, Meter: 5, Bands: sampleBands}, {Flags: MeterPktps, Meter: 6},
	})},
	{"meter config reply of standard bands", NewMultipartReply(MeterConfigReply{
		{Flags: MeterKbps | MeterStats, Meter: 5, Bands: sampleBands[:2]}, {Flags: MeterPktps, Meter: 6},
	})},
	{"meter features reply", NewMultipartReply(&MeterFeatures{
		MaxMeter: 1000, BandTypes: 1 << MeterBandDrop, Capabilities: uint32(MeterKbps | MeterPktps), MaxBands: 1, MaxColor: 2,
	})},
}

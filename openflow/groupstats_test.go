package openflow

var groupStatsSamples = []sample{
	{"group stats request", NewMultipartRequest(&GroupStatsRequest{Group: GroupAll})},
	{"group stats reply", NewMultipartReply(GroupStatsReply{
		{
			Group: 1, RefCount: 2, PacketCount: 3, ByteCount: 4, DurationSec: 5, DurationNsec: 6,
			Buckets: []BucketCounter{{PacketCount: 7, ByteCount: 8}, {PacketCount: 9, ByteCount: 10}},
		},
		{Group: 2},
	})},
	{"group desc reply", NewMultipartReply(GroupDescReply{
		{GroupType: GroupTypeFF, Group: 7, Buckets: sampleBuckets}, {GroupType: GroupTypeAll, Group: 8},
	})},
	{"group features reply", NewMultipartReply(&GroupFeatures{
		Types: 0xf, Capabilities: GroupCapSelectWeight | GroupCapChaining,
		MaxGroups: [4]uint32{1, 2, 3, 4}, Actions: [4]uint32{5, 6, 7, 8},
	})},
}

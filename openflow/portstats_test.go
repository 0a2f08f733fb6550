package openflow

var portStatsSamples = []sample{
	{"port stats request", NewMultipartRequest(&PortStatsRequest{Port: PortAny})},
	{"port stats reply", NewMultipartReply(PortStatsReply{
		{
			Port: 1, RxPackets: 2, TxPackets: 3, RxBytes: 4, TxBytes: 5, RxDropped: 6, TxDropped: 7, RxErrors: 8,
			TxErrors: 9, RxFrameErr: 10, RxOverErr: 11, RxCRCErr: 12, Collisions: 13, DurationSec: 14, DurationNsec: 15,
		},
		{Port: PortLocal, RxFrameErr: ^uint64(0)},
	})},
	{"port desc reply", NewMultipartReply(PortDescReply{samplePort, {No: PortLocal, Name: "s1"}})},
	{"queue stats request", NewMultipartRequest(&QueueStatsRequest{Port: PortAny, Queue: QueueAll})},
	{"queue stats reply", NewMultipartReply(QueueStatsReply{
		{Port: 1, Queue: 2, TxBytes: 3, TxPackets: 4, TxErrors: 5, DurationSec: 6, DurationNsec: 7}, {Port: 2},
	})},
}

package openflow

// PortStatsRequest asks for the counters of a port (§7.3.5.6).
type PortStatsRequest struct {
	Port PortNo // PortAny: of all ports
}

// PortStatsReply lists port counters (§7.3.5.6).
type PortStatsReply []PortStats

// PortStats are the counters of one port; a counter that the switch does not keep is all ones (§7.3.5.6).
type PortStats struct {
	Port         PortNo
	RxPackets    uint64
	TxPackets    uint64
	RxBytes      uint64
	TxBytes      uint64
	RxDropped    uint64 // packets
	TxDropped    uint64 // packets
	RxErrors     uint64 // all receive errors, the next three among them
	TxErrors     uint64
	RxFrameErr   uint64
	RxOverErr    uint64
	RxCRCErr     uint64
	Collisions   uint64
	DurationSec  uint32 // whole seconds the port has been there
	DurationNsec uint32 // nanoseconds beyond those
}

// PortDescReply lists the ports of the switch (§7.3.5.7).
type PortDescReply []Port

// QueueStatsRequest asks for the counters of queues (§7.3.5.8).
type QueueStatsRequest struct {
	Port  PortNo // PortAny: of all ports
	Queue uint32 // QueueAll: all queues
}

// QueueStatsReply lists queue counters (§7.3.5.8).
type QueueStatsReply []QueueStats

// QueueStats are the counters of one queue (§7.3.5.8).
type QueueStats struct {
	Port         PortNo
	Queue        uint32
	TxBytes      uint64
	TxPackets    uint64
	TxErrors     uint64 // packets dropped because the queue was full
	DurationSec  uint32 // whole seconds the queue has been there
	DurationNsec uint32 // nanoseconds beyond those
}

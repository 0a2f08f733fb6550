package openflow

// FlowStatsRequest asks for the flow entries that match covers (§7.3.5.2).
type FlowStatsRequest struct {
	Table      TableID // TableAll: every table
	OutPort    PortNo  // only entries that output here; PortAny: any
	OutGroup   GroupID // only entries that use this group; GroupAny: any
	Cookie     Cookie
	CookieMask Cookie // which cookie bits must be those of Cookie
	Match      Match
}

// AggregateStatsRequest asks for the sums over the flow entries that match covers (§7.3.5.3).
type AggregateStatsRequest FlowStatsRequest

// AllFlows returns a request for every flow entry of every table.
func AllFlows() *FlowStatsRequest {
	return &FlowStatsRequest{Table: TableAll, OutPort: PortAny, OutGroup: GroupAny}
}

// FlowStatsReply lists flow entries (§7.3.5.2).
type FlowStatsReply []FlowStats

// FlowStats is one flow entry with its counters (§7.3.5.2).
type FlowStats struct {
	Table        TableID
	DurationSec  uint32 // whole seconds it has lived
	DurationNsec uint32 // nanoseconds beyond those
	Priority     uint16
	IdleTimeout  uint16 // seconds
	HardTimeout  uint16 // seconds
	Flags        FlowModFlags
	Cookie       Cookie
	PacketCount  uint64
	ByteCount    uint64
	Match        Match
	Instructions []Instruction
}

// AggregateStatsReply is the sum over the flow entries asked for (§7.3.5.3).
type AggregateStatsReply struct {
	PacketCount uint64
	ByteCount   uint64
	FlowCount   uint32
}

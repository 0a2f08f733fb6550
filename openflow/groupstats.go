package openflow

// GroupStatsRequest asks for the counters of a group (§7.3.5.9).
type GroupStatsRequest struct {
	Group GroupID // GroupAll: of all groups
}

// GroupStatsReply lists group counters (§7.3.5.9).
type GroupStatsReply []GroupStats

// GroupStats are the counters of one group (§7.3.5.9).
type GroupStats struct {
	Group        GroupID
	RefCount     uint32 // flow entries and groups that use it
	PacketCount  uint64
	ByteCount    uint64
	DurationSec  uint32 // whole seconds it has lived
	DurationNsec uint32 // nanoseconds beyond those
	Buckets      []BucketCounter
}

// A BucketCounter counts what one bucket did (§7.3.5.9).
type BucketCounter struct {
	PacketCount uint64
	ByteCount   uint64
}

// GroupDescReply lists groups and their buckets (§7.3.5.10).
type GroupDescReply []GroupDesc

// GroupDesc is one group and its buckets (§7.3.5.10).
type GroupDesc struct {
	GroupType GroupType
	Group     GroupID
	Buckets   []Bucket
}

// GroupCapabilities are what a switch's groups can do (§7.3.5.11).
type GroupCapabilities uint32

// The group capability bits (§7.3.5.11).
const (
	GroupCapSelectWeight   GroupCapabilities = 1 << 0
	GroupCapSelectLiveness GroupCapabilities = 1 << 1
	GroupCapChaining       GroupCapabilities = 1 << 2 // groups can use groups
	GroupCapChainingChecks GroupCapabilities = 1 << 3 // and loops are refused
)

// GroupFeatures is what a switch's groups can do. The arrays are indexed by GroupType (§7.3.5.11).
type GroupFeatures struct {
	Types        uint32 // bit n: GroupType n
	Capabilities GroupCapabilities
	MaxGroups    [4]uint32
	Actions      [4]uint32 // bit n: ActionType n
}

package openflow

// FlowModCommand is what a flow mod does (§7.3.4.1).
type FlowModCommand uint8

// The flow mod commands (§7.3.4.1).
const (
	FlowAdd          FlowModCommand = 0
	FlowModify       FlowModCommand = 1 // all entries that the match covers
	FlowModifyStrict FlowModCommand = 2 // the entry with exactly this match and priority
	FlowDelete       FlowModCommand = 3 // all entries that the match covers
	FlowDeleteStrict FlowModCommand = 4 // the entry with exactly this match and priority
)

// FlowModFlags are options of a flow entry (§7.3.4.1).
type FlowModFlags uint16

// The flow mod flags (§7.3.4.1).
const (
	FlowSendFlowRem  FlowModFlags = 1 << 0 // send a flow removed message in the end
	FlowCheckOverlap FlowModFlags = 1 << 1 // refuse an entry that overlaps one of its priority
	FlowResetCounts  FlowModFlags = 1 << 2
	FlowNoPktCounts  FlowModFlags = 1 << 3 // packet counts are not needed
	FlowNoBytCounts  FlowModFlags = 1 << 4 // byte counts are not needed
)

// FlowMod adds, changes or deletes flow entries (§7.3.4.1). A delete spares no entry for its outputs
// only if OutPort is PortAny and OutGroup is GroupAny; see [NewFlowDelete].
type FlowMod struct {
	Cookie       Cookie
	CookieMask   Cookie // which cookie bits an entry must share to be changed or deleted; 0: any
	Table        TableID
	Command      FlowModCommand
	IdleTimeout  uint16 // seconds without a packet; 0: never
	HardTimeout  uint16 // seconds since the entry was added; 0: never
	Priority     uint16
	BufferID     uint32  // a buffered packet to send through the new entry, or NoBuffer
	OutPort      PortNo  // deletes only entries that output here
	OutGroup     GroupID // deletes only entries that use this group
	Flags        FlowModFlags
	Match        Match
	Instructions []Instruction
}

// NewFlowDelete returns a delete of everything in table that match covers, whatever its outputs.
func NewFlowDelete(table TableID, match Match) *FlowMod {
	return &FlowMod{
		Command: FlowDelete, Table: table, BufferID: NoBuffer,
		OutPort: PortAny, OutGroup: GroupAny, Match: match,
	}
}

// FlowRemovedReason says why a flow entry went (§7.4.2).
type FlowRemovedReason uint8

// The reasons for a flow removed message (§7.4.2).
const (
	FlowRemovedIdleTimeout FlowRemovedReason = 0
	FlowRemovedHardTimeout FlowRemovedReason = 1
	FlowRemovedDelete      FlowRemovedReason = 2 // by a flow mod
	FlowRemovedGroupDelete FlowRemovedReason = 3 // its group went
)

// FlowRemoved tells that a flow entry went, with its last counters (§7.4.2).
type FlowRemoved struct {
	Cookie       Cookie
	Priority     uint16
	Reason       FlowRemovedReason
	Table        TableID
	DurationSec  uint32 // whole seconds it lived
	DurationNsec uint32 // nanoseconds beyond those
	IdleTimeout  uint16 // seconds, as in the flow mod
	HardTimeout  uint16 // seconds, as in the flow mod
	PacketCount  uint64
	ByteCount    uint64
	Match        Match
}

// Type implements [Message].
func (*FlowMod) Type() Type { return TypeFlowMod }

// Type implements [Message].
func (*FlowRemoved) Type() Type { return TypeFlowRemoved }

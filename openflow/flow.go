package openflow

import "encoding/binary"

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

// FlowMod adds, changes or deletes flow entries (§7.3.4.1). A delete spares no
// entry for its outputs only if OutPort is PortAny and OutGroup is GroupAny;
// see [NewFlowDelete].
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

	asSent
}

// NewFlowDelete returns a delete of everything in table that match covers,
// whatever its outputs.
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

var flowRemovedReasonNames = [...]string{"idle timeout", "hard timeout", "delete", "group delete"}

// String returns the reason's name in lower case.
func (r FlowRemovedReason) String() string { return enumName("reason", flowRemovedReasonNames[:], r) }

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

	asSent
}

// Type implements [Message].
func (*FlowMod) Type() Type { return TypeFlowMod }

// Type implements [Message].
func (*FlowRemoved) Type() Type { return TypeFlowRemoved }

// flowModBuf is a flow mod with room for what most flow mods hold, so that it
// is one allocation.
type flowModBuf struct {
	FlowMod
	oxms [8]OXM
	ins  [1]Instruction
	acts [3]Action
}

const flowModLen = 40 // without header, match and instructions

func parseFlowMod(c *cursor) Message {
	p := c.take(flowModLen, "flow mod")
	if p == nil {
		return nil
	}
	var b *flowModBuf
	if c.parser != nil {
		b = &c.parser.mod
		*b = flowModBuf{}
	} else {
		b = new(flowModBuf)
	}
	c.oxms.free, c.ins.free, c.acts.free = b.oxms[:], b.ins[:], b.acts[:]
	m := &b.FlowMod
	m.Cookie = Cookie(binary.BigEndian.Uint64(p))
	m.CookieMask = Cookie(binary.BigEndian.Uint64(p[8:]))
	m.Table = TableID(p[16])
	m.Command = FlowModCommand(p[17])
	m.IdleTimeout = binary.BigEndian.Uint16(p[18:])
	m.HardTimeout = binary.BigEndian.Uint16(p[20:])
	m.Priority = binary.BigEndian.Uint16(p[22:])
	m.BufferID = binary.BigEndian.Uint32(p[24:])
	m.OutPort = PortNo(binary.BigEndian.Uint32(p[28:]))
	m.OutGroup = GroupID(binary.BigEndian.Uint32(p[32:]))
	last := binary.BigEndian.Uint32(p[36:])
	m.Flags = FlowModFlags(last >> 16)
	c.odd |= uint64(last << 16)
	m.Match = c.match()
	m.Instructions = c.instructions()
	return m
}

func (m *FlowMod) appendBody(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Cookie))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.CookieMask))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Table)<<56|uint64(m.Command)<<48|
		uint64(m.IdleTimeout)<<32|uint64(m.HardTimeout)<<16|uint64(m.Priority))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.BufferID)<<32|uint64(m.OutPort))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.OutGroup)<<32|uint64(m.Flags)<<16)
	dst, err := m.Match.append(dst)
	if err != nil {
		return nil, err
	}
	return appendInstructions(dst, m.Instructions)
}

func parseFlowRemoved(c *cursor) Message {
	p := c.take(40, "flow removed")
	if p == nil {
		return nil
	}
	return &FlowRemoved{
		Cookie:       Cookie(binary.BigEndian.Uint64(p)),
		Priority:     binary.BigEndian.Uint16(p[8:]),
		Reason:       FlowRemovedReason(p[10]),
		Table:        TableID(p[11]),
		DurationSec:  binary.BigEndian.Uint32(p[12:]),
		DurationNsec: binary.BigEndian.Uint32(p[16:]),
		IdleTimeout:  binary.BigEndian.Uint16(p[20:]),
		HardTimeout:  binary.BigEndian.Uint16(p[22:]),
		PacketCount:  binary.BigEndian.Uint64(p[24:]),
		ByteCount:    binary.BigEndian.Uint64(p[32:]),
		Match:        c.match(),
	}
}

func (m *FlowRemoved) appendBody(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 40)
	binary.BigEndian.PutUint64(p, uint64(m.Cookie))
	binary.BigEndian.PutUint16(p[8:], m.Priority)
	p[10] = byte(m.Reason)
	p[11] = byte(m.Table)
	binary.BigEndian.PutUint32(p[12:], m.DurationSec)
	binary.BigEndian.PutUint32(p[16:], m.DurationNsec)
	binary.BigEndian.PutUint16(p[20:], m.IdleTimeout)
	binary.BigEndian.PutUint16(p[22:], m.HardTimeout)
	binary.BigEndian.PutUint64(p[24:], m.PacketCount)
	binary.BigEndian.PutUint64(p[32:], m.ByteCount)
	return m.Match.append(dst)
}

package openflow

// PacketIn brings a packet to the controller (§7.4.1).
type PacketIn struct {
	BufferID uint32 // where the switch holds the packet, or NoBuffer
	TotalLen uint16 // bytes of the whole packet; Data may be shorter
	Reason   PacketInReason
	Table    TableID // the table that sent it
	Cookie   Cookie  // of the flow entry that sent it, or all ones
	Match    Match   // the pipeline fields, the ingress port among them
	Data     []byte
}

// PacketInReason says why a packet came to the controller (§7.4.1).
type PacketInReason uint8

// The reasons for a packet-in (§7.4.1).
const (
	PacketInNoMatch    PacketInReason = 0 // the table-miss entry sent it
	PacketInAction     PacketInReason = 1 // another entry's output action did
	PacketInInvalidTTL PacketInReason = 2
)

// InPort returns the port the packet came in by.
func (m *PacketIn) InPort() (PortNo, bool) {
	for i := range m.Match {
		if o := &m.Match[i]; o.is(FieldInPort) {
			return PortNo(o.Uint64()), true
		}
	}
	return 0, false
}

// PacketOut has the switch send a packet (§7.3.7).
type PacketOut struct {
	BufferID uint32 // the buffered packet to send, or NoBuffer to send Data
	InPort   PortNo // the ingress port to pretend, or PortController
	Actions  []Action
	Data     []byte
}

// Type implements [Message].
func (*PacketIn) Type() Type { return TypePacketIn }

// Type implements [Message].
func (*PacketOut) Type() Type { return TypePacketOut }

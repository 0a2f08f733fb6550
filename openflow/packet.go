package openflow

import "encoding/binary"

// PacketIn brings a packet to the controller (§7.4.1).
type PacketIn struct {
	BufferID uint32 // where the switch holds the packet, or NoBuffer
	TotalLen uint16 // bytes of the whole packet; Data may be shorter
	Reason   PacketInReason
	Table    TableID // the table that sent it
	Cookie   Cookie  // of the flow entry that sent it, or all ones
	Match    Match   // the pipeline fields, the ingress port among them
	Data     []byte

	asSent
}

// PacketInReason says why a packet came to the controller (§7.4.1).
type PacketInReason uint8

// The reasons for a packet-in (§7.4.1).
const (
	PacketInNoMatch    PacketInReason = 0 // the table-miss entry sent it
	PacketInAction     PacketInReason = 1 // another entry's output action did
	PacketInInvalidTTL PacketInReason = 2
)

var packetInReasonNames = [...]string{"no match", "action", "invalid TTL"}

// String returns the reason's name in lower case.
func (r PacketInReason) String() string { return enumName("reason", packetInReasonNames[:], r) }

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

	asSent
}

// Type implements [Message].
func (*PacketIn) Type() Type { return TypePacketIn }

// Type implements [Message].
func (*PacketOut) Type() Type { return TypePacketOut }

// A packet-in is allocated together with its match and its data, in one of a
// few sizes.
type packetInBuf[D any] struct {
	PacketIn
	match [1]OXM // most switches send just the ingress port
	data  D
}

// newPacketIn returns a packet-in with room for one field in Match and for n
// bytes in Data.
func newPacketIn(n int) *PacketIn {
	switch {
	case n <= 64:
		b := new(packetInBuf[[64]byte])
		b.Match, b.Data = b.match[:], b.data[:n:n]
		return &b.PacketIn
	case n <= 128:
		b := new(packetInBuf[[128]byte])
		b.Match, b.Data = b.match[:], b.data[:n:n]
		return &b.PacketIn
	case n <= 512:
		b := new(packetInBuf[[512]byte])
		b.Match, b.Data = b.match[:], b.data[:n:n]
		return &b.PacketIn
	case n <= 1536:
		b := new(packetInBuf[[1536]byte])
		b.Match, b.Data = b.match[:], b.data[:n:n]
		return &b.PacketIn
	}
	b := new(packetInBuf[struct{}])
	b.Match, b.Data = b.match[:], make([]byte, n)
	return &b.PacketIn
}

func parsePacketIn(c *cursor) Message {
	p := c.take(16, "packet-in")
	matchLen, ok := c.peek16(2)
	if p == nil || !ok {
		c.fail("match", c.off, ErrShort)
		return nil
	}
	// The match's length says in advance how much data there is; whether it is
	// true, c.match checks.
	n := max(c.left()-int(matchLen)-padding(int(matchLen))-2, 0)
	m := newPacketIn(n)
	m.read(p)
	c.oxms.free = m.Match
	m.Match = c.match()
	c.zeros(c.take(2, "packet-in padding"))
	copy(m.Data, c.take(n, "packet-in data"))
	if n == 0 {
		m.Data = nil
	}
	return m
}

// read reads what comes before the match.
func (m *PacketIn) read(p []byte) {
	m.BufferID = binary.BigEndian.Uint32(p)
	m.TotalLen = binary.BigEndian.Uint16(p[4:])
	m.Reason = PacketInReason(p[6])
	m.Table = TableID(p[7])
	m.Cookie = Cookie(binary.BigEndian.Uint64(p[8:]))
}

// quickPacketIn reads a packet-in that holds data, matches on just the ingress
// port and pads with zeros, as nearly every one does. It returns nil for any
// other message.
func quickPacketIn(h Header, b []byte) *PacketIn {
	const (
		matchAt = HeaderLen + 16
		padAt   = matchAt + 4 + 8
		dataAt  = padAt + 4 + 2
		inPort  = matchTypeOXM<<48 | 12<<32 | // the match's type and its length
			uint64(OXMClassBasic)<<16 | uint64(FieldInPort)<<9 | 4
	)
	if h.Type != TypePacketIn || h.Version != Version || int(h.Length) != len(b) || len(b) <= dataAt ||
		binary.BigEndian.Uint64(b[matchAt:]) != inPort ||
		binary.BigEndian.Uint32(b[padAt:])|uint32(binary.BigEndian.Uint16(b[padAt+4:])) != 0 {
		return nil
	}
	m := newPacketIn(len(b) - dataAt)
	m.read(b[HeaderLen:matchAt])
	copy(m.Match[0].wire[:8], b[matchAt+4:padAt])
	copy(m.Data, b[dataAt:])
	return m
}

func (m *PacketIn) appendBody(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 16)
	binary.BigEndian.PutUint32(p, m.BufferID)
	binary.BigEndian.PutUint16(p[4:], m.TotalLen)
	p[6] = byte(m.Reason)
	p[7] = byte(m.Table)
	binary.BigEndian.PutUint64(p[8:], uint64(m.Cookie))
	dst, err := m.Match.append(dst)
	if err != nil {
		return nil, err
	}
	dst = append(dst, 0, 0)
	return append(dst, m.Data...), nil
}

func parsePacketOut(c *cursor) Message {
	p := c.take(16, "packet-out")
	if p == nil {
		return nil
	}
	b := new(struct {
		PacketOut
		acts [1]Action // most packet-outs only output
	})
	c.acts.free = b.acts[:]
	b.BufferID = binary.BigEndian.Uint32(p)
	b.InPort = PortNo(binary.BigEndian.Uint32(p[4:]))
	last := binary.BigEndian.Uint64(p[8:])
	n := int(last >> 48)
	c.odd |= last << 16
	if n > c.left() {
		c.fail("packet-out actions length", HeaderLen+8, ErrLength)
		return nil
	}
	end := c.end
	c.end = c.off + n
	b.Actions = c.actions()
	c.end = end
	b.Data = c.rest()
	return &b.PacketOut
}

func (m *PacketOut) appendBody(dst []byte) ([]byte, error) {
	start := len(dst)
	dst, p := grow(dst, 16)
	binary.BigEndian.PutUint32(p, m.BufferID)
	binary.BigEndian.PutUint32(p[4:], uint32(m.InPort))
	dst, err := appendActions(dst, m.Actions)
	if err != nil {
		return nil, err
	}
	n := len(dst) - start - 16
	if n > MaxLen {
		return nil, appendError("packet-out actions", ErrLength)
	}
	binary.BigEndian.PutUint16(dst[start+8:], uint16(n))
	return append(dst, m.Data...), nil
}

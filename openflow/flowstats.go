package openflow

import "encoding/binary"

// FlowStatsRequest asks for the flow entries that match covers (§7.3.5.2).
type FlowStatsRequest struct {
	Table      TableID // TableAll: every table
	OutPort    PortNo  // only entries that output here; PortAny: any
	OutGroup   GroupID // only entries that use this group; GroupAny: any
	Cookie     Cookie
	CookieMask Cookie // which cookie bits must be those of Cookie
	Match      Match
}

// AggregateStatsRequest asks for the sums over the flow entries that match
// covers (§7.3.5.3).
type AggregateStatsRequest FlowStatsRequest

// AllFlows returns a request for every flow entry of every table.
func AllFlows() *FlowStatsRequest {
	return &FlowStatsRequest{Table: TableAll, OutPort: PortAny, OutGroup: GroupAny}
}

// FlowStatsReply lists flow entries (§7.3.5.2). Parsed entries share memory
// with others of their message; see [FlowStats.Clone].
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

func (*FlowStatsRequest) requestType() MultipartType { return MultipartFlow }

func (*AggregateStatsRequest) requestType() MultipartType { return MultipartAggregate }

func (FlowStatsReply) replyType() MultipartType { return MultipartFlow }

func (*AggregateStatsReply) replyType() MultipartType { return MultipartAggregate }

func parseFlowStatsRequest(c *cursor) *FlowStatsRequest {
	p := c.take(32, "flow stats request")
	if p == nil {
		return nil
	}
	c.zeros(p[1:4])
	c.zeros(p[12:16])
	return &FlowStatsRequest{
		Table:      TableID(p[0]),
		OutPort:    PortNo(binary.BigEndian.Uint32(p[4:])),
		OutGroup:   GroupID(binary.BigEndian.Uint32(p[8:])),
		Cookie:     Cookie(binary.BigEndian.Uint64(p[16:])),
		CookieMask: Cookie(binary.BigEndian.Uint64(p[24:])),
		Match:      c.match(),
	}
}

func (r *FlowStatsRequest) appendRequest(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 32)
	p[0] = byte(r.Table)
	binary.BigEndian.PutUint32(p[4:], uint32(r.OutPort))
	binary.BigEndian.PutUint32(p[8:], uint32(r.OutGroup))
	binary.BigEndian.PutUint64(p[16:], uint64(r.Cookie))
	binary.BigEndian.PutUint64(p[24:], uint64(r.CookieMask))
	return r.Match.append(dst)
}

func (r *AggregateStatsRequest) appendRequest(dst []byte) ([]byte, error) {
	return (*FlowStatsRequest)(r).appendRequest(dst)
}

const (
	flowStatsLen    = 48 // without match and instructions
	minFlowStatsLen = flowStatsLen + 8
)

func parseFlowStats(c *cursor) FlowStatsReply {
	n := c.countElements("flow stats", minFlowStatsLen)
	if n == 0 {
		return nil
	}
	p := c.parser
	if p == nil {
		p = &Parser{} // used once
		// A reply holds hundreds of entries: cutting their matches,
		// instructions and actions from slabs spares three allocations an
		// entry.
		p.oxms.chunk, p.ins.chunk, p.acts.chunk = min(4*n, 64), min(2*n, 64), min(2*n, 64)
	}
	c.oxms, c.ins, c.acts = p.oxms, p.ins, p.acts
	stats := p.flowStats(n)
	for i := range stats {
		c.flowStats(&stats[i])
	}
	p.oxms, p.ins, p.acts = c.oxms, c.ins, c.acts
	return stats
}

// ahead returns how many elements follow, each with its 16-bit length, of at
// least least bytes, at distance at, as far as they are well-formed. A list of
// that length needs no more memory than its elements.
func (c *cursor) ahead(at, least int) int { return c.aheadPadded(at, least, 1) }

// aheadPadded does what ahead does for elements that are padded to a multiple
// of pad bytes, a power of two, which their lengths do not count.
func (c *cursor) aheadPadded(at, least, pad int) (n int) {
	if c.err != nil {
		return 0
	}
	for off := c.off; off+at+2 <= c.end; n++ {
		length := int(binary.BigEndian.Uint16(c.b[off+at:]))
		if length < least {
			break
		}
		off += (length + pad - 1) &^ (pad - 1)
	}
	return n
}

// countElements counts the elements that start with their 16-bit length, up to
// the cursor's end, and leaves the cursor where it was.
func (c *cursor) countElements(field string, least int) (n int) {
	if c.err != nil {
		return 0
	}
	for off := c.off; off < c.end; n++ {
		if c.end-off < 2 {
			c.fail(field, off, ErrShort)
			return 0
		}
		length := int(binary.BigEndian.Uint16(c.b[off:]))
		if length < least {
			c.fail(field+" length", off, ErrLength)
			return 0
		}
		off += length
	}
	return n
}

func (c *cursor) flowStats(s *FlowStats) {
	outer, ok := c.enter("flow stats", 0, minFlowStatsLen)
	if !ok {
		return
	}
	p := c.take(flowStatsLen, "flow stats")
	s.Table = TableID(p[2])
	s.DurationSec = binary.BigEndian.Uint32(p[4:])
	s.DurationNsec = binary.BigEndian.Uint32(p[8:])
	s.Priority = binary.BigEndian.Uint16(p[12:])
	s.IdleTimeout = binary.BigEndian.Uint16(p[14:])
	s.HardTimeout = binary.BigEndian.Uint16(p[16:])
	s.Flags = FlowModFlags(binary.BigEndian.Uint16(p[18:]))
	c.odd |= uint64(p[3]) | uint64(binary.BigEndian.Uint32(p[20:]))
	s.Cookie = Cookie(binary.BigEndian.Uint64(p[24:]))
	s.PacketCount = binary.BigEndian.Uint64(p[32:])
	s.ByteCount = binary.BigEndian.Uint64(p[40:])
	s.Match = c.match()
	s.Instructions = c.instructions()
	c.leave("flow stats", outer)
}

func (r FlowStatsReply) appendReply(dst []byte) ([]byte, error) {
	var err error
	for i := range r {
		if dst, err = r[i].append(dst); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (s *FlowStats) append(dst []byte) ([]byte, error) {
	start := len(dst)
	dst, p := grow(dst, flowStatsLen)
	p[2] = byte(s.Table)
	binary.BigEndian.PutUint32(p[4:], s.DurationSec)
	binary.BigEndian.PutUint32(p[8:], s.DurationNsec)
	binary.BigEndian.PutUint16(p[12:], s.Priority)
	binary.BigEndian.PutUint16(p[14:], s.IdleTimeout)
	binary.BigEndian.PutUint16(p[16:], s.HardTimeout)
	binary.BigEndian.PutUint16(p[18:], uint16(s.Flags))
	binary.BigEndian.PutUint64(p[24:], uint64(s.Cookie))
	binary.BigEndian.PutUint64(p[32:], s.PacketCount)
	binary.BigEndian.PutUint64(p[40:], s.ByteCount)
	dst, err := s.Match.append(dst)
	if err != nil {
		return nil, err
	}
	if dst, err = appendInstructions(dst, s.Instructions); err != nil {
		return nil, err
	}
	return dst, putLength(dst, start, 0, "flow stats")
}

func parseAggregateStats(c *cursor) *AggregateStatsReply {
	p := c.take(24, "aggregate stats")
	if p == nil {
		return nil
	}
	c.zeros(p[20:])
	return &AggregateStatsReply{
		PacketCount: binary.BigEndian.Uint64(p),
		ByteCount:   binary.BigEndian.Uint64(p[8:]),
		FlowCount:   binary.BigEndian.Uint32(p[16:]),
	}
}

func (r *AggregateStatsReply) appendReply(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 24)
	binary.BigEndian.PutUint64(p, r.PacketCount)
	binary.BigEndian.PutUint64(p[8:], r.ByteCount)
	binary.BigEndian.PutUint32(p[16:], r.FlowCount)
	return dst, nil
}

package openflow

import "encoding/binary"

// MultipartType is the kind of a multipart message (§7.3.5).
type MultipartType uint16

// The multipart types (§7.3.5).
const (
	MultipartDesc          MultipartType = 0
	MultipartFlow          MultipartType = 1
	MultipartAggregate     MultipartType = 2
	MultipartTable         MultipartType = 3
	MultipartPortStats     MultipartType = 4
	MultipartQueue         MultipartType = 5
	MultipartGroup         MultipartType = 6
	MultipartGroupDesc     MultipartType = 7
	MultipartGroupFeatures MultipartType = 8
	MultipartMeter         MultipartType = 9
	MultipartMeterConfig   MultipartType = 10
	MultipartMeterFeatures MultipartType = 11
	MultipartTableFeatures MultipartType = 12
	MultipartPortDesc      MultipartType = 13
	MultipartExperimenter  MultipartType = 0xffff
)

var multipartNames = [...]string{
	"desc", "flow", "aggregate", "table", "port stats", "queue", "group", "group desc", "group features",
	"meter", "meter config", "meter features", "table features", "port desc",
}

// String returns the type's name in lower case.
func (t MultipartType) String() string {
	if t == MultipartExperimenter {
		return "experimenter"
	}
	return enumName("multipart", multipartNames[:], t)
}

// MultipartFlags are the flags of a multipart message (§7.3.5).
type MultipartFlags uint16

// MultipartMore says that more parts with the same XID follow (§7.3.5).
const MultipartMore MultipartFlags = 1 << 0

// MultipartRequest asks for statistics or descriptions (§7.3.5).
type MultipartRequest struct {
	MPType MultipartType
	Flags  MultipartFlags
	Body   MultipartRequestBody // nil for the types whose request has no body

	asSent
}

// MultipartReply answers a multipart request, whole or in parts; see
// [Reassembler] (§7.3.5).
type MultipartReply struct {
	MPType MultipartType
	Flags  MultipartFlags
	Body   MultipartReplyBody

	asSent
}

// A MultipartRequestBody is one of this package's request bodies.
type MultipartRequestBody interface {
	requestType() MultipartType
	appendRequest(dst []byte) ([]byte, error)
}

// A MultipartReplyBody is one of this package's reply bodies.
type MultipartReplyBody interface {
	replyType() MultipartType
	appendReply(dst []byte) ([]byte, error)
}

// NewMultipartRequest returns the request with the given body. For the types
// without a body, see [MultipartRequest].
func NewMultipartRequest(body MultipartRequestBody) *MultipartRequest {
	return &MultipartRequest{MPType: body.requestType(), Body: body}
}

// NewMultipartReply returns the reply with the given body.
func NewMultipartReply(body MultipartReplyBody) *MultipartReply {
	return &MultipartReply{MPType: body.replyType(), Body: body}
}

// Type implements [Message].
func (*MultipartRequest) Type() Type { return TypeMultipartRequest }

// Type implements [Message].
func (*MultipartReply) Type() Type { return TypeMultipartReply }

// parseMultipartHeader reads what both directions share.
func parseMultipartHeader(c *cursor) (t MultipartType, flags MultipartFlags) {
	p := c.take(8, "multipart header")
	if p == nil {
		return 0, 0
	}
	c.zeros(p[4:])
	return MultipartType(binary.BigEndian.Uint16(p)), MultipartFlags(binary.BigEndian.Uint16(p[2:]))
}

func appendMultipartHeader(dst []byte, t MultipartType, flags MultipartFlags) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(t))
	dst = binary.BigEndian.AppendUint16(dst, uint16(flags))
	return append(dst, 0, 0, 0, 0)
}

func parseMultipartRequest(c *cursor) Message {
	t, flags := parseMultipartHeader(c)
	m := &MultipartRequest{MPType: t, Flags: flags}
	switch t {
	case MultipartFlow:
		m.Body = parseFlowStatsRequest(c)
	case MultipartAggregate:
		m.Body = (*AggregateStatsRequest)(parseFlowStatsRequest(c))
	case MultipartPortStats:
		m.Body = &PortStatsRequest{Port: PortNo(c.paddedID())}
	case MultipartQueue:
		m.Body = parseQueueStatsRequest(c)
	case MultipartGroup:
		m.Body = &GroupStatsRequest{Group: GroupID(c.paddedID())}
	case MultipartMeter:
		m.Body = &MeterStatsRequest{Meter: MeterID(c.paddedID())}
	case MultipartMeterConfig:
		m.Body = &MeterConfigRequest{Meter: MeterID(c.paddedID())}
	case MultipartTableFeatures:
		m.Body = TableFeaturesRequest(c.tableFeatures())
	case MultipartExperimenter:
		id, expType, data := c.experimenter()
		m.Body = &ExperimenterRequest{Experimenter: id, ExpType: expType, Data: data}
	default:
		if !t.bareRequest() {
			c.fail("multipart type", HeaderLen, ErrUnknownType)
		}
	}
	return m
}

// bareRequest reports whether a request of the type has no body.
func (t MultipartType) bareRequest() bool {
	switch t {
	case MultipartDesc, MultipartTable, MultipartGroupDesc, MultipartGroupFeatures, MultipartMeterFeatures,
		MultipartPortDesc:
		return true
	}
	return false
}

// paddedID reads a request body that is one 32-bit number.
func (c *cursor) paddedID() uint32 {
	p := c.take(8, "multipart request")
	if p == nil {
		return 0
	}
	c.zeros(p[4:])
	return binary.BigEndian.Uint32(p)
}

func appendPaddedID(dst []byte, id uint32) []byte {
	return append(binary.BigEndian.AppendUint32(dst, id), 0, 0, 0, 0)
}

func (m *MultipartRequest) appendBody(dst []byte) ([]byte, error) {
	dst = appendMultipartHeader(dst, m.MPType, m.Flags)
	switch {
	case m.Body == nil && (m.MPType.bareRequest() || m.MPType == MultipartTableFeatures):
		return dst, nil
	case m.Body == nil || m.Body.requestType() != m.MPType:
		return nil, appendError("multipart request body", ErrValue)
	}
	return m.Body.appendRequest(dst)
}

func parseMultipartReply(c *cursor) Message {
	t, flags := parseMultipartHeader(c)
	m := &MultipartReply{MPType: t, Flags: flags}
	switch t {
	case MultipartFlow:
		m.Body = parseFlowStats(c)
	case MultipartAggregate:
		m.Body = parseAggregateStats(c)
	case MultipartTable:
		m.Body = parseTableStats(c)
	case MultipartPortStats:
		m.Body = parsePortStats(c)
	case MultipartPortDesc:
		m.Body = parsePortDesc(c)
	case MultipartQueue:
		m.Body = parseQueueStats(c)
	case MultipartGroup:
		m.Body = parseGroupStats(c)
	case MultipartGroupDesc:
		m.Body = parseGroupDesc(c)
	case MultipartGroupFeatures:
		m.Body = parseGroupFeatures(c)
	case MultipartMeter:
		m.Body = parseMeterStats(c)
	case MultipartMeterConfig:
		m.Body = parseMeterConfig(c)
	case MultipartMeterFeatures:
		m.Body = parseMeterFeatures(c)
	case MultipartTableFeatures:
		m.Body = TableFeaturesReply(c.tableFeatures())
	case MultipartDesc:
		m.Body = parseDesc(c)
	case MultipartExperimenter:
		id, expType, data := c.experimenter()
		m.Body = &ExperimenterReply{Experimenter: id, ExpType: expType, Data: data}
	default:
		c.fail("multipart type", HeaderLen, ErrUnknownType)
	}
	return m
}

func (m *MultipartReply) appendBody(dst []byte) ([]byte, error) {
	if m.Body == nil || m.Body.replyType() != m.MPType {
		return nil, appendError("multipart reply body", ErrValue)
	}
	return m.Body.appendReply(appendMultipartHeader(dst, m.MPType, m.Flags))
}

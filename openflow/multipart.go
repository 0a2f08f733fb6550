package openflow

import "fmt"

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
}

// MultipartReply answers a multipart request, whole or in parts; see [Reassembler] (§7.3.5).
type MultipartReply struct {
	MPType MultipartType
	Flags  MultipartFlags
	Body   MultipartReplyBody
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

// NewMultipartRequest returns the request with the given body. For the types without a body, see
// [MultipartRequest].
func NewMultipartRequest(body MultipartRequestBody) *MultipartRequest {
	return &MultipartRequest{MPType: body.requestType(), Body: body}
}

// NewMultipartReply returns the reply with the given body.
func NewMultipartReply(body MultipartReplyBody) *MultipartReply {
	return &MultipartReply{MPType: body.replyType(), Body: body}
}

// DescReply describes the switch; its strings are for people (§7.3.5.1).
type DescReply struct {
	Manufacturer string // at most 255 bytes
	Hardware     string // at most 255 bytes
	Software     string // at most 255 bytes
	SerialNum    string // at most 31 bytes
	Datapath     string // at most 255 bytes
}

// ExperimenterRequest is a multipart request of someone's own (§7.3.5.15).
type ExperimenterRequest struct {
	Experimenter uint32
	ExpType      uint32
	Data         []byte
}

// ExperimenterReply answers an experimenter multipart request (§7.3.5.15).
type ExperimenterReply struct {
	Experimenter uint32
	ExpType      uint32
	Data         []byte
}

// Type implements [Message].
func (*MultipartRequest) Type() Type { return TypeMultipartRequest }

// Type implements [Message].
func (*MultipartReply) Type() Type { return TypeMultipartReply }

var _ = fmt.Sprint

package openflow

import (
	"encoding/binary"
	"fmt"
)

const (
	// Version is the protocol version this package speaks: OpenFlow 1.3 (§7.1.1).
	Version = 4
	// HeaderLen is the length in bytes of the header that starts every message (§7.1.1).
	HeaderLen = 8
	// MaxLen is the length in bytes of the longest message: its length field has 16 bits.
	MaxLen = 0xffff
)

// A Type is the kind of a message (§7.1.1).
type Type uint8

// The message types (§7.1.1).
const (
	TypeHello                 Type = 0
	TypeError                 Type = 1
	TypeEchoRequest           Type = 2
	TypeEchoReply             Type = 3
	TypeExperimenter          Type = 4
	TypeFeaturesRequest       Type = 5
	TypeFeaturesReply         Type = 6
	TypeGetConfigRequest      Type = 7
	TypeGetConfigReply        Type = 8
	TypeSetConfig             Type = 9
	TypePacketIn              Type = 10
	TypeFlowRemoved           Type = 11
	TypePortStatus            Type = 12
	TypePacketOut             Type = 13
	TypeFlowMod               Type = 14
	TypeGroupMod              Type = 15
	TypePortMod               Type = 16
	TypeTableMod              Type = 17
	TypeMultipartRequest      Type = 18
	TypeMultipartReply        Type = 19
	TypeBarrierRequest        Type = 20
	TypeBarrierReply          Type = 21
	TypeQueueGetConfigRequest Type = 22
	TypeQueueGetConfigReply   Type = 23
	TypeRoleRequest           Type = 24
	TypeRoleReply             Type = 25
	TypeGetAsyncRequest       Type = 26
	TypeGetAsyncReply         Type = 27
	TypeSetAsync              Type = 28
	TypeMeterMod              Type = 29
)

var typeNames = [...]string{
	"hello", "error", "echo request", "echo reply", "experimenter", "features request", "features reply",
	"get config request", "get config reply", "set config", "packet-in", "flow removed", "port status",
	"packet-out", "flow mod", "group mod", "port mod", "table mod", "multipart request", "multipart reply",
	"barrier request", "barrier reply", "queue get config request", "queue get config reply",
	"role request", "role reply", "get async request", "get async reply", "set async", "meter mod",
}

// String returns the type's name in lower case.
func (t Type) String() string { return enumName("type", typeNames[:], t) }

// enumName names v, which counts from zero, or falls back to kind and number.
func enumName[T ~uint8 | ~uint16 | ~uint32](kind string, names []string, v T) string {
	if int64(v) < int64(len(names)) && names[v] != "" {
		return names[v]
	}
	return fmt.Sprintf("%s %d", kind, v)
}

// A Header starts every message (§7.1.1).
type Header struct {
	Version uint8
	Type    Type
	Length  uint16 // bytes of the whole message, header included
	XID     uint32 // pairs a reply with its request
}

// ParseHeader reads the header at the start of b. It needs only HeaderLen bytes, and fails if the
// length field counts fewer.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, &ParseError{Field: "header", Offset: len(b), Err: ErrShort}
	}
	h := Header{
		Version: b[0],
		Type:    Type(b[1]),
		Length:  binary.BigEndian.Uint16(b[2:]),
		XID:     binary.BigEndian.Uint32(b[4:]),
	}
	if h.Length < HeaderLen {
		return Header{}, &ParseError{Msg: h.Type, Field: "header length", Offset: 2, Err: ErrLength}
	}
	return h, nil
}

// A Message is one of this package's message types, always as a pointer; no other package can add one.
type Message interface {
	// Type returns the type that the message's header carries.
	Type() Type
	// appendBody appends everything after the header.
	appendBody(dst []byte) ([]byte, error)
}

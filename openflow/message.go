package openflow

import (
	"encoding/binary"
	"fmt"
)

const (
	// Version is the protocol version this package speaks: OpenFlow 1.3
	// (§7.1.1).
	Version = 4
	// HeaderLen is the length in bytes of the header that starts every message
	// (§7.1.1).
	HeaderLen = 8
	// MaxLen is the length in bytes of the longest message: its length field
	// has 16 bits.
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

// ParseHeader reads the header at the start of b. It needs only HeaderLen
// bytes, and fails if the length field counts fewer.
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

// A Message is one of this package's message types, always as a pointer; no
// other package can add one.
type Message interface {
	// Type returns the type that the message's header carries.
	Type() Type
	// appendBody appends everything after the header.
	appendBody(dst []byte) ([]byte, error)
}

// Parse reads one whole message: b must be exactly as long as its header says.
// The header is returned even when the rest cannot be read, so that the sender
// can be told; the error is a *[ParseError].
//
// Hello and error messages are read in any version, because they are how
// versions are negotiated; every other message must be of Version.
//
// Whatever Parse accepts, Append writes again byte for byte, as long as no
// field was changed: what no field shows, such as padding that is not zero, is
// kept out of sight.
func Parse(b []byte) (Header, Message, error) { return parse(b, nil) }

// parse does as Parse, in the memory of p unless p is nil.
func parse(b []byte, p *Parser) (Header, Message, error) {
	h, err := ParseHeader(b)
	if err != nil {
		return h, nil, err
	}
	if m := quickPacketIn(h, b); m != nil {
		return h, m, nil
	}
	c := cursor{b: b, off: HeaderLen, end: len(b), typ: h.Type, parser: p}
	switch {
	case len(b) < int(h.Length):
		c.fail("message", len(b), ErrShort)
	case len(b) > int(h.Length):
		c.fail("message", int(h.Length), ErrLength)
	case h.Version != Version && h.Type != TypeHello && h.Type != TypeError:
		c.fail("version", 0, ErrVersion)
	}
	if c.err != nil {
		return h, nil, c.err
	}
	m := parseBody(&c, h.Version)
	if c.more() {
		c.fail("end of message", c.off, ErrLength)
	}
	if c.err != nil {
		return h, nil, c.err
	}
	if c.odd != 0 || h.Version != Version {
		keepOriginal(m, b)
	}
	return h, m, nil
}

// parseBody reads what follows the header. The types of every packet and flow
// come first.
func parseBody(c *cursor, version uint8) Message {
	switch c.typ {
	case TypePacketIn:
		return parsePacketIn(c)
	case TypeFlowMod:
		return parseFlowMod(c)
	case TypePacketOut:
		return parsePacketOut(c)
	case TypeFlowRemoved:
		return parseFlowRemoved(c)
	case TypeMultipartReply:
		return parseMultipartReply(c)
	case TypeMultipartRequest:
		return parseMultipartRequest(c)
	case TypeBarrierRequest:
		return &BarrierRequest{}
	case TypeBarrierReply:
		return &BarrierReply{}
	case TypeEchoRequest:
		return &EchoRequest{Data: c.rest()}
	case TypeEchoReply:
		return &EchoReply{Data: c.rest()}
	case TypePortStatus:
		return parsePortStatus(c)
	case TypeError:
		return parseError(c)
	case TypeHello:
		return parseHello(c, version)
	}
	return parseRare(c)
}

// parseRare reads the messages of which a connection sees few.
func parseRare(c *cursor) Message {
	switch c.typ {
	case TypeExperimenter:
		id, expType, data := c.experimenter()
		return &Experimenter{Experimenter: id, ExpType: expType, Data: data}
	case TypeFeaturesRequest:
		return &FeaturesRequest{}
	case TypeFeaturesReply:
		return parseFeaturesReply(c)
	case TypeGetConfigRequest:
		return &GetConfigRequest{}
	case TypeGetConfigReply:
		flags, n := parseConfig(c)
		return &GetConfigReply{Flags: flags, MissSendLen: n}
	case TypeSetConfig:
		flags, n := parseConfig(c)
		return &SetConfig{Flags: flags, MissSendLen: n}
	case TypeGroupMod:
		return parseGroupMod(c)
	case TypePortMod:
		return parsePortMod(c)
	case TypeTableMod:
		return parseTableMod(c)
	case TypeQueueGetConfigRequest:
		return parseQueueGetConfigRequest(c)
	case TypeQueueGetConfigReply:
		return parseQueueGetConfigReply(c)
	case TypeRoleRequest:
		role, generation := parseRole(c)
		return &RoleRequest{Role: role, GenerationID: generation}
	case TypeRoleReply:
		role, generation := parseRole(c)
		return &RoleReply{Role: role, GenerationID: generation}
	case TypeGetAsyncRequest:
		return &GetAsyncRequest{}
	case TypeGetAsyncReply:
		return &GetAsyncReply{parseAsync(c)}
	case TypeSetAsync:
		return &SetAsync{parseAsync(c)}
	case TypeMeterMod:
		return parseMeterMod(c)
	}
	c.fail("type", 1, ErrUnknownType)
	return nil
}

// Append appends m to dst as one whole message of Version. It fails, and
// returns dst as it was, if m does not fit MaxLen or holds something that
// OpenFlow 1.3 cannot say. A message that came from [Parse] and was not changed
// since is written as it was read, but for its XID.
func Append(dst []byte, xid uint32, m Message) ([]byte, error) {
	start := len(dst)
	if m, ok := m.(*FlowMod); ok && m.kept == nil { // by far the most are flow mods: spare them the detours
		out, err := m.appendBody(appendHeader(dst, TypeFlowMod, xid))
		if err == nil {
			err = putLength(out, start, 2, "message")
		}
		if err != nil {
			return dst, err
		}
		return out, nil
	}
	out, err := m.appendBody(appendHeader(dst, m.Type(), xid))
	if err == nil {
		err = putLength(out, start, 2, "message")
	}
	if err != nil {
		return dst, err
	}
	if k, ok := m.(keeper); ok && k.original() != nil {
		out = k.original().restore(out, start, xid)
	}
	return out, nil
}

// appendHeader appends a header that lacks its length.
func appendHeader(dst []byte, t Type, xid uint32) []byte {
	return binary.BigEndian.AppendUint64(dst, Version<<56|uint64(t)<<48|uint64(xid))
}

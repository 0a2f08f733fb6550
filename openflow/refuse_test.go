package openflow

import (
	"encoding/binary"
	"errors"
	"testing"
)

// refusals damage one byte of a message of wire_test.go, or cut it where at is
// negative, and say what Parse must find wrong, where, and why.
var refusals = []struct {
	name   string
	at     int // which byte becomes v; -n: the message is cut to n bytes, with a header that says so
	v      byte
	field  string
	offset int
	err    error
}{
	{"hello", 11, 3, "hello element length", 10, ErrLength},
	{"hello", 11, 9, "hello element", 8, ErrShort},
	{"hello", 11, 6, "version bitmap length", 10, ErrLength},
	{"hello of two words", -20, 0, "hello element padding", 20, ErrShort},
	{"error", -11, 0, "error", 8, ErrShort},
	{"error of an experimenter", -15, 0, "error experimenter", 12, ErrShort},
	{"experimenter", -15, 0, "experimenter", 8, ErrShort},
	{"features reply", -31, 0, "features", 8, ErrShort},
	{"features reply", 1, byte(TypeFeaturesRequest), "end of message", 8, ErrLength},
	{"get config reply", -11, 0, "switch configuration", 8, ErrShort},
	{"table mod", -15, 0, "table mod", 8, ErrShort},
	{"role request", -23, 0, "role", 8, ErrShort},
	{"set async", -31, 0, "asynchronous configuration", 8, ErrShort},
	{"barrier request", 0, 5, "version", 0, ErrVersion},
	{"barrier request", 1, 30, "type", 1, ErrUnknownType},
	{"queue get config request", -12, 0, "queue get config request", 8, ErrShort},
	{"queue get config reply", 25, 15, "queue length", 24, ErrLength},
	{"queue get config reply", 25, 0x39, "queue", 16, ErrShort},
	{"queue get config reply", 35, 7, "queue property length", 34, ErrLength},
	{"queue get config reply", 35, 15, "queue rate", 40, ErrShort},
	{"queue get config reply", 35, 0x29, "queue property", 32, ErrShort},

	{"packet-in", 25, 0, "match type", 24, ErrUnknownType},
	{"packet-in", 27, 3, "match length", 26, ErrLength},
	{"packet-in", 27, 0xff, "match", 24, ErrShort},
	{"packet-in", 31, 5, "match field", 28, ErrShort},
	{"packet-in", 31, 2, "match field", 34, ErrShort},
	{"packet-in", 30, 1, "match field length", 31, ErrLength},
	{"packet-in", -41, 0, "packet-in padding", 40, ErrShort},
	{"packet-out", 17, 18, "packet-out actions length", 16, ErrLength},
	{"packet-out", 27, 0, "action length", 26, ErrLength},
	{"packet-out", 27, 8, "action length", 34, ErrLength},
	{"packet-out", 27, 24, "action", 24, ErrShort},
	{"packet-out", 25, byte(ActionPopVLAN), "action length", 26, ErrLength},
	{"port status", -79, 0, "port", 16, ErrShort},
	{"port mod", -39, 0, "port mod", 8, ErrShort},
	{"flow removed", -47, 0, "flow removed", 8, ErrShort},
	{"flow removed", -50, 0, "match", 48, ErrShort},

	{"flow mod", -47, 0, "flow mod", 8, ErrShort},
	{"flow mod", -52, 0, "match padding", 52, ErrShort},
	{"match on layers 1 and 2", 55, 0xff, "match field", 52, ErrShort},
	{"match on ARP", 54, byte(FieldARPOp)<<1 | 1, "match field length", 55, ErrLength},
	{"instructions", 59, 4, "instruction length", 58, ErrLength},
	{"instructions", 59, 12, "instruction length", 58, ErrLength},
	{"instructions", 97, byte(InstructionGotoTable), "instruction length", 98, ErrLength},
	{"instructions", 123, 16, "instruction", 120, ErrShort},
	{"set field", 67, 24, "action length", 90, ErrLength},
	{"set field", 70, byte(FieldIPDSCP)<<1 | 1, "match field length", 71, ErrLength},
	{"set field", 71, 200, "match field", 68, ErrShort},

	{"group mod", 17, 15, "bucket length", 16, ErrLength},
	{"group mod", 17, 0xff, "bucket", 16, ErrShort},
	{"group mod", -12, 0, "group mod", 8, ErrShort},
	{"meter mod", 19, 11, "meter band length", 18, ErrLength},
	{"meter mod", 19, 12, "meter band", 28, ErrShort},
	{"meter mod", 19, 20, "meter band length", 32, ErrLength},
	{"meter mod", 19, 0x7f, "meter band", 16, ErrShort},

	{"flow request", -40, 0, "flow stats request", 16, ErrShort},
	{"desc request", 9, 99, "multipart type", 8, ErrUnknownType},
	{"desc request", -15, 0, "multipart header", 8, ErrShort},
	{"port request", -20, 0, "multipart request", 16, ErrShort},
	{"queue request", -20, 0, "queue stats request", 16, ErrShort},
	{"desc reply", -1071, 0, "description", 16, ErrShort},
	{"desc reply", 8, 1, "multipart type", 8, ErrUnknownType},
	{"flow reply", 17, 0x37, "flow stats length", 16, ErrLength},
	{"flow reply", 17, 0x49, "flow stats", 16, ErrShort},
	{"aggregate reply", -39, 0, "aggregate stats", 16, ErrShort},
	{"table reply", -39, 0, "table stats", 16, ErrShort},
	{"port reply", -127, 0, "port stats", 16, ErrShort},
	{"queue reply", -55, 0, "queue stats", 16, ErrShort},
	{"group reply", 17, 0x27, "group stats length", 16, ErrLength},
	{"group reply", 17, 0x37, "bucket counter", 56, ErrShort},
	{"group desc reply", 17, 7, "group description length", 16, ErrLength},
	{"group features reply", -55, 0, "group features", 16, ErrShort},
	{"meter reply", 21, 0x27, "meter stats length", 20, ErrLength},
	{"meter reply", 21, 0x37, "band counter", 56, ErrShort},
	{"meter config reply", 17, 7, "meter configuration length", 16, ErrLength},
	{"meter features reply", -31, 0, "meter features", 16, ErrShort},
	{"port desc reply", -79, 0, "port", 16, ErrShort},
	{"experimenter reply", -23, 0, "experimenter", 16, ErrShort},

	{"table features without properties", 17, 0x3f, "table features length", 16, ErrLength},
	{"instruction and table IDs", 83, 3, "table property length", 82, ErrLength},
	{"instruction and table IDs", 87, 3, "instruction ID length", 86, ErrLength},
	{"instruction and table IDs", 87, 9, "instruction ID", 84, ErrShort},
	{"action IDs", 91, 4, "action ID length", 90, ErrLength},
	{"action IDs", 91, 9, "action ID", 88, ErrShort},
	{"field IDs", 83, 14, "match field ID", 92, ErrShort},
	{"field IDs", 83, 10, "match field ID", 88, ErrShort},
}

func TestRefusals(t *testing.T) {
	cases := map[string][]byte{}
	for _, c := range allWireCases() {
		cases[c.name] = hexBytes(t, c.hex)
	}
	for _, r := range refusals {
		b := append([]byte(nil), cases[r.name]...)
		if r.at < 0 {
			b = b[:-r.at]
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		} else {
			b[r.at] = r.v
		}
		_, m, err := Parse(b)
		var pe *ParseError
		if m != nil || !errors.As(err, &pe) {
			t.Errorf("%s, byte %d: %+v, %v, want a ParseError", r.name, r.at, m, err)
			continue
		}
		if want := (ParseError{Type(b[1]), r.field, r.offset, r.err}); *pe != want {
			t.Errorf("%s, byte %d: %+v, want %+v", r.name, r.at, *pe, want)
		}
	}
}

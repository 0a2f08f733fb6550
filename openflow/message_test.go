package openflow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A sample is a message that every general test goes over. The families' test
// files hold them.
type sample struct {
	name string
	m    Message
}

func allSamples() []sample {
	return slices.Concat(
		helloSamples, errorSamples, echoSamples, switchSamples, packetSamples, flowSamples, portSamples,
		groupSamples, meterSamples, queueSamples, roleSamples, multipartSamples, flowStatsSamples,
		portStatsSamples, tableSamples, groupStatsSamples, meterStatsSamples, bundleSamples(),
	)
}

func mustAppend(t testing.TB, xid uint32, m Message) []byte {
	t.Helper()
	b, err := Append(nil, xid, m)
	if err != nil {
		t.Fatalf("Append(%#v): %v", m, err)
	}
	return b
}

func TestSamplesCoverEveryType(t *testing.T) {
	seen := map[Type]bool{}
	for _, s := range allSamples() {
		seen[s.m.Type()] = true
	}
	for typ := TypeHello; typ <= TypeMeterMod; typ++ {
		if !seen[typ] {
			t.Errorf("no sample of type %v", typ)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, s := range allSamples() {
		t.Run(s.name, func(t *testing.T) {
			const xid = 0xdeadbeef
			b := mustAppend(t, xid, s.m)
			h, m, err := Parse(b)
			if err != nil {
				t.Fatalf("Parse: %v\n%x", err, b)
			}
			want := Header{Version: Version, Type: s.m.Type(), Length: uint16(len(b)), XID: xid}
			if h != want {
				t.Errorf("header = %+v, want %+v", h, want)
			}
			if !reflect.DeepEqual(m, s.m) {
				t.Errorf("parsed %+v\nwant   %+v", m, s.m)
			}
			if again := mustAppend(t, xid, m); !bytes.Equal(again, b) {
				t.Errorf("second encoding\n%x differs from\n%x", again, b)
			}
		})
	}
}

// TestAppendKeepsPrefix appends behind bytes of an odd length: paddings count
// from the message's start.
func TestAppendKeepsPrefix(t *testing.T) {
	for _, s := range allSamples() {
		plain := mustAppend(t, 1, s.m)
		got, err := Append([]byte("abc"), 1, s.m)
		if err != nil || !bytes.Equal(got[:3], []byte("abc")) || !bytes.Equal(got[3:], plain) {
			t.Errorf("%s: behind a prefix: %x, %v\nwant %x", s.name, got, err, plain)
		}
	}
}

// everyWire returns the bytes of every sample, every recorded message, every
// foreign one and every one written down by hand.
func everyWire(t testing.TB) []golden {
	all := readGolden(t)
	for _, s := range allSamples() {
		all = append(all, golden{s.name, mustAppend(t, 1, s.m)})
	}
	for _, f := range foreign {
		all = append(all, golden{f.name, hexBytes(t, f.hex)})
	}
	for _, c := range allWireCases() {
		all = append(all, golden{c.name, hexBytes(t, c.hex)})
	}
	return all
}

// TestPrefixFails cuts every message short at every byte: first as it would
// look on a broken stream, then with the length in the header made true, so
// that only the inner lengths can tell.
func TestPrefixFails(t *testing.T) {
	for _, s := range everyWire(t) {
		b := s.b
		for n := range b {
			if _, m, err := Parse(b[:n:n]); err == nil || m != nil {
				t.Fatalf("%s: prefix of %d of %d bytes: %v, %v", s.name, n, len(b), m, err)
			}
			if n < HeaderLen {
				continue
			}
			cut := bytes.Clone(b[:n])
			binary.BigEndian.PutUint16(cut[2:], uint16(n))
			_, m, err := Parse(cut)
			if err == nil {
				checkSame(t, cut, m)
				continue
			}
			var pe *ParseError
			if m != nil || !errors.As(err, &pe) || pe.Offset > n || pe.Field == "" {
				t.Fatalf("%s: cut to %d bytes: %v, %#v", s.name, n, m, err)
			}
		}
	}
}

// checkAppends demands that m survives being appended and parsed.
func checkAppends(t testing.TB, m Message) {
	t.Helper()
	_, again, err := Parse(mustAppend(t, 1, m))
	if err != nil || !reflect.DeepEqual(m, again) {
		t.Fatalf("appended and parsed: %v\n%#v\n%#v", err, m, again)
	}
}

// checkSame demands that m, which was parsed from b, is appended as b again,
// and that what is appended parses as the same.
func checkSame(t testing.TB, b []byte, m Message) {
	t.Helper()
	again, err := Append(nil, binary.BigEndian.Uint32(b[4:]), m)
	if err != nil {
		t.Fatalf("parsed, but cannot be appended: %v\n%#v", err, m)
	}
	if !bytes.Equal(again, b) {
		t.Fatalf("comes back as\n%x, was\n%x\n%#v", again, b, m)
	}
	if _, twice, err := Parse(again); err != nil || !reflect.DeepEqual(m, twice) {
		t.Fatalf("second parse differs: %v\n%#v\n%#v", err, m, twice)
	}
}

// TestDamage overwrites and shortens good messages. Nothing may panic, and what
// still parses must come back as it was.
func TestDamage(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, s := range everyWire(t) {
		for range 300 {
			b := bytes.Clone(s.b)
			for range 1 + rnd.IntN(3) {
				b[rnd.IntN(len(b))] = byte(rnd.Uint32())
			}
			b = b[:HeaderLen+rnd.IntN(len(b)-HeaderLen+1)]
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
			if _, m, err := Parse(b); err == nil {
				checkSame(t, b, m)
			}
		}
	}
}

func TestRandomBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 50_000 {
		b := make([]byte, HeaderLen+rnd.IntN(96))
		for i := range b {
			b[i] = byte(rnd.IntN(1 << rnd.IntN(9))) // small numbers reach further
		}
		b[0], b[1] = Version, byte(rnd.IntN(32))
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		if _, m, err := Parse(b); err == nil {
			checkSame(t, b, m)
		}
	}
}

// TestParseDoesNotAlias overwrites the read buffer after parsing, as a
// connection does.
func TestParseDoesNotAlias(t *testing.T) {
	for _, s := range allSamples() {
		b := mustAppend(t, 1, s.m)
		_, m, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b {
			b[i] = 0xa5
		}
		if !reflect.DeepEqual(m, s.m) {
			t.Errorf("%s: changed with the buffer", s.name)
		}
	}
}

func TestParseHeader(t *testing.T) {
	h, err := ParseHeader([]byte{5, 3, 0, 12, 1, 2, 3, 4})
	if want := (Header{Version: 5, Type: TypeEchoReply, Length: 12, XID: 0x01020304}); err != nil || h != want {
		t.Errorf("ParseHeader = %+v, %v, want %+v", h, err, want)
	}
	if _, err := ParseHeader([]byte{4, 0, 0, 7, 0, 0, 0, 0}); !errors.Is(err, ErrLength) {
		t.Errorf("length below 8: %v, want ErrLength", err)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name  string
		b     []byte
		field string
		err   error
	}{
		{"version", []byte{1, 20, 0, 8, 0, 0, 0, 1}, "version", ErrVersion},
		{"type", []byte{4, 30, 0, 8, 0, 0, 0, 1}, "type", ErrUnknownType},
		{"more than its length", []byte{4, 20, 0, 8, 0, 0, 0, 1, 0}, "message", ErrLength},
		{"less than its length", []byte{4, 20, 0, 9, 0, 0, 0, 1}, "message", ErrShort},
		{"barrier with a body", []byte{4, 20, 0, 9, 0, 0, 0, 1, 0}, "end of message", ErrLength},
		{"unknown multipart", []byte{4, 18, 0, 16, 0, 0, 0, 1, 0, 99, 0, 0, 0, 0, 0, 0}, "multipart type", ErrUnknownType},
	}
	for _, test := range tests {
		h, m, err := Parse(test.b)
		var pe *ParseError
		if m != nil || !errors.As(err, &pe) || pe.Field != test.field || !errors.Is(err, test.err) {
			t.Errorf("%s: %v, %v, want %s: %v", test.name, m, err, test.field, test.err)
		}
		if h.XID != 1 {
			t.Errorf("%s: header %+v is lost", test.name, h)
		}
	}
}

func TestAppendRefusesTooLong(t *testing.T) {
	dst := []byte("kept")
	for _, m := range []Message{
		&EchoRequest{Data: make([]byte, MaxLen-HeaderLen+1)},
		&PacketOut{Actions: make([]Action, MaxLen/16+1)},
		&FlowMod{Match: slices.Repeat(Match{InPort(1)}, MaxLen/8)},
		&FlowMod{Instructions: []Instruction{ApplyActions(make([]Action, MaxLen/16+1)...)}},
	} {
		out, err := Append(dst, 1, m)
		if !errors.Is(err, ErrLength) || string(out) != "kept" {
			t.Errorf("%v: %d bytes, %v, want ErrLength", m.Type(), len(out), err)
		}
	}
	if _, err := Append(nil, 1, &EchoRequest{Data: make([]byte, MaxLen-HeaderLen)}); err != nil {
		t.Errorf("the longest message: %v", err)
	}
}

func TestTypeNames(t *testing.T) {
	for typ := TypeHello; typ <= TypeMeterMod; typ++ {
		if name := typ.String(); strings.HasPrefix(name, "type ") {
			t.Errorf("type %d has no name", uint8(typ))
		}
	}
	for _, test := range []struct {
		v    fmt.Stringer
		want string
	}{
		{Type(77), "type 77"},
		{TypePacketIn, "packet-in"},
		{MultipartPortDesc, "port desc"},
		{MultipartExperimenter, "experimenter"},
		{MultipartType(77), "multipart 77"},
		{PacketInInvalidTTL, "invalid TTL"},
		{PortModified, "modified"},
		{FlowRemovedGroupDelete, "group delete"},
		{RoleSlave, "slave"},
		{GroupTypeFF, "fast failover"},
		{GroupType(9), "group type 9"},
		{FlowDeleteStrict, "DEL_STRICT"},
		{FlowModFlags(0x8001), "send_flow_rem 0x8000"},
		{FieldIPv6NDTarget, "ipv6_nd_target"},
		{Field(99), "field 99"},
	} {
		if got := test.v.String(); got != test.want {
			t.Errorf("%#v is %q, want %q", test.v, got, test.want)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	_, _, err := Parse([]byte{4, 14, 0, 9, 0, 0, 0, 1, 0})
	if want := "openflow: flow mod: flow mod at byte 8: truncated"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	err = Match{TCPDst(1)}.Check()
	if want := "openflow: match on tcp_dst: field lacks its prerequisite"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

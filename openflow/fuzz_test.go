package openflow

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"
)

// FuzzParse demands of any bytes that Parse does not panic, that it leaves them
// as they are, and that what it accepts Append writes again, byte for byte.
func FuzzParse(f *testing.F) {
	for _, s := range everyWire(f) {
		if len(s.b) < 300 {
			f.Add(s.b)
		}
	}
	var p Parser
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= HeaderLen && len(b) <= MaxLen {
			binary.BigEndian.PutUint16(b[2:], uint16(len(b))) // or hardly any input would get past the header
		}
		before := bytes.Clone(b)
		h, m, err := Parse(b)
		h2, m2, err2 := p.Parse(b)
		if !bytes.Equal(b, before) {
			t.Fatal("Parse changed its input")
		}
		if h != h2 || !reflect.DeepEqual(m, m2) || !reflect.DeepEqual(err, err2) {
			t.Fatalf("a Parser reads %v, %+v, %v instead of %v, %+v, %v", h2, m2, err2, h, m, err)
		}
		if err != nil {
			if m != nil {
				t.Fatalf("%v with an error: %v", m, err)
			}
			return
		}
		if m.Type() != h.Type {
			t.Fatalf("%v from a header of %v", m.Type(), h.Type)
		}
		checkSame(t, b, m)
		exercise(m)
	})
}

// exercise calls what reads a message, none of which may panic either.
func exercise(m Message) {
	switch m := m.(type) {
	case *FlowMod:
		_ = m.String()
		_ = m.Match.Check()
		_ = m.Match.Key()
		for _, o := range m.Match {
			o.Value()
			o.Mask()
			o.Uint64()
			o.Mask64()
			o.MAC()
			o.MACMask()
			o.Addr()
			o.Prefix()
		}
	case *PacketIn:
		m.InPort()
	case *Error:
		_ = m.Error()
	case *Experimenter:
		m.BundleAdd()
		m.BundleControl()
	case *Hello:
		m.Supports(Version, Version)
	case *MultipartReply:
		if flows, ok := m.Body.(FlowStatsReply); ok {
			for _, f := range flows {
				_ = f.String()
			}
		}
	}
}

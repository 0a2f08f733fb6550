package openflow

import (
	"bytes"
	"errors"
	"testing"
)

var packetSamples = []sample{
	{"packet-in", &PacketIn{
		BufferID: NoBuffer, TotalLen: 60, Reason: PacketInAction, Table: 3, Cookie: 0xc06a000000000001,
		Match: Match{InPort(7)}, Data: bytes.Repeat([]byte{0xab}, 60),
	}},
	{"packet-in without data", &PacketIn{BufferID: 5, TotalLen: 1500, Match: Match{InPort(PortLocal)}}},
	{"packet-in with an empty match", &PacketIn{BufferID: NoBuffer, Data: []byte{1}}},
	{"packet-in from a tunnel", &PacketIn{
		BufferID: NoBuffer, TotalLen: 3, Reason: PacketInInvalidTTL,
		Match: Match{InPort(1), InPhyPort(2), Metadata(5, ^uint64(0)), TunnelID(99, ^uint64(0))},
		Data:  []byte{1, 2, 3},
	}},
	{"packet-in of 100 bytes", &PacketIn{Match: Match{InPort(1)}, Data: make([]byte, 100)}},
	{"packet-in of 500 bytes", &PacketIn{Match: Match{InPort(1)}, Data: make([]byte, 500)}},
	{"packet-in of 1514 bytes", &PacketIn{Match: Match{InPort(1)}, Data: make([]byte, 1514)}},
	{"packet-in of 9018 bytes", &PacketIn{Match: Match{InPort(1)}, Data: make([]byte, 9018)}},
	{"packet-out", &PacketOut{
		BufferID: NoBuffer, InPort: PortController, Actions: []Action{Output(PortFlood, 0)},
		Data: bytes.Repeat([]byte{0xcd}, 60),
	}},
	{"packet-out of a buffer", &PacketOut{BufferID: 77, InPort: 3, Actions: []Action{SetQueue(1), Output(4, 0)}}},
	{"packet-out that drops", &PacketOut{BufferID: 77, InPort: 3}},
}

func TestPacketInInPort(t *testing.T) {
	m := &PacketIn{Match: Match{Metadata(1, 1), InPort(9)}}
	if p, ok := m.InPort(); !ok || p != 9 {
		t.Errorf("InPort = %v, %t, want 9", p, ok)
	}
	if p, ok := new(PacketIn).InPort(); ok {
		t.Errorf("InPort of an empty match = %v", p)
	}
}

// TestPacketInMatchLength gives the match every other length: it is read ahead
// of the match to size the data. A length of 4 is an empty match, with the rest
// as padding and data.
func TestPacketInMatchLength(t *testing.T) {
	good := mustAppend(t, 1, &PacketIn{Match: Match{InPort(1)}, Data: []byte{1, 2}})
	for n := range 0x10000 {
		b := bytes.Clone(good)
		b[26], b[27] = byte(n>>8), byte(n)
		if _, m, err := Parse(b); (err == nil) != (n == 12 || n == 4) {
			t.Fatalf("match length %d: %v, %v", n, m, err)
		}
	}
}

func TestPacketOutActionsLength(t *testing.T) {
	b := mustAppend(t, 1, &PacketOut{Actions: []Action{Output(1, 0)}})
	b[17] = 17
	if _, _, err := Parse(b); !errors.Is(err, ErrLength) {
		t.Errorf("actions longer than the message: %v, want ErrLength", err)
	}
	b[17] = 12
	if _, _, err := Parse(b); !errors.Is(err, ErrShort) {
		t.Errorf("actions cut short: %v, want ErrShort", err)
	}
}

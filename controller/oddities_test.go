package controller

import (
	"encoding/binary"
	"net"
	"slices"
	"testing"

	"conga/openflow"
	"conga/openflow/ofswitch"
)

// oddly is a controller's end of a connection to a switch that says other
// messages than an emulated one does.
type oddly struct {
	net.Conn
	says func(m []byte) [][]byte // in place of a message

	part []byte // of a message that has not arrived whole
	out  []byte // to be read next
}

// Read implements net.Conn.
func (c *oddly) Read(b []byte) (int, error) {
	for len(c.out) == 0 {
		buf := make([]byte, 4096)
		n, err := c.Conn.Read(buf)
		if err != nil {
			return 0, err
		}
		c.part = append(c.part, buf[:n]...)
		for len(c.part) >= openflow.HeaderLen {
			length := int(binary.BigEndian.Uint16(c.part[2:]))
			if len(c.part) < length {
				break
			}
			c.out = append(c.out, slices.Concat(c.says(slices.Clone(c.part[:length]))...)...)
			c.part = c.part[length:]
		}
	}
	n := copy(b, c.out)
	c.out = c.out[n:]
	return n, nil
}

// Offsets and flags of messages (OpenFlow 1.3.5).
const (
	atType       = 1
	atXID        = 4
	atPartType   = openflow.HeaderLen
	atPartFlags  = openflow.HeaderLen + 2
	partHeader   = openflow.HeaderLen + 8
	moreParts    = 1
	portLen      = 64
	firstErrData = openflow.HeaderLen + 4
)

func typeOf(m []byte) openflow.Type { return openflow.Type(m[atType]) }

func partTypeOf(m []byte) openflow.MultipartType {
	return openflow.MultipartType(binary.BigEndian.Uint16(m[atPartType:]))
}

// wholes are the answers that are no lists, and have one part.
var wholes = []openflow.MultipartType{
	openflow.MultipartDesc, openflow.MultipartAggregate, openflow.MultipartGroupFeatures, openflow.MultipartMeterFeatures,
}

// sized returns a message with its length in its header.
func sized(m []byte) []byte {
	binary.BigEndian.PutUint16(m[2:], uint16(len(m)))
	return m
}

// partOf returns an empty part of the answer that m is a part of.
func partOf(m []byte) []byte {
	empty := sized(slices.Clone(m[:partHeader]))
	empty[atPartFlags+1] |= moreParts
	return empty
}

// singly returns parts with an element each in place of one with a list.
func singly(m []byte) (parts [][]byte) {
	rest, more := m[partHeader:], m[atPartFlags+1]
	for len(rest) > 0 {
		length := portLen
		switch partTypeOf(m) {
		case openflow.MultipartFlow, openflow.MultipartMeterConfig, openflow.MultipartGroupDesc:
			length = int(binary.BigEndian.Uint16(rest))
		case openflow.MultipartPortDesc:
		default:
			return [][]byte{m}
		}
		part := sized(slices.Concat(m[:partHeader], rest[:length]))
		part[atPartFlags+1] |= moreParts
		parts, rest = append(parts, part), rest[length:]
	}
	if len(parts) == 0 {
		return [][]byte{m}
	}
	parts[len(parts)-1][atPartFlags+1] = more
	return parts
}

// unasked returns a message of the switch's own, whose transaction is that of
// another message.
func unasked(m []byte, own openflow.Message) []byte {
	b, err := openflow.Append(nil, binary.BigEndian.Uint32(m[atXID:]), own)
	if err != nil {
		panic(err)
	}
	return b
}

// oddity is what a switch says otherwise than Open vSwitch, and may say, or
// says though it may not.
type oddity struct {
	name string
	says func(m []byte) [][]byte
}

var oddities = []oddity{
	{"empty parts of answers, before each and at the end", func(m []byte) [][]byte {
		if typeOf(m) != openflow.TypeMultipartReply || slices.Contains(wholes, partTypeOf(m)) {
			return [][]byte{m}
		}
		last := sized(slices.Clone(m[:partHeader]))
		m[atPartFlags+1] |= moreParts
		return [][]byte{partOf(m), partOf(m), m, last}
	}},
	{"lists in parts of one each", func(m []byte) [][]byte {
		if typeOf(m) != openflow.TypeMultipartReply {
			return [][]byte{m}
		}
		return singly(m)
	}},
	{"each port twice", func(m []byte) [][]byte {
		if typeOf(m) == openflow.TypeMultipartReply && partTypeOf(m) == openflow.MultipartPortDesc {
			m = sized(append(m, m[partHeader:]...))
		}
		return [][]byte{m}
	}},
	{"a hello without a list of versions", func(m []byte) [][]byte {
		if typeOf(m) == openflow.TypeHello {
			m = sized(m[:openflow.HeaderLen])
		}
		return [][]byte{m}
	}},
	{"a hello with elements that are not known", func(m []byte) [][]byte {
		if typeOf(m) == openflow.TypeHello {
			m = sized(append(m[:openflow.HeaderLen], 0, 9, 0, 6, 1, 2, 0, 0))
		}
		return [][]byte{m}
	}},
	{"requests with the transactions of ours", func(m []byte) [][]byte {
		return [][]byte{m, unasked(m, &openflow.EchoRequest{Data: make([]byte, 8)})}
	}},
	{"echoes of 60,000 bytes", func(m []byte) [][]byte {
		if typeOf(m) != openflow.TypeBarrierReply {
			return [][]byte{m}
		}
		return [][]byte{m, unasked(m, &openflow.EchoRequest{Data: make([]byte, 60_000)})}
	}},
	{"every message about a port 100 times", func(m []byte) [][]byte {
		if typeOf(m) != openflow.TypePortStatus {
			return [][]byte{m}
		}
		return slices.Repeat([][]byte{m}, 100)
	}},
	{"errors without what they are about", func(m []byte) [][]byte {
		if typeOf(m) == openflow.TypeError {
			m = sized(m[:firstErrData])
		}
		return [][]byte{m}
	}},
	{"errors of a maker's own", func(m []byte) [][]byte {
		if typeOf(m) == openflow.TypeError {
			m = slices.Concat(m[:openflow.HeaderLen], []byte{0xff, 0xff, 0, 7, 0, 0x4f, 0x4f, 0x4f}, m[firstErrData:])
		}
		return [][]byte{sized(m)}
	}},
	{"messages of a maker's own", func(m []byte) [][]byte {
		return [][]byte{m, unasked(m, &openflow.Experimenter{Experimenter: 0x4f4f4f, Data: make([]byte, 8)})}
	}},
}

// TestOddities has rings of switches that say something odd forward, carry
// allocations, and be left alone at a reconnection and a restart.
func TestOddities(t *testing.T) {
	for _, o := range oddities {
		t.Run(o.name, func(t *testing.T) {
			k := &keeper{}
			build := func(c ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Ring(3, c) }
			inBubble(t, build, Config{SavedNetwork: k}, func(l *lab) { inhabited(l, habit{name: o.name}, k) },
				func(p *pipes) { p.wrap = func(c net.Conn) net.Conn { return &oddly{Conn: c, says: o.says} } })
		})
	}
}

// Switches number their ports as they like.
func TestHighPorts(t *testing.T) {
	for above, says := range map[openflow.PortNo][]string{
		1000: nil, 65_000: nil,
		openflow.PortMax - 5: {"It has ports with numbers above 16,777,214, so all best effort that leaves by ports with reservations is held to the least that one of them has left."},
	} {
		k := &keeper{}
		build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
			c.Ports, c.Switch.MaxPort = above, openflow.PortMax
			return ofswitch.Ring(3, c)
		}
		inBubble(t, build, Config{SavedNetwork: k}, func(l *lab) { inhabited(l, habit{says: says}, k) })
	}
}

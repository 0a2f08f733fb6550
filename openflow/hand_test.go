package openflow

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// A handFlow is what varies in the flow mod of the benchmarks.
type handFlow struct {
	cookie     uint64
	inPort     uint32
	src, dst   [4]byte
	srcPort    uint16
	dstPort    uint16
	dscp       uint8
	queue, out uint32
	priority   uint16
}

var benchHand = handFlow{
	0xc06a000000000001, 1, [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, 40000, 5001, 46, 1, 2, 1000,
}

// append appends the flow mod as someone would who writes nothing but this one message: it is what Append
// is measured against.
func (m *handFlow) append(dst []byte, xid uint32) []byte {
	be := binary.BigEndian
	dst = append(dst, Version, byte(TypeFlowMod), 0, 152)
	dst = be.AppendUint32(dst, xid)
	dst = be.AppendUint64(dst, m.cookie)
	dst = be.AppendUint64(dst, 0) // cookie mask
	dst = be.AppendUint16(dst, 0) // table and command
	dst = be.AppendUint32(dst, 0) // timeouts
	dst = be.AppendUint16(dst, m.priority)
	dst = be.AppendUint32(dst, NoBuffer)
	dst = be.AppendUint32(dst, uint32(PortAny))
	dst = be.AppendUint32(dst, uint32(GroupAny))
	dst = be.AppendUint32(dst, 0)        // flags and padding
	dst = be.AppendUint32(dst, 1<<16|51) // match
	dst = be.AppendUint32(dst, 0x80000004)
	dst = be.AppendUint32(dst, m.inPort)
	dst = be.AppendUint32(dst, 0x80000a02)
	dst = be.AppendUint16(dst, 0x0800)
	dst = be.AppendUint32(dst, 0x80001401)
	dst = append(dst, protoTCP)
	dst = be.AppendUint32(dst, 0x80001604)
	dst = append(dst, m.src[:]...)
	dst = be.AppendUint32(dst, 0x80001804)
	dst = append(dst, m.dst[:]...)
	dst = be.AppendUint32(dst, 0x80001a02)
	dst = be.AppendUint16(dst, m.srcPort)
	dst = be.AppendUint32(dst, 0x80001c02)
	dst = be.AppendUint16(dst, m.dstPort)
	dst = append(dst, 0, 0, 0, 0, 0)
	dst = be.AppendUint64(dst, 4<<48|48<<32) // apply actions
	dst = be.AppendUint32(dst, 25<<16|16)    // set field
	dst = be.AppendUint32(dst, 0x80001001)
	dst = append(dst, m.dscp, 0, 0, 0, 0, 0, 0, 0)
	dst = be.AppendUint32(dst, 21<<16|8) // set queue
	dst = be.AppendUint32(dst, m.queue)
	dst = be.AppendUint32(dst, 16) // output
	dst = be.AppendUint32(dst, m.out)
	return append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
}

func TestHandAppend(t *testing.T) {
	if got, want := benchHand.append(nil, 7), mustAppend(t, 7, benchFlowMod()); !bytes.Equal(got, want) {
		t.Errorf("by hand\n%x, want\n%x", got, want)
	}
}

// BenchmarkFlowModByHand is what BenchmarkFlowModAppend is measured against.
func BenchmarkFlowModByHand(b *testing.B) {
	m := benchHand
	buf := make([]byte, 0, 256)
	for b.Loop() {
		if len(m.append(buf, 1)) != 152 {
			b.Fatal("wrong length")
		}
	}
}

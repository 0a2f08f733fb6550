package openflow

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// A handFlow is all that varies in flow mods of the shape of the benchmarks'.
type handFlow struct {
	cookie, cookieMask uint64
	table, command     uint8
	idle, hard         uint16
	priority           uint16
	buffer             uint32
	outPort, outGroup  uint32
	flags              uint16
	inPort             uint32
	src, dst           [4]byte
	srcPort, dstPort   uint16
	dscp               uint8
	queue, out         uint32
}

var benchHand = handFlow{
	cookie: 0xc06a000000000001, priority: 1000, buffer: NoBuffer, outPort: uint32(PortAny), outGroup: uint32(GroupAny),
	inPort: 1, src: [4]byte{10, 0, 0, 1}, dst: [4]byte{10, 0, 0, 2}, srcPort: 40000, dstPort: 5001, dscp: 46, queue: 1, out: 2,
}

// append appends the flow mod as code written for just this shape would: Append
// is measured against it.
func (m *handFlow) append(dst []byte, xid uint32) []byte {
	be := binary.BigEndian
	dst = append(dst, Version, byte(TypeFlowMod), 0, 152)
	dst = be.AppendUint32(dst, xid)
	dst = be.AppendUint64(dst, m.cookie)
	dst = be.AppendUint64(dst, m.cookieMask)
	dst = append(dst, m.table, m.command)
	dst = be.AppendUint16(dst, m.idle)
	dst = be.AppendUint16(dst, m.hard)
	dst = be.AppendUint16(dst, m.priority)
	dst = be.AppendUint32(dst, m.buffer)
	dst = be.AppendUint32(dst, m.outPort)
	dst = be.AppendUint32(dst, m.outGroup)
	dst = be.AppendUint16(dst, m.flags)
	dst = append(dst, 0, 0)
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

// BenchmarkFlowModByHand measures what BenchmarkFlowModAppend is compared with.
func BenchmarkFlowModByHand(b *testing.B) {
	m := benchHand
	buf := make([]byte, 0, 256)
	for b.Loop() {
		if len(m.append(buf, 1)) != 152 {
			b.Fatal("wrong length")
		}
	}
}

// best runs the functions in turns, in many short batches, and returns the
// nanoseconds an operation of the best batch of each: what others do on the
// machine meanwhile disturbs all alike, and few batches at all.
func best(batches int, fs ...func()) []float64 {
	const ops = 2000
	least := make([]float64, len(fs))
	for range batches {
		for i, f := range fs {
			start := time.Now()
			for range ops {
				f()
			}
			if ns := float64(time.Since(start).Nanoseconds()) / ops; least[i] == 0 || ns < least[i] {
				least[i] = ns
			}
		}
	}
	return least
}

// BenchmarkBest reports the figures that the codec is held to, undisturbed:
// times-by-hand is how many times as long Append takes for a flow mod as the
// same bytes written by hand.
func BenchmarkBest(b *testing.B) {
	m, hand, buf := benchFlowMod(), benchHand, make([]byte, 0, 256)
	flow, packet := mustAppend(b, 1, m), mustAppend(b, 1, benchPacketIn())
	for _, bench := range []struct {
		name string
		fs   []func()
	}{
		{"flow-mod-append", []func(){func() { Append(buf, 1, m) }, func() { hand.append(buf, 1) }}},
		{"flow-mod-parse", []func(){func() { Parse(flow) }}},
		{"packet-in-parse", []func(){func() { Parse(packet) }}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var least []float64
			for b.Loop() {
				least = best(50, bench.fs...)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(least[0], "best-ns/op")
			if len(least) > 1 {
				b.ReportMetric(least[0]/least[1], "times-by-hand")
			}
		})
	}
}

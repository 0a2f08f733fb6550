package channel

import (
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"conga/openflow"
	"conga/openflow/ovstest"
	"conga/openflow/wire"
)

const benchMods = 100_000

// sink runs a peer that answers barriers as fast as bytes can be looked at,
// without parsing.
func sink(nc net.Conn) {
	var in wire.Frames
	var out []byte
	for {
		for {
			h, b, err := in.Next()
			if err != nil {
				return
			}
			if b == nil {
				break
			}
			if h.Type == openflow.TypeBarrierRequest {
				out, _ = openflow.Append(out[:0], h.XID, &openflow.BarrierReply{})
				nc.Write(out)
			}
		}
		if in.Fill(nc) != nil {
			return
		}
	}
}

// encoded returns the bytes that a commit of msgs is.
func encoded(b testing.TB, msgs []openflow.Message) []byte {
	var stream []byte
	var err error
	for i, m := range msgs {
		if stream, err = openflow.Append(stream, uint32(i+1), m); err != nil {
			b.Fatal(err)
		}
	}
	stream, _ = openflow.Append(stream, 1<<30, &openflow.BarrierRequest{})
	return stream
}

// writeRaw writes a commit's bytes as the fastest program would, and waits for
// the barrier's reply.
func writeRaw(b testing.TB, nc net.Conn, in *wire.Frames, stream []byte) {
	for s := stream; len(s) > 0; {
		n := min(batchSize, len(s))
		if _, err := nc.Write(s[:n]); err != nil {
			b.Fatal(err)
		}
		s = s[n:]
	}
	for {
		h, m, err := in.Next()
		if err != nil {
			b.Fatal(err)
		}
		if m == nil {
			if err := in.Fill(nc); err != nil {
				b.Fatal(err)
			}
		} else if h.Type == openflow.TypeBarrierReply {
			return
		} else if h.Type == openflow.TypeEchoRequest {
			nc.Write([]byte{4, 3, 0, 8, byte(h.XID >> 24), byte(h.XID >> 16), byte(h.XID >> 8), byte(h.XID)})
		}
	}
}

// compare alternates between a commit through c, the same bytes written raw to
// raw, and encoding alone, and reports the rates and how many times longer the
// commit took.
func compare(b *testing.B, c *Conn, raw net.Conn, in *wire.Frames) {
	msgs := flowMods(benchMods)
	stream := encoded(b, msgs)
	var committed, written, coded time.Duration
	buf := make([]byte, 0, 2*batchSize)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		k := c.Commit(msgs)
		<-k.Done()
		if k.Err() != nil || len(k.Refused()) != 0 {
			b.Fatal(k.Err(), k.Refused())
		}
		middle := time.Now()
		writeRaw(b, raw, in, stream)
		committed += middle.Sub(start)
		written += time.Since(middle)
		start = time.Now()
		for i, m := range msgs {
			if len(buf) >= batchSize {
				buf = buf[:0]
			}
			buf, _ = openflow.Append(buf, uint32(i), m)
		}
		coded += time.Since(start)
	}
	n := float64(b.N) * benchMods
	b.ReportMetric(n/committed.Seconds(), "mods/s")
	b.ReportMetric(n/written.Seconds(), "raw-mods/s")
	b.ReportMetric(float64(coded.Nanoseconds())/n, "encode-ns/mod")
	b.ReportMetric(committed.Seconds()/written.Seconds(), "times-raw")
	b.ReportMetric(committed.Seconds()/(written+coded).Seconds(), "times-encode-and-raw")
}

// BenchmarkCommit sends 100,000 flow mods and a barrier to a peer that only
// counts them.
func BenchmarkCommit(b *testing.B) {
	c, p := loopback(b, Config{})
	go sink(p.nc)
	a, raw := tcpPair(b)
	defer a.Close()
	defer raw.Close()
	raw.(*net.TCPConn).SetWriteBuffer(sendBuffer)
	go sink(a)
	compare(b, c, raw, &wire.Frames{})
}

// BenchmarkCommitOpenVSwitch does the same with Open vSwitch; the entries are
// there after the first time, so that every time costs the switch the same.
func BenchmarkCommitOpenVSwitch(b *testing.B) {
	o := ovstest.Start(b)
	l := listen(b, Config{})
	c := connect(b, o, l)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	o.Vsctl("set-controller", "br0", "tcp:"+l.Addr().String(), "tcp:"+ln.Addr().String())
	raw, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	hello, _ := openflow.Append(nil, 1, openflow.NewHello(4))
	in := &wire.Frames{}
	writeRaw(b, raw, in, append(hello, encoded(b, flowMods(benchMods))...))
	<-c.Commit(flowMods(benchMods)).Done()
	compare(b, c, raw, in)
}

// tcpPair returns both ends of a connection over loopback.
func tcpPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if b, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if a, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// BenchmarkPacketIn has 16 switches with 64 packet-ins outstanding each; every
// one is answered with a packet-out.
func BenchmarkPacketIn(b *testing.B) { benchPacketIn(b, 16, 64) }

// BenchmarkLatency has one switch with one packet-in outstanding: the time of
// an operation is the time of an answer.
func BenchmarkLatency(b *testing.B) { benchPacketIn(b, 1, 1) }

func benchPacketIn(b *testing.B, switches, outstanding int) {
	in, err := openflow.Append(nil, 0, &openflow.PacketIn{
		BufferID: openflow.NoBuffer, TotalLen: 60, Match: openflow.Match{openflow.InPort(1)}, Data: make([]byte, 60),
	})
	if err != nil {
		b.Fatal(err)
	}
	peers := make([]*peer, switches)
	for i := range peers {
		c, p := loopback(b, Config{})
		peers[i] = p
		out := &openflow.PacketOut{InPort: 1, BufferID: openflow.NoBuffer, Actions: []openflow.Action{openflow.Output(2, 0)}}
		c.Start(func(_ openflow.Header, m openflow.Message) {
			out.Data = m.(*openflow.PacketIn).Data
			if err := c.PacketOut(out, false); err != nil {
				b.Error(err)
			}
		})
	}
	var before, after syscall.Rusage
	b.ReportAllocs()
	b.ResetTimer()
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	var all sync.WaitGroup
	for _, p := range peers {
		all.Go(func() { pump(b, p.nc, in, b.N/switches+1, outstanding) })
	}
	all.Wait()
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
	b.ReportMetric(float64(cpu)/float64(b.N), "cpu-ns/op") // of both sides
}

// pump keeps packet-ins outstanding until n are answered. All answers have the
// same length.
func pump(b *testing.B, nc net.Conn, in []byte, n, outstanding int) {
	var burst []byte
	for range outstanding {
		burst = append(burst, in...)
	}
	buf := make([]byte, 64<<10)
	size, got := 0, 0
	sent := min(outstanding, n)
	nc.Write(burst[:sent*len(in)])
	for done := 0; done < n; {
		k, err := nc.Read(buf)
		if err != nil && err != io.EOF {
			b.Error(err)
			return
		}
		if size == 0 {
			size = int(buf[2])<<8 | int(buf[3])
		}
		got += k
		answers := got / size
		got -= answers * size
		done += answers
		if more := min(answers, n-sent); more > 0 {
			nc.Write(burst[:more*len(in)])
			sent += more
		}
	}
}

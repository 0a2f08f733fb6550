package channel

import (
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"conga/openflow"
	"conga/openflow/wire"
)

// held returns the bytes that live objects and goroutines' stacks take.
func held() (heap, stacks float64) {
	runtime.GC()
	runtime.GC() // the first one empties the pools' second chance
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc), float64(m.StackInuse)
}

// A rawPeer is the switch's end of a connection, without a goroutine and hardly
// any memory.
type rawPeer struct {
	nc net.Conn
	in wire.Frames
}

// answer reads one message and returns its header.
func (p *rawPeer) read(b testing.TB) openflow.Header {
	for {
		h, m, err := p.in.Next()
		if err != nil {
			b.Fatal(err)
		}
		if m != nil {
			return h
		}
		if err := p.in.Fill(p.nc); err != nil {
			b.Fatal(err)
		}
	}
}

func (p *rawPeer) write(b testing.TB, xid uint32, m openflow.Message) {
	out, err := openflow.Append(nil, xid, m)
	if err == nil {
		_, err = p.nc.Write(out)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkIdle reports what an idle connection costs in memory: fresh, and
// after a commit of 500 flow mods and a dump of 4,096 entries; and what a probe
// costs, which goes out by one connection and comes in by another.
func BenchmarkIdle(b *testing.B) {
	const n = 256
	cfg := Config{EchoInterval: time.Hour, EchoTimeout: 2 * time.Hour}
	peers := make([]rawPeer, n)
	near := make([]net.Conn, n)
	for i := range peers {
		near[i], peers[i].nc = tcpPair(b)
	}
	heap, stacks := held()
	conns := make([]*Conn, n)
	got := make(chan struct{}, n)
	for i := range conns {
		go func() {
			p := &peers[i]
			p.write(b, 1, openflow.NewHello(openflow.Version))
			p.read(b)
			p.write(b, p.read(b).XID, &openflow.FeaturesReply{DPID: openflow.DPID(i + 1), NTables: 254})
			p.write(b, p.read(b).XID, openflow.NewMultipartReply(openflow.PortDescReply(testPorts)))
			p.in = wire.Frames{}
			got <- struct{}{}
		}()
		c, err := Server(b.Context(), near[i], cfg)
		if err != nil {
			b.Fatal(err)
		}
		<-got
		c.Start(func(openflow.Header, openflow.Message) { got <- struct{}{} })
		conns[i] = c
		defer peers[i].nc.Close()
		defer c.Close()
	}
	report := func(name string) func() {
		h, s := held()
		return func() {
			b.ReportMetric((h-heap)/n, name+"-heap-B/conn")
			b.ReportMetric((s-stacks)/n, name+"-stack-B/conn")
		}
	}
	fresh := report("fresh")
	for i, c := range conns {
		use(b, c, &peers[i])
	}
	used := report("used")
	probe(b, conns, peers, got)
	fresh()
	used()
}

// use commits flow mods and dumps entries, as a connection does once in a
// while.
func use(b *testing.B, c *Conn, p *rawPeer) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for h := p.read(b); h.Type != openflow.TypeBarrierRequest; h = p.read(b) {
		}
		p.write(b, 1<<31|500, &openflow.BarrierReply{})
		h := p.read(b)
		for i := 0; i < 4096; i += 512 {
			p.write(b, h.XID, flowPart(i, i+511, i+512 < 4096))
		}
		p.in = wire.Frames{}
	}()
	k := c.Commit(flowMods(500))
	<-k.Done()
	if k.Err() != nil {
		b.Fatal(k.Err())
	}
	err := c.Stream(b.Context(), openflow.NewMultipartRequest(openflow.AllFlows()), func(openflow.MultipartReplyBody) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	<-done
}

// probe sends four packet-outs to each connection, as the core does to each
// switch, and has four packet-ins come in.
func probe(b *testing.B, conns []*Conn, peers []rawPeer, got chan struct{}) {
	frame := make([]byte, 60)
	in, _ := openflow.Append(nil, 0, &openflow.PacketIn{
		BufferID: openflow.NoBuffer, TotalLen: 60, Match: openflow.Match{openflow.InPort(1)}, Data: frame,
	})
	outs := make([]*openflow.PacketOut, 4)
	for port := range outs {
		outs[port] = &openflow.PacketOut{
			BufferID: openflow.NoBuffer, InPort: openflow.PortController,
			Actions: []openflow.Action{openflow.Output(openflow.PortNo(port), 0)}, Data: frame,
		}
	}
	buf := make([]byte, 4096)
	var before, after runtime.MemStats
	var spent int64
	runtime.ReadMemStats(&before)
	for b.Loop() {
		start := cpuTime()
		for i, c := range conns {
			if err := c.PacketOuts(outs, true); err != nil {
				b.Fatal(err)
			}
			for size := 0; size < 4*100; {
				k, err := peers[i].nc.Read(buf)
				if err != nil {
					b.Fatal(err)
				}
				size += k
			}
		}
		for range 4 {
			for i := range peers {
				raw, _ := peers[i].nc.(syscall.Conn).SyscallConn()
				raw.Control(func(fd uintptr) { syscall.Write(int(fd), in) })
			}
			for range peers {
				<-got
			}
		}
		spent += int64(cpuTime() - start)
	}
	runtime.ReadMemStats(&after)
	probes := float64(b.N * len(conns) * 4)
	b.ReportMetric(float64(spent)/probes, "cpu-ns/probe") // of both sides
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/probes, "allocs/probe")
}

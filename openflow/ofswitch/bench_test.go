package ofswitch_test

import (
	"context"
	"net/netip"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"conga/openflow"
	"conga/openflow/channel"
	"conga/openflow/ofswitch"
)

// cpuTime returns what this process has used so far: both the switches and the
// controller's side.
func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// pathEntry returns entry i of the kind that carries an allocation.
func pathEntry(i int) *openflow.FlowMod {
	return &openflow.FlowMod{
		Cookie: 0xc06a<<48 | openflow.Cookie(i), Priority: 1000, BufferID: openflow.NoBuffer,
		OutPort: openflow.PortAny, OutGroup: openflow.GroupAny, Flags: openflow.FlowSendFlowRem,
		Match: openflow.Match{
			openflow.InPort(openflow.PortNo(1 + i%4)), openflow.EthType(0x0800), openflow.IPProto(6),
			openflow.IPv4Src(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})),
			openflow.IPv4Dst(netip.AddrFrom4([4]byte{10, 0, 0, 1})), openflow.TCPSrc(uint16(i)), openflow.TCPDst(5001),
		},
		Instructions: []openflow.Instruction{openflow.ApplyActions(openflow.SetQueue(1), openflow.Output(openflow.PortNo(1+(i+1)%4), 0))},
	}
}

// controlled connects all switches of the network to a controller, whose side
// it returns.
func controlled(b *testing.B, n *ofswitch.Network, handle func(openflow.Header, openflow.Message)) []*channel.Conn {
	b.Helper()
	l, err := channel.Listen("127.0.0.1:0", channel.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { n.Close(); l.Close() })
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	n.Start(b.Context(), l.Addr().String())
	var conns []*channel.Conn
	for range n.Switches() {
		c, err := l.Accept(ctx)
		if err != nil {
			b.Fatal(err)
		}
		c.Start(handle)
		b.Cleanup(func() { c.Close() })
		conns = append(conns, c)
	}
	return conns
}

// BenchmarkFlowMods sends flow mods to 16 switches over TCP, 64 with each
// barrier, as after a failure.
func BenchmarkFlowMods(b *testing.B) {
	n := ofswitch.Ring(16, ofswitch.TopologyConfig{Hosts: -1})
	conns := controlled(b, n, func(openflow.Header, openflow.Message) {})
	const batch = 64
	msgs := make([]openflow.Message, 4096)
	for i := range msgs {
		msgs[i] = pathEntry(i)
	}
	start := cpuTime()
	mods := 0
	for i := 0; b.Loop(); i++ {
		first := i * batch % len(msgs)
		var commits []*channel.Commit
		for _, c := range conns {
			commits = append(commits, c.Commit(msgs[first:first+batch]))
		}
		for _, k := range commits {
			<-k.Done()
			if k.Err() != nil || len(k.Refused()) > 0 {
				b.Fatal(k.Err(), k.Refused())
			}
		}
		mods += batch * len(conns)
	}
	b.ReportMetric(float64(cpuTime()-start)/float64(mods), "cpu-ns/mod") // of both sides
	b.ReportMetric(float64(mods)/b.Elapsed().Seconds(), "mods/s")
}

// BenchmarkEntries reports what a flow entry takes in memory, and applying it,
// finding it and dumping it in time.
func BenchmarkEntries(b *testing.B) {
	const switches, entries = 16, 4096
	n := ofswitch.Ring(switches, ofswitch.TopologyConfig{Hosts: -1})
	defer n.Close()
	wires := make([]*openflow.FlowMod, entries)
	for i := range wires {
		wires[i] = pathEntry(i)
	}
	held := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := held()
	var wire []byte
	start := cpuTime()
	for _, s := range n.Switches() {
		for _, m := range wires {
			wire, _ = openflow.Append(wire[:0], 1, m)
			_, own, _ := openflow.Parse(wire) // as a switch has it
			if err := s.Apply(own); err != nil {
				b.Fatal(err)
			}
		}
	}
	apply := float64(cpuTime()-start) / (switches * entries)
	size := (held() - before) / (switches * entries)
	all := n.Switches()
	for i := 0; b.Loop(); i++ { // modify, strictly
		m := *wires[i%entries]
		m.Command = openflow.FlowModifyStrict
		if err := all[i%switches].Apply(&m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(apply, "apply-ns")
	b.ReportMetric(size, "B/entry")
	runtime.KeepAlive(n)
}

// BenchmarkDump streams the 4,096 entries of a switch.
func BenchmarkDump(b *testing.B) {
	n := ofswitch.Ring(1, ofswitch.TopologyConfig{Hosts: -1})
	c := controlled(b, n, func(openflow.Header, openflow.Message) {})[0]
	const entries = 4096
	for i := range entries {
		if err := n.Switches()[0].Apply(pathEntry(i)); err != nil {
			b.Fatal(err)
		}
	}
	start := cpuTime()
	for b.Loop() {
		got := 0
		q := openflow.AllFlows()
		q.Cookie, q.CookieMask = 0xc06a<<48, 0xffff<<48
		err := c.Stream(b.Context(), openflow.NewMultipartRequest(q), func(body openflow.MultipartReplyBody) error {
			got += len(body.(openflow.FlowStatsReply))
			return nil
		})
		if err != nil || got != entries {
			b.Fatal(err, got)
		}
	}
	b.ReportMetric(float64(cpuTime()-start)/float64(b.N*entries), "cpu-ns/entry") // of both sides
}

// BenchmarkProbes has 256 switches in a torus send a frame by every port and
// report those that arrive.
func BenchmarkProbes(b *testing.B) {
	const side = 16
	n := ofswitch.Torus(side, side, ofswitch.TopologyConfig{Hosts: -1})
	var got atomic.Int64
	round := make(chan struct{}, 1)
	const all = 4 * side * side
	conns := controlled(b, n, func(_ openflow.Header, m openflow.Message) {
		if m.Type() == openflow.TypePacketIn && got.Add(1)%all == 0 {
			round <- struct{}{}
		}
	})
	for _, s := range n.Switches() {
		s.Apply(&openflow.FlowMod{
			Priority: 65535, BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
			Match:        openflow.Match{openflow.EthType(0x88cc)},
			Instructions: []openflow.Instruction{openflow.ApplyActions(openflow.Output(openflow.PortController, openflow.MaxLenNoBuffer))},
		})
	}
	frame := make([]byte, 60)
	frame[12], frame[13] = 0x88, 0xcc
	outs := make([]*openflow.PacketOut, 4)
	for i := range outs {
		outs[i] = &openflow.PacketOut{
			BufferID: openflow.NoBuffer, InPort: openflow.PortController, Data: frame,
			Actions: []openflow.Action{openflow.Output(openflow.PortNo(i+1), 0)},
		}
	}
	start := cpuTime()
	for b.Loop() {
		for _, c := range conns {
			if err := c.PacketOuts(outs, true); err != nil {
				b.Fatal(err)
			}
		}
		<-round
	}
	b.ReportMetric(float64(cpuTime()-start)/float64(b.N*all), "cpu-ns/probe") // of both sides
}

package channel

import (
	"net"
	"syscall"
	"testing"
	"time"

	"conga/openflow"
	"conga/openflow/ovstest"
	"conga/openflow/wire"
)

// cpuTime returns what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// dumpRaw asks for all flow entries and counts the bytes of the reply.
func dumpRaw(b testing.TB, nc net.Conn, in *wire.Frames) (n int) {
	ask, _ := openflow.Append(nil, 5, openflow.NewMultipartRequest(openflow.AllFlows()))
	nc.Write(ask)
	for {
		h, m, err := in.Next()
		if err != nil {
			b.Fatal(err)
		}
		switch {
		case m == nil:
			if err := in.Fill(nc); err != nil {
				b.Fatal(err)
			}
		case h.Type == openflow.TypeEchoRequest:
			nc.Write([]byte{4, 3, 0, 8, byte(h.XID >> 24), byte(h.XID >> 16), byte(h.XID >> 8), byte(h.XID)})
		case h.Type == openflow.TypeMultipartReply:
			n += len(m)
			if m[11]&1 == 0 {
				return n
			}
		}
	}
}

// dumper compares a dump with what is wanted, as the controller does.
type dumper struct {
	wanted map[string]openflow.Cookie
	seen   int
}

func newDumper(n int) *dumper {
	d := &dumper{wanted: make(map[string]openflow.Cookie, n)}
	for i := range n {
		f := flowMod(i)
		d.wanted[f.Match.Key()] = f.Cookie
	}
	return d
}

func (d *dumper) take(body openflow.MultipartReplyBody) error {
	var key [256]byte
	entries := body.(openflow.FlowStatsReply)
	for i := range entries {
		if c, ok := d.wanted[string(entries[i].Match.AppendKey(key[:0]))]; ok && c == entries[i].Cookie {
			d.seen++
		}
	}
	return nil
}

// dumps alternates between a dump read raw, one that is streamed and compared,
// and one that is requested whole and then compared, and reports the time of
// each and this process's own CPU time for it.
func dumps(b *testing.B, c *Conn, raw net.Conn, in *wire.Frames) {
	d := newDumper(benchMods)
	var took, used [3]time.Duration
	size := 0
	for b.Loop() {
		for i, f := range []func(){
			func() { size = dumpRaw(b, raw, in) },
			func() {
				d.seen = 0
				if err := c.Stream(b.Context(), openflow.NewMultipartRequest(openflow.AllFlows()), d.take); err != nil || d.seen != benchMods {
					b.Fatal(err, d.seen)
				}
			},
			func() {
				d.seen = 0
				m, err := c.Request(b.Context(), openflow.NewMultipartRequest(openflow.AllFlows()))
				if err != nil {
					b.Fatal(err)
				}
				d.take(m.(*openflow.MultipartReply).Body)
			},
		} {
			start, cpu := time.Now(), cpuTime()
			f()
			took[i] += time.Since(start)
			used[i] += cpuTime() - cpu
		}
	}
	for i, name := range []string{"raw", "stream", "request"} {
		b.ReportMetric(took[i].Seconds()*1000/float64(b.N), name+"-ms")
		b.ReportMetric(float64(used[i].Nanoseconds())/float64(b.N*benchMods), name+"-cpu-ns/entry")
	}
	b.ReportMetric(float64(size)/1e6, "MB")
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "times-raw")
}

// BenchmarkDumpOpenVSwitch has Open vSwitch tell of 100,000 flow entries.
func BenchmarkDumpOpenVSwitch(b *testing.B) {
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
	raw.Write(hello)
	<-c.Commit(flowMods(benchMods)).Done()
	dumps(b, c, raw, &wire.Frames{})
}

// BenchmarkDump has a peer tell of 100,000 flow entries that costs nothing but
// writing.
func BenchmarkDump(b *testing.B) {
	var parts [][]byte
	for i := 0; i < benchMods; i += 400 {
		m, err := openflow.Append(nil, 0, flowPart(i, min(i+399, benchMods-1), i+400 < benchMods))
		if err != nil {
			b.Fatal(err)
		}
		parts = append(parts, m)
	}
	tell := func(nc net.Conn, in *wire.Frames) {
		for {
			h, m, err := in.Next()
			if m == nil {
				if err != nil || in.Fill(nc) != nil {
					return
				}
				continue
			}
			if h.Type == openflow.TypeMultipartRequest {
				for _, p := range parts {
					copy(p[4:], m[4:8])
					nc.Write(p)
				}
			}
		}
	}
	c, p := loopback(b, Config{})
	go tell(p.nc, &p.in)
	x, raw := tcpPair(b)
	defer x.Close()
	defer raw.Close()
	go tell(x, &wire.Frames{})
	dumps(b, c, raw, &wire.Frames{})
}

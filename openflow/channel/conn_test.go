package channel

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/openflow"
)

func TestEcho(t *testing.T) {
	c, p := loopback(t, Config{})
	for _, n := range []int{0, 1, 100, openflow.MaxLen - openflow.HeaderLen} {
		data := bytes.Repeat([]byte{byte(n)}, n)
		p.write(uint32(n), &openflow.EchoRequest{Data: data})
		h, m := expect[*openflow.EchoReply](p)
		if h.XID != uint32(n) || !bytes.Equal(m.Data, data) {
			t.Errorf("echo of %d bytes came back with xid %d and %d bytes", n, h.XID, len(m.Data))
		}
	}
	if c.Err() != nil {
		t.Error(c.Err())
	}
}

// occupy has the writer write a barrier request to a peer that does not read.
func occupy(t *testing.T, c *Conn) {
	t.Helper()
	if err := c.Send(&openflow.BarrierRequest{}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func waiting(c *Conn) int {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	return c.queue.waiting
}

// While the switch reads nothing, the classes queue; then they leave in the
// order of their classes.
func TestClasses(t *testing.T) { bubble(t, Config{}, classes) }

func classes(t *testing.T, c *Conn, p *peer) {
	occupy(t, c)
	out := func(i int) *openflow.PacketOut {
		return &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: openflow.PortNo(i)}
	}
	for _, err := range []error{
		c.PacketOut(out(1), false), c.Send(out(2)), c.PacketOut(out(3), true), c.Send(flowMod(4)),
		c.Commit(flowMods(1)).Err(), c.Send(&openflow.RoleRequest{}), c.PacketOut(out(5), true), c.Send(flowMod(6)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var got []openflow.Type
	var ports []int
	for range 10 {
		_, m := p.read()
		got = append(got, m.Type())
		if m, ok := m.(*openflow.PacketOut); ok {
			ports = append(ports, int(m.InPort))
		}
	}
	want := []openflow.Type{
		openflow.TypeBarrierRequest, openflow.TypeRoleRequest, openflow.TypeFlowMod, openflow.TypeFlowMod,
		openflow.TypeBarrierRequest, openflow.TypeFlowMod, openflow.TypePacketOut, openflow.TypePacketOut,
		openflow.TypePacketOut, openflow.TypePacketOut,
	}
	if !slices.Equal(got, want) || !slices.Equal(ports, []int{3, 5, 1, 2}) {
		t.Errorf("order %v, packet-outs %v", got, ports)
	}
}

// A long commit neither delays echo replies nor starves packet-outs.
func TestCommitIsInterruptible(t *testing.T) {
	c, p := pipe(t, Config{})
	c.Commit(flowMods(20_000))
	expect[*openflow.FlowMod](p)
	if err := c.PacketOut(&openflow.PacketOut{BufferID: openflow.NoBuffer}, false); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(&openflow.EchoRequest{}); err != nil {
		t.Fatal(err)
	}
	seen := map[openflow.Type]int{}
	for i := 1; len(seen) < 2 && i < 20_000; i++ {
		if _, m := p.read(); m.Type() != openflow.TypeFlowMod {
			seen[m.Type()] = i
		}
	}
	if n := 2*batchSize/100 + 1; len(seen) < 2 || seen[openflow.TypeEchoRequest] > n || seen[openflow.TypePacketOut] > 2*n {
		t.Errorf("came after so many flow mods: %v", seen)
	}
}

// A switch that reads nothing costs what the configuration says; packet-outs
// are refused first.
func TestStalledPeerIsBounded(t *testing.T) {
	const limit = 100_000
	bubble(t, Config{SendQueue: limit}, func(t *testing.T, c *Conn, _ *peer) { fillQueue(t, c, limit) })
}

func fillQueue(t *testing.T, c *Conn, limit int) {
	occupy(t, c)
	fill := func(put func() error) (n int) {
		for ; n < 1_000_000; n++ {
			if err := put(); err != nil {
				wantKind(t, err, ErrBusy)
				return n
			}
		}
		t.Fatal("never refused")
		return
	}
	out := &openflow.PacketOut{BufferID: openflow.NoBuffer, Data: make([]byte, 100)}
	for i, put := range []func() error{
		func() error { return c.PacketOut(out, false) },
		func() error { return c.PacketOut(out, true) },
		func() error { return c.Send(flowMod(0)) },
	} {
		n := fill(put)
		if w, want := waiting(c), limit*(i+2)/4; n == 0 || w < want-200 || w > want+200 {
			t.Errorf("step %d: %d accepted, %d bytes waiting, want about %d", i, n, w, want)
		}
	}
	fill(func() error { return c.Send(&openflow.RoleRequest{}) })
	start := time.Now()
	c.Close()
	c.loops.Wait()
	if d := time.Since(start); d > time.Second {
		t.Errorf("closing took %v", d)
	}
}

// Several packet-outs arrive in order, and those before one that is refused are
// sent.
func TestPacketOuts(t *testing.T) {
	c, p := pipe(t, Config{})
	outs := make([]*openflow.PacketOut, 4)
	for i := range outs {
		outs[i] = &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: openflow.PortNo(i)}
	}
	outs[3].Data = make([]byte, 1<<16)
	wantKind(t, c.PacketOuts(outs, true), ErrMessage)
	for i := range 3 {
		if _, m := expect[*openflow.PacketOut](p); m.InPort != openflow.PortNo(i) {
			t.Errorf("packet-out %d came as number %d", m.InPort, i)
		}
	}
	if err := c.PacketOuts(nil, true); err != nil {
		t.Error(err)
	}
	c.Close()
	wantKind(t, c.PacketOuts(outs, false), ErrClosed)
}

// bubble runs a test with a fake clock over net.Pipe.
func bubble(t *testing.T, cfg Config, test func(*testing.T, *Conn, *peer)) {
	synctest.Test(t, func(t *testing.T) {
		c, p := pipe(t, cfg)
		test(t, c, p)
		c.Close()
		p.nc.Close()
		c.loops.Wait()
	})
}

func TestSilentPeer(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Conn, p *peer) {
		start := time.Now()
		var asked []time.Duration
		go func() {
			for {
				if _, m, err := p.next(); err != nil {
					return
				} else if m.Type() == openflow.TypeEchoRequest {
					asked = append(asked, time.Since(start))
				}
			}
		}()
		<-c.Done()
		synctest.Wait()
		wantKind(t, c.Err(), ErrTimeout)
		if d := time.Since(start); d != 15*time.Second {
			t.Errorf("dropped after %v", d)
		}
		if !slices.Equal(asked, []time.Duration{5 * time.Second, 10 * time.Second}) {
			t.Errorf("asked after %v", asked)
		}
	})
}

// Any message counts as life; half of one, or garbage, does not.
func TestLife(t *testing.T) {
	echo := []byte{4, 3, 0, 8, 0, 0, 0, 0}
	for name, tt := range map[string]struct {
		every time.Duration
		bytes []byte
		alive bool
	}{
		"packet-ins, all 12 s": {12 * time.Second, nil, true},
		"one byte a second":    {time.Second, []byte{4}, false},
		"of another version":   {time.Second, append([]byte{1}, echo[1:]...), false},
		"of an unknown type":   {time.Second, append([]byte{4, 77}, echo[2:]...), false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, c *Conn, p *peer) {
				c.Start(func(openflow.Header, openflow.Message) {})
				go func() {
					for {
						if _, _, err := p.next(); err != nil {
							return
						}
					}
				}()
				b := tt.bytes
				if b == nil {
					b, _ = openflow.Append(nil, 0, &openflow.PacketIn{BufferID: openflow.NoBuffer})
				}
				for start := time.Now(); time.Since(start) < time.Minute && c.Err() == nil; {
					time.Sleep(tt.every)
					p.nc.Write(b)
				}
				synctest.Wait()
				if alive := c.Err() == nil; alive != tt.alive {
					t.Errorf("after a minute: %v", c.Err())
				}
			})
		})
	}
}

// A peer that talks but does not read is dropped too.
func TestStalledPeerIsDropped(t *testing.T) {
	for name, flood := range map[string]bool{"commit": false, "echo flood": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, c *Conn, p *peer) {
				start := time.Now()
				if !flood {
					c.Commit(flowMods(10_000))
				}
				var flooding sync.WaitGroup
				flooding.Go(func() {
					b, _ := openflow.Append(nil, 1, &openflow.EchoRequest{Data: make([]byte, 60_000)})
					for {
						if _, err := p.nc.Write(b); err != nil {
							return
						}
						if !flood {
							time.Sleep(time.Second)
						}
					}
				})
				<-c.Done()
				wantKind(t, c.Err(), ErrTimeout)
				if d := time.Since(start); d > 17*time.Second {
					t.Errorf("dropped after %v", d)
				}
				flooding.Wait()
			})
		})
	}
}

// A slow peer is not a stalled one: what counts is that it takes something.
func TestSlowPeerIsKept(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Conn, p *peer) {
		k := c.Commit(flowMods(1000)) // about 100 kB, 1 kB all 4 s
		done := make(chan struct{})
		go func() {
			defer close(done)
			buf := make([]byte, 1000)
			for {
				time.Sleep(4 * time.Second)
				if _, err := p.nc.Read(buf); err != nil {
					return
				}
				p.nc.Write([]byte{4, 3, 0, 8, 0, 0, 0, 0})
			}
		}()
		time.Sleep(5 * time.Minute)
		if c.Err() != nil || k.Err() != nil {
			t.Errorf("connection %v, commit %v", c.Err(), k.Err())
		}
		c.Close()
		<-done
	})
}

func TestClose(t *testing.T) {
	c, p := loopback(t, Config{})
	c.Start(func(openflow.Header, openflow.Message) { c.Close() }) // from the handler
	p.write(0, &openflow.PacketIn{BufferID: openflow.NoBuffer})
	within(t, c.Done(), "connection")
	wantKind(t, c.Err(), ErrClosed)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	c.loops.Wait()
	wantKind(t, c.Send(nil), ErrMessage)
	wantKind(t, c.Send(flowMod(0)), ErrClosed)
	if !errors.Is(c.Err(), ErrClosed) {
		t.Error(c.Err())
	}
}

// Answers to packet-ins stay whole and in order while the switch does not read,
// and only whole ones are refused.
func TestAnswersUnderBackPressure(t *testing.T) {
	const n = 8000
	c, p := loopback(t, Config{})
	var accepted []openflow.PortNo
	handled := make(chan struct{})
	seq := openflow.PortNo(0)
	c.Start(func(_ openflow.Header, m openflow.Message) {
		out := &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: seq, Data: make([]byte, 1000)}
		if err := c.PacketOut(out, false); err == nil {
			accepted = append(accepted, seq)
		} else if !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
		if seq++; seq == n {
			close(handled)
		}
	})
	in, _ := openflow.Append(nil, 0, &openflow.PacketIn{BufferID: openflow.NoBuffer})
	p.raw(bytes.Repeat(in, n))
	within(t, handled, "packet-ins")
	if len(accepted) == n || len(accepted) < 100 {
		t.Errorf("%d of %d accepted", len(accepted), n)
	}
	for i, want := range accepted {
		if _, m := expect[*openflow.PacketOut](p); m.InPort != want || len(m.Data) != 1000 {
			t.Fatalf("answer %d is for packet-in %d with %d bytes, want %d", i, m.InPort, len(m.Data), want)
		}
	}
}

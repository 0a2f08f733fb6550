package channel

import (
	"bytes"
	"testing"

	"conga/openflow"
)

// Messages arrive in order, those from before Start first, and none twice.
func TestStart(t *testing.T) {
	for name, before := range map[string]int{"all after": 0, "some before": 300, "all before": 1000} {
		t.Run(name, func(t *testing.T) {
			c, p := loopback(t, Config{})
			const n = 1000
			done := make(chan struct{})
			next := openflow.Cookie(0)
			handle := func(_ openflow.Header, m openflow.Message) {
				if got := m.(*openflow.PacketIn).Cookie; got != next {
					t.Errorf("packet-in %d came as number %d", got, next)
				}
				if next++; next == n {
					close(done)
				}
			}
			for i := range n {
				if i == before {
					c.Start(handle)
				}
				p.write(0, &openflow.PacketIn{BufferID: openflow.NoBuffer, Cookie: openflow.Cookie(i)})
			}
			c.Start(handle) // does nothing, or attaches what all came before
			within(t, done, "packet-ins")
		})
	}
}

// Start wakes a reader that waits for the network.
func TestStartWhileIdle(t *testing.T) {
	c, p := pipe(t, Config{})
	p.write(1, &openflow.PortStatus{})
	p.write(2, &openflow.EchoRequest{}) // answered once the port status is kept
	p.read()
	got := make(chan struct{})
	c.Start(func(openflow.Header, openflow.Message) { close(got) })
	within(t, got, "port status")
}

func TestBacklog(t *testing.T) {
	c, p := loopback(t, Config{})
	for range backlogPackets + 500 {
		p.write(0, &openflow.PacketIn{BufferID: openflow.NoBuffer})
	}
	for range 10 {
		p.write(0, &openflow.PortStatus{})
	}
	p.write(9, &openflow.EchoRequest{})
	p.read()
	packets, ports := 0, 0
	done := make(chan struct{})
	c.Start(func(_ openflow.Header, m openflow.Message) {
		switch m.(type) {
		case *openflow.PacketIn:
			packets++
		case *openflow.PortStatus:
			ports++
		case *openflow.FlowRemoved:
			close(done)
		}
	})
	p.write(0, &openflow.FlowRemoved{})
	within(t, done, "backlog")
	if packets != backlogPackets || ports != 10 {
		t.Errorf("kept %d packet-ins and %d port status", packets, ports)
	}
}

func TestBacklogOverflow(t *testing.T) {
	c, p := loopback(t, Config{})
	b, _ := openflow.Append(nil, 0, &openflow.PortStatus{})
	go p.nc.Write(bytes.Repeat(b, 2*backlogMax))
	within(t, c.Done(), "connection")
	wantKind(t, c.Err(), ErrTooLarge)
}

// What no request or commit waits for is delivered or dropped.
func TestUnsolicited(t *testing.T) {
	c, p := pipe(t, Config{})
	var got []openflow.Type
	done := make(chan struct{})
	c.Start(func(h openflow.Header, m openflow.Message) {
		if h.XID == 99 {
			close(done)
			return
		}
		got = append(got, m.Type())
	})
	for _, xid := range []uint32{0, 1, 77, commitXID, commitXID + 5, 1<<32 - 1} {
		p.write(xid, &openflow.BarrierReply{})
		p.write(xid, &openflow.FeaturesReply{})
		p.write(xid, openflow.NewHello(4))
		p.write(xid, openflow.NewMultipartReply(&openflow.DescReply{}))
		p.write(xid, &openflow.Error{})
		p.write(xid, &openflow.Experimenter{})
	}
	p.write(99, &openflow.Error{})
	within(t, done, "error")
	if len(got) != 12 {
		t.Errorf("delivered %v", got)
	}
}

// An error to a message that was only sent goes to the handler.
func TestSendRefused(t *testing.T) {
	c, p := pipe(t, Config{})
	if err := c.Send(flowMod(1)); err != nil {
		t.Fatal(err)
	}
	h, _ := expect[*openflow.FlowMod](p)
	got := make(chan openflow.Message, 1)
	c.Start(func(_ openflow.Header, m openflow.Message) { got <- m })
	p.write(h.XID, &openflow.Error{Code: 5})
	if e, ok := (<-got).(*openflow.Error); !ok || e.Code != 5 {
		t.Errorf("delivered %v", e)
	}
}

func TestMalformed(t *testing.T) {
	tests := []struct {
		name  string
		bytes []byte
		code  uint16
		lost  bool // the connection
	}{
		{"unknown type", []byte{4, 99, 0, 8, 0, 0, 0, 7}, codeBadType, false},
		{"a request of ours", []byte{4, 20, 0, 8, 0, 0, 0, 7}, codeBadType, false},
		{"version 1.0", []byte{1, 2, 0, 8, 0, 0, 0, 7}, codeBadVersion, false},
		{"version 1.0 of a request of ours", []byte{1, 20, 0, 8, 0, 0, 0, 7}, codeBadVersion, false},
		{"short features reply", []byte{4, 6, 0, 9, 0, 0, 0, 7, 1}, codeBadLen, false},
		{"long barrier reply", []byte{4, 21, 0, 9, 0, 0, 0, 7, 1}, codeBadLen, false},
		{"unknown multipart", []byte{4, 19, 0, 16, 0, 0, 0, 7, 0, 99, 0, 0, 0, 0, 0, 0}, codeBadMultipart, false},
		{"length 7", []byte{4, 2, 0, 7, 0, 0, 0, 7}, codeBadLen, true},
		{"length 0", []byte{4, 2, 0, 0, 0, 0, 0, 7}, codeBadLen, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, p := pipe(t, Config{})
			p.raw(tt.bytes)
			_, e := expect[*openflow.Error](p)
			if e.ErrType != openflow.ErrorTypeBadRequest || e.Code != tt.code || !bytes.Equal(e.Data, tt.bytes) {
				t.Errorf("answered with %+v, want code %d", e, tt.code)
			}
			if tt.lost {
				within(t, c.Done(), "connection")
				wantKind(t, c.Err(), ErrProtocol)
				return
			}
			p.write(8, &openflow.EchoRequest{})
			expect[*openflow.EchoReply](p)
		})
	}
}

// A malformed error is not answered with an error.
func TestMalformedError(t *testing.T) {
	_, p := pipe(t, Config{})
	p.raw([]byte{4, 1, 0, 9, 0, 0, 0, 7, 1})
	p.write(8, &openflow.EchoRequest{})
	expect[*openflow.EchoReply](p)
}

// Messages may come cut and joined in any way.
func TestFragments(t *testing.T) {
	c, p := pipe(t, Config{})
	var stream []byte
	want := 0
	for _, n := range []int{0, 1, 100, 5000, 60_000, openflow.MaxLen - openflow.HeaderLen, 3} {
		stream, _ = openflow.Append(stream, uint32(n), &openflow.Experimenter{Data: make([]byte, max(0, n-8))})
		want++
	}
	for _, size := range []int{1, 7, 8, 9, 4096, 1 << 20} {
		done := make(chan struct{})
		go func() {
			for b := stream; len(b) > 0; {
				n := min(size, len(b))
				p.raw(b[:n])
				b = b[n:]
			}
			close(done)
		}()
		within(t, done, "writing")
	}
	var lens []int
	done := make(chan struct{})
	c.Start(func(_ openflow.Header, m openflow.Message) {
		if lens = append(lens, len(m.(*openflow.Experimenter).Data)); len(lens) == 6*want {
			close(done)
		}
	})
	within(t, done, "messages")
}

// Packet-ins that come with Start, but before the reader has noticed it, are
// not taken for those of before.
func TestStartIsNoticedAtOnce(t *testing.T) {
	a, b := tcpPair(t)
	defer a.Close()
	defer b.Close()
	c := &Conn{nc: a, cfg: Config{}.withDefaults(), done: make(chan struct{})}
	c.reader.init(c)
	n := 0
	deliver := func(count int) {
		for range count {
			if err := c.reader.deliver(openflow.Header{Length: 34}, &openflow.PacketIn{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	deliver(10)
	c.Start(func(openflow.Header, openflow.Message) { n++ })
	deliver(backlogPackets + 10)
	if n != backlogPackets+20 {
		t.Errorf("%d packet-ins were delivered, want %d", n, backlogPackets+20)
	}
}

package channel

import (
	"context"
	"errors"
	"io"
	"testing"

	"conga/openflow"
)

// flowPart returns a part of a reply with the entries first to last.
func flowPart(first, last int, more bool) *openflow.MultipartReply {
	var entries openflow.FlowStatsReply
	for i := first; i <= last; i++ {
		f := flowMod(i)
		entries = append(entries, openflow.FlowStats{Cookie: f.Cookie, Match: f.Match, Instructions: f.Instructions})
	}
	m := openflow.NewMultipartReply(entries)
	if more {
		m.Flags = openflow.MultipartMore
	}
	return m
}

var errEnough = errors.New("enough")

func TestStream(t *testing.T) {
	portPart := openflow.NewMultipartReply(openflow.PortStatsReply{{Port: 1}})
	for _, tt := range []struct {
		name    string
		replies []openflow.Message
		until   int // each returns errEnough after so many entries, if it is not 0
		entries int
		err     error
		kind    Kind
	}{
		{name: "one part", replies: []openflow.Message{flowPart(0, 9, false)}, entries: 10},
		{name: "nothing", replies: []openflow.Message{flowPart(0, -1, false)}},
		{name: "parts", entries: 300, replies: []openflow.Message{
			flowPart(0, 99, true), flowPart(100, 99, true), flowPart(100, 298, true), flowPart(299, 299, false),
		}},
		{name: "given up", until: 10, entries: 10, err: errEnough, replies: []openflow.Message{
			flowPart(0, 9, true), flowPart(10, 19, true), flowPart(20, 29, false),
		}},
		{name: "refused", replies: []openflow.Message{&openflow.Error{ErrType: openflow.ErrorTypeBadRequest}}, err: &openflow.Error{}},
		{name: "refused half way", entries: 5, err: &openflow.Error{}, replies: []openflow.Message{
			flowPart(0, 4, true), &openflow.Error{ErrType: openflow.ErrorTypeBadRequest},
		}},
		{name: "another multipart", entries: 5, replies: []openflow.Message{flowPart(0, 4, true), portPart}, kind: ErrProtocol},
		{name: "another reply", replies: []openflow.Message{&openflow.BarrierReply{}}, kind: ErrProtocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, p := pipe(t, Config{MaxMultipart: 1})
			go func() {
				h, _ := p.read()
				for _, m := range tt.replies {
					p.write(h.XID, m)
				}
				p.write(1, &openflow.EchoRequest{}) // the connection goes on
			}()
			n := 0
			err := c.Stream(t.Context(), openflow.NewMultipartRequest(openflow.AllFlows()), func(body openflow.MultipartReplyBody) error {
				for _, f := range body.(openflow.FlowStatsReply) {
					if want := flowMod(n).Match.Key(); f.Cookie != openflow.Cookie(n) || f.Match.Key() != want {
						t.Errorf("entry %d is %v", n, f)
					}
					n++
				}
				if tt.until > 0 && n >= tt.until {
					return errEnough
				}
				return nil
			})
			switch want := tt.err.(type) {
			case *openflow.Error:
				if _, ok := err.(*openflow.Error); !ok {
					t.Errorf("error %v, want the switch's", err)
				}
			default:
				if tt.kind != 0 {
					wantKind(t, err, tt.kind)
				} else if err != want {
					t.Errorf("error %v, want %v", err, want)
				}
			}
			if n != tt.entries {
				t.Errorf("%d entries, want %d", n, tt.entries)
			}
			expect[*openflow.EchoReply](p)
			wantNoCalls(t, c)
		})
	}
}

// A part that cannot be read ends the stream, not the connection.
func TestStreamMalformedPart(t *testing.T) {
	c, p := pipe(t, Config{})
	go func() {
		h, _ := p.read()
		p.write(h.XID, flowPart(0, 4, true))
		b, _ := openflow.Append(nil, h.XID, flowPart(5, 6, true))
		b[17] = 3 // the length of its first entry
		p.raw(b)
	}()
	n := 0
	err := c.Stream(t.Context(), openflow.NewMultipartRequest(openflow.AllFlows()), func(openflow.MultipartReplyBody) error {
		n++
		return nil
	})
	wantKind(t, err, ErrProtocol)
	expect[*openflow.Error](p)
	if n != 1 || c.Err() != nil {
		t.Errorf("%d parts, want 1; connection: %v", n, c.Err())
	}
}

// Stream does not return while each runs, and each is not called afterwards,
// whether the caller gives up or the connection ends.
func TestStreamEnds(t *testing.T) {
	for name, end := range map[string]func(context.CancelFunc, *Conn){
		"context":    func(cancel context.CancelFunc, _ *Conn) { cancel() },
		"connection": func(_ context.CancelFunc, c *Conn) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c, p := pipe(t, Config{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			fed := make(chan struct{})
			go func() {
				defer close(fed)
				h, _ := p.read()
				for more := true; more; { // until the connection ends, or the second part is not wanted any more
					b, _ := openflow.Append(nil, h.XID, flowPart(0, 9, true))
					if _, err := p.nc.Write(b); err != nil {
						return
					}
					more = ctx.Err() == nil
				}
				p.nc.Close()
			}()
			running := make(chan struct{})
			release := make(chan struct{})
			returned := make(chan error)
			calls := 0
			go func() {
				returned <- c.Stream(ctx, openflow.NewMultipartRequest(openflow.AllFlows()), func(openflow.MultipartReplyBody) error {
					if calls++; calls == 1 { // a part that is there already may come before the end is seen
						close(running)
						<-release
					}
					return nil
				})
			}()
			<-running
			end(cancel, c)
			select {
			case <-returned:
				t.Fatal("Stream has returned while each was running")
			default:
			}
			close(release)
			wantKind(t, <-returned, ErrClosed)
			before := calls
			calls++ // the race detector would tell
			<-fed
			if calls != before+1 {
				t.Errorf("each was called %d times after Stream had returned", calls-before-1)
			}
		})
	}
}

// Four requests leave in one write, and each gets its own reply or error.
func TestRequestAll(t *testing.T) {
	c, p := pipe(t, Config{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.in.Fill(p.nc); err != nil { // one write
			t.Error(err)
		}
		var xids []uint32
		for range 4 {
			h, b, err := p.in.Next()
			if b == nil || err != nil {
				t.Errorf("request %d is not in the first write: %v", len(xids), err)
				return
			}
			xids = append(xids, h.XID)
		}
		p.write(xids[2], &openflow.EchoReply{Data: []byte{4}}) // echo and role requests have overtaken the other
		p.write(xids[1], &openflow.Error{ErrType: openflow.ErrorTypeBadRequest})
		p.write(xids[3], flowPart(0, 4, true))
		p.write(xids[0], &openflow.EchoReply{Data: []byte{1}})
		p.write(xids[3], flowPart(5, 9, false))
	}()
	replies := c.RequestAll(t.Context(), &openflow.EchoRequest{}, openflow.NewMultipartRequest(openflow.AllFlows()),
		&openflow.FlowMod{}, &openflow.EchoRequest{Data: make([]byte, 1<<16)}, &openflow.RoleRequest{}, &openflow.EchoRequest{})
	<-done
	if len(replies) != 6 {
		t.Fatalf("%d replies", len(replies))
	}
	for i, want := range map[int]byte{0: 1, 5: 4} {
		if m, ok := replies[i].Message.(*openflow.EchoReply); !ok || replies[i].Err != nil || m.Data[0] != want {
			t.Errorf("reply %d: %+v", i, replies[i])
		}
	}
	if m, ok := replies[1].Message.(*openflow.MultipartReply); !ok || len(m.Body.(openflow.FlowStatsReply)) != 10 {
		t.Errorf("reply 1: %+v", replies[1])
	}
	wantKind(t, replies[2].Err, ErrMessage)
	wantKind(t, replies[3].Err, ErrMessage)
	if _, ok := replies[4].Err.(*openflow.Error); !ok {
		t.Errorf("reply 4: %+v", replies[4])
	}
	wantNoCalls(t, c)
}

// What is not answered as the context or the connection ends has an error; the
// replies that came are there.
func TestRequestAllUnanswered(t *testing.T) {
	for name, end := range map[string]func(context.CancelFunc, *peer){
		"context":    func(cancel context.CancelFunc, _ *peer) { cancel() },
		"connection": func(_ context.CancelFunc, p *peer) { p.nc.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c, p := pipe(t, Config{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				p.read()
				h, _ := p.read()
				p.write(h.XID, &openflow.EchoReply{})
				p.write(7, &openflow.EchoRequest{})
				if _, _, err := p.next(); err != nil && err != io.EOF { // by now the reply has been taken
					t.Error(err)
				}
				end(cancel, p)
			}()
			replies := c.RequestAll(ctx, &openflow.EchoRequest{}, &openflow.EchoRequest{})
			wantKind(t, replies[0].Err, ErrClosed)
			if replies[1].Err != nil || replies[1].Message == nil {
				t.Errorf("the reply that came: %+v", replies[1])
			}
			wantNoCalls(t, c)
		})
	}
	c, _ := pipe(t, Config{})
	if replies := c.RequestAll(t.Context()); len(replies) != 0 {
		t.Errorf("replies to nothing: %v", replies)
	}
}

package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"conga/openflow"
)

// readCommit reads n flow mods and a barrier and returns the xid of the first
// and that of the barrier.
func readCommit(p *peer, n int) (first, barrier uint32) {
	for i := range n {
		h, m := expect[*openflow.FlowMod](p)
		if i == 0 {
			first = h.XID
		}
		if m == nil || m.Cookie != openflow.Cookie(i) {
			p.t.Errorf("flow mod %d is %+v", i, m)
			return
		}
	}
	h, _ := expect[*openflow.BarrierRequest](p)
	return first, h.XID
}

func TestCommitRefusals(t *testing.T) {
	c, p := loopback(t, Config{})
	const n = 2000
	k := c.Commit(flowMods(n))
	go func() {
		first, barrier := readCommit(p, n)
		if barrier != first+n {
			t.Errorf("xids %d to %d for %d messages", first, barrier, n)
		}
		for _, i := range []uint32{1999, 3, 500, 3} { // in any order, one twice
			p.write(first+i, &openflow.Error{
				ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(i), Data: make([]byte, 1000),
			})
		}
		p.write(first+7, &openflow.BarrierReply{}) // not to the barrier: means nothing
		p.write(barrier, &openflow.BarrierReply{})
	}()
	within(t, k.Done(), "commit")
	if err := k.Err(); err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, r := range k.Refused() {
		got = append(got, r.Index)
		if int(r.Err.Code) != r.Index || len(r.Err.Data) != refusalData {
			t.Errorf("message %d refused with code %d and %d bytes", r.Index, r.Err.Code, len(r.Err.Data))
		}
	}
	if !slices.Equal(got, []int{3, 500, 1999}) {
		t.Errorf("refused %v", got)
	}
	wantNoCalls(t, c)
}

// What one goroutine commits stays together and in order, whatever others send.
func TestCommitOrder(t *testing.T) {
	c, p := loopback(t, Config{})
	const workers, rounds, size = 6, 20, 30
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for r := range rounds {
				msgs := flowMods(size)
				for _, m := range msgs {
					m.(*openflow.FlowMod).Cookie |= openflow.Cookie(w<<32 | r<<16)
				}
				k := c.Commit(msgs)
				c.PacketOut(&openflow.PacketOut{BufferID: openflow.NoBuffer}, r%2 == 0)
				within(t, k.Done(), "commit")
				if k.Err() != nil || len(k.Refused()) != 0 {
					t.Errorf("commit: %v, %v", k.Err(), k.Refused())
				}
			}
		})
	}
	all.Go(func() {
		var last [workers]int
		open, next := -1, 0
		for done := 0; done < workers*rounds; {
			h, m := p.read()
			switch m := m.(type) {
			case *openflow.FlowMod:
				w, r, i := int(m.Cookie>>32), int(m.Cookie>>16&0xffff), int(m.Cookie&0xffff)
				if i != next || open >= 0 && open != w || r != last[w] {
					t.Errorf("message %d of commit %d of worker %d came inside worker %d's", i, r, w, open)
					return
				}
				open, next = w, next+1
			case *openflow.BarrierRequest:
				if next != size {
					t.Errorf("barrier after %d messages", next)
				}
				last[open]++
				open, next, done = -1, 0, done+1
				p.write(h.XID, &openflow.BarrierReply{})
			}
		}
	})
	all.Wait()
}

func TestCommitEmpty(t *testing.T) {
	c, p := pipe(t, Config{})
	k := c.Commit(nil)
	_, barrier := readCommit(p, 0)
	p.write(barrier, &openflow.BarrierReply{})
	within(t, k.Done(), "commit")
	if k.Err() != nil {
		t.Error(k.Err())
	}
}

// A message that cannot be encoded ends the commit in front of it.
func TestCommitUnencodable(t *testing.T) {
	for name, bad := range map[string]openflow.Message{
		"nil":      nil,
		"too long": &openflow.EchoRequest{Data: make([]byte, 1<<16)},
	} {
		t.Run(name, func(t *testing.T) {
			c, p := pipe(t, Config{})
			k := c.Commit(slices.Insert(flowMods(5), 3, bad))
			first, barrier := readCommit(p, 3)
			p.write(first+1, &openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed})
			p.write(barrier, &openflow.BarrierReply{})
			within(t, k.Done(), "commit")
			wantKind(t, k.Err(), ErrMessage)
			if r := k.Refused(); len(r) != 1 || r[0].Index != 1 {
				t.Errorf("refused %v", r)
			}
		})
	}
}

func TestDisconnectCancels(t *testing.T) {
	c, p := loopback(t, Config{})
	var commits []*Commit
	for range 3 {
		commits = append(commits, c.Commit(flowMods(10)))
	}
	asked := make(chan error)
	go func() {
		_, err := c.Request(context.Background(), &openflow.RoleRequest{})
		asked <- err
	}()
	for range 3*11 + 1 {
		p.read()
	}
	p.nc.Close()
	for _, k := range append(commits, c.Commit(flowMods(10))) {
		within(t, k.Done(), "commit")
		wantKind(t, k.Err(), ErrClosed)
	}
	wantKind(t, <-asked, ErrClosed)
	within(t, c.Done(), "connection")
	wantKind(t, c.Err(), ErrNetwork)
	k := c.Commit(flowMods(1))
	within(t, k.Done(), "commit after the end")
	for name, err := range map[string]error{
		"commit": k.Err(), "send": c.Send(&openflow.BarrierRequest{}),
		"packet-out": c.PacketOut(&openflow.PacketOut{}, true),
	} {
		if !errors.Is(err, ErrClosed) || !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v, want closed because of EOF", name, err)
		}
	}
}

// The slice belongs to the caller again once Done is closed, even if the
// connection broke in the middle of sending. The race detector judges.
func TestCommitSliceIsFree(t *testing.T) {
	c, p := loopback(t, Config{})
	msgs := flowMods(50_000)
	k := c.Commit(msgs)
	expect[*openflow.FlowMod](p)
	c.Close()
	within(t, k.Done(), "commit")
	for i := range msgs {
		msgs[i].(*openflow.FlowMod).Cookie = 0
		msgs[i] = nil
	}
}

// A peer that guesses xids completes and refuses nothing that was not sent.
func TestCommitGuessed(t *testing.T) {
	c, p := pipe(t, Config{EchoInterval: time.Hour, EchoTimeout: 2 * time.Hour}) // reading takes its time on a busy machine
	k := c.Commit(flowMods(100_000))
	h, _ := expect[*openflow.FlowMod](p)
	p.write(h.XID+100_000, &openflow.BarrierReply{})
	p.write(h.XID+99_999, &openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed})
	p.write(5, &openflow.EchoRequest{}) // sent after the others were handled
	for i := 1; i < 100_000; {
		switch _, m := p.read(); m.(type) {
		case *openflow.FlowMod:
			i++
		case *openflow.EchoReply:
		default:
			t.Fatalf("got a %v", m.Type())
		}
	}
	h, _ = expect[*openflow.BarrierRequest](p)
	select {
	case <-k.Done():
		t.Fatal("completed by a guess")
	default:
	}
	p.write(h.XID, &openflow.BarrierReply{})
	within(t, k.Done(), "commit")
	if len(k.Refused()) != 0 || k.Err() != nil {
		t.Errorf("refused %v, %v", k.Refused(), k.Err())
	}
}

// The numbers of commits wrap around.
func TestCommitWrap(t *testing.T) {
	for _, before := range []uint32{0, 1, 5, 10, 11, 12} {
		t.Run(fmt.Sprint(before), func(t *testing.T) {
			c, p := pipe(t, Config{})
			c.calls.ranges = xidMask + 1 - before
			var commits []*Commit
			var firsts, barriers []uint32
			for range 4 {
				commits = append(commits, c.Commit(flowMods(10)))
			}
			for range 4 {
				first, barrier := readCommit(p, 10)
				firsts, barriers = append(firsts, first), append(barriers, barrier)
			}
			for _, i := range []int{2, 0, 3, 1} {
				xid := commitXID | (firsts[i]+uint32(i))&xidMask
				p.write(xid, &openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed})
				p.write(barriers[i], &openflow.BarrierReply{})
				within(t, commits[i].Done(), "commit")
				if r := commits[i].Refused(); len(r) != 1 || r[0].Index != i {
					t.Errorf("commit %d refused %v", i, r)
				}
			}
			wantNoCalls(t, c)
		})
	}
}

// All numbers may be in use.
func TestCommitExhausted(t *testing.T) {
	c, p := pipe(t, Config{})
	c.Commit(flowMods(1))
	readCommit(p, 1)
	c.calls.mu.Lock()
	c.calls.ranges = (c.calls.commits[0].xid - 3) & xidMask
	c.calls.mu.Unlock()
	k := c.Commit(flowMods(5))
	within(t, k.Done(), "commit")
	wantKind(t, k.Err(), ErrBusy)
}

// A switch that refuses the barrier itself has confirmed nothing.
func TestCommitBarrierRefused(t *testing.T) {
	c, p := pipe(t, Config{})
	k := c.Commit(flowMods(1))
	_, barrier := readCommit(p, 1)
	p.write(barrier, &openflow.Error{ErrType: openflow.ErrorTypeBadRequest})
	within(t, k.Done(), "commit")
	wantKind(t, k.Err(), ErrProtocol)
	if _, ok := errors.AsType[*openflow.Error](k.Err()); !ok || len(k.Refused()) != 0 {
		t.Errorf("%v, refused %v", k.Err(), k.Refused())
	}
	wantNoCalls(t, c)
}

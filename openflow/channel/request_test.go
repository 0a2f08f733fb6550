package channel

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"conga/openflow"
)

func TestRequest(t *testing.T) {
	c, p := pipe(t, Config{MaxMultipart: 2000})
	part := func(n int, more bool) openflow.Message {
		m := openflow.NewMultipartReply(openflow.PortStatsReply(make([]openflow.PortStats, n)))
		if more {
			m.Flags = openflow.MultipartMore
		}
		return m
	}
	entries := openflow.NewMultipartReply(make(openflow.FlowStatsReply, 15))
	entries.Flags = openflow.MultipartMore
	portStats := openflow.NewMultipartRequest(&openflow.PortStatsRequest{Port: openflow.PortAny})
	tests := []struct {
		name    string
		ask     openflow.Message
		replies []openflow.Message
		kind    Kind // 0: answered
		entries int
	}{
		{name: "one reply", ask: &openflow.RoleRequest{}, replies: []openflow.Message{&openflow.RoleReply{Role: 2}}},
		{name: "barrier", ask: &openflow.BarrierRequest{}, replies: []openflow.Message{&openflow.BarrierReply{}}},
		{name: "echo", ask: &openflow.EchoRequest{}, replies: []openflow.Message{&openflow.EchoReply{}}},
		{name: "experimenter", ask: &openflow.Experimenter{}, replies: []openflow.Message{&openflow.Experimenter{}}},
		{name: "whole", ask: portStats, replies: []openflow.Message{part(3, false)}, entries: 3},
		{name: "parts", ask: portStats, replies: []openflow.Message{part(3, true), part(0, true), part(2, false)}, entries: 5},
		{name: "too large", ask: openflow.NewMultipartRequest(openflow.AllFlows()), replies: []openflow.Message{entries, entries}, kind: ErrTooLarge},
		{name: "wrong reply", ask: &openflow.RoleRequest{}, replies: []openflow.Message{&openflow.BarrierReply{}}, kind: ErrProtocol},
		{name: "wrong multipart", ask: portStats, replies: []openflow.Message{
			openflow.NewMultipartReply(openflow.PortDescReply{}),
		}, kind: ErrProtocol},
		{name: "multipart to another request", ask: &openflow.RoleRequest{}, replies: []openflow.Message{part(1, false)}, kind: ErrProtocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answered := make(chan struct{})
			defer func() { <-answered }() // the request may be over before
			go func() {
				defer close(answered)
				h, _ := p.read()
				for _, m := range tt.replies {
					p.write(h.XID, m)
				}
			}()
			m, err := c.Request(t.Context(), tt.ask)
			if tt.kind != 0 {
				wantKind(t, err, tt.kind)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if mp, ok := m.(*openflow.MultipartReply); ok && len(mp.Body.(openflow.PortStatsReply)) != tt.entries {
				t.Errorf("%d entries, want %d", len(mp.Body.(openflow.PortStatsReply)), tt.entries)
			}
		})
	}
	wantNoCalls(t, c)
}

func TestRequestRefused(t *testing.T) {
	c, p := pipe(t, Config{})
	go func() {
		h, _ := p.read()
		p.write(h.XID, &openflow.Error{ErrType: openflow.ErrorTypeRoleRequestFailed, Code: 2})
	}()
	_, err := c.Request(t.Context(), &openflow.RoleRequest{})
	if e, ok := errors.AsType[*openflow.Error](err); !ok || e.Code != 2 {
		t.Errorf("error %v", err)
	}
	for _, m := range []openflow.Message{nil, flowMod(1), &openflow.BarrierReply{}} {
		_, err := c.Request(t.Context(), m)
		wantKind(t, err, ErrMessage)
	}
	_, err = c.Request(t.Context(), &openflow.EchoRequest{Data: make([]byte, 1<<16)})
	wantKind(t, err, ErrMessage)
	wantNoCalls(t, c)
}

// A reply that cannot be read fails the request at once.
func TestRequestMalformedReply(t *testing.T) {
	c, p := pipe(t, Config{})
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		h, _ := p.read()
		p.raw([]byte{4, byte(openflow.TypeRoleReply), 0, 9, byte(h.XID >> 24), byte(h.XID >> 16), byte(h.XID >> 8), byte(h.XID), 1})
		p.read() // our complaint
	}()
	_, err := c.Request(t.Context(), &openflow.RoleRequest{})
	wantKind(t, err, ErrProtocol)
}

// A request that is given up is forgotten, and its late reply dropped.
func TestRequestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := pipe(t, Config{})
		defer func() { c.Close(); p.nc.Close(); c.loops.Wait() }()
		c.Start(func(_ openflow.Header, m openflow.Message) { t.Errorf("delivered a %v", m.Type()) })
		xid := make(chan uint32, 1)
		go func() {
			h, _ := p.read()
			xid <- h.XID
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Request(ctx, &openflow.RoleRequest{})
		wantKind(t, err, ErrTimeout)
		p.write(<-xid, &openflow.RoleReply{})
		synctest.Wait()
		wantNoCalls(t, c)
		if c.Err() != nil {
			t.Error(c.Err())
		}
	})
}

// What is asked, committed and asked again without waiting reaches the switch
// in that order.
func TestAskKeepsTheOrder(t *testing.T) {
	c, p := loopback(t, Config{})
	ports := openflow.NewMultipartRequest(&openflow.PortStatsRequest{Port: openflow.PortAny})
	first := c.Ask(t.Context(), ports, ports)
	k := c.Commit(flowMods(1))
	second := c.Ask(t.Context(), ports)
	answer := func() {
		h, _ := expect[*openflow.MultipartRequest](p)
		p.write(h.XID, &openflow.MultipartReply{MPType: openflow.MultipartPortStats, Body: openflow.PortStatsReply{}})
	}
	answer()
	answer()
	for _, r := range first.Replies() {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	expect[*openflow.FlowMod](p)
	h, _ := expect[*openflow.BarrierRequest](p)
	p.write(h.XID, &openflow.BarrierReply{})
	within(t, k.Done(), "commit")
	answer()
	if got := second.Replies(); len(got) != 1 || got[0].Err != nil {
		t.Errorf("the last question has %v", got)
	}
	wantNoCalls(t, c)
}

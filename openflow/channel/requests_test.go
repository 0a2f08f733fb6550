package channel

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"conga/openflow"
)

// Requests that are made together come in one write, are answered in any order,
// and fail one by one.
func TestRequestAll(t *testing.T) {
	c, p := pipe(t, Config{})
	asked := []openflow.Message{
		&openflow.GetConfigRequest{}, &openflow.Hello{}, // which has no reply
		openflow.NewMultipartRequest(&openflow.PortStatsRequest{Port: openflow.PortAny}), &openflow.BarrierRequest{},
		openflow.NewMultipartRequest(&openflow.MeterStatsRequest{Meter: 7}),
	}
	go func() {
		buf := make([]byte, 4096)
		n, err := p.nc.Read(buf) // a pipe gives at most what one write has brought
		if err != nil {
			t.Error(err)
			return
		}
		var xids []uint32
		for b := buf[:n]; len(b) > 0; {
			xids, b = append(xids, binary.BigEndian.Uint32(b[4:])), b[binary.BigEndian.Uint16(b[2:]):]
		}
		if len(xids) != 4 {
			t.Errorf("%d messages came in the first write", len(xids))
			c.Close()
			return
		}
		p.write(xids[3], &openflow.Error{ErrType: openflow.ErrorTypeMeterModFailed})
		p.write(xids[2], &openflow.BarrierReply{})
		p.write(xids[1], openflow.NewMultipartReply(openflow.PortStatsReply{{Port: 1}}))
		p.write(xids[0], &openflow.GetConfigReply{})
	}()
	got := c.RequestAll(t.Context(), asked)
	for i, want := range []openflow.Type{openflow.TypeGetConfigReply, 0, openflow.TypeMultipartReply, openflow.TypeBarrierReply, 0} {
		switch r := got[i]; {
		case want == 0:
			if r.Err == nil || r.Message != nil {
				t.Errorf("request %d: %v, error %v", i, r.Message, r.Err)
			}
		case r.Err != nil || r.Message.Type() != want:
			t.Errorf("request %d: %v, error %v", i, r.Message, r.Err)
		}
	}
	wantKind(t, got[1].Err, ErrMessage)
	if _, ok := got[4].Err.(*openflow.Error); !ok {
		t.Errorf("a refusal is %T", got[4].Err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range c.RequestAll(ctx, asked) {
		if !errors.Is(r.Err, context.Canceled) {
			t.Errorf("without patience: %v", r.Err)
		}
	}
	c.Close()
	for _, r := range c.RequestAll(t.Context(), asked[2:]) {
		wantKind(t, r.Err, ErrClosed)
	}
	if n := len(c.calls.requests); n != 0 {
		t.Errorf("%d requests are waited for still", n)
	}
}

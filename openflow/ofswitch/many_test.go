package ofswitch_test

import (
	"context"
	"testing"
	"time"

	"conga/openflow"
	"conga/openflow/channel"
	"conga/openflow/ofswitch"
)

// TestAThousandSwitches has a thousand switches in one process connect, take a
// flow entry each, and answer the barrier that follows it.
func TestAThousandSwitches(t *testing.T) {
	const n = 1000
	l, err := channel.Listen("127.0.0.1:0", channel.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	network := ofswitch.NewNetwork(ofswitch.NetworkConfig{})
	defer network.Close()
	for d := openflow.DPID(1); d <= n; d++ {
		network.AddSwitch(ofswitch.Config{DPID: d}).AddPort(1, "p1", 10_000_000)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	network.Start(ctx, l.Addr().String())
	for range n {
		c, err := l.Accept(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Start(func(openflow.Header, openflow.Message) {})
		k := c.Commit([]openflow.Message{&openflow.FlowMod{
			BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
			Instructions: []openflow.Instruction{openflow.ApplyActions(openflow.Output(1, 0))},
		}})
		select {
		case <-k.Done():
		case <-ctx.Done():
			t.Fatal("a switch does not answer")
		}
		if k.Err() != nil || len(k.Refused()) != 0 {
			t.Fatal(k.Err(), k.Refused())
		}
	}
	for _, s := range network.Switches() {
		if len(s.Flows(0)) != 1 {
			t.Errorf("switch %v holds %d entries", s.DPID(), len(s.Flows(0)))
		}
	}
}

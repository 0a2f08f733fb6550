package controller

import (
	"fmt"
	"testing"
	"time"

	"conga/controller/flow"
	"conga/controller/path"
	"conga/openflow"
)

// Portions that are put off are settled a second after the last circuit came,
// and in time where circuits come without end.
func TestPortionsCatchUp(t *testing.T) {
	for name, c := range map[string]struct {
		moves bool // without end
		after time.Duration
	}{"calm": {false, calm}, "busy": {true, settleWait}} {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t, 2)
			b.wanted = flow.NewWanted(flow.Policy{Forwarding: flow.ForwardL2, Meter: true, Spare: 0.2})
			b.wanted.SetNetwork(b.Snapshot())
			for d := openflow.DPID(1); d <= 2; d++ {
				b.wanted.Watch(d)
			}
			for i := range 40 {
				c := along(1, 2)
				c.ID, c.Handle, c.Key.DstPort = fmt.Sprint(i), uint32(16*i+5), path.Port(uint16(i+1))
				b.ask(func(r chan<- error) event { return install{c, r} })
				b.draw()
			}
			if !b.wanted.PutOff() {
				t.Fatal("nothing is put off")
			}
			now := b.portions.moved
			for first := now; b.wanted.PutOff(); now = now.Add(tick) {
				if now.Sub(first) > c.after+2*tick {
					t.Fatalf("portions are put off still after %v", now.Sub(first))
				}
				if c.moves {
					b.portions.moved = now
				}
				b.stale = false
				b.settlePortions(now)
				if done := !b.wanted.PutOff(); done != b.stale || done && now.Sub(first) < c.after {
					t.Fatalf("after %v portions are settled: %v, handed out: %v", now.Sub(first), done, b.stale)
				}
			}
		})
	}
}

package controller

import (
	"testing"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// cut has a switch say that a port of its is down.
func (b *board) cut(d openflow.DPID, no openflow.PortNo) {
	b.apply(portStatus{s: b.peers[d].session, reason: openflow.PortModified,
		port: openflow.Port{No: no, CurrSpeed: 100_000, State: openflow.PortStateLinkDown}})
	b.draw()
}

// A caller that waits for a circuit hears at once that its path is cut,
// whatever the circuit waits for: another path is to be tried.
func TestACutIsAnswered(t *testing.T) {
	t.Run("while a switch hangs", func(t *testing.T) {
		b := newBoard(t, 3)
		reply := b.ask(func(r chan<- error) event { return install{along(1, 3), r} })
		b.draw()
		b.wantNone("no switch has confirmed", reply)
		b.cut(2, 2)
		wantError(t, reply)
	})
	t.Run("while a switch is compared", func(t *testing.T) {
		b := newBoard(t, 3)
		b.disconnect(1)
		b.connect(1)
		for _, at := range [...]topology.PortID{{DPID: 1, Port: 2}, {DPID: 2, Port: 1}} {
			b.builder.LinkSeen(at, topology.PortID{DPID: 3 - at.DPID, Port: 3 - at.Port}, time.Now())
		}
		b.draw()
		reply := b.ask(func(r chan<- error) event { return install{along(1, 3), r} })
		b.draw()
		if c := b.circuits["a"]; !c.apart || !b.stuck[1][c] {
			t.Fatal("the circuit does not wait for the switch that has just returned")
		}
		b.wantNone("switch 1 is being compared", reply)
		b.cut(2, 2)
		wantError(t, reply)
	})
	t.Run("before it is handed out", func(t *testing.T) {
		b := newBoard(t, 3)
		reply := b.ask(func(r chan<- error) event { return install{along(1, 3), r} })
		b.cut(2, 2)
		wantError(t, reply)
	})
}

// A circuit that no caller waits for any more is not kept.
func TestAwaitedIsForgotten(t *testing.T) {
	b := newBoard(t, 2)
	reply := b.ask(func(r chan<- error) event { return install{along(1, 2), r} })
	b.draw()
	if len(b.awaited) != 1 {
		t.Fatalf("%d circuits are awaited; want the one", len(b.awaited))
	}
	b.withdraw("a", make(chan error))
	if len(b.awaited) != 1 {
		t.Error("the request of another was withdrawn, and the circuit is awaited no more")
	}
	b.confirm(1)
	b.confirm(2)
	b.wantAnswer("both have confirmed", reply)
	second := make(chan error, 1)
	b.apply(install{along(1, 2), second})
	b.withdraw("a", second)
	gone := b.ask(func(r chan<- error) event { return removal{"a", r} })
	b.draw()
	b.confirm(1)
	b.confirm(2)
	b.wantAnswer("it is removed", gone)
	if len(b.awaited) != 0 {
		t.Errorf("%d circuits are awaited; want none", len(b.awaited))
	}
}

func wantError(t *testing.T, reply <-chan error) {
	t.Helper()
	select {
	case err := <-reply:
		if err == nil {
			t.Error("the circuit is said to be in")
		}
	default:
		t.Error("no answer")
	}
}

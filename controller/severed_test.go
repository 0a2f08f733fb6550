package controller

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/controller/path"
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
	t.Run("before it is asked for", func(t *testing.T) {
		b := newBoard(t, 3)
		b.cut(2, 2)
		reply := b.ask(func(r chan<- error) event { return install{along(1, 3), r} })
		b.draw()
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

// A circuit that has left a switch which is away, and that it waited for, is
// not kept for that switch.
func TestStuckIsForgotten(t *testing.T) {
	b := newBoard(t, 3)
	over := func(d openflow.DPID) path.Circuit { return byHand(along(1, 1), 1, d) }
	confirm := func() {
		for range 4 { // as many as a move has phases
			b.draw()
			b.confirm(1)
			b.confirm(3)
		}
	}
	b.ask(func(r chan<- error) event { return install{over(2), r} })
	b.draw()
	b.confirm(2)
	confirm()
	b.disconnect(2)
	b.ask(func(r chan<- error) event { return install{over(2), r} })
	b.draw()
	if len(b.stuck[2]) != 1 {
		t.Fatal("the circuit does not wait for the switch that is away")
	}
	b.ask(func(r chan<- error) event { return install{over(3), r} })
	confirm()
	b.ask(func(r chan<- error) event { return removal{"a", r} })
	confirm()
	if len(b.stuck[2])+len(b.circuits) > 0 {
		t.Errorf("%d circuits are kept for a switch that is away, %d in all; want none", len(b.stuck[2]), len(b.circuits))
	}
}

// TestAwaitedAreThoseWithCallers has requests and events come in any order:
// awaited are the circuits that callers wait for, and stuck is none that is
// over.
func TestAwaitedAreThoseWithCallers(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := newBoard(t, 4)
		dpid := func() openflow.DPID { return openflow.DPID(rapid.IntRange(1, 4).Draw(r, "switch")) }
		for range rapid.IntRange(1, 40).Draw(r, "events") {
			d, id := dpid(), rapid.IntRange(1, 3).Draw(r, "circuit")
			switch p := b.peers[d]; rapid.IntRange(0, 7).Draw(r, "what") {
			case 0, 1, 2:
				c := along(min(d, 3), max(min(d, 3), dpid()))
				c.ID, c.Handle, c.Key.DstPort = fmt.Sprint(id), uint32(16*id), path.Port(uint16(id))
				b.ask(func(reply chan<- error) event { return install{c, reply} })
			case 3:
				b.ask(func(reply chan<- error) event { return removal{fmt.Sprint(id), reply} })
			case 4:
				if p != nil {
					b.cut(d, openflow.PortNo(rapid.IntRange(1, 2).Draw(r, "port")))
				}
			case 5:
				if p != nil {
					b.disconnect(d)
				} else {
					b.connect(d)
				}
			case 6:
				if c := b.circuits[fmt.Sprint(id)]; c != nil && len(c.waiters) > 0 {
					b.withdraw(c.want.ID, c.waiters[0])
				}
			default:
				if p != nil {
					b.confirm(d)
				}
			}
			if rapid.Bool().Draw(r, "draw") {
				b.draw()
			}
			for d, stuck := range b.stuck {
				for c := range stuck {
					if b.circuits[c.want.ID] != c {
						r.Fatalf("circuit %s is over, and kept for switch %d", c.want.ID, d)
					}
				}
			}
			n := 0
			for _, c := range b.circuits {
				if len(c.waiters) > 0 {
					if n++; !b.awaited[c] {
						r.Fatalf("circuit %s has callers and is not awaited", c.want.ID)
					}
				}
			}
			if len(b.awaited) != n {
				r.Fatalf("%d circuits are awaited; %d have callers", len(b.awaited), n)
			}
		}
	})
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

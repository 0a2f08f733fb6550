package controller

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// board is a core without switches: sessions say what the test has them say.
type board struct {
	*testing.T
	*core
}

// newBoard returns a board with so many switches in a row, from port 2 of one
// to port 1 of the next; port 3 is for a host. All hold what they should.
func newBoard(t *testing.T, switches openflow.DPID) *board {
	c, err := New(Config{Priority: Priority{Meter: true}})
	if err != nil {
		t.Fatal(err)
	}
	b := &board{t, newCore(context.Background(), c)}
	for d := openflow.DPID(1); d <= switches; d++ {
		b.connect(d)
	}
	for d := openflow.DPID(1); d < switches; d++ {
		x, y := topology.PortID{DPID: d, Port: 2}, topology.PortID{DPID: d + 1, Port: 1}
		b.builder.LinkSeen(x, y, time.Now())
		b.builder.LinkSeen(y, x, time.Now())
	}
	b.draw()
	for d := openflow.DPID(1); d <= switches; d++ {
		b.confirm(d)
	}
	return b
}

// draw draws the consequences of what has happened, however soon.
func (b *board) draw() {
	for again := time.Duration(1); again > 0; again = b.settle() {
		b.rested = time.Time{}
	}
}

func (b *board) connect(d openflow.DPID) {
	s := &session{Controller: b.Controller, dpid: d, mail: newMailbox()}
	b.peers[d] = &peer{session: s}
	var ports []openflow.Port
	for no := openflow.PortNo(1); no <= 3; no++ {
		ports = append(ports, openflow.Port{No: no, CurrSpeed: 100_000})
	}
	b.apply(up{s: s, ports: ports, info: topology.Switch{DPID: d, Tables: 254, Meters: 100}})
	b.draw()
}

func (b *board) disconnect(d openflow.DPID) {
	b.apply(down{s: b.peers[d].session})
	b.draw()
}

// confirm has a switch hold all that was handed to it.
func (b *board) confirm(d openflow.DPID) {
	p := b.peers[d]
	b.apply(confirmed{s: p.session, circuits: p.handed, all: p.handed})
	b.draw()
}

// ask makes a request and returns where the answer will be.
func (b *board) ask(request func(chan<- error) event) <-chan error {
	reply := make(chan error, 1)
	b.apply(request(reply))
	return reply
}

func (b *board) wantAnswer(what string, reply <-chan error) {
	b.Helper()
	select {
	case err := <-reply:
		if err != nil {
			b.Errorf("%s: %v", what, err)
		}
	default:
		b.Errorf("%s: no answer", what)
	}
}

func (b *board) wantNone(what string, reply <-chan error) {
	b.Helper()
	select {
	case err := <-reply:
		b.Errorf("%s: answered with %v", what, err)
	default:
	}
}

// along returns a circuit through the switches from one to another.
func along(from, to openflow.DPID) path.Circuit {
	c := path.Circuit{ID: "a", Handle: 7, Rate: bitrate.Mbps, Key: path.FlowKey{
		Src: path.Host(netip.MustParseAddr("10.0.0.1")), Dst: path.Host(netip.MustParseAddr("10.0.0.2"))}}
	for d := from; d <= to; d++ {
		h := path.Hop{DPID: d, In: 1, Out: 2}
		if d == from {
			h.In = 3
		}
		if d == to {
			h.Out = 3
		}
		c.Path = append(c.Path, h)
	}
	return c
}

// What a switch has confirmed is lost with its session: it may have been
// switched off meanwhile.
func TestConfirmationEndsWithTheSession(t *testing.T) {
	b := newBoard(t, 2)
	reply := b.ask(func(r chan<- error) event { return install{along(1, 2), r} })
	b.draw()
	b.confirm(1)
	b.disconnect(1)
	b.connect(1)
	b.confirm(2)
	b.wantNone("switch 1 has said nothing since it is back", reply)
	b.confirm(1)
	b.wantAnswer("both have confirmed", reply)
}

// Nothing waits for a switch that returns and turns out to have another
// controller as its master.
func TestNothingWaitsForASwitchThatIsWithheld(t *testing.T) {
	b := newBoard(t, 2)
	b.ask(func(r chan<- error) event { return install{along(1, 2), r} })
	b.draw()
	b.confirm(1)
	b.confirm(2)
	b.disconnect(1)
	b.peers[1] = &peer{session: &session{Controller: b.Controller, dpid: 1, mail: newMailbox()}}
	gone := b.ask(func(r chan<- error) event { return removal{"a", r} })
	other := along(1, 2)
	other.ID, other.Handle = "b", 8
	come := b.ask(func(r chan<- error) event { return install{other, r} })
	b.draw()
	b.confirm(2)
	b.wantNone("switch 1 has said nothing yet", gone)
	b.wantNone("switch 1 has said nothing yet", come)
	b.peers[1].withheld = true
	b.forsake(1)
	b.wantAnswer("the entries are gone where they can be", gone)
	select {
	case err := <-come:
		if !errors.Is(err, ErrWithheld) {
			t.Errorf("the circuit that is to come: %v", err)
		}
	default:
		t.Error("the circuit that is to come: no answer")
	}
}

// The entries of a switch that returns are not gone before it has been
// compared.
func TestRemovalWaitsForASwitchThatReturns(t *testing.T) {
	b := newBoard(t, 2)
	b.ask(func(r chan<- error) event { return install{along(1, 2), r} })
	b.draw()
	b.confirm(1)
	b.confirm(2)
	reply := b.ask(func(r chan<- error) event { return removal{"a", r} })
	b.draw()
	b.disconnect(1)
	b.connect(1)
	b.confirm(2)
	b.wantNone("switch 1 is connected and may hold the entries", reply)
	b.confirm(1)
	b.wantAnswer("both have confirmed", reply)
}

// A request that is overtaken before it was handed out begins one wait, not
// two.
func TestRequestsAtOnceAreConfirmedOnce(t *testing.T) {
	b := newBoard(t, 1)
	c := along(1, 1)
	b.ask(func(r chan<- error) event { return install{c, r} })
	b.draw()
	b.confirm(1)
	var reply <-chan error
	for range 4 {
		c.Handle++ // a state that differs in the later phases only
		reply = b.ask(func(r chan<- error) event { return install{c, r} })
	}
	b.draw()
	b.wantNone("the switch has been told of other cookies and has said nothing", reply)
	for range 3 {
		b.confirm(1)
	}
	b.wantAnswer("the switch has confirmed", reply)
}

// byHand returns the circuit of along over another pair of ports between 1 and
// 2.
func byHand(c path.Circuit, via ...openflow.DPID) path.Circuit {
	c.Path = nil
	for i, d := range via {
		h := path.Hop{DPID: d, In: 1, Out: 2}
		if i == 0 {
			h.In = 3
		}
		if i == len(via)-1 {
			h.Out = 3
		}
		c.Path = append(c.Path, h)
	}
	return c
}

// A circuit that gave up a path before it stood may have left entries there.
func TestRemovalWaitsForAPathThatWasGivenUp(t *testing.T) {
	b := newBoard(t, 3)
	b.ask(func(r chan<- error) event { return install{along(1, 1), r} })
	b.draw()
	b.confirm(1)
	b.ask(func(r chan<- error) event { return install{byHand(along(1, 1), 1, 2), r} })
	b.draw() // switch 2 has it, and does not say so
	b.ask(func(r chan<- error) event { return install{along(1, 1), r} })
	b.draw()
	reply := b.ask(func(r chan<- error) event { return removal{"a", r} })
	b.draw()
	for range 4 {
		b.confirm(1)
	}
	b.wantNone("switch 2 may hold the entries", reply)
	b.confirm(2)
	b.wantAnswer("both have confirmed", reply)
}

// A circuit that has left a path does not come back to it when it moves on.
func TestMoveDoesNotListWhatWasLeft(t *testing.T) {
	b := newBoard(t, 3)
	b.ask(func(r chan<- error) event { return install{byHand(along(1, 1), 1, 2), r} })
	b.draw()
	b.confirm(1)
	b.confirm(2)
	b.ask(func(r chan<- error) event { return install{along(1, 1), r} })
	c := b.circuits["a"]
	for c.phase != leaving {
		b.draw()
		b.confirm(1)
	}
	b.ask(func(r chan<- error) event { return install{byHand(along(1, 1), 1, 3), r} })
	for _, listed := range c.listed() {
		if len(listed.Path) == 2 && listed.Path[1].DPID == 2 {
			t.Errorf("the path over switch 2, which it has left, is listed again: %v", c.listed())
		}
	}
}

// As many refusals as before may be of others.
func TestRefusalOfAnotherIsAnnounced(t *testing.T) {
	b := newBoard(t, 1)
	refuse := func(owner uint64, meters flow.Unmetered) <-chan struct{} {
		p, changed := b.peers[1], b.Changed()
		b.apply(confirmed{s: p.session, circuits: p.handed, all: p.handed, refused: map[uint64]error{owner: errSilent}, unmetered: meters})
		return changed
	}
	refuse(7, nil)
	for what, changed := range map[string]<-chan struct{}{
		"another circuit is refused": refuse(8, nil), "a meter is refused": refuse(8, flow.Unmetered{purpose.FloodID: errSilent}), "the meter is there": refuse(8, nil),
	} {
		select {
		case <-changed:
		default:
			t.Errorf("%s, and Changed says nothing", what)
		}
	}
}

// Circuits that come and go over a switch that does not answer leave nothing
// behind.
func TestQueuesForgetWhatIsOver(t *testing.T) {
	b := newBoard(t, 2)
	b.disconnect(2)
	for range 1000 {
		b.ask(func(r chan<- error) event { return install{along(1, 2), r} })
		b.draw()
		b.ask(func(r chan<- error) event { return removal{"a", r} })
		b.draw()
		b.confirm(1)
	}
	if q := b.waits[2]; q != nil && len(q.circuits)+len(q.all) > 100 {
		t.Errorf("%d wait for switch 2, of which none is wanted any more", len(q.circuits)+len(q.all))
	}
	if n := len(b.stuck[2]) + len(b.removals); n > 0 {
		t.Errorf("%d circuits are kept that are not wanted any more", n)
	}
}

// A third circuit takes from the portions of two others, which enter elsewhere.
// It holds when their policers have made room, or their switch has gone.
func TestCircuitWaitsForPolicersThatMakeRoom(t *testing.T) {
	b := newBoard(t, 4)
	b.wanted = flow.NewWanted(flow.Policy{Forwarding: flow.ForwardL2, Meter: true, Spare: 0.2})
	b.wanted.SetNetwork(b.Snapshot())
	for d := openflow.DPID(1); d <= 4; d++ {
		b.wanted.Watch(d)
	}
	circuit := func(id string, handle uint32, from openflow.DPID) path.Circuit {
		c := along(from, 4)
		c.ID, c.Handle, c.Key.DstPort = id, handle, path.Port(uint16(handle))
		return c
	}
	install := func(c path.Circuit) <-chan error {
		reply := b.ask(func(r chan<- error) event { return install{c, r} })
		b.draw()
		return reply
	}
	for i, id := range []string{"a", "b"} {
		install(circuit(id, uint32(16*i+5), 1))
		for d := openflow.DPID(1); d <= 4; d++ {
			b.confirm(d)
		}
	}
	third := install(circuit("c", 37, 3))
	b.confirm(3)
	b.confirm(4)
	b.wantNone("switch 1 polices the others as if there were two", third)
	b.confirm(1)
	b.wantAnswer("they have made room", third)
	for handle := uint32(53); ; handle += 16 { // until the next step is reached
		next := install(circuit(fmt.Sprint(handle), handle, 3))
		b.confirm(3)
		b.confirm(4)
		select {
		case err := <-next:
			if err != nil || handle > 640 {
				t.Fatalf("no policer makes room: %v", err)
			}
			continue
		default:
		}
		b.disconnect(1)
		b.wantAnswer("switch 1 has gone", next)
		return
	}
}

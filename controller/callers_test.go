package controller

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// callers are those of any history of a line of four switches.
type callers struct {
	*rapid.T
	*board
	asked []*caller
}

// A caller waits for a circuit, or for its end.
type caller struct {
	circuit   string
	answers   chan error
	withdrawn bool
}

// TestCallersAreAnsweredOnce: whatever happens to the circuits and the network,
// each caller gets one answer once all switches are there and confirm.
func TestCallersAreAnsweredOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := &callers{T: r, board: newBoard(t, 4)}
		for range rapid.IntRange(1, 60).Draw(r, "events") {
			h.event()
			if rapid.Bool().Draw(r, "draw") {
				h.draw()
			}
			h.checkKept()
		}
		for d := openflow.DPID(1); d <= 4; d++ {
			if h.peers[d] == nil {
				h.connect(d)
			}
		}
		h.link()
		for range 12 {
			h.draw()
			for d := openflow.DPID(1); d <= 4; d++ {
				h.confirm(d)
			}
			h.checkKept()
		}
		h.checkAnswered()
	})
}

// event has something happen.
func (h *callers) event() {
	d := openflow.DPID(rapid.IntRange(1, 4).Draw(h.T, "switch"))
	no := openflow.PortNo(rapid.IntRange(1, 3).Draw(h.T, "port"))
	n := rapid.IntRange(1, 3).Draw(h.T, "circuit")
	id, handle := fmt.Sprint(n), uint32(16*n+rapid.IntRange(0, 1).Draw(h.T, "handle"))
	p := h.peers[d]
	switch what := rapid.SampledFrom([]string{"install", "install", "remove", "withdraw", "reconnect", "cut", "mend", "refuse", "confirm"}).Draw(h.T, "event"); {
	case what == "install":
		c := along(d, openflow.DPID(rapid.IntRange(int(d), 4).Draw(h.T, "to")))
		c.ID, c.Handle, c.Key.DstPort = id, handle, path.Port(uint16(n))
		h.ask(id, func(reply chan<- error) event { return install{c, reply} })
	case what == "remove":
		h.ask(id, func(reply chan<- error) event { return removal{id, reply} })
	case what == "withdraw" && len(h.asked) > 0:
		x := rapid.SampledFrom(h.asked).Draw(h.T, "caller")
		h.withdraw(x.circuit, x.answers)
		x.withdrawn = true
	case what == "reconnect" && p == nil:
		h.connect(d)
		h.link()
	case p == nil:
	case what == "reconnect":
		h.disconnect(d)
	case what == "cut":
		h.cut(d, no)
	case what == "mend":
		h.apply(portStatus{s: p.session, reason: openflow.PortModified, port: openflow.Port{No: no, CurrSpeed: 100_000}})
		h.link()
	case what == "refuse":
		var err error = errSilent
		if rapid.Bool().Draw(h.T, "full") {
			err = openflow.NewError(openflow.FlowModFailedTableFull, nil)
		}
		h.apply(confirmed{s: p.session, circuits: p.handed, all: p.handed, refused: map[uint64]error{uint64(handle): err}})
	default:
		h.apply(confirmed{s: p.session, circuits: p.handed, all: p.handed})
	}
}

func (h *callers) ask(circuit string, what func(reply chan<- error) event) {
	x := &caller{circuit: circuit, answers: make(chan error, 3)}
	h.asked = append(h.asked, x)
	h.apply(what(x.answers))
}

// link has the links found between the switches that are there.
func (h *callers) link() {
	for d := openflow.DPID(1); d < 4; d++ {
		if h.peers[d] != nil && h.peers[d+1] != nil {
			x, y := topology.PortID{DPID: d, Port: 2}, topology.PortID{DPID: d + 1, Port: 1}
			h.builder.LinkSeen(x, y, time.Now())
			h.builder.LinkSeen(y, x, time.Now())
		}
	}
}

// checkKept finds circuits that are gone nowhere, and those that are waited for
// where they belong.
func (h *callers) checkKept() {
	for d, stuck := range h.stuck {
		for c := range stuck {
			if h.circuits[c.want.ID] != c || !slices.Contains(c.stuckAt, d) {
				h.Fatalf("switch %d keeps the circuit %s, which is gone or knows nothing of it", d, c.want.ID)
			}
		}
	}
	waited := 0
	for _, c := range h.circuits {
		if len(c.waiters) > 0 {
			waited++
		}
	}
	if waited != len(h.awaited) {
		h.Fatalf("%d circuits are waited for, and %d are listed", waited, len(h.awaited))
	}
}

// checkAnswered finds one answer for each caller, and nothing that is waited
// for.
func (h *callers) checkAnswered() {
	for i, x := range h.asked {
		if n := len(x.answers); n > 1 || n == 0 && !x.withdrawn {
			h.Fatalf("caller %d of circuit %s has %d answers", i, x.circuit, n)
		}
	}
	if len(h.awaited)+len(h.removals) > 0 {
		h.Fatalf("%d circuits and %d ends are still waited for", len(h.awaited), len(h.removals))
	}
	for d, q := range h.waits {
		for _, x := range slices.Concat(q.circuits, q.all) {
			if !x.over() {
				h.Fatalf("something waits for switch %d still", d)
			}
		}
	}
	for d, stuck := range h.stuck {
		if len(stuck) > 0 {
			h.Fatalf("%d circuits are stuck at switch %d, though all confirm", len(stuck), d)
		}
	}
}

package controller

import (
	"slices"

	"conga/controller/path"
	"conga/openflow"
)

// phase is how far a circuit's move has come.
//
//	settled --> joining --------> switching -------> leaving ---> settled
//	            new entries       entries that        old entries
//	            beside the old    differ change over  go
//
// Each arrow is taken when every switch concerned has confirmed the state of
// the phase before it. Until the new entries are confirmed everywhere the
// packets take the old path: make before break.
type phase uint8

const (
	settled phase = iota
	joining
	switching
	leaving
)

// circuit is a circuit that is wanted.
type circuit struct {
	want    path.Circuit
	olds    []path.Circuit // what it was before; empty unless it moves
	phase   phase
	since   uint64 // first generation of wanted states that has the phase in it; 0: none yet
	waiters []chan<- error
}

// appendPrecedence lists the circuit as it is to be compiled, what has
// precedence first.
func (c *circuit) appendPrecedence(out []path.Circuit) []path.Circuit {
	switch c.phase {
	case joining:
		return append(append(out, c.olds...), c.want)
	case switching:
		return append(append(out, c.want), c.olds...)
	}
	return append(out, c.want)
}

func (c *circuit) answer(err error) {
	for _, w := range c.waiters {
		w <- err
	}
	c.waiters = nil
}

func sameCircuit(a, b path.Circuit) bool {
	return a.Handle == b.Handle && a.Key == b.Key && a.Rate == b.Rate && a.Path.Equal(b.Path)
}

// install makes a circuit wanted, or moves it.
func (k *core) install(want path.Circuit, reply chan<- error) {
	c := k.circuits[want.ID]
	switch {
	case c == nil:
		c = &circuit{want: want}
		k.circuits[want.ID] = c
		k.stale = true
	case !sameCircuit(c.want, want):
		c.answer(&Error{Op: "install", Err: ErrSuperseded})
		c.olds = append([]path.Circuit{c.want}, c.olds...)
		c.want, c.phase, c.since = want, joining, 0
		k.stale = true
	}
	c.waiters = append(c.waiters, reply)
	if !k.stale {
		k.advance()
	}
}

// departing is a circuit whose entries are going.
type departing struct {
	dpids []openflow.DPID
	since uint64 // 0: not handed out yet
	reply chan<- error
}

// remove makes a circuit unwanted.
func (k *core) remove(id string, reply chan<- error) {
	d := &departing{reply: reply}
	if c := k.circuits[id]; c != nil {
		c.answer(&Error{Op: "install", Err: ErrSuperseded})
		delete(k.circuits, id)
		d.dpids = c.switches()
	}
	k.removals = append(k.removals, d)
	k.stale = true
}

// switches are those of all the paths that the circuit has or had.
func (c *circuit) switches() (out []openflow.DPID) {
	for _, p := range append([]path.Circuit{c.want}, c.olds...) {
		for _, h := range p.Path {
			if !slices.Contains(out, h.DPID) {
				out = append(out, h.DPID)
			}
		}
	}
	return out
}

// advance takes every circuit as far as the switches' confirmations allow.
func (k *core) advance() {
	if k.stale {
		return // wanted states are to be handed out first
	}
	for _, c := range k.circuits {
		if c.since == 0 {
			c.since = k.generation
		}
		k.step(c)
	}
	k.removals = slices.DeleteFunc(k.removals, func(d *departing) bool {
		if d.since == 0 {
			d.since = k.generation
		}
		gone := k.hold(d.dpids, d.since)
		if gone {
			d.reply <- nil
		}
		return gone
	})
}

// step takes one circuit a phase further if it can be. Whoever waits for it is
// answered when it has settled, or as soon as something is in the way.
func (k *core) step(c *circuit) {
	if c.phase == settled && len(c.waiters) == 0 {
		return
	}
	waiting := false
	for _, h := range c.want.Path {
		p := k.peers[h.DPID]
		switch {
		case p == nil:
			c.answer(&Error{Op: "install", DPID: h.DPID, Err: ErrAway})
			return
		case p.confirmed < c.since:
			waiting = true
		case p.refused[uint64(c.want.Handle)] != nil:
			c.answer(&Error{Op: "install", DPID: h.DPID, Err: p.refused[uint64(c.want.Handle)]})
			return
		}
	}
	if waiting || !k.hold(c.switches(), c.since) {
		return
	}
	switch c.phase {
	case joining:
		c.phase, c.since, k.stale = switching, 0, true
	case switching:
		c.phase, c.since, k.stale = leaving, 0, true
	default:
		c.phase, c.olds = settled, nil
		c.answer(nil)
	}
}

// hold reports whether every one of these switches that is connected holds at
// least this generation.
func (k *core) hold(dpids []openflow.DPID, generation uint64) bool {
	for _, d := range dpids {
		if p := k.peers[d]; p != nil && p.confirmed < generation {
			return false
		}
	}
	return true
}

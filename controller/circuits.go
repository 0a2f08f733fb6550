package controller

import (
	"errors"
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
		if c.phase != joining { // while it was joining nothing went its way
			c.olds = append([]path.Circuit{c.want}, c.olds...)
		}
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
	dpids   []openflow.DPID
	since   uint64 // 0: not handed out yet
	waiters []chan<- error
}

func (d *departing) answer(err error) {
	for _, w := range d.waiters {
		w <- err
	}
}

// remove makes a circuit unwanted. Who asks while it is already going waits for
// the same confirmations.
func (k *core) remove(id string, reply chan<- error) {
	d := k.removals[id]
	if d == nil {
		d = &departing{}
		k.removals[id] = d
	}
	d.waiters = append(d.waiters, reply)
	if c := k.circuits[id]; c != nil {
		c.answer(&Error{Op: "install", Err: ErrSuperseded})
		delete(k.circuits, id)
		d.dpids, d.since = append(d.dpids, c.switches()...), 0
	}
	k.stale = true
}

// withdraw forgets somebody who does not wait any more.
func (k *core) withdraw(reply chan<- error) {
	is := func(w chan<- error) bool { return w == reply }
	for _, c := range k.circuits {
		c.waiters = slices.DeleteFunc(c.waiters, is)
	}
	for _, d := range k.removals {
		d.waiters = slices.DeleteFunc(d.waiters, is)
	}
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
	for id, d := range k.removals {
		if d.since == 0 {
			d.since = k.generation
		}
		if k.hold(d.dpids, d.since) {
			d.answer(nil)
			delete(k.removals, id)
		}
	}
}

// step takes one circuit a phase further if it can be. Whoever waits for it is
// answered when it has settled, or as soon as something is in the way. Only the
// last phase waits for the switches of the old path: one that hangs must not
// keep traffic on it.
func (k *core) step(c *circuit) {
	if c.phase == settled && len(c.waiters) == 0 {
		return
	}
	if ready, err := k.holdsCircuit(c); err != nil || !ready {
		if err != nil {
			c.answer(err)
		}
		return
	}
	switch c.phase {
	case joining:
		c.phase, c.since, k.stale = switching, 0, true
	case switching:
		c.phase, c.since, k.stale = leaving, 0, true
	default:
		if !k.hold(c.switches(), c.since) {
			return
		}
		c.phase, c.olds = settled, nil
		if why, ok := path.Alive(k.Snapshot(), c.want.Path); !ok && len(c.want.Path) > 0 {
			c.answer(&Error{Op: "install", Err: errors.New(why)}) // a switch takes entries for ports that it does not have
			return
		}
		c.answer(nil)
	}
}

// holdsCircuit reports whether every switch of the wanted path has confirmed
// the phase that the circuit is in; the error is what one of them is wanting.
func (k *core) holdsCircuit(c *circuit) (ready bool, err error) {
	ready = true
	for _, h := range c.want.Path {
		p := k.peers[h.DPID]
		if p == nil {
			return false, &Error{Op: "install", DPID: h.DPID, Err: ErrAway}
		}
		if p.confirmed < c.since {
			ready = false
			continue
		}
		refused := p.refused[uint64(c.want.Handle)]
		if refused == nil && c.want.Rate != 0 {
			refused = p.unmetered // without its meter best effort would take what is promised
		}
		if refused != nil {
			return false, &Error{Op: "install", DPID: h.DPID, Err: refused}
		}
	}
	return ready, nil
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

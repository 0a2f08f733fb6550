package controller

import (
	"slices"

	"conga/openflow"
)

// waiter waits until switches have confirmed a generation.
type waiter interface {
	// requirements returns the switches that must have confirmed the generation
	// in which the wait begins.
	requirements() []requirement
	// proceed is called when all of them have, or do not matter any more.
	proceed(*core)
	// lost is called when a switch has gone that must be there, or is not
	// there.
	lost(*core, openflow.DPID)
	state() *wait
}

// requirement is what a waiter needs of one switch.
type requirement struct {
	dpid openflow.DPID
	all  bool // everything of the generation, not its circuits only
	must bool // the switch has to be there; else one that is gone is as good
}

// wait is how far a waiter has come.
type wait struct {
	since uint64 // generation that is waited for; 0: the next one
	round uint64 // grows with each wait; what an earlier one waited for does not count
	left  int    // requirements that are not met
	noted bool   // it begins with the next generation
}

// end has the waiter wait for nothing any more.
func (s *wait) end() { s.since, s.round, s.left = never, s.round+1, 0 }

const never = ^uint64(0)

// queue is what waits for a switch, in order of generation.
type queue struct{ circuits, all []waiting }

type waiting struct {
	waiter
	requirement
	since, round uint64
}

// holds reports whether the switch has confirmed a generation, or all that was
// ever handed to it.
func (p *peer) holds(since uint64, all bool) bool {
	confirmed := p.circuits
	if all {
		confirmed = p.all
	}
	return p.first != 0 && (confirmed >= since || confirmed == p.handed)
}

// wait has a waiter wait from the next generation on.
func (k *core) wait(w waiter) {
	s := w.state()
	s.round++
	s.since, s.left = 0, 0
	if k.stale = true; !s.noted {
		s.noted = true
		k.begun = append(k.begun, w)
	}
}

// again has a waiter whose wait is over wait once more for the same generation.
func (k *core) again(w waiter) {
	switch s := w.state(); {
	case s.round == 0: // it came with the start and never waited
		k.wait(w)
	case s.since != 0 && s.left == 0:
		s.round++
		k.enqueue(w)
	}
}

// begin begins the waits for the generation that was just handed out.
func (k *core) begin() {
	begun := k.begun
	k.begun = nil
	for _, w := range begun {
		s := w.state()
		s.noted = false
		if s.since == 0 { // else it has ended
			s.since = k.generation
			if c, ok := w.(*circuit); ok {
				c.lowered = k.wanted.Lowered(c.want.ID)
			}
			k.enqueue(w)
		}
	}
}

// enqueue has a waiter wait for what is not confirmed yet of its generation, or
// proceed.
func (k *core) enqueue(w waiter) {
	s := w.state()
	var absent []openflow.DPID
	for _, r := range w.requirements() {
		p := k.within(r.dpid)
		switch {
		case p == nil && !r.must, p != nil && p.holds(s.since, r.all):
			continue
		case p == nil:
			absent = append(absent, r.dpid)
		}
		s.left++
		q := k.waits[r.dpid]
		if q == nil {
			q = &queue{}
			k.waits[r.dpid] = q
		}
		at := &q.circuits
		if r.all {
			at = &q.all
		}
		if n := len(*at); n == cap(*at) { // what is over behind a switch that is away must not pile up
			if *at = slices.DeleteFunc(*at, waiting.over); len(*at) > n/2 {
				*at = slices.Grow(*at, n)
			}
		}
		*at = append(*at, waiting{w, r, s.since, s.round})
	}
	for _, dpid := range absent {
		w.lost(k, dpid)
	}
	if s.left == 0 {
		w.proceed(k)
	}
}

// switchConfirmed lets go on what waited for a switch, as far as it has
// confirmed.
func (k *core) switchConfirmed(dpid openflow.DPID, p *peer) {
	if q := k.waits[dpid]; q != nil {
		k.release(&q.circuits, func(x waiting) bool { return p.holds(x.since, false) })
		k.release(&q.all, func(x waiting) bool { return p.holds(x.since, true) })
		if len(q.circuits)+len(q.all) == 0 {
			delete(k.waits, dpid)
		}
	}
	stuck := k.stuck[dpid]
	delete(k.stuck, dpid)
	for c := range stuck {
		k.relook(c)
	}
}

// release takes from the head of a queue what is met.
func (k *core) release(q *[]waiting, met func(waiting) bool) {
	list := *q
	n := 0
	for n < len(list) && (met(list[n]) || list[n].over()) {
		n++
	}
	*q = list[n:]
	for _, x := range list[:n] {
		k.meet(x)
	}
}

// over reports whether the wait has ended otherwise.
func (x waiting) over() bool { return x.state().round != x.round }

func (k *core) meet(x waiting) {
	if x.over() {
		return
	}
	s := x.state()
	if s.left--; s.left == 0 {
		k.enqueue(x.waiter) // a switch that confirmed first may have gone, or come again, meanwhile
	}
}

// switchLost ends or renews what waits for a switch that has gone.
func (k *core) switchLost(dpid openflow.DPID) {
	q := k.waits[dpid]
	if q == nil {
		return
	}
	delete(k.waits, dpid)
	left := &queue{}
	for _, x := range q.circuits {
		left.circuits = k.lose(x, left.circuits)
	}
	for _, x := range q.all {
		left.all = k.lose(x, left.all)
	}
	if now := k.waits[dpid]; now != nil { // some began to wait anew
		left.circuits, left.all = append(left.circuits, now.circuits...), append(left.all, now.all...)
	}
	if len(left.circuits)+len(left.all) > 0 {
		k.waits[dpid] = left
	}
}

// lose keeps what must have the switch back, and lets go the rest.
func (k *core) lose(x waiting, keep []waiting) []waiting {
	switch {
	case x.over():
	case x.must:
		keep = append(keep, x)
		x.lost(k, x.dpid)
	default:
		k.meet(x)
	}
	return keep
}

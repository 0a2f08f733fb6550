package controller

import "conga/openflow"

// departing is a circuit whose entries are going.
type departing struct {
	id      string
	dpids   []openflow.DPID
	waiting wait
	waiters []chan<- error
}

func (d *departing) answer(err error) {
	for _, w := range d.waiters {
		w <- err
	}
}

// remove makes a circuit unwanted. A request that comes while it is already
// going waits for the same confirmations.
func (k *core) remove(id string, reply chan<- error) {
	d := k.removals[id]
	if d == nil {
		d = &departing{id: id}
		k.removals[id] = d
		k.wait(d)
	}
	d.waiters = append(d.waiters, reply)
	if c := k.circuits[id]; c != nil {
		k.answer(c, &Error{Op: "install", Err: ErrSuperseded})
		c.waiting.end()
		delete(k.circuits, id)
		k.setCircuit(id, nil)
		delete(k.handles, c.want.Handle)
		c.abandon(append(c.olds, c.want)...)
		d.dpids = append(d.dpids, c.left...)
		k.unstick(c)
		k.wait(d)
	}
}

// requirements implements waiter: a switch that is away loses the entries when
// it returns.
func (d *departing) requirements() (out []requirement) {
	for _, dpid := range d.dpids {
		out = append(out, requirement{dpid: dpid})
	}
	return out
}

func (d *departing) state() *wait { return &d.waiting }

// proceed implements waiter.
func (d *departing) proceed(k *core) {
	d.answer(nil)
	if k.removals[d.id] == d {
		delete(k.removals, d.id)
	}
}

// lost implements waiter.
func (d *departing) lost(*core, openflow.DPID) {}

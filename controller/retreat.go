package controller

import (
	"errors"
	"sync"

	"conga/controller/flow"
	"conga/controller/path"
	"conga/openflow"
)

// A circuit that a switch refuses, because its table is full, is of no use
// where it is held, and takes room there from others. So it retreats: what it
// has goes, from all switches, until it is asked for again. One that moves
// stays on its old path.
//
// A circuit that is new waits, with nothing in any switch, while a switch of
// its path has not confirmed what it is to hold since it connected: what was
// there before has the room first.

// isRefusal reports whether err is an error message of a switch.
func isRefusal(err error) bool {
	_, refused := errors.AsType[*openflow.Error](err)
	return refused
}

// isFull reports whether a switch has refused an entry for want of room.
func isFull(err error) bool {
	e, ok := errors.AsType[*openflow.Error](err)
	return ok && e.Has(openflow.FlowModFailedTableFull)
}

// retreat takes a circuit out of all switches, but for an old path that it has
// not left yet.
func (k *core) retreat(c *circuit) {
	if c.phase == switching || c.apart {
		return // the new path is in whole, or nothing is
	}
	c.apart, k.retreats = true, k.generation+1
	c.waiting.end()
	k.setCircuit(c.want.ID, c.listed())
	k.stale = true
}

// advance has a circuit that has retreated, or is new, wanted by the switches,
// unless it has to wait for one of them.
func (k *core) advance(c *circuit) {
	for _, h := range c.want.Path {
		if p := k.within(h.DPID); p != nil && !p.caughtUp() {
			k.stick(c, h.DPID)
			return
		}
	}
	c.apart = false
	k.enter(c, c.phase)
}

// caughtUp reports whether the switch has confirmed what it was to hold when it
// connected, as far as circuits are concerned.
func (p *peer) caughtUp() bool { return p.first != 0 && p.circuits >= p.first }

// relook looks again at a circuit of which a switch has more to say.
func (k *core) relook(c *circuit) {
	switch {
	case k.circuits[c.want.ID] != c:
	case !c.apart:
		k.again(c)
	case len(c.waiters) > 0 && !k.complain(c):
		k.advance(c)
	}
}

// replace sets what a circuit that has retreated is to be. It reports whether
// nothing of it is in any switch, so that it need not move.
func (k *core) replace(c *circuit, want path.Circuit) bool {
	if !c.apart || c.phase == joining {
		c.apart = false
		return false
	}
	c.abandon(append(c.olds, c.want)...)
	delete(k.handles, c.want.Handle)
	c.want, c.olds, c.phase = want, nil, settled
	k.handles[want.Handle] = c
	k.advance(c)
	return true
}

// loseRefused notes which circuits a switch has come to refuse for want of
// room, or has lost to another program, though their installation had been
// confirmed, or was not asked for. What had a place before does not give it up
// while others leave, nor for an entry of a corner: there the circuit that came
// last and shares it does. was is what the switch refused before.
func (k *core) loseRefused(dpid openflow.DPID, p *peer, was map[uint64]error) {
	free := k.generation >= k.retreats && p.holds(k.retreats, false)
	before, lost := p.spared, false
	p.spared = nil
	for owner, err := range p.refused {
		c := k.handles[uint32(owner)]
		full := isFull(err)
		if was[owner] != nil && !before[owner] || c == nil || len(c.waiters) > 0 || !full && !errors.Is(err, flow.ErrMeddled) {
			continue
		}
		if full && !free {
			p.spare(owner)
			continue
		}
		if o := k.lastInCorner(c); full && o != nil {
			p.spare(owner)
			c = o
		}
		if full {
			k.retreat(c)
		}
		if len(c.waiters) > 0 {
			k.answer(c, &Error{Op: "install", DPID: dpid, Err: err})
			continue
		}
		k.lost.add(c.want.ID)
		lost = true
	}
	if lost {
		k.announce()
	}
}

// spare notes that a circuit which the switch refuses may yet find room.
func (p *peer) spare(owner uint64) {
	if p.spared == nil {
		p.spared = map[uint64]bool{}
	}
	p.spared[owner] = true
}

// lastInCorner returns the circuit that came last of those that share a corner
// with one that came before them; nil if there is none.
func (k *core) lastInCorner(c *circuit) *circuit {
	handle, ok := k.wanted.LastInCorner(c.want.ID)
	if !ok {
		return nil
	}
	return k.handles[handle]
}

// losses are the IDs of circuits that are not installed any more.
type losses struct {
	mu   sync.Mutex // a leaf; guards what follows
	list []string
}

func (l *losses) add(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, id)
}

// Lost returns the IDs of circuits whose installation was confirmed, and which
// a switch has refused or lost since, each once. What it returns is forgotten.
func (c *Controller) Lost() []string {
	c.lost.mu.Lock()
	defer c.lost.mu.Unlock()
	list := c.lost.list
	c.lost.list = nil
	return list
}

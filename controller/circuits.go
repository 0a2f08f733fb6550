package controller

import (
	"errors"
	"fmt"
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
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
// packets take the old path: make before break. Where the old path is cut, or
// leads to where a host has been, the circuit goes to leaving at once.
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
	olds    []path.Circuit  // what it was before; empty unless it moves
	left    []openflow.DPID // of paths that it gave up on the way; they may hold entries still
	lowered []openflow.DPID // where others' policers have to make room
	stuckAt []openflow.DPID // under which core.stuck may have the circuit
	phase   phase
	apart   bool // nothing of want is in the switches; see retreat.go
	waiting wait
	waiters []chan<- error // the circuit is in core.awaited while there are any
}

// listed returns the circuit as it is to be compiled, what has precedence
// first.
func (c *circuit) listed() []path.Circuit {
	switch {
	case c.apart && c.phase == joining:
		return c.olds
	case c.apart:
		return nil
	}
	switch c.phase {
	case joining:
		return append(slices.Clone(c.olds), c.want)
	case switching:
		return append([]path.Circuit{c.want}, c.olds...)
	}
	return []path.Circuit{c.want}
}

// attend has a caller wait for a circuit.
func (k *core) attend(c *circuit, reply chan<- error) {
	c.waiters = append(c.waiters, reply)
	k.awaited[c] = true
}

// answer answers those that wait for a circuit.
func (k *core) answer(c *circuit, err error) {
	for _, w := range c.waiters {
		w <- err
	}
	c.waiters = nil
	delete(k.awaited, c)
}

func sameCircuit(a, b path.Circuit) bool {
	return a.Same(&b)
}

// install makes a circuit wanted, or moves it, and answers when it holds.
func (k *core) install(want path.Circuit, reply chan<- error) {
	c := k.circuits[want.ID]
	switch {
	case c == nil:
		c = &circuit{want: want}
		k.attend(c, reply)
		k.circuits[want.ID], k.handles[want.Handle] = c, c
		c.apart = true
		k.advance(c)
	case !sameCircuit(c.want, want):
		k.answer(c, &Error{Op: "install", Err: ErrSuperseded})
		k.attend(c, reply)
		if !k.replace(c, want) {
			k.move(c, want)
		}
	default:
		k.attend(c, reply)
		switch {
		case c.apart:
			k.advance(c)
		case !k.complain(c):
			k.again(c)
		}
	}
	if len(c.waiters) > 0 && path.Severed(k.Snapshot(), c.want.Path) {
		k.giveUp(c) // it was cut before the request came here
	}
}

// move begins the way to another path, key or rate.
func (k *core) move(c *circuit, want path.Circuit) {
	switch c.phase {
	case joining: // nothing went its way
		c.abandon(c.want)
	case leaving: // nothing goes the old ways any more
		c.abandon(c.olds...)
		c.olds = []path.Circuit{c.want}
	default:
		c.olds = append([]path.Circuit{c.want}, c.olds...)
	}
	old := c.olds[0]
	useless := path.Severed(k.Snapshot(), old.Path) || path.Elsewhere(k.Snapshot(), old.Key, old.Path) != ""
	delete(k.handles, c.want.Handle)
	c.want, k.handles[want.Handle] = want, c
	if useless {
		// Nothing gets to its end by the old path: there is nothing to be kept
		// until the new one stands.
		k.enter(c, leaving)
		return
	}
	k.enter(c, joining)
}

// abandon notes where entries may be that are not waited for.
func (c *circuit) abandon(paths ...path.Circuit) {
	for _, dpid := range switchesOf(paths) {
		if !slices.Contains(c.left, dpid) {
			c.left = append(c.left, dpid)
		}
	}
}

// enter takes a circuit into a phase, which begins with the next generation.
func (k *core) enter(c *circuit, p phase) {
	c.phase = p
	k.setCircuit(c.want.ID, c.listed())
	k.wait(c)
}

// setCircuit makes a circuit wanted as it is listed.
func (k *core) setCircuit(id string, listed []path.Circuit) {
	k.wanted.SetCircuit(id, listed)
	k.portions.moved = k.now
	k.bursts.add(k.now)
}

// requirements implements waiter. Only the last phase waits for the switches of
// the old path: one that hangs must not keep traffic on it. And only there
// everything has to be in: before, best effort may still be on its way.
func (c *circuit) requirements() (out []requirement) {
	last := c.phase == settled || c.phase == leaving
	for _, h := range c.want.Path {
		out = append(out, requirement{h.DPID, last, true})
	}
	for _, h := range c.want.Backup { // one that is away does not keep the path from being used
		out = append(out, requirement{dpid: h.DPID, all: last})
	}
	for _, dpid := range c.lowered {
		out = append(out, requirement{dpid: dpid})
	}
	if c.phase != leaving {
		return out
	}
	for _, dpid := range switchesOf(c.olds) {
		if !slices.ContainsFunc(c.want.Path, func(h path.Hop) bool { return h.DPID == dpid }) {
			out = append(out, requirement{dpid: dpid})
		}
	}
	return out
}

func (c *circuit) state() *wait { return &c.waiting }

// proceed implements waiter: it takes the circuit a phase further, or answers
// if it has settled, unless one of its switches has refused something.
func (c *circuit) proceed(k *core) {
	if k.complain(c) {
		return
	}
	switch c.phase {
	case joining:
		k.enter(c, switching)
	case switching:
		k.enter(c, leaving)
	default:
		k.unstick(c)
		c.phase, c.olds = settled, nil
		c.left = slices.DeleteFunc(c.left, func(d openflow.DPID) bool {
			p := k.peers[d]
			return p == nil || p.holds(c.waiting.since, false)
		})
		if !k.giveUp(c) { // a switch takes entries for ports that it does not have
			k.answer(c, nil)
		}
	}
}

// giveUp reports whether the wanted path of a circuit is not alive. Then it
// answers.
func (k *core) giveUp(c *circuit) bool {
	why, alive := path.Alive(k.Snapshot(), c.want.Path)
	if alive || len(c.want.Path) == 0 {
		return false
	}
	k.answer(c, &Error{Op: "install", Err: errors.New(why)})
	return true
}

// giveUpSevered answers the callers that wait for circuits whose path is cut.
// Another path for such a circuit must not wait until a switch of this one
// confirms it, or what it held before, which a switch that hangs does not.
func (k *core) giveUpSevered() {
	for c := range k.awaited {
		if path.Severed(k.Snapshot(), c.want.Path) {
			k.giveUp(c)
		}
	}
}

// complain reports whether a switch of the wanted path is away or has refused
// something of the circuit. Then it answers, and the circuit is looked at again
// when that switch has more to say.
func (k *core) complain(c *circuit) bool {
	for i, h := range slices.Concat(c.want.Path, c.want.Backup) {
		p := k.within(h.DPID)
		switch {
		case p == nil && i >= len(c.want.Path):
			continue
		case p == nil:
			c.lost(k, h.DPID)
			return true
		}
		refused := p.refused[uint64(c.want.Handle)]
		own := refused != nil
		if !own && c.want.Rate != 0 {
			refused = p.unmetered.Rests(c.want.Handle, h) // without it others would take what is promised
		}
		if refused != nil {
			k.answer(c, &Error{Op: "install", DPID: h.DPID, Err: k.explain(c, h.DPID, refused)})
			k.stick(c, h.DPID)
			if own && isRefusal(refused) {
				k.retreat(c)
			}
			return true
		}
	}
	return false
}

// explain returns why a switch has refused something of a circuit, with what it
// lacks for it.
func (k *core) explain(c *circuit, dpid openflow.DPID, refused error) error {
	s := k.Snapshot()
	if s.Switches[dpid].Lacks&topology.LacksTags == 0 || c.want.Key.VLANs(s) == (path.VLANs{}) {
		return refused
	}
	return fmt.Errorf("%w: %w", ErrTags, refused)
}

// stick has a circuit looked at when a switch has more to say.
func (k *core) stick(c *circuit, dpid openflow.DPID) {
	if k.stuck[dpid] == nil {
		k.stuck[dpid] = map[*circuit]bool{}
	}
	k.stuck[dpid][c] = true
	if !slices.Contains(c.stuckAt, dpid) {
		c.stuckAt = append(c.stuckAt, dpid)
	}
}

// unstick takes a circuit out of what is looked at again when a switch reports.
func (k *core) unstick(c *circuit) {
	for _, dpid := range c.stuckAt {
		delete(k.stuck[dpid], c)
	}
	c.stuckAt = nil
}

// lost implements waiter: the circuit stays wanted, and the callers that wait
// for it get an error.
func (c *circuit) lost(k *core, dpid openflow.DPID) {
	k.answer(c, &Error{Op: "install", DPID: dpid, Err: k.absence(dpid)})
	if c.waiting.left == 0 {
		k.stick(c, dpid)
	}
}

// withdraw forgets a request whose answer is not waited for any more.
func (k *core) withdraw(id string, reply chan<- error) {
	is := func(w chan<- error) bool { return w == reply }
	if c := k.circuits[id]; c != nil {
		if c.waiters = slices.DeleteFunc(c.waiters, is); len(c.waiters) == 0 {
			delete(k.awaited, c)
		}
	}
	if d := k.removals[id]; d != nil {
		d.waiters = slices.DeleteFunc(d.waiters, is)
	}
}

// switchesOf lists the switches of paths, each once.
func switchesOf(circuits []path.Circuit) (out []openflow.DPID) {
	for _, c := range circuits {
		for _, p := range c.Ways() {
			for _, h := range p {
				if !slices.Contains(out, h.DPID) {
					out = append(out, h.DPID)
				}
			}
		}
	}
	return out
}

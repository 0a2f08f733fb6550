package controller

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"conga/controller/discovery"
	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

const (
	tick      = 100 * time.Millisecond // how often the passing of time is looked at
	batch     = 512                    // events taken in before the consequences are drawn
	rest      = 10 * time.Millisecond  // between two pictures of the network, however much happens
	saveEvery = 100 * time.Millisecond // memory is written at most this often
)

// core owns the picture of the network and the circuits. All its methods run
// on one goroutine.
type core struct {
	*Controller
	ctx      context.Context
	schedule discovery.Schedule
	routes   *flow.Routes
	memo     flow.Memo
	peers    map[openflow.DPID]*peer
	circuits map[string]*circuit
	removals map[string]*departing
	rested   time.Time // before this moment no new snapshot is made

	generation uint64 // of the wanted states handed out last
	stale      bool   // wanted states do not follow from snapshot and circuits
	sessions   sync.WaitGroup
	memory     memory
}

// peer is what the core knows of a session.
type peer struct {
	session   *session
	up        bool             // has introduced itself; before, nothing can be wanted of it
	confirmed uint64           // generation that the switch holds
	refused   map[uint64]error // by cookie owner: what the switch refused of that generation
	unmetered error            // a meter that it refused
	contested bool             // another connection claims to be this switch
}

func newCore(ctx context.Context, c *Controller) *core {
	now := time.Now()
	k := &core{
		Controller: c,
		ctx:        ctx,
		peers:      map[openflow.DPID]*peer{},
		circuits:   map[string]*circuit{},
		removals:   map[string]*departing{},
		memory:     memory{store: c.cfg.Memory, log: c.log},
		stale:      true,
	}
	if m, ok := k.memory.load(); ok {
		k.builder.Recall(m, now)
	}
	for _, r := range c.restored {
		k.circuits[r.ID] = &circuit{want: r}
		for _, l := range r.Path.Links() {
			if l.From != topology.Outside && l.To != topology.Outside {
				k.builder.RecallCable(l.From, l.To, now)
			}
		}
	}
	return k
}

func (k *core) run() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	wake := time.NewTimer(0)
	defer wake.Stop()
	defer k.memory.close()
	for {
		select {
		case e := <-k.events:
			e.apply(k)
			k.drain()
		case e := <-k.rumours:
			e.apply(k)
			k.drain()
		case <-wake.C:
		case now := <-ticker.C:
			k.builder.Expire(now)
			for _, p := range k.schedule.Due(k.Snapshot(), now) {
				k.probe(p)
			}
		case <-k.ctx.Done():
			k.stop()
			return
		}
		if again := k.settle(); again > 0 {
			wake.Reset(again)
		}
	}
}

// drain takes in what else has happened, so that a burst of events has its
// consequences drawn once.
func (k *core) drain() {
	for range batch {
		select {
		case e := <-k.events:
			e.apply(k)
			continue
		default:
		}
		select {
		case e := <-k.rumours:
			e.apply(k)
		default:
			return
		}
	}
}

// settle draws the consequences of what has happened: a new snapshot, new
// wanted states, circuits that move on. What has to wait, because the last
// snapshot is too fresh, is to be settled after the time that it returns.
func (k *core) settle() (again time.Duration) {
	now := time.Now()
	if k.builder.Changed() {
		if again = k.rested.Sub(now); again <= 0 {
			k.publish(k.builder.Snapshot(now))
			k.rested = now.Add(rest)
		}
	}
	// Each step a circuit takes may make the wanted states stale again.
	for k.stale {
		k.stale = false
		k.handOut()
		k.advance()
	}
	k.memory.save(k.builder, now)
	return again
}

func (k *core) publish(s *topology.Snapshot) {
	if k.routes == nil || !maps.Equal(k.Snapshot().Links, s.Links) {
		k.routes = flow.NewRoutes(s)
	}
	k.snapshot.Store(s)
	k.stale = true
	k.announce()
}

// handOut computes what every connected switch should hold and tells its
// session.
func (k *core) handOut() {
	k.generation++
	n := &flow.Network{Snapshot: k.Snapshot(), Routes: k.routes, Policy: k.policy, Circuits: k.inPrecedence()}
	n.Policed, n.Memo = flow.Policed(n.Circuits), &k.memo
	for dpid, p := range k.peers {
		if p.up {
			p.session.want(wanted{generation: k.generation, state: flow.Compile(n, dpid)})
		}
	}
}

func (k *core) inPrecedence() []path.Circuit {
	var out []path.Circuit
	byHandle := func(a, b *circuit) int { return cmp.Compare(a.want.Handle, b.want.Handle) }
	for _, c := range slices.SortedFunc(maps.Values(k.circuits), byHandle) {
		out = c.appendPrecedence(out)
	}
	return out
}

// probe sends an LLDP probe out of a port.
func (k *core) probe(port topology.Port) {
	now := time.Now()
	if k.packetOut(port.ID, k.prober.Frame(port.ID, port.MAC, now), true) {
		k.builder.Probed(port.ID, now)
	}
}

// packetOut sends a frame out of a port and reports whether it found room. One
// that did not is dropped: a probe is due again soon, and a host's frame is best
// effort.
func (k *core) packetOut(at topology.PortID, frame []byte, urgent bool) bool {
	p := k.peers[at.DPID]
	if p == nil {
		return false
	}
	err := p.session.conn.PacketOut(&openflow.PacketOut{
		BufferID: openflow.NoBuffer,
		InPort:   openflow.PortController,
		Actions:  []openflow.Action{openflow.Output(at.Port, 0)},
		Data:     frame,
	}, urgent)
	return err == nil
}

// stop ends the sessions and answers whoever still waits. The switches keep
// what they hold.
func (k *core) stop() {
	k.memory.flush(k.builder)
	for _, p := range k.peers {
		p.session.conn.Close()
	}
	for _, c := range k.circuits {
		c.answer(&Error{Op: "install", Err: errStopped})
	}
	for _, d := range k.removals {
		d.answer(&Error{Op: "remove", Err: errStopped})
	}
}

// turnAway closes the connections that came too late to be looked at.
func (k *core) turnAway() {
	for {
		select {
		case e := <-k.events:
			if a, ok := e.(arrival); ok {
				a.conn.Close()
			}
		default:
			return
		}
	}
}

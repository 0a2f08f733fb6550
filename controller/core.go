package controller

import (
	"context"
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
	rest      = 10 * time.Millisecond  // between two snapshots at least, however much happens
	restShare = 4                      // and this many times what the last one took
	reprobes  = 100                    // probes a tick that follow such as have stayed away
	greetings = 4                      // whole states made before other events are looked at
	saveEvery = 100 * time.Millisecond // the saved network is written at most this often
	easeFor   = 30 * time.Second       // after what is drained has changed ways change with ease
)

// core owns the topology and the circuits. All its methods run
// on one goroutine.
type core struct {
	*Controller
	ctx      context.Context
	now      time.Time // of the event that is being applied, or of what follows from it
	schedule *discovery.Schedule
	peers    map[openflow.DPID]*peer
	fresh    []*peer             // that have introduced themselves and have no wanted state yet
	found    map[*session]uint64 // how much they have reported of their switches, until that is in what is handed out
	adopted  []chan<- struct{}   // of inventories, to be closed when what follows is handed out
	sessions sync.WaitGroup
	saver    saver
	heard    map[way]time.Time // when the probe left that came last
	forgetAt int               // how many of these have the old ones forgotten
	named    bool              // configured links that are not there have been named

	wanted     *flow.Wanted
	generation uint64    // of the wanted states handed out last
	stale      bool      // wanted may differ from what was handed out
	rested     time.Time // before this moment no new snapshot is made

	circuits map[string]*circuit
	awaited  map[*circuit]bool // that callers wait for
	handles  map[uint32]*circuit
	removals map[string]*departing
	begun    []waiter // whose wait begins with the next generation
	waits    map[openflow.DPID]*queue
	stuck    map[openflow.DPID]map[*circuit]bool // circuits that this switch is wanting
	retreats uint64                              // generation by which all that have retreated are out
	portions portions
	lent     time.Time // when loans were last looked at

	doubted map[openflow.DPID]time.Time // switches whose ports are to be read again, and when

	claims, storms, misread throttle // of the log
	overfullSaid            time.Time
}

// peer is what the core knows of a session.
type peer struct {
	session   *session
	up        bool             // has introduced itself
	first     uint64           // generation that was handed to it first; 0: none yet
	handed    uint64           // generation that was handed to it last
	circuits  uint64           // generation whose circuits the switch holds
	all       uint64           // generation that the switch holds
	refused   map[uint64]error // by cookie owner: what the switch refused of what is wanted
	spared    map[uint64]bool  // of these, owners that may yet find room
	unmetered flow.Unmetered
	contested bool      // another connection claims to be this switch
	statuses  uint64    // messages about its ports that have been taken in
	reading   bool      // its ports are being read again
	read      time.Time // when they last were
	withheld  bool      // another controller is its master
}

func newCore(ctx context.Context, c *Controller) *core {
	now := time.Now()
	k := &core{
		Controller: c,
		ctx:        ctx,
		now:        now,
		schedule:   discovery.NewSchedule(discovery.ScheduleConfig{NoNear: c.cfg.NoLLDP, NoWide: c.cfg.NoBDDP}),
		heard:      map[way]time.Time{},
		peers:      map[openflow.DPID]*peer{},
		circuits:   map[string]*circuit{},
		awaited:    map[*circuit]bool{},
		handles:    map[uint32]*circuit{},
		removals:   map[string]*departing{},
		waits:      map[openflow.DPID]*queue{},
		found:      map[*session]uint64{},
		stuck:      map[openflow.DPID]map[*circuit]bool{},
		doubted:    map[openflow.DPID]time.Time{},
		saver:      saver{store: c.cfg.SavedNetwork, log: c.log},
		wanted:     flow.NewWanted(c.policy),
	}
	if m, ok := k.saver.load(); ok {
		k.builder.Recall(m, now)
	}
	for _, r := range c.restored {
		k.circuits[r.ID] = &circuit{want: r}
		k.handles[r.Handle] = k.circuits[r.ID]
		k.wanted.SetCircuit(r.ID, []path.Circuit{r})
		for _, l := range append(r.Path.Links(), r.Backup.Links()...) {
			if l.From != topology.External && l.To != topology.External {
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
	defer k.saver.close()
	for {
		select {
		case e := <-k.events:
			k.apply(e)
			k.drain()
		case e := <-k.lossyEvents:
			k.apply(e)
			k.drain()
		case <-wake.C:
		case <-ticker.C:
			k.drain() // what has been heard counts as heard
			k.now = time.Now()
			k.repeats.take(k, k.now)
			k.builder.Expire(k.now)
			k.askHosts()
			k.probe(k.schedule.Due(k.Snapshot(), k.now)...)
			k.probeSilent()
			k.readDoubted(k.now)
			k.nameMissing()
			k.settlePortions(k.now)
			k.lend(k.now)
			k.stale = k.wanted.Pass(k.now) || k.stale
			k.bursts.tick(k.now)
		case <-k.ctx.Done():
			k.stop()
			return
		}
		if again := k.settle(); again > 0 {
			wake.Reset(again)
		}
	}
}

// apply takes in an event, at the moment at which its turn comes.
func (k *core) apply(e event) {
	k.now = time.Now()
	e.apply(k)
}

// drain takes in what else has happened, so that a burst of events has its
// consequences drawn once.
func (k *core) drain() {
	for range batch {
		select {
		case e := <-k.events:
			k.apply(e)
			continue
		default:
		}
		select {
		case e := <-k.lossyEvents:
			k.apply(e)
		default:
			return
		}
	}
}

// settle draws the consequences of what has happened: a new snapshot, new
// wanted states, circuits that move on. What has to wait, because the last
// snapshot is too fresh, is to be settled after the time that it returns.
func (k *core) settle() (again time.Duration) {
	k.now = time.Now()
	if k.builder.Changed() {
		if again = k.rested.Sub(k.now); again <= 0 {
			k.publish(k.builder.Snapshot(k.now))
			// Whatever a snapshot costs, the core has time for other things:
			// where it has little of the processor, more is drawn together.
			k.rested = k.now.Add(max(rest, restShare*time.Since(k.now)))
		}
	}
	// Handing out may make the network change again.
	known := !k.builder.Changed()
	if again <= 0 && k.greet() { // not before the snapshot shows the switch as it is
		again = 1
	}
	// Each step a circuit takes may make the wanted states stale again.
	for k.stale {
		k.stale = false
		k.handOut()
		k.begin()
	}
	if known {
		k.heed()
	}
	for _, done := range k.adopted {
		close(done)
	}
	k.adopted = nil
	k.saver.save(k.builder, k.now)
	return again
}

func (k *core) publish(s *topology.Snapshot) {
	old := k.snapshot.Swap(s)
	k.wanted.SetNetwork(s)
	k.stale = true
	k.logTroubles(old, s)
	k.urgeReports(old, s)
	if s.Wiring != old.Wiring {
		k.foresee(time.Now()) // a snapshot may take longer than a burst rests
		k.giveUpSevered()
	}
	k.announce()
}

// greet hands to some of the switches that have introduced themselves the whole
// state that they should hold. It reports whether more are waiting: other
// events go between, since a whole state takes long to make.
func (k *core) greet() (more bool) {
	n := min(len(k.fresh), greetings)
	for _, p := range k.fresh[:n] {
		p.session.mail.signal() // what the switch holds can be asked for
	}
	for _, p := range k.fresh[:n] {
		if !k.current(p.session) {
			continue
		}
		k.generation++
		p.first, p.handed = k.generation, k.generation
		p.session.mail.putState(k.wanted.Watch(p.session.dpid), k.generation)
		k.noteEnforced(p.session.dpid)
	}
	k.fresh = k.fresh[n:]
	return len(k.fresh) > 0
}

// handOut hands to each session what has changed in its switch's wanted state.
func (k *core) handOut() {
	k.generation++
	k.wanted.LendAtFirst(k.passage, k.now)
	k.wanted.Take(k.generation, func(dpid openflow.DPID, p flow.Patch) {
		peer := k.peers[dpid]
		peer.handed = k.generation
		peer.session.mail.putPatch(p, k.generation)
		k.noteEnforced(dpid)
	})
}

// noteFound remembers that the core knows of the first so many findings of a
// session.
func (k *core) noteFound(s *session, found uint64) { k.found[s] = max(k.found[s], found) }

// heed tells the sessions that have reported what their switches lack that what
// was handed to them does without it.
func (k *core) heed() {
	for s, found := range k.found {
		s.mail.putHeeds(found)
	}
	clear(k.found)
}

// packetOut returns the message that sends a frame out of a port.
func packetOut(to openflow.PortNo, frame []byte) *openflow.PacketOut {
	return &openflow.PacketOut{
		BufferID: openflow.NoBuffer,
		InPort:   openflow.PortController,
		Actions:  []openflow.Action{openflow.Output(to, 0)},
		Data:     frame,
	}
}

// stop ends the sessions and answers the callers that still wait. The switches
// keep what they hold.
func (k *core) stop() {
	k.bursts.announce(false)
	k.saver.flush(k.builder)
	for _, p := range k.peers {
		p.session.conn.Close()
	}
	for _, c := range k.circuits {
		k.answer(c, &Error{Op: "install", Err: errStopped})
	}
	for _, d := range k.removals {
		d.answer(&Error{Op: "remove", Err: errStopped})
	}
}

// rejectArrivals closes the connections that came too late to be looked at.
func (k *core) rejectArrivals() {
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

package controller

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"conga/controller/discovery"
	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/channel"
)

// event is something that has happened. Its apply runs on the core's goroutine,
// by the time of core.now.
type event interface{ apply(*core) }

// arrival: a switch has connected.
type arrival struct{ conn *channel.Conn }

func (e arrival) apply(k *core) {
	dpid := e.conn.DPID()
	if !k.admit(e.conn) { // the admission may have changed since it was accepted
		return
	}
	if old := k.peers[dpid]; old != nil {
		if old.contested {
			e.conn.Close() // one at a time; it will come again
			return
		}
		old.contested = true
		k.sessions.Go(func() { k.challenge(k.ctx, old.session, e) })
		return
	}
	if why := k.vacancy(e.conn); why != nil {
		k.refuse(e.conn, why)
		return
	}
	s := newSession(k.Controller, e.conn)
	k.peers[dpid] = &peer{session: s}
	k.sessions.Go(func() { s.run(k.ctx) })
}

// challenge decides between two connections that claim the same datapath: the
// first stays if it is alive, so that no other program can take over a switch
// by naming its datapath ID.
func (c *Controller) challenge(life context.Context, old *session, e arrival) {
	ctx, cancel := context.WithTimeout(life, time.Second)
	defer cancel()
	_, err := old.conn.Request(ctx, &openflow.EchoRequest{})
	if err == nil || errors.Is(err, channel.ErrBusy) {
		c.post(life, stays{old})
		c.log.Warn("second connection with a datapath ID that is in use refused",
			"dpid", e.conn.DPID(), "remote", e.conn.RemoteAddr(), "in_use_by", old.conn.RemoteAddr())
		e.conn.Close()
		return
	}
	old.conn.Close()
	<-old.ended
	if !c.post(life, e) {
		e.conn.Close()
	}
}

// stays: a session has shown that it is alive.
type stays struct{ s *session }

func (e stays) apply(k *core) {
	if k.current(e.s) {
		k.peers[e.s.dpid].contested = false
	}
}

// up: a session has learned what its switch is.
type up struct {
	s     *session
	info  topology.Switch
	ports []openflow.Port
	queue []openflow.PortNo // ports that have the configured queue
}

func (e up) apply(k *core) {
	if !k.current(e.s) {
		return
	}
	k.peers[e.info.DPID].up = true
	k.fresh = append(k.fresh, k.peers[e.info.DPID])
	k.reachable.Store(e.info.DPID, e.s)
	k.builder.SwitchUp(e.info, e.ports, k.now)
	k.nameTooFast(e.info.DPID, e.ports...)
	if q := k.cfg.Priority.Queue; q != nil {
		k.builder.SetQueues(e.info.DPID, *q, e.queue)
	}
	k.log.Info("switch connected", "dpid", e.info.DPID, "remote", e.info.Addr, "desc", e.info.Desc, "ports", len(e.ports))
}

// inventory: a session has learned what its switch holds.
type inventory struct {
	s    *session
	but  []flow.Course   // see flow.Wanted.Compared
	done chan<- struct{} // closed when what follows is in the mailbox
}

func (e inventory) apply(k *core) {
	if k.current(e.s) {
		k.wanted.Compared(e.s.dpid, e.but)
		k.stale = true
	}
	k.adopted = append(k.adopted, e.done)
}

// down: a session has ended.
type down struct {
	s   *session
	err error
}

func (e down) apply(k *core) {
	if !k.current(e.s) {
		return
	}
	delete(k.peers, e.s.dpid)
	k.wanted.Unwatch(e.s.dpid)
	k.reachable.Delete(e.s.dpid)
	k.builder.SwitchDown(e.s.dpid, k.now)
	k.log.Warn("switch disconnected", "dpid", e.s.dpid, "err", e.err)
	k.forsake(e.s.dpid)
}

// forsake ends what waits for a switch that this controller may not change any
// more.
func (k *core) forsake(dpid openflow.DPID) {
	k.switchLost(dpid)
	for c := range k.stuck[dpid] {
		if c.apart {
			k.answer(c, &Error{Op: "install", DPID: dpid, Err: k.absence(dpid)})
		}
	}
}

// within returns the peer of a switch that this controller may change; nil if
// there is none.
func (k *core) within(dpid openflow.DPID) *peer {
	if p := k.peers[dpid]; p != nil && !p.withheld {
		return p
	}
	return nil
}

// absence returns why a switch is not within.
func (k *core) absence(dpid openflow.DPID) error {
	if k.peers[dpid] != nil {
		return ErrWithheld
	}
	return ErrAway
}

// current reports whether a session is the one that speaks for its switch;
// what an earlier one said does not count any more.
func (k *core) current(s *session) bool {
	p := k.peers[s.dpid]
	return p != nil && p.session == s
}

// portStatus: a port came, went or changed.
type portStatus struct {
	s      *session
	reason openflow.PortReason
	port   openflow.Port
	nth    uint64 // of the messages of this session about ports, from 1
}

func (e portStatus) apply(k *core) {
	if k.current(e.s) {
		k.builder.PortChanged(e.s.dpid, e.reason, e.port, k.now)
		k.nameTooFast(e.s.dpid, e.port)
		k.peers[e.s.dpid].statuses = e.nth
		k.doubt(e.s.dpid, k.now.Add(rereadAfter)) // some switches say what no longer holds
	}
}

// capacities: the configuration names other capacities.
type capacities []topology.LinkOverride

func (e capacities) apply(k *core) { k.builder.SetCapacities(e) }

// drained: these are to be left alone.
type drained []path.Element

func (e drained) apply(k *core) {
	var switches []openflow.DPID
	var cables []topology.LinkID
	for _, one := range e {
		if one.Cable == (topology.LinkID{}) {
			switches = append(switches, one.Switch)
		} else {
			cables = append(cables, one.Cable)
		}
	}
	k.builder.SetDrained(switches, cables)
	k.wanted.Ease(k.now, k.now.Add(easeFor))
}

// framesSeen: the best effort that is to leave by a port has frames of a size.
type framesSeen struct {
	at   topology.PortID
	size int
}

func (e framesSeen) apply(k *core) { k.builder.FramesSeen(e.at, e.size, k.now) }

// probeSeen: a probe that left one port has arrived at another.
type probeSeen struct {
	s  *session
	of discovery.Origin
	to topology.PortID
}

func (e probeSeen) apply(k *core) {
	if !k.current(e.s) {
		return
	}
	now, from := k.now, e.of.From
	if k.replayed(e.of, e.to, now) {
		return
	}
	if from != e.to { // a host may play back what its own port has sent it
		k.builder.ProbeTook(now.Sub(e.of.Left), now)
	}
	if e.of.Reach == discovery.Wide {
		if k.builder.WideSeen(from, e.to, now) {
			k.probeNear(from, e.to) // is it a cable?
		}
		return
	}
	if !k.builder.LinkSeen(from, e.to, now) {
		return
	}
	k.log.Info("link found", "from", from, "to", e.to)
	k.probeNear(e.to) // there is a way back, most likely
}

// replayed reports whether a probe has come by its way before, or a later one
// has: probes do not overtake each other, but a host can play one back while it
// still counts.
func (k *core) replayed(o discovery.Origin, to topology.PortID, now time.Time) bool {
	if len(k.heard) >= k.forgetAt { // a switch may make up ports at which a probe arrives
		maps.DeleteFunc(k.heard, func(_ way, left time.Time) bool { return now.Sub(left) > discovery.MaxAge })
		k.forgetAt = max(fewWays, 2*len(k.heard))
	}
	w := way{o.From, to, o.Reach}
	if last := k.heard[w]; !o.Left.After(last) && !last.After(now) { // else the clock was set back
		return true
	}
	k.heard[w] = o.Left
	return false
}

// fewWays is how many ways are kept though no probe that is still good came by
// them.
const fewWays = 1024

// A way is by which probes of one reach come from one port to another.
type way struct {
	from, to topology.PortID
	reach    discovery.Reach
}

// delivery: a frame is to leave the network at a port. A switch that no links
// join to that of the port cannot have had it from there, and may be made up.
type delivery struct {
	from  *session
	at    topology.PortID
	frame []byte
}

func (e delivery) apply(k *core) {
	if !k.current(e.from) || !k.builder.Joined(e.from.dpid, e.at.DPID) {
		return
	}
	if p := k.peers[e.at.DPID]; p != nil {
		_ = p.session.conn.PacketOut(packetOut(e.at.Port, e.frame), false) // best effort: it may find no room
	}
}

// confirmed: a switch has answered the barrier after what was asked of it.
type confirmed struct {
	s             *session
	circuits, all uint64           // generations; see flow.Reconciler.Confirmed
	refused       map[uint64]error // by cookie owner; 0: none in particular
	unmetered     flow.Unmetered
	shut          error        // why an entry that keeps loops out was refused
	limitations   []string     // sentences
	lapses        []flow.Lapse // since the last report
}

// same reports whether two reports tell the same.
func (e *confirmed) same(o *confirmed) bool {
	return e.circuits == o.circuits && e.all == o.all && maps.Equal(e.unmetered, o.unmetered) && e.shut == o.shut &&
		len(o.lapses) == 0 && maps.Equal(e.refused, o.refused) && slices.Equal(e.limitations, o.limitations)
}

func (e confirmed) apply(k *core) {
	if !k.current(e.s) {
		return
	}
	k.hold(e.s.dpid, e.all, e.lapses)
	p := k.peers[e.s.dpid]
	same := func(error, error) bool { return true } // whatever the reason
	if !maps.EqualFunc(e.refused, p.refused, same) || !maps.EqualFunc(e.unmetered, p.unmetered, same) {
		k.announce()
	}
	was := p.refused
	p.refused, p.unmetered = e.refused, e.unmetered
	p.circuits, p.all = e.circuits, e.all
	if p.circuits < p.first {
		p.circuits = 0 // it still holds what an earlier session asked of it
	}
	if p.all < p.first {
		p.all = 0
	} else if p.first != 0 && e.shut == nil { // else it may not send us what it hears, or close a ring
		k.builder.SwitchReady(e.s.dpid, k.now)
	}
	for _, l := range k.builder.SetLimitations(e.s.dpid, e.limitations, k.now) {
		k.log.Warn("switch is limited", "dpid", e.s.dpid, "limitation", l)
	}
	k.loseRefused(e.s.dpid, p, was)
	k.switchConfirmed(e.s.dpid, p)
}

// hold takes note of what a switch holds of best effort, and has what waited
// for that handed out.
func (k *core) hold(dpid openflow.DPID, all uint64, lapses []flow.Lapse) {
	if k.wanted.Confirmed(dpid, all, lapses) {
		k.stale = true
	}
}

// held: a switch has answered a barrier, and packets may not follow yet. Best
// effort need not wait for them.
type held struct {
	s      *session
	all    uint64
	lapses []flow.Lapse
}

func (e held) apply(k *core) {
	if k.current(e.s) {
		k.hold(e.s.dpid, e.all, e.lapses)
	}
}

// lacking: a switch has been found to lack something.
type lacking struct {
	s     *session
	lacks topology.Lacks
	found uint64 // how many the session has reported by then
}

func (e lacking) apply(k *core) {
	if k.current(e.s) {
		k.builder.SwitchLacks(e.s.dpid, e.lacks, k.now)
		k.noteFound(e.s, e.found)
	}
}

// install: a circuit is wanted.
type install struct {
	circuit path.Circuit
	reply   chan<- error
}

func (e install) apply(k *core) { k.install(e.circuit, e.reply) }

// removal: a circuit is not wanted any more.
type removal struct {
	id    string
	reply chan<- error
}

func (e removal) apply(k *core) { k.remove(e.id, e.reply) }

// withdrawal: an answer about a circuit is not waited for any more.
type withdrawal struct {
	id    string
	reply chan<- error
}

func (e withdrawal) apply(k *core) { k.withdraw(e.id, e.reply) }

package flow

import (
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"conga/controller/topology"
	"conga/openflow"
)

// spreading is a network whose switches take in what they are asked for late,
// one after the other, and frames on their way through it.
type spreading struct {
	*rapid.T
	builder    *topology.Builder
	now        time.Time
	snapshot   *topology.Snapshot
	floods     map[openflow.DPID][]openflow.Action
	wanted     *Wanted
	generation uint64
	cables     map[topology.PortID]topology.PortID // as they are plugged
	devices    map[openflow.DPID]*lateSwitch
	replugged  map[exit]bool         // cables have been plugged in there since
	excused    map[openflow.MAC]bool // hosts whose entries a switch has lost, and not others theirs yet
}

// exit is a port by which a switch sends frames for a host.
type exit struct {
	at  topology.PortID
	mac openflow.MAC
}

// lateSwitch is a switch with its session.
type lateSwitch struct {
	r       *Reconciler // nil: it is not connected
	begun   bool
	holds   *State
	flight  []Step
	done    int // of these
	refused map[int]error
	refuses map[openflow.MAC]bool
	dark    bool // it has been off, and holds too little yet to forward
	first   uint64
}

const (
	spreadSwitches = 6
	spreadPorts    = 5
	spreadHosts    = 3
)

// emptySpreading returns so many switches without cables.
func emptySpreading(switches int) *spreading {
	s := &spreading{
		now: t0, builder: topology.NewBuilder(topology.Config{}, t0), wanted: NewWanted(Policy{Forwarding: ForwardL2}),
		cables: map[topology.PortID]topology.PortID{}, devices: map[openflow.DPID]*lateSwitch{}, excused: map[openflow.MAC]bool{},
		replugged: map[exit]bool{},
	}
	for d := openflow.DPID(1); d <= openflow.DPID(switches); d++ {
		var ports []openflow.Port
		for no := openflow.PortNo(1); no <= spreadPorts; no++ {
			ports = append(ports, openflow.Port{No: no})
		}
		s.builder.SwitchUp(topology.Switch{DPID: d, Tables: 254}, ports, t0)
		s.builder.SwitchReady(d, t0)
		s.devices[d] = &lateSwitch{holds: NewState(), refuses: map[openflow.MAC]bool{}}
	}
	s.publish()
	for d := range s.devices {
		s.connect(d)
		s.compare(d)
	}
	return s
}

func newSpreading(t *rapid.T) *spreading {
	s := emptySpreading(spreadSwitches)
	s.T = t
	for d := openflow.DPID(1); d <= spreadSwitches; d++ { // a ring, with ways across
		s.plug(at(d, 1), at(d%spreadSwitches+1, 2))
		if across := d + spreadSwitches/2; across <= spreadSwitches {
			s.plug(at(d, 3), at(across, 3))
		}
	}
	s.publish()
	s.pass(3 * time.Second)
	for n := openflow.DPID(1); n <= spreadHosts; n++ {
		s.builder.HostSeen(0, at(s.dpid(), 4), host(n), nil, false, s.now)
	}
	s.publish()
	return s
}

func (s *spreading) dpid() openflow.DPID {
	return openflow.DPID(rapid.IntRange(1, spreadSwitches).Draw(s.T, "switch"))
}

func (s *spreading) port() topology.PortID {
	return at(s.dpid(), openflow.PortNo(rapid.IntRange(1, spreadPorts).Draw(s.T, "port")))
}

// plug connects two ports, if both are free.
func (s *spreading) plug(a, b topology.PortID) {
	_, usedA := s.cables[a]
	_, usedB := s.cables[b]
	if usedA || usedB || a.DPID == b.DPID {
		return
	}
	for _, id := range []topology.PortID{a, b} { // it goes down, and comes up
		s.builder.PortChanged(id.DPID, openflow.PortModified, openflow.Port{No: id.Port, State: openflow.PortStateLinkDown}, s.now)
		s.builder.PortChanged(id.DPID, openflow.PortModified, openflow.Port{No: id.Port}, s.now)
	}
	s.publish() // frames that enter there are dropped
	for n := openflow.DPID(1); n <= spreadHosts; n++ {
		for _, id := range []topology.PortID{a, b} {
			s.replugged[exit{id, host(n)}] = s.goes(id, host(n))
		}
	}
	s.cables[a], s.cables[b] = b, a
	s.builder.LinkSeen(a, b, s.now)
	s.builder.LinkSeen(b, a, s.now)
}

// goes reports whether a switch sends frames for a host by a port.
func (s *spreading) goes(by topology.PortID, mac openflow.MAC) bool {
	key := openflow.EntryKey{Table: tableForwarding, Priority: prioHost, Match: newStation(topology.HostID{MAC: mac}).key}
	r := s.devices[by.DPID].holds.Rules[key]
	return r != nil && slices.Contains(outputs(r), by.Port)
}

// leftOver reports whether a switch still sends frames for a host by a port
// into which a cable has been plugged since.
func (s *spreading) leftOver(mac openflow.MAC) bool {
	maps.DeleteFunc(s.replugged, func(x exit, is bool) bool { return !is || !s.goes(x.at, x.mac) })
	for x := range s.replugged {
		if x.mac == mac {
			return true
		}
	}
	return false
}

func (s *spreading) unplug() {
	if len(s.cables) == 0 {
		return
	}
	ids := slices.SortedFunc(maps.Keys(s.cables), comparePorts)
	a := ids[rapid.IntRange(0, len(ids)-1).Draw(s.T, "cable")]
	b := s.cables[a]
	delete(s.cables, a)
	delete(s.cables, b)
	for _, id := range []topology.PortID{a, b} {
		s.builder.PortChanged(id.DPID, openflow.PortModified, openflow.Port{No: id.Port, State: openflow.PortStateLinkDown}, s.now)
		if rapid.Bool().Draw(s.T, "up again") {
			s.builder.PortChanged(id.DPID, openflow.PortModified, openflow.Port{No: id.Port}, s.now)
		}
	}
}

func (s *spreading) pass(d time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(100 * time.Millisecond) {
		for a, b := range s.cables {
			s.builder.LinkSeen(a, b, s.now)
		}
		for d, sw := range s.snapshot.Switches {
			for no := range sw.Ports {
				s.builder.Probed(at(d, no), s.now)
			}
		}
		s.builder.Expire(s.now)
		if s.wanted.Pass(s.now) {
			s.take()
		}
	}
}

// drain has a switch left alone, or a cable, or nothing any more.
func (s *spreading) drain() {
	p := s.port()
	switch rapid.IntRange(0, 2).Draw(s.T, "drained") {
	case 0:
		s.builder.SetDrained([]openflow.DPID{p.DPID}, nil)
	case 1:
		s.builder.SetDrained(nil, []topology.LinkID{{From: p, To: s.cables[p]}})
	default:
		s.builder.SetDrained(nil, nil)
	}
	s.wanted.Ease(s.now, s.now.Add(30*time.Second))
	s.publish()
}

func (s *spreading) publish() {
	s.snapshot = s.builder.Snapshot(s.now)
	s.floods = map[openflow.DPID][]openflow.Action{}
	for d, sw := range s.snapshot.Switches {
		s.floods[d] = newView(s.wanted.policy, sw, s.snapshot.Tree, nil).floods
	}
	s.wanted.SetNetwork(s.snapshot)
	s.take()
}

func (s *spreading) take() {
	s.generation++
	s.wanted.Take(s.generation, func(d openflow.DPID, p Patch) { s.devices[d].r.Want(p, s.generation, s.generation) })
}

// connect has what a switch should hold made.
func (s *spreading) connect(d openflow.DPID) {
	s.generation++
	x := s.devices[d]
	x.r, x.begun, x.flight, x.first = NewReconciler(s.wanted.Watch(d), s.generation), false, nil, s.generation
}

// compare has the session of a switch learn what that holds.
func (s *spreading) compare(d openflow.DPID) {
	x := s.devices[d]
	if x.r == nil || x.begun {
		return
	}
	for _, r := range x.holds.Rules {
		x.r.Tell(&openflow.FlowStats{Table: r.Table, Priority: r.Priority, Cookie: r.Cookie, Match: r.Match, Instructions: r.Instructions})
	}
	s.wanted.Compared(d, x.r.Courses())
	s.take()
	x.r.Begin()
	x.begun = true
	s.report(d)
}

func (s *spreading) disconnect(d openflow.DPID) {
	s.wanted.Unwatch(d)
	s.devices[d].r = nil
}

// send has a session send a few steps, of which the switch carries out some.
func (s *spreading) send(d openflow.DPID) {
	x := s.devices[d]
	if x.r == nil || len(x.flight) > 0 {
		return
	}
	x.flight = x.r.Next(rapid.IntRange(1, 4).Draw(s.T, "most"), s.now)
	x.refused = map[int]error{}
	x.done = 0
	s.carryOut(x, rapid.IntRange(0, len(x.flight)).Draw(s.T, "done"))
}

// carryOut has a switch carry out so many of the steps that were sent.
func (s *spreading) carryOut(x *lateSwitch, n int) {
	for ; x.done < n; x.done++ {
		if x.do(x.flight[x.done]) {
			x.refused[x.done] = errRefused
		}
	}
}

// do carries out a step, and reports whether the switch refused it.
func (x *lateSwitch) do(st Step) (refused bool) {
	switch {
	case st.Rule != nil && st.Rule.host && x.refuses[hostOf(st.Rule.Key()).MAC]:
		return true
	case st.Rule != nil:
		x.holds.Rules[st.Rule.Key()] = st.Rule
	case st.Removes != nil:
		delete(x.holds.Rules, st.Removes.Key())
	}
	return false
}

// land has a switch answer.
func (s *spreading) land(d openflow.DPID) {
	x := s.devices[d]
	if x.r == nil || len(x.flight) == 0 {
		return
	}
	s.carryOut(x, len(x.flight))
	x.flight = nil
	x.r.Landed(x.refused)
	s.report(d)
}

func (s *spreading) report(d openflow.DPID) {
	x := s.devices[d]
	_, all := x.r.Confirmed()
	x.dark = x.dark && all < x.first
	if s.wanted.Confirmed(d, all, x.r.Lapses()) {
		s.take()
	}
}

func (s *spreading) step() {
	d := s.dpid()
	mac := host(openflow.DPID(rapid.IntRange(1, spreadHosts).Draw(s.T, "host")))
	switch x := s.devices[d]; rapid.IntRange(0, 20).Draw(s.T, "what") {
	case 20:
		s.drain()
	case 0:
		s.plug(s.port(), s.port())
	case 1:
		if len(s.cables) > 2*spreadSwitches {
			s.unplug()
		}
	case 2, 3:
		s.builder.HostSeen(0, s.port(), mac, nil, false, s.now)
	case 4, 5, 6:
		s.publish()
	case 7:
		s.pass(rapid.SampledFrom([]time.Duration{time.Second, 4 * time.Second}).Draw(s.T, "passes"))
	case 8:
		x.refuses[mac] = !x.refuses[mac]
	case 9:
		if x.r != nil && x.begun {
			x.r.Retry(s.now)
		}
	case 10:
		s.reconnect(d)
	case 11:
		s.compare(d)
	case 12:
		s.builder.HostSeen(0, at(d, 4), mac, nil, false, s.now)
		s.pass(time.Second)
		s.publish()
	case 13, 14, 15:
		s.send(d)
	default:
		if s.land(d); rapid.Bool().Draw(s.T, "more") {
			s.send(d)
		}
	}
}

// reconnect has a switch lose its connection, or be switched off, and connect
// again.
func (s *spreading) reconnect(d openflow.DPID) {
	x := s.devices[d]
	switch {
	case x.r == nil:
		s.connect(d)
	case rapid.Bool().Draw(s.T, "off"):
		s.disconnect(d)
		x.holds, x.dark = NewState(), true
		for mac, refused := range x.refuses {
			s.excused[mac] = s.excused[mac] || refused
		}
	default:
		s.disconnect(d)
	}
}

package stats

import (
	"slices"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// An Allocation is what an allocation has carried so far.
type Allocation struct {
	Forward, Reverse Direction
	Final            bool      // its entries are gone; this is its receipt
	Unproven         bool      // a switch on its way did not use the queue for it; what was delivered and dropped is [Unkept]
	At               time.Time // of the older of the samples of both ends; zero: none yet
	Stale            bool      // the switch at an end has not answered for a while; the numbers are as of At
}

// A Direction is what went in one direction.
type Direction struct {
	Entered   Volume // came in where the path begins, policed or not
	Delivered Volume // left where it ends
	Dropped   Volume // by the allocation's policer

	EnteredRate, DeliveredRate, DroppedRate *Rate // nil: unknown
}

// allocation returns what the ledger has of an allocation. at returns when a
// switch was sampled and reports whether that is a while ago.
func (l *ledger) allocation(id string, at func(openflow.DPID) (time.Time, bool)) (Allocation, bool) {
	a := l.accounts[id]
	if a == nil {
		return Allocation{}, false
	}
	out := a.view()
	if !a.final {
		out.At, out.Stale = a.sampled(at)
	}
	return out, true
}

// view returns what the account holds, without the times.
func (a *account) view() Allocation {
	out := Allocation{Final: a.final, Unproven: a.unproven, Forward: a.directions[forward].view(), Reverse: a.directions[reverse].view()}
	if a.final {
		return out
	}
	for w, to := range []*Direction{&out.Forward, &out.Reverse} {
		for _, r := range a.rates {
			to.EnteredRate = to.EnteredRate.add(r[w].entered)
			to.DeliveredRate = to.DeliveredRate.add(r[w].left)
		}
		to.DeliveredRate = to.DeliveredRate.minus(a.directions[w].insideRate)
	}
	return out
}

// view returns the direction without the rates that entries have.
func (w *directionTotals) view() Direction {
	return Direction{Entered: w.Entered, Delivered: w.Left.minus(w.Inside), Dropped: w.Dropped, DroppedRate: w.droppedRate}
}

// sampled returns when the ends of the path were sampled, the older of the two,
// and reports whether one is stale.
func (a *account) sampled(at func(openflow.DPID) (time.Time, bool)) (oldest time.Time, stale bool) {
	if len(a.circuits) == 0 || len(a.circuits[0].Path) == 0 {
		return time.Time{}, true
	}
	p := a.circuits[0].Path
	for i, end := range []openflow.DPID{p[0].DPID, p[len(p)-1].DPID} {
		t, old := at(end)
		if i == 0 || t.Before(oldest) {
			oldest = t
		}
		stale = stale || old
	}
	return oldest, stale
}

// Allocation returns what an allocation has carried: nothing if it has never
// been in the network. Of one that is complete it reads the archive.
func (p *Poller) Allocation(id string) Allocation {
	snap := p.cfg.Source.Snapshot()
	p.mu.Lock()
	a, ok := p.ledger.allocation(id, p.sampledInLocked(snap))
	if ok && !a.Unproven {
		a.Unproven = p.ledger.accounts[id].unqueued(snap)
	}
	p.mu.Unlock()
	if !ok { // its receipt may have left memory
		if kept := p.archived(id); kept != nil {
			a = kept.view()
		}
	}
	if a.Unproven {
		a.Forward, a.Reverse = a.Forward.unproven(), a.Reverse.unproven()
	}
	return a
}

// sampledInLocked returns a function that returns when a switch of a snapshot
// was sampled, and reports whether that is a while ago.
func (p *Poller) sampledInLocked(snap *topology.Snapshot) func(openflow.DPID) (time.Time, bool) {
	return func(d openflow.DPID) (time.Time, bool) {
		s := p.samples[d]
		if s == nil {
			return time.Time{}, true
		}
		return s.At, p.staleLocked(snap.Switches[d], s)
	}
}

// A Reading is the last sample of a switch.
type Reading struct {
	*Sample
	Stale bool // the switch has not answered for a while; the sample is of its last answers
}

// Switch returns the last sample of a switch; ok is false if there is none.
func (p *Poller) Switch(sw topology.Switch) (r Reading, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.samples[sw.DPID]
	if s == nil {
		return Reading{}, false
	}
	return Reading{s, p.staleLocked(sw, s)}, true
}

// Port returns a port of the sample.
func (s *Sample) Port(no openflow.PortNo) (Port, bool) {
	i := slices.IndexFunc(s.Ports, func(p Port) bool { return p.No == no })
	if i < 0 {
		return Port{}, false
	}
	return s.Ports[i], true
}

// staleLocked reports whether a sample is older than it should be.
func (p *Poller) staleLocked(sw topology.Switch, s *Sample) bool {
	return !sw.Connected || time.Since(s.At) > p.most()
}

// A Load is how much goes over a directed link.
type Load struct {
	Rate  *Rate     // nil: unknown
	At    time.Time // of the sample; zero: there is none
	Stale bool
}

// Link returns the load of a directed link, as its sending port counts it, or
// its receiving port if only that one's sample is fresh.
func (p *Poller) Link(s *topology.Snapshot, id topology.LinkID) Load {
	sent := func(port Port) *Rate { return port.SendRate }
	received := func(port Port) *Rate { return port.ReceiveRate }
	if id.From == topology.External {
		return p.load(s, id.To, received)
	}
	l := p.load(s, id.From, sent)
	if id.To == topology.External || !l.Stale {
		return l
	}
	if far := p.load(s, id.To, received); !far.Stale {
		return far
	}
	return l
}

func (p *Poller) load(s *topology.Snapshot, at topology.PortID, rate func(Port) *Rate) Load {
	r, ok := p.Switch(s.Switches[at.DPID])
	if !ok {
		return Load{Stale: true}
	}
	port, ok := r.Port(at.Port)
	if !ok {
		return Load{Stale: true}
	}
	return Load{Rate: rate(port), At: r.At, Stale: r.Stale}
}

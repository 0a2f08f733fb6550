package controller

import (
	"maps"
	"time"

	"conga/bitrate"
	"conga/controller/flow"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// lendEvery is how often loans are looked at.
const lendEvery = time.Second

// MetersSeen takes note of what the meters of a switch, by their identifiers,
// had to carry of late. Policers that are not among them were idle. It does not
// block; the caller does not change loads any more.
func (c *Controller) MetersSeen(dpid openflow.DPID, at time.Time, loads map[openflow.MeterID]flow.Load) {
	if s := c.live(dpid); s != nil {
		s.burdens.Store(&burdens{at, loads})
		c.askForLoans(dpid, loads)
	}
}

// MetersDrop takes note of what some meters of a switch had to carry, by their
// identifiers, since [Controller.MetersSeen] was called. It does not block.
func (c *Controller) MetersDrop(dpid openflow.DPID, loads map[openflow.MeterID]flow.Load) {
	s := c.live(dpid)
	if s == nil {
		return
	}
	seen := s.burdens.Load()
	if seen == nil {
		return
	}
	all := &burdens{seen.at, map[openflow.MeterID]flow.Load{}}
	maps.Copy(all.loads, seen.loads)
	maps.Copy(all.loads, loads)
	s.burdens.CompareAndSwap(seen, all) // what has been seen meanwhile is newer
	c.askForLoans(dpid, loads)
}

// PortsSeen takes note of what the ports of a switch sent of late, up to a
// moment, where that is not nothing. It does not block; the caller does
// not change rates any more.
func (c *Controller) PortsSeen(dpid openflow.DPID, at time.Time, rates map[openflow.PortNo]bitrate.Rate) {
	if s := c.live(dpid); s != nil {
		s.sends.Store(&sends{at, rates})
	}
}

// WaysOfLoans returns the switches on the ways of circuits that have loans or
// ask for some. What their meters carry is to be known as soon as what policers
// drop: best effort may fill a link in the middle of a way. The caller does not
// change what is returned.
func (c *Controller) WaysOfLoans() map[openflow.DPID]bool {
	if ways := c.loanWays.Load(); ways != nil {
		return *ways
	}
	return nil
}

// askForLoans tells the core which meters drop.
func (c *Controller) askForLoans(dpid openflow.DPID, loads map[openflow.MeterID]flow.Load) {
	var drop []openflow.MeterID
	for id, l := range loads {
		if l.Drops() {
			drop = append(drop, id)
		}
	}
	if len(drop) == 0 {
		return
	}
	select {
	case c.lossyEvents <- metersDrop{dpid, drop}:
	default: // they are counted again
	}
}

// sends are what the ports of a switch sent.
type sends struct {
	at    time.Time
	rates map[openflow.PortNo]bitrate.Rate
}

// burdens are what the meters of a switch had to carry.
type burdens struct {
	at    time.Time
	loads map[openflow.MeterID]flow.Load
}

// metersDrop: circuits or best effort send more than their meters let through.
type metersDrop struct {
	dpid   openflow.DPID
	meters []openflow.MeterID
}

func (e metersDrop) apply(k *core) {
	k.stale = true // circuits may be policed from now on
	for _, id := range e.meters {
		k.wanted.Dropping(e.dpid, id)
	}
}

// lend changes what is lent to circuits, if it is time for that and no circuits
// come, move or go.
func (k *core) lend(now time.Time) {
	if !k.wanted.Lending() {
		k.loanWays.Store(nil)
		return
	}
	if now.Sub(k.lent) < lendEvery || k.wanted.PutOff() {
		return
	}
	k.lent = now
	ways := k.wanted.Borrowing()
	k.loanWays.Store(&ways)
	if k.wanted.Lend(k.loadOf, now) {
		k.stale = true
	}
}

// loadOf returns what a meter of a switch had to carry.
func (k *core) loadOf(dpid openflow.DPID, id openflow.MeterID) (l flow.Load, known bool) {
	s := k.live(dpid)
	if s == nil {
		return l, false
	}
	all := s.burdens.Load()
	if all == nil {
		return l, false
	}
	if l, known = all.loads[id]; known {
		return l, true
	}
	kind, _ := purpose.ReadMeter(id)
	return flow.Load{At: all.at}, kind == purpose.MeterPolicer
}

// passage returns what a port had to carry of late. Where no meter counts best
// effort, all is taken for that.
func (k *core) passage(p topology.PortID) (flow.Passage, bool) {
	s := k.live(p.DPID)
	if s == nil {
		return flow.Passage{}, false
	}
	all := s.sends.Load()
	if all == nil {
		return flow.Passage{}, false
	}
	was := flow.Passage{At: all.at, Best: all.rates[p.Port], All: all.rates[p.Port]}
	id, _ := purpose.PortID(p.Port)
	if best, known := k.loadOf(p.DPID, id); known {
		was.Best = best.Entered
		was.All = max(was.All, was.Best)
	}
	return was, true
}

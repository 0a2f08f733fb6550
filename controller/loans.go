package controller

import (
	"maps"
	"time"

	"conga/controller/flow"
	"conga/controller/purpose"
	"conga/openflow"
)

// lendEvery is how often loans are looked at.
const lendEvery = time.Second

// MetersSeen takes note of what the meters of a switch, by their identifiers,
// had to carry of late. Policers that are not among them were idle. It does not
// block; the caller does not change loads any more.
func (c *Controller) MetersSeen(dpid openflow.DPID, at time.Time, loads map[openflow.MeterID]flow.Load) {
	c.loads.Store(dpid, &burdens{at, loads})
	c.askForLoans(dpid, loads)
}

// MetersDrop takes note of what some meters of a switch had to carry, by their
// identifiers, that have dropped since [Controller.MetersSeen] was called. It
// does not block.
func (c *Controller) MetersDrop(dpid openflow.DPID, loads map[openflow.MeterID]flow.Load) {
	seen, ok := c.loads.Load(dpid)
	if !ok {
		return
	}
	all := &burdens{seen.(*burdens).at, map[openflow.MeterID]flow.Load{}}
	maps.Copy(all.loads, seen.(*burdens).loads)
	maps.Copy(all.loads, loads)
	c.loads.CompareAndSwap(dpid, seen, all) // what has been seen meanwhile is newer
	c.askForLoans(dpid, loads)
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
	if now.Sub(k.lent) < lendEvery || !k.wanted.Lending() || k.wanted.PutOff() {
		return
	}
	k.lent = now
	if k.wanted.Lend(k.loadOf, now) {
		k.stale = true
	}
}

// loadOf returns what a meter of a switch had to carry.
func (k *core) loadOf(dpid openflow.DPID, id openflow.MeterID) (l flow.Load, known bool) {
	c, ok := k.loads.Load(dpid)
	if !ok {
		return l, false
	}
	all := c.(*burdens)
	if l, known = all.loads[id]; known {
		return l, true
	}
	kind, _ := purpose.ReadMeter(id)
	return flow.Load{At: all.at}, kind == purpose.MeterPolicer
}

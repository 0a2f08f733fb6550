package allocator

import (
	"fmt"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// unmetered returns the switch at an end of a link that does not hold best
// effort back, so that no rate is enforced on the link; ok is false if there is
// none.
func unmetered(s *topology.Snapshot, l topology.LinkID) (sw topology.Switch, ok bool) {
	for _, at := range [...]topology.PortID{l.From, l.To} {
		if sw := s.Switches[at.DPID]; sw.Unmetered {
			return sw, true
		}
	}
	return topology.Switch{}, false
}

// limitOf returns what allocations may hold of a link.
func (pl planner) limitOf(l topology.Link) bitrate.Rate {
	if pl.strict {
		if _, is := unmetered(pl.snapshot, l.ID); is {
			return 0
		}
	}
	return pl.share.of(l.Capacity)
}

// limitOfLocked returns what allocations may hold of a link now.
func (a *Allocator) limitOfLocked(l topology.Link) bitrate.Rate {
	return planner{snapshot: a.seen, share: a.share, strict: a.cfg.RequireMeters}.limitOf(l)
}

// checkEnforced returns the refusal of a rate that would not be enforced where
// the traffic enters; nil if it would be, or need not be.
func (pl planner) checkEnforced(d demand) *Error {
	if !pl.strict || d.Bandwidth == 0 {
		return nil
	}
	for _, at := range [...]topology.PortID{d.from, d.to} {
		if sw := pl.snapshot.Switches[at.DPID]; sw.Unpoliced != 0 && !sw.Unmetered {
			return &Error{Kind: Conflict, Field: "bandwidth", Err: fmt.Errorf(
				"switch %s, by which the traffic enters, has too few meters to enforce another rate, which network.priority.require_meters asks for; "+
					"ask without bandwidth, or when others have ended", at.DPID)}
		}
	}
	return nil
}

// unenforcedError returns the refusal of a rate for which there is a path, but
// none that enforces it; nil if that is not why there is none.
func (pl planner) unenforcedError(d demand) *Error {
	if !pl.strict || d.Bandwidth == 0 {
		return nil
	}
	empty := pl.over(d, pl.limitOf)
	if _, ok := pl.graph.Find(empty); ok {
		return nil
	}
	pl.strict = false
	empty.Free = pl.limitOf
	p, ok := pl.graph.Find(empty)
	if !ok {
		return nil
	}
	for _, h := range p {
		if pl.snapshot.Switches[h.DPID].Unmetered {
			return &Error{Kind: Conflict, Field: "bandwidth", Err: fmt.Errorf(
				"no path enforces a rate: switch %s has no meters that CONGA can use, and network.priority.require_meters asks for them; ask without bandwidth", h.DPID)}
		}
	}
	return nil
}

// enforcedLocked takes in that a switch may enforce rates that it did not.
func (a *Allocator) enforcedLocked(was, is topology.Switch) {
	if !a.cfg.RequireMeters || was.Unmetered == is.Unmetered && was.Unpoliced == is.Unpoliced {
		return
	}
	for _, p := range is.Ports {
		if l, ok := a.seen.Links[p.ID]; ok {
			a.widenedLocked(l.ID)
		} else {
			a.widenedLocked(topology.LinkID{To: p.ID})
		}
	}
}

// unqueued returns where a switch on the path of an active allocation does not
// use the queue that is meant for it, in words for the user; "" if none is
// known not to.
func unqueued(s *topology.Snapshot, v *Allocation) string {
	at, ok := path.Unqueued(s, v.Path)
	if !ok {
		return ""
	}
	queue := uint32(0)
	if p, _ := s.Port(at); p.Queue != nil {
		queue = *p.Queue
	}
	return fmt.Sprintf("switch %s does not use queue %d at port %d, so the queue gives it no priority there, and what is lost there is not counted", at.DPID, queue, at.Port)
}

// unenforced returns where the rate of an active allocation is not enforced, in
// words for the user; "" if it is everywhere.
func unenforced(s *topology.Snapshot, v *Allocation) string {
	if v.Bandwidth == 0 {
		return ""
	}
	for i, h := range v.Path {
		sw := s.Switches[h.DPID]
		switch {
		case sw.Unmetered:
			return fmt.Sprintf("its rate is not enforced at switch %s, which has no meters that CONGA can use: other traffic may take its share there", h.DPID)
		case sw.Unpoliced != 0 && v.Handle >= sw.Unpoliced && (i == 0 || i == len(v.Path)-1):
			return fmt.Sprintf("its rate is not enforced at switch %s, which has too few meters: it may take more than its rate there", h.DPID)
		}
	}
	return ""
}

package stats

import (
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// A switch that sends the traffic of an allocation by another queue than is
// meant for it may lose it there, behind the entries that count it, and count
// no loss. So of an allocation that such a switch has carried it is not claimed
// what was delivered and what was dropped.

// unqueued reports whether the path of an account that is not final has such a
// switch.
func (a *account) unqueued(s *topology.Snapshot) bool {
	if len(a.circuits) == 0 {
		return false
	}
	_, is := path.Unqueued(s, a.circuits[0].Path)
	return is
}

// doubt notes whether such a switch carries an account.
func (a *account) doubt(s *topology.Snapshot) {
	a.unproven = a.unproven || a.unqueued(s)
}

// doubtAt notes which accounts such a switch carries that begin or end there.
func (l *ledger) doubtAt(s *topology.Snapshot, dpid openflow.DPID) {
	counters := l.switches[dpid]
	if counters == nil {
		return
	}
	for _, p := range s.Switches[dpid].Ports {
		if !p.Unqueued {
			continue
		}
		for _, e := range counters.entries {
			e.account.doubt(s)
		}
		return
	}
}

// unproven returns the direction without what is not known.
func (d Direction) unproven() Direction {
	d.Delivered, d.Dropped = Volume{Unkept, Unkept}, Volume{Unkept, Unkept}
	d.DeliveredRate, d.DroppedRate = nil, nil
	return d
}

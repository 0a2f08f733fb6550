package discovery

import (
	"cmp"
	"time"

	"conga/controller/topology"
)

// Schedule says which ports are due for a probe. Its owner calls it from one
// goroutine.
type Schedule struct {
	Interval time.Duration // between probes of a port; default 1 s
	Burst    time.Duration // between probes while what is behind the port is not settled; default 200 ms

	last map[topology.PortID]time.Time
}

// Due returns the ports that are to be probed now, and counts them as probed.
// Every port that is up on a connected switch is probed again and again, edge
// ports too: a switch may be plugged in behind any of them.
func (s *Schedule) Due(snap *topology.Snapshot, now time.Time) []topology.Port {
	last := make(map[topology.PortID]time.Time, len(s.last))
	var due []topology.Port
	for _, sw := range snap.Switches {
		if !sw.Connected {
			continue
		}
		for _, p := range sw.Ports {
			if !p.Up {
				continue
			}
			at, probed := s.last[p.ID]
			_, carries := snap.Links[p.ID]
			settled := p.Role == topology.Edge || p.Role == topology.Trunk && carries
			if !probed || now.Sub(at) >= s.interval(settled) {
				due = append(due, p)
				at = now
			}
			last[p.ID] = at
		}
	}
	s.last = last
	return due
}

func (s *Schedule) interval(settled bool) time.Duration {
	if settled {
		return cmp.Or(s.Interval, time.Second)
	}
	return cmp.Or(s.Burst, 200*time.Millisecond)
}

package discovery

import (
	"cmp"
	"slices"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// ScheduleConfig is how often ports are probed. The zero value means the
// defaults.
type ScheduleConfig struct {
	Interval time.Duration // between probes of a port; default 1 s
	Burst    time.Duration // between the first ten probes while what is behind a port is not settled; default 200 ms
	Longest  time.Duration // to which Interval is stretched for trunks in a large network; default 5 s
	NoNear   bool          // no near probes
	NoWide   bool          // no wide probes
	Rate     float64       // frames/s beyond which intervals are stretched; three times as many of bursts; default 1600. A trunk's probe is two: it comes back
}

func (c ScheduleConfig) withDefaults() ScheduleConfig {
	c.Interval = cmp.Or(c.Interval, time.Second)
	c.Burst = cmp.Or(c.Burst, 200*time.Millisecond)
	c.Longest = cmp.Or(c.Longest, 5*time.Second)
	c.Rate = cmp.Or(c.Rate, 1600)
	return c
}

// A Probe is a port that is due for a probe, near or wide or both.
type Probe struct {
	topology.Port
	Near, Wide bool
}

// A Schedule chooses the ports that are due for a probe. Every port that is up
// on a connected switch is probed again and again, edge ports too: a switch may
// be plugged in behind any of them. The probes are spread evenly over the
// interval, and those of one switch go together. It is not safe for concurrent
// use.
type Schedule struct {
	cfg      ScheduleConfig
	seen     *topology.Snapshot
	last     time.Time // of Due
	switches map[openflow.DPID]*rounds
	queues   [kinds]queue
}

// A kind is what a port is to the schedule.
type kind int

const (
	unsettled kind = iota
	trunk
	edge
	kinds
)

// rounds are the ports of one switch that are probed together, by kind.
type rounds [kinds]round

type round struct {
	ports []topology.Port
	next  time.Time // zero: not in the queue
	times int       // since a port joined
}

// A queue orders the rounds of one kind.
type queue struct {
	slots  slots
	ports  int     // in all rounds
	credit float64 // probes that may be sent now
}

const (
	firstProbes = 10                     // at intervals of Burst
	backlog     = 200 * time.Millisecond // what was not sent for longer is not made up for
	first       = time.Hour              // so late is what was never probed
	late        = 150 * time.Millisecond // later than the steps of the calls explain
)

// NewSchedule returns a schedule that has seen no port.
func NewSchedule(cfg ScheduleConfig) *Schedule { return &Schedule{cfg: cfg.withDefaults()} }

// Due returns the ports that are to be probed now, and counts them as probed.
// Ports of one switch follow one another. The cost follows what is due and what
// has changed since the last call.
func (s *Schedule) Due(snap *topology.Snapshot, now time.Time) (due []Probe) {
	s.update(snap, now)
	elapsed := backlog
	if !s.last.IsZero() {
		elapsed = min(backlog, max(0, now.Sub(s.last)))
	}
	s.last = now
	for k := range kinds {
		due = s.take(k, due, elapsed, now)
	}
	return due
}

// take appends the ports of one kind that are due and for which there is credit
// to due.
func (s *Schedule) take(k kind, due []Probe, elapsed time.Duration, now time.Time) []Probe {
	q := &s.queues[k]
	rate := s.speed(k)
	q.credit = min(q.credit+rate*elapsed.Seconds(), rate*backlog.Seconds())
	for len(q.slots) > 0 && !q.slots[0].at.After(now) && q.credit >= 1 {
		t := q.slots.pop()
		all := s.switches[t.dpid]
		if all == nil || !all[k].next.Equal(t.at) {
			continue // the switch has gone, or has come to be due earlier
		}
		r := &all[k]
		if len(r.ports) == 0 {
			r.next = time.Time{}
			continue
		}
		for _, p := range r.ports {
			b := s.probe(k, p, r.times)
			due = append(due, b)
			if q.credit--; b.Near && b.Wide {
				q.credit--
			}
		}
		r.times++
		at := t.at
		if now.Sub(at) > late {
			at = now // what had to wait for others keeps its distance from them
		}
		r.next = at.Add(s.pause(k, r.times))
		q.slots.push(slot{r.next, t.dpid})
	}
	return due
}

// probe returns the probe of a port that is due after so many rounds of its
// kind. A wide probe passes over a cable as well, so an edge port needs no near
// one until it has brought something. A port that is not settled has its first
// wide one in time to be closed before it opens; most are settled before it.
func (s *Schedule) probe(k kind, p topology.Port, times int) Probe {
	wide := p.Static || k == edge || k == unsettled && (times >= firstProbes || times%3 == 2 || p.Trouble != topology.Untroubled || p.Echoing)
	return Probe{
		Port: p,
		Near: !s.cfg.NoNear && (k != edge || s.cfg.NoWide),
		Wide: !s.cfg.NoWide && (wide || s.cfg.NoNear),
	}
}

// speed returns how many probes of a kind may leave in a second. It is somewhat
// more than what the intervals come to, and so it only flattens what would come
// at once.
func (s *Schedule) speed(k kind) float64 {
	rate := s.cfg.Rate
	if k == unsettled {
		return 3 * rate
	}
	return 1.25 * max(rate, float64(s.queues[k].ports)/s.pause(k, 0).Seconds())
}

// pause returns the time between two probes of a port.
func (s *Schedule) pause(k kind, times int) time.Duration {
	rate, interval := s.cfg.Rate, s.cfg.Interval
	if k == unsettled {
		if times < firstProbes {
			return s.cfg.Burst
		}
		return interval
	}
	trunks, edges := float64(s.queues[trunk].ports), float64(s.queues[edge].ports)
	stretched := max(interval, min(inSeconds((2*trunks+edges)/rate), s.cfg.Longest))
	if k == trunk {
		return stretched
	}
	left := max(rate-2*trunks/stretched.Seconds(), rate/4)
	return max(stretched, inSeconds(edges/left)) // nothing is lost when an edge port has to wait
}

func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// update takes in what differs in a snapshot.
func (s *Schedule) update(snap *topology.Snapshot, now time.Time) {
	if snap == s.seen {
		return
	}
	if s.seen == nil {
		s.switches = map[openflow.DPID]*rounds{}
		for dpid := range snap.Switches {
			s.sort(snap, dpid, now)
		}
	} else if delta, ok := snap.Since(s.seen.Revision); ok {
		for _, dpid := range delta.Switches {
			s.sort(snap, dpid, now)
		}
		for _, from := range delta.Links {
			s.sort(snap, from.DPID, now)
		}
	} else {
		for dpid := range s.switches {
			s.sort(snap, dpid, now)
		}
		for dpid := range snap.Switches {
			s.sort(snap, dpid, now)
		}
	}
	s.seen = snap
}

// sort puts the ports of a switch into the rounds that they belong to.
func (s *Schedule) sort(snap *topology.Snapshot, dpid openflow.DPID, now time.Time) {
	var ports [kinds][]topology.Port
	if sw := snap.Switches[dpid]; sw.Connected {
		for _, p := range sw.Ports {
			if k, ok := kindOf(snap, p); ok {
				ports[k] = append(ports[k], p)
			}
		}
	}
	all := s.switches[dpid]
	if all == nil {
		all = &rounds{}
		s.switches[dpid] = all
	}
	empty := true
	for k := range kinds {
		r := &all[k]
		s.queues[k].ports += len(ports[k]) - len(r.ports)
		had := make(map[openflow.PortNo]bool, len(r.ports))
		for i := range r.ports {
			had[r.ports[i].ID.Port] = true
		}
		joined := slices.ContainsFunc(ports[k], func(p topology.Port) bool { return !had[p.ID.Port] })
		r.ports = ports[k]
		if joined {
			s.start(k, r, dpid, now)
		}
		empty = empty && len(r.ports) == 0
	}
	if empty {
		delete(s.switches, dpid)
	}
}

func kindOf(snap *topology.Snapshot, p topology.Port) (k kind, ok bool) {
	_, carries := snap.Links[p.ID]
	switch {
	case !p.Up:
		return 0, false
	case p.Role == topology.Trunk && carries:
		return trunk, true
	case p.Role == topology.Edge && p.Trouble == topology.Untroubled && !p.Echoing:
		return edge, true
	}
	return unsettled, true
}

// phase returns a fraction by which switches are spread over an interval. It
// differs most for numbers that follow one another.
func phase(dpid openflow.DPID) float64 {
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	return float64(uint64(dpid)*golden) / (1 << 64)
}

// start makes a round that a port has joined due: at once, before all that are
// probed again, if what is behind the port is to be found out, else at some
// time within the interval.
func (s *Schedule) start(k kind, r *round, dpid openflow.DPID, now time.Time) {
	at := now.Add(-first)
	if k != unsettled {
		if !r.next.IsZero() {
			return
		}
		at = now.Add(time.Duration(phase(dpid) * float64(s.pause(k, 0))))
	}
	r.times = 0
	if r.next.IsZero() || at.Before(r.next) {
		r.next = at
		s.queues[k].slots.push(slot{at, dpid})
	}
}

// A slot is when a switch is to be probed next.
type slot struct {
	at   time.Time
	dpid openflow.DPID
}

// slots is a binary heap, the earliest on top.
type slots []slot

func (q *slots) push(t slot) {
	*q = append(*q, t)
	h := *q
	i := len(h) - 1
	for i > 0 && t.at.Before(h[(i-1)/2].at) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = t
}

func (q *slots) pop() slot {
	h := *q
	top, n := h[0], len(h)-1
	moved := h[n]
	*q = h[:n]
	for i := 0; ; {
		child := 2*i + 1
		if child+1 < n && h[child+1].at.Before(h[child].at) {
			child++
		}
		if child >= n || !h[child].at.Before(moved.at) {
			h[i] = moved
			return top
		}
		h[i] = h[child]
		i = child
	}
}

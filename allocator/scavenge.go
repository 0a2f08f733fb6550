package allocator

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"conga/bitrate"
	"conga/controller/topology"
)

const (
	// spareLead is how many seconds before a reservation begins scavengers have
	// given way to it, so that it need not wait for switches.
	spareLead = 3
	// spareEvery is how often scavengers get more, and how often it is looked
	// which have to give way.
	spareEvery = nanos(time.Second)
	// spareRest is for how long a scavenger gets no path after switches have
	// failed to make it smaller, or to hold it: they would do so again.
	spareRest = nanos(30 * time.Second)
)

// DefaultScavengerGrace is what [Config.ScavengerGrace] is if it is 0.
const DefaultScavengerGrace = 30 * time.Second

// scavenging is what the allocator knows of scavengers as a whole.
type scavenging struct {
	items  map[*item]bool // every one that is not complete
	next   nanos          // when to look again; 0: not before something happens
	grew   nanos          // when one has got more last
	search bool           // something has happened from which one that waits may profit
	queue  []*item        // whose installation waits until scavengers have less
	looked uint64         // how often what is spare was looked at for all of them
}

// spareChangedLocked has what is spare divided anew.
func (a *Allocator) spareChangedLocked() {
	if len(a.spare.items) > 0 {
		a.plan.spare, a.spare.search = true, true
		a.signal()
	}
}

// spareLaterLocked has more of what is spare given to scavengers, and paths
// sought for them, when that is done next, within a second.
func (a *Allocator) spareLaterLocked() { a.spare.search = true }

// spareReservedLocked takes in what has come to be reserved. It is divided anew
// at once only where a scavenger has to give way to it. What one of them holds
// takes nothing from the others, as far as they know of each other.
func (a *Allocator) spareReservedLocked(h reservations) {
	if a.spareLaterLocked(); !h.spare && len(a.spare.items) > 0 && a.pressesLocked(h) {
		a.spareChangedLocked()
	}
}

// spareDueLocked does what spareChangedLocked does when it is time for that,
// but for what waits. It returns when it will be.
func (a *Allocator) spareDueLocked(now nanos) (next nanos) {
	if a.spare.next != 0 && a.spare.next <= now {
		a.plan.spare, a.spare.next = true, 0
		a.signal()
	}
	return cmp.Or(a.spare.next, neverNanos)
}

// scavengeLocked divides what is spare between scavengers, begins to save what
// that changes, and returns it. What they have to give up they lose at once;
// more they get once a second at most.
func (a *Allocator) scavengeLocked(now Seconds) (changed []*item) {
	if !a.plan.spare {
		return nil
	}
	a.plan.spare = false
	a.wakeSqueezedLocked()
	if len(a.spare.items) == 0 {
		return nil
	}
	at := a.nowNanos()
	grows := at >= a.spare.grew+spareEvery || at < a.spare.grew // the clock may have been set back
	a.spare.next = at + spareEvery
	a.spare.looked++
	s := a.surveyLocked(now)
	if grows && a.spare.search {
		a.spare.search = false
		s.settle()
	}
	s.divide(grows)
	for _, tk := range s.takers {
		next := s.outcome(tk, grows)
		switch {
		case next == nil:
		case tk.item.busy != nil:
			tk.item.missed = true
		default:
			if next.Bandwidth > tk.Bandwidth {
				a.spare.grew = at
			}
			if len(next.Path) == 0 && tk.item.extra != a.none {
				tk.item.own().retry = 0 // what failed was to install it
			}
			if tk.bars {
				tk.item.own().barred = at + spareRest
			}
			a.beginLocked(tk.item, next)
			changed = append(changed, tk.item)
		}
	}
	return changed
}

// divide divides what is left beside the floors, by the weights of projects: a
// project's scavengers share its weight on the thing on which there are most of
// them. Those that are not to grow have what they have at most.
func (s *survey) divide(grows bool) {
	var now, later []*portion
	for _, tk := range s.takers {
		if tk.of == nil {
			continue
		}
		most := cmp.Or(tk.MaxBandwidth, bitrate.Rate(1<<62))
		if !grows || tk.item.busy != nil {
			most = min(most, tk.Bandwidth)
		}
		like := 1
		for _, i := range tk.of {
			like = max(like, s.things[i].projects[tk.ProjectID])
		}
		tk.now = portion{of: tk.of, weight: s.cfg.Limits(tk.ProjectID).weight() / float64(like), room: float64(most) - float64(tk.floor)}
		now = append(now, &tk.now)
		if tk.stays {
			tk.later = tk.now
			later = append(later, &tk.later)
		}
	}
	left := [2][]float64{}
	for _, t := range s.things {
		left[0], left[1] = append(left[0], float64(t.now)), append(left[1], float64(t.later))
	}
	divide(now, left[0])
	divide(later, left[1])
}

// outcome returns a scavenger's state as it is to be; nil if that is as it is.
func (s *survey) outcome(tk *taker, grows bool) *record {
	was, next := tk.item.record(), *tk.record
	if tk.item.next != nil {
		was = tk.item.next
	}
	now := min(tk.floor+whole(tk.now.rate), max(tk.floor, cmp.Or(tk.MaxBandwidth, math.MaxInt64)))
	switch {
	case tk.lost == "" && tk.of != nil && tk.item.failures > 0 && (tk.Bandwidth > now || tk.item.hasMore(tk.Bandwidth)):
		next.yield(joined(tk.Reason, "it gives up its path, since it is to have less"))
		tk.bars = true
	case tk.lost != "":
		next.yield(tk.lost)
	case tk.frozen:
	case tk.of == nil:
		next.Reason = cmp.Or(tk.waits, next.Reason)
	default:
		if next.Bandwidth = min(next.Bandwidth, now); grows && tk.stays {
			next.Bandwidth = max(next.Bandwidth, min(now, tk.floor+whole(tk.later.rate)))
		}
		if next.State == Active {
			next.Reason = s.notice(tk, next.Bandwidth)
		}
	}
	return unlessSame(was, &next)
}

// notice returns what a scavenger is told that is to have less soon, in words;
// "" if it is not.
func (s *survey) notice(tk *taker, rate bitrate.Rate) string {
	after := bitrate.Rate(0)
	if tk.stays {
		after = tk.floor + whole(tk.later.rate)
	}
	if after >= rate {
		return ""
	}
	when, what := s.late.End, fmt.Sprintf("has %s from then on", after)
	if !tk.stays {
		what = "returns to pending then"
	}
	for _, id := range tk.Path.Links() {
		for _, id := range [...]topology.LinkID{id, id.Reverse()} {
			l, _ := s.pl.snapshot.Link(id)
			limit := s.pl.limitOf(l)
			if w := s.calendars.room.above(id, s.late, limit-min(limit, s.calendars.spare.links.peak(id, s.soon))); w != (Window{}) {
				when = min(when, w.Start)
			}
		}
	}
	if when == s.late.End || when >= tk.Window.End {
		return ""
	}
	return fmt.Sprintf("gives way at %s to what is reserved, and %s", clock(when), what)
}

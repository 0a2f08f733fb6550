package flow

import (
	"time"

	"conga/openflow"
)

// inFlight is how long frames may come to a switch after the one before has
// confirmed that it sends them elsewhere: barriers are answered before all
// packets follow.
const inFlight = time.Second

// easing has ways change without losing the frames that are on their way. When
// a switch has been led away from another, frames may still arrive there for a
// while. If the other one sent them back meanwhile, they would be lost, since
// no switch sends a frame out of the port by which it came, so it goes on as
// before until none come any more. Where what it holds leads nowhere it is not
// held back.
type easing struct {
	until   time.Time // before this moment ways change with ease
	now     time.Time
	left    map[target]leave
	waiting map[target]bool // hops that are put off
}

// A leave is the switch that another one does not send frames to any more.
type leave struct {
	dpid openflow.DPID
	at   time.Time // when that was confirmed; zero: not yet
}

// Ease has ways change without losing the frames that are on their way until a
// moment: they change later, so it is for changes that nothing forces.
// [Wanted.Pass] has to be called until it reports that nothing is put off.
func (w *Wanted) Ease(now, until time.Time) {
	w.ease.now, w.ease.until = now, until
}

// Pass lets time go by for what [Wanted.Ease] has put off. It reports whether
// there is more to be taken now.
func (w *Wanted) Pass(now time.Time) (more bool) {
	e := &w.ease
	e.now = now
	if len(e.left) == 0 && len(e.waiting) == 0 {
		return false
	}
	for t, l := range e.left {
		since := l.at
		if since.IsZero() { // a switch that does not confirm holds nothing up for longer
			since = e.until
		}
		if t.site.gone || t.station.slot == noSlot || now.Sub(since) > inFlight {
			delete(e.left, t)
		}
	}
	for t := range e.waiting {
		delete(e.waiting, t)
		if !t.site.gone && t.station.slot != noSlot {
			w.due(t.site, t.station)
		}
	}
	return len(w.work) > 0
}

// leaves notes that a switch is asked for another hop than it has.
func (e *easing) leaves(s *site, x *station, was hop) {
	if !e.now.Before(e.until) || was.pending > 0 {
		return
	}
	if far, ok := s.far[was.port]; ok {
		if e.left == nil {
			e.left = map[target]leave{}
		}
		e.left[target{s, x}] = leave{dpid: far}
	}
}

// confirmed notes that a switch has the hop that it was asked for.
func (e *easing) confirmed(s *site, x *station) {
	if l, ok := e.left[target{s, x}]; ok && l.at.IsZero() {
		l.at = e.now
		e.left[target{s, x}] = l
	}
}

// putsOff reports whether a switch is to keep the hop that it has instead of
// one by a port: that one leads to a switch from which frames may still come,
// and what it has leads to the host.
func (w *Wanted) putsOff(s *site, x *station, port openflow.PortNo) bool {
	e := &w.ease
	if len(e.left) == 0 {
		return false
	}
	next := w.sites[s.far[port]]
	if next == nil {
		return false
	}
	if l, ok := e.left[target{next, x}]; !ok || l.dpid != s.dpid {
		return false
	}
	far, ok := w.routes.across(s.dpid, s.hopOf(x).port)
	if !ok || w.reaches(far, x) != whole {
		return false
	}
	if e.waiting == nil {
		e.waiting = map[target]bool{}
	}
	e.waiting[target{s, x}] = true
	return true
}

// across returns the switch to which a port of another leads; ok is false if no
// link leads out of it.
func (r *Routes) across(from openflow.DPID, port openflow.PortNo) (far openflow.DPID, ok bool) {
	i, ok := r.index[from]
	if !ok {
		return 0, false
	}
	a, ok := r.find(i, port)
	if !ok {
		return 0, false
	}
	return r.vertices[a.other].dpid, true
}

package flow

import (
	"time"

	"conga/controller/purpose"
	"conga/openflow"
)

// A switch fills the bucket of a meter that is added or modified, also where it
// is modified to what it is already (Open vSwitch does). Were each change sent
// as it comes, each would let another burst through. So a changed meter is
// eased at first: it has a small burst, and a rate that is a tenth less than
// what is wanted. That tenth pays for the bursts:
//
//	right --change--> eased --paid for--> right
//	                  |   ^
//	                  +---+ another change, once the one before is paid for
//
// Over any time, traffic that always takes all that it can get gets no more
// than the rates that were wanted, one burst and one small burst.
const (
	easeShare = 10 // a tenth of the rate pays

	// mostPay bounds how long a meter pays for bursts, which takes long only
	// where the rate is so low that the least burst is seconds of it, or where
	// bursts are as long as slowBurst. There a little stays unpaid.
	mostPay = 10 * time.Second

	// mostOwed bounds how many small bursts another change waits for.
	mostOwed = 4
)

// pace is how far a meter has paid.
type pace struct {
	next  time.Time // the small bursts so far are paid for; before that no change is sent
	whole time.Time // the full burst is paid for, too
}

// paced reports whether changes of a meter are paid for: they are where a rate
// of kbit/s is shared out, to policed circuits and to best effort.
func paced(id openflow.MeterID) bool {
	switch kind, _ := purpose.ReadMeter(id); kind {
	case purpose.MeterPolicer, purpose.MeterBestEffort, purpose.MeterFlood:
		return true
	}
	return false
}

// eased returns what a meter is to be until its change is paid for.
// small is how long its burst is, that of best effort.
func (m Meter) eased(small time.Duration) Meter {
	m.Burst = min(m.Burst, burstOf(m.Rate, small))
	m.Rate = max(m.Rate-max(m.Rate/easeShare, 1), 1)
	return m
}

// surge returns how much a meter lets through at once, in kbit: what switches
// do that are not told is a second's worth (Open vSwitch).
func (m Meter) surge() uint32 {
	if m.Burst > 0 {
		return m.Burst
	}
	return min(m.Rate, 1<<31-1)
}

// payFor returns how long an eased meter pays for a burst in kbit.
func (m Meter) payFor(burst uint32) time.Duration {
	saved := max(m.Rate/easeShare, 1)
	return min(time.Duration(burst)*time.Second/time.Duration(saved), mostPay)
}

// payWhole returns how long an eased meter pays for the full burst that it is
// to have, and for the small one that it has.
func (m Meter) payWhole(small time.Duration) time.Duration {
	return m.payFor(m.surge() + m.eased(small).surge())
}

// Due returns when [Reconciler.Next] is to be called though nothing has
// happened; zero if nothing waits for a time. While steps are under way nothing
// does: they have to land first.
func (r *Reconciler) Due() (due time.Time) {
	if r.UnderWay() {
		return due
	}
	for _, at := range r.paced {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	return due
}

// pace puts off the changes of meters for which it is too early, and takes up
// those that were put off and whose time has come. What is put off counts as
// confirmed: the switch holds the meter, at the rate that it had.
func (r *Reconciler) pace(now time.Time) {
	for id, due := range r.paced {
		if !now.Before(due) {
			delete(r.paced, id)
			r.limits[id] = r.generation + 1
		}
	}
	for id := range r.limits {
		if due := r.dueAt(id, now); now.Before(due) {
			delete(r.limits, id)
			r.paced[id] = due
		}
	}
}

// dueAt returns when a meter that differs may be sent; zero if that is at once.
func (r *Reconciler) dueAt(id openflow.MeterID, now time.Time) time.Time {
	at := r.meters[id]
	if at.want == nil || at.have == nil || !paced(id) {
		return time.Time{}
	}
	eased := at.want.eased(r.small)
	if *at.have == eased {
		p, known := r.paces[id]
		if !known { // an earlier session eased it
			p.whole = now.Add(at.want.payWhole(r.small))
			r.paces[id] = p
		}
		return p.whole
	}
	if eased.Rate < at.have.Rate-at.have.Rate/easeShare {
		// At once, since the rate that is given up may be promised to another
		// circuit already. The small bursts of a row of such changes add up to
		// ten of the first at most: each is a tenth smaller than the one
		// before, and the next change upwards waits until all are paid.
		return time.Time{}
	}
	return r.paces[id].next
}

// watchLeaving notes until when a new policer begins eased: those that are not
// wanted any more may be the same traffic's under another name.
func (r *Reconciler) watchLeaving() {
	for id := range r.limits {
		at := r.meters[id]
		if kind, _ := purpose.ReadMeter(id); kind != purpose.MeterPolicer || at.want != nil || at.have == nil {
			continue
		}
		if until := r.now.Add(at.have.payWhole(r.small)); until.After(r.wary) {
			r.wary = until
		}
	}
}

// setting returns what a meter that differs is to be from now on: what is
// wanted, or that eased.
func (r *Reconciler) setting(id openflow.MeterID, at pair[Meter], now time.Time) *Meter {
	kind, _ := purpose.ReadMeter(id)
	switch {
	case at.want == nil:
		delete(r.paces, id)
		return nil
	case !paced(id):
		return at.want
	}
	eased := at.want.eased(r.small)
	switch {
	case at.have != nil && *at.have == eased:
		delete(r.paces, id) // all is paid for
		return at.want
	case at.have == nil && (kind != purpose.MeterPolicer || !now.Before(r.wary)):
		delete(r.paces, id)
		return at.want
	}
	from := now
	if p := r.paces[id]; p.next.After(from) {
		from = p.next
	}
	small := at.want.payFor(eased.surge())
	next := from.Add(small)
	if most := now.Add(mostOwed * small); next.After(most) {
		next = most
	}
	r.paces[id] = pace{next: next, whole: next.Add(at.want.payFor(at.want.surge()))}
	return &eased
}

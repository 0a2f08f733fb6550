package flow

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"conga/openflow"
)

// What a switch holds may be changed by another program, which may undo what is
// done about that. So what does not stay as it was left is put right at once a
// few times only, and then later and later:
//
//	right --lost or changed--> differs --put right--> right   the first times
//	right --lost or changed--> left as it is --pause--> differs   after that
//
// What has been left in peace for long enough begins anew. What keeps loops out
// is never left for longer than the first pause.
const (
	freeRepairs = 3
	firstPause  = 10 * time.Second
	mostPause   = 10 * time.Minute
	peace       = 5 * time.Minute // longer than it is between two audits

	mostDisputes = 10_000 // a switch may make up any number
)

// ErrMeddled is why an entry or a meter is left as it is that another program
// changes again and again.
var ErrMeddled = errors.New("another program changes or removes it again and again")

// dispute is how often something has not stayed as it was left.
type dispute struct {
	times int
	pause time.Duration // the last; 0: none yet
	last  time.Time
	until time.Time // until then it is left as it is
	what  string    // as people call it
}

// over reports whether it was left in peace for long enough.
func (d *dispute) over(now time.Time) bool {
	return now.Sub(d.last) > peace && now.Sub(d.until) > peace
}

// again counts one more time, and reports whether it is to be left as it is,
// for so long at most.
func (d *dispute) again(now time.Time, most time.Duration) bool {
	if d.over(now) {
		*d = dispute{what: d.what}
	}
	d.last = now
	if d.times++; d.times <= freeRepairs {
		return false
	}
	d.pause = min(max(firstPause, 2*d.pause), most)
	d.until = now.Add(d.pause)
	return true
}

// Clock says what time it is, before something that was found out is taken in.
func (r *Reconciler) Clock(now time.Time) { r.now = now }

// contest takes note that an entry is not as it was left, and has it left as it
// is where that happens again and again.
func (r *Reconciler) contest(k openflow.EntryKey, at pair[Rule]) {
	d := r.disputes[k]
	if d == nil {
		if len(r.disputes) == mostDisputes {
			return
		}
		d = &dispute{what: "entries of best effort"}
		if ofCircuit(k) {
			d.what = "entries of allocations"
		}
		r.disputes[k] = d
	}
	rule := at.want
	if rule == nil {
		rule = at.have // another program puts it there
	}
	most := mostPause
	if rule != nil && rule.guard != noGuard {
		most = firstPause // a ring may be open without it
	}
	if d.again(r.now, most) && rule != nil {
		r.refused[k] = refusal{rule, ErrMeddled}
	}
}

// contestMeter does with a meter what contest does with an entry.
func (r *Reconciler) contestMeter(id openflow.MeterID) {
	d := r.meterDisputes[id]
	if d == nil {
		if len(r.meterDisputes) == mostDisputes {
			return
		}
		d = &dispute{what: "meters"}
		r.meterDisputes[id] = d
	}
	if d.again(r.now, mostPause) {
		r.unmetered[id] = ErrMeddled
	}
}

// resting reports whether something that was refused is to be left as it is
// for longer.
func (d *dispute) resting(now time.Time) bool { return d != nil && now.Before(d.until) }

// endDisputes forgets what has been left in peace.
func (r *Reconciler) endDisputes() {
	maps.DeleteFunc(r.disputes, func(_ openflow.EntryKey, d *dispute) bool { return d.over(r.now) })
	maps.DeleteFunc(r.meterDisputes, func(_ openflow.MeterID, d *dispute) bool { return d.over(r.now) })
}

// meddling returns, a sentence each, what another program changes again and
// again.
func (r *Reconciler) meddling() (out []string) {
	counts := map[string]int{}
	for _, d := range r.disputes {
		if d.pause > 0 {
			counts[d.what]++
		}
	}
	for _, d := range r.meterDisputes {
		if d.pause > 0 {
			counts[d.what]++
		}
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("Another program changes or removes %s of CONGA there again and again, so they are put back later and later; the switch should have no other controller.", what))
	}
	return out
}

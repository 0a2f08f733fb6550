package stats

import (
	"time"

	"conga/bitrate"
)

// What is lost between the ends of a path is what came in, and was not dropped
// by the policer, and has not left. The ends are looked at at different
// moments, and each counter is behind the packets by up to a second, so nothing
// is made of a single difference. A lossWatch compares what must have left by a
// look at the exit, because an earlier look at the entrance has counted it,
// with what may have left by a look before that one, which is no more than a
// later look at the entrance has counted. What is missing by that is lost,
// whatever the traffic does. A loss that lasts grows without end, so that each
// is found in time: half of the traffic within some four looks, a tenth within
// some forty.
const (
	// countersLag is by how much the counters of two switches may be apart.
	countersLag = 2 * time.Second
	// lossTolerated is the share that may be lost: switches differ in which
	// bytes of a frame they count.
	lossTolerated = 0.05
	// lossSteps is by how many looks the loss must have grown. A counter that
	// began anew makes one step.
	lossSteps = 3
	// leastLost and lossTime are how much a step is at least: frames, bytes,
	// and what the allocation's rate carries in a time.
	leastLostFrames = 10
	leastLostBytes  = 10_000
	lossTime        = 100 * time.Millisecond
	// wholeAgain is for how long a loss must have been over, or nothing have
	// come in, at least until none is assumed.
	wholeAgain = 30 * time.Second
)

// An amount is packets and bytes. Both must be missing: where a switch puts
// packets together the one may be, where it counts checksums the other.
type amount [2]float64

func amountOf(v Volume) amount { return amount{float64(v.Packets), float64(v.Bytes)} }

// plus returns a and so many times b.
func (a amount) plus(b amount, times float64) amount {
	return amount{a[0] + times*b[0], a[1] + times*b[1]}
}

// exceeds reports whether both numbers are higher than those of b.
func (a amount) exceeds(b amount) bool { return a[0] > b[0] && a[1] > b[1] }

// A look is what had gone by at a moment.
type look struct {
	at  time.Time
	sum amount
}

// A lossWatch finds losses in one direction of an allocation. The zero value
// knows nothing yet.
type lossWatch struct {
	last     look // at the entrance, of all that came in
	dropped  amount
	dropping bool    // the policer dropped between the last two looks
	credit   float64 // bytes of its rate that the allocation has not used
	owed     amount  // of what came in, what should leave

	recent  [4]look // what was owed, the newest first
	waiting look    // at the exit, until a look at the entrance is late enough; zero: none

	based bool
	whole [2]amount // owed, as far as it was known, and left at the last look before the first step
	base  amount    // what owed was ahead of left at the look at the exit at which that was least
	from  look      // that look, and what was owed
	first look      // the same of the first look since there was a base
	level amount    // what was missing at the last step
	steps int

	lost   bool
	share  float64       // that was lost when that was found
	span   amount        // owed within which it was found
	took   time.Duration // the same in time
	moving time.Time     // when something came in last
}

// enter takes in a look at the entrance, of which the switch was asked at a
// moment: all that came in, and that the policer dropped.
func (w *lossWatch) enter(asked, at time.Time, entered, dropped Volume, rate bitrate.Rate) {
	now, drops := amountOf(entered), amountOf(dropped)
	var unseen amount // what the entries may have to count yet, of what the policer has dropped already
	if !w.last.at.IsZero() {
		came, fell := now.plus(w.last.sum, -1), drops.plus(w.dropped, -1)
		w.owed = w.owed.plus(w.within(came.plus(fell, -1), at.Sub(w.last.at), rate), 1)
		if fell[1] > 0 || w.dropping {
			unseen = came
		}
		w.dropping = fell[1] > 0
		if came[0] > 0 {
			w.moving = at
		}
	}
	w.last, w.dropped = look{at, now}, drops
	if old := w.recent[0].at; old.IsZero() || at.Sub(old) > countersLag/3 {
		copy(w.recent[1:], w.recent[:])
		w.recent[0] = look{at, w.owed}
	}
	if !w.waiting.at.IsZero() && asked.Sub(w.waiting.at) >= countersLag {
		w.rebase(w.owed.plus(unseen, 1))
		w.waiting = look{}
	}
}

// within returns the part of what passed in a time that is within the rate.
func (w *lossWatch) within(passed amount, d time.Duration, rate bitrate.Rate) amount {
	bytes := float64(rate) / 8
	w.credit = min(w.credit+bytes*d.Seconds(), bytes*(d+countersLag).Seconds())
	if passed[1] > w.credit {
		passed = amount{passed[0] * w.credit / passed[1], w.credit}
	}
	w.credit -= max(0, passed[1])
	return passed
}

// rebase takes in that no more than so much was owed at the look at the exit
// that waits.
func (w *lossWatch) rebase(owed amount) {
	ahead := owed.plus(w.waiting.sum, -1).plus(owed, -lossTolerated)
	switch {
	case !w.based:
		w.base, w.first = ahead, look{w.waiting.at, owed}
	case ahead[0] < w.base[0] || ahead[1] < w.base[1]:
		w.base = amount{min(ahead[0], w.base[0]), min(ahead[1], w.base[1])}
	default:
		return
	}
	w.based, w.from, w.steps, w.level = true, look{w.waiting.at, owed}, 0, amount{}
}

// leave takes in a look at the exit, of which the switch was asked at a moment:
// all that left. It reports whether a loss was found, or is over.
func (w *lossWatch) leave(asked, at time.Time, left Volume, rate bitrate.Rate) (changed bool) {
	if w.waiting.at.IsZero() {
		w.waiting = look{at, amountOf(left)}
	}
	if w.lost && at.Sub(w.moving) >= wholeAgain {
		w.lost = false
		w.anew()
		return true
	}
	for _, e := range w.recent {
		if !e.at.IsZero() && asked.Sub(e.at) >= countersLag {
			return w.based && w.judge(e.sum, look{at, amountOf(left)}, rate)
		}
	}
	return false
}

// judge compares what must have left with what has. It reports whether a loss
// was found, or is over.
func (w *lossWatch) judge(owed amount, left look, rate bitrate.Rate) (changed bool) {
	missing := owed.plus(left.sum, -1).plus(owed, -lossTolerated).plus(w.base, -1)
	step := amount{leastLostFrames, max(leastLostBytes, float64(rate)/8*lossTime.Seconds())}
	grown := missing.exceeds(w.level.plus(step, 1))
	if grown {
		w.level = missing
		w.steps++
	} else if w.steps == 0 {
		w.whole = [2]amount{w.owed, left.sum}
	}
	switch {
	case w.lost && grown: // it goes on
		w.anew()
	case w.lost && w.over(owed, left.at):
		w.lost = false
		return true
	case !w.lost && w.steps >= lossSteps:
		w.lost, w.span, w.took = true, owed.plus(w.from.sum, -1), left.at.Sub(w.from.at)
		w.share = 1 - (left.sum[1]-w.whole[1][1])/max(1, w.owed[1]-w.whole[0][1])
		w.share = min(1, max(w.share, w.level[1]/w.span[1]+lossTolerated))
		w.anew()
		return true
	}
	return false
}

// over reports whether a loss as it was found would have shown again by now.
func (w *lossWatch) over(owed amount, now time.Time) bool {
	since, took := owed.plus(w.first.sum, -1), now.Sub(w.first.at)
	return since.exceeds(w.span.plus(w.span, 1)) || took >= max(wholeAgain, 2*w.took) && 4*since[1] > w.span[1]
}

// anew has what follows compared with what is now.
func (w *lossWatch) anew() {
	w.based, w.waiting, w.steps, w.level = false, look{}, 0, amount{}
}

// restart forgets what was counted, since other entries count from now on.
func (w *lossWatch) restart() {
	*w = lossWatch{lost: w.lost, share: w.share, span: w.span, took: w.took, moving: w.moving}
}

package allocator

import (
	"fmt"
	"slices"

	"conga/allocator/recurrence"
	"conga/bitrate"
)

const (
	// maxRefused is how many occurrences a refusal tells of one by one: to find
	// out what there is instead takes longer than to find that one does not
	// fit.
	maxRefused = 32
	// laterTries is how often a later start of a series is tried.
	laterTries = 6
)

// admitSeriesLocked places the occurrences of a series and checks the project's
// limits: all, or the error tells of those in the way. Their windows do not
// overlap, so each is admitted as if the others were not there; the limits on
// numbers count them all.
func (a *Allocator) admitSeriesLocked(asked askedSeries, now Seconds) ([]placement, *Error) {
	if most, err := a.checkNumberLocked(asked, now); err != nil {
		if most > 0 {
			err.Alternatives = a.firstOfSeriesLocked(asked, most, now)
		}
		return nil, err
	}
	var refused []Refused
	placed, more := make([]placement, 0, len(asked.list)), 0
	for _, r := range asked.list {
		if len(refused) == maxRefused {
			if !a.fitsSeriesLocked([]Request{r}, now) {
				more++
			}
			continue
		}
		at, err := a.admitLocked(r, now)
		if err != nil {
			refused = append(refused, Refused{Window{max(r.StartTime, now), r.StartTime + r.Duration}, err})
			continue
		}
		placed = append(placed, at)
	}
	if len(refused) == 0 {
		return placed, nil
	}
	err := seriesError(refused, more, len(asked.list))
	err.Alternatives = a.seriesInsteadLocked(asked, err, now)
	return nil, err
}

// seriesError returns the refusal of a series of so many occurrences; more of
// them are in the way than those that are refused.
func seriesError(refused []Refused, more, of int) *Error {
	first := refused[0]
	err := &Error{
		Kind: first.Err.Kind, Field: first.Err.Field, Bottleneck: first.Err.Bottleneck, InTheWay: first.Err.InTheWay,
		Occurrences: refused,
	}
	for i, r := range refused {
		if r.Err.readings = nil; r.Err.Kind == Conflict {
			err.Kind = Conflict
		}
		refused[i].Err.Offer = Offer{} // an occurrence by itself is not offered
	}
	err.Err = fmt.Errorf("%d of the %d occurrences do not fit, so none is admitted; the first of these is from %s to %s: %w",
		len(refused)+more, of, clock(first.Window.Start), clock(first.Window.End), first.Err.Err)
	return err
}

// checkNumberLocked holds the number of occurrences against the project's
// limits. If there are too many, most is how many there may be.
func (a *Allocator) checkNumberLocked(asked askedSeries, now Seconds) (most int, _ *Error) {
	limits, project := a.cfg.Limits(asked.ProjectID), asked.ProjectID
	waits := 0
	for _, r := range asked.list {
		if r.StartTime > now+startSlack {
			waits++
		}
	}
	for _, x := range [...]struct {
		most      *int
		has, want int
		what      string
	}{
		{limits.Active, a.calendars.active[project], len(asked.list), "that are not complete"},
		{limits.Pending, a.pendingLocked(&asked.Request), waits, "that wait"},
	} {
		if x.most != nil && x.has+x.want > *x.most {
			left := max(0, *x.most-x.has)
			return left + len(asked.list) - x.want, &Error{Kind: Denied, Field: "recurrence", Err: fmt.Errorf(
				"project %s may have %d allocations %s and has %d, so the series may have %d occurrences and has %d; release some, or ask for fewer at a time",
				project, *x.most, x.what, x.has, left+len(asked.list)-x.want, len(asked.list))}
		}
	}
	return 0, nil
}

// seriesInsteadLocked returns series that would be admitted instead of one that
// was refused: with the rate that there is for all occurrences, at another time
// of day, the first of its occurrences, or without a rate.
func (a *Allocator) seriesInsteadLocked(asked askedSeries, refused *Error, now Seconds) (list []Request) {
	offer := func(r Request) {
		if len(list) < maxAlternatives && r != asked.Request && a.admitsSeriesLocked(r, len(asked.list), now) {
			list = append(list, r)
		}
	}
	if _, _, _, unknown := locate(a.seen, asked.Key); unknown == "" {
		if c := a.counselLocked(asked.list[0], now, nil); c.confinedError(c.demand) != nil {
			return a.relaxedSeriesLocked(asked, c.relaxed(), now)
		}
		if rate := a.leastOfSeriesLocked(asked, now); rate > 0 && rate < asked.Bandwidth {
			offer(asked.withRate(rate))
		}
		if later, ok := a.laterSeriesLocked(asked, now); ok {
			offer(later)
		}
	}
	fit := 0
	for _, r := range asked.list {
		if max(r.StartTime, now) >= refused.Occurrences[0].Window.Start {
			break
		}
		fit++
	}
	if fit > 0 && len(list) < maxAlternatives {
		list = append(list, a.firstOfSeriesLocked(asked, fit, now)...)
	}
	if asked.Bandwidth > 0 {
		offer(asked.withRate(0))
	}
	return list
}

// relaxedSeriesLocked returns the series with the constraints of requests, for
// which there is a path, or what would be admitted instead of these.
func (a *Allocator) relaxedSeriesLocked(asked askedSeries, relaxed []Request, now Seconds) (list []Request) {
	var instead []Request
	for _, r := range relaxed {
		again := asked
		again.Constraints, again.list = r.Constraints, slices.Clone(asked.list)
		for i := range again.list {
			again.list[i].Constraints = r.Constraints
		}
		if _, err := a.admitSeriesLocked(again, now); err == nil {
			list = append(list, again.Request)
		} else if instead == nil {
			instead = err.Alternatives
		}
	}
	if list == nil {
		return instead
	}
	return list
}

// admitsSeriesLocked reports whether a series with so many occurrences would be
// admitted.
func (a *Allocator) admitsSeriesLocked(r Request, number int, now Seconds) bool {
	asked, err := a.occurrences(r, now)
	if err != nil || len(asked.list) != number {
		return false
	}
	_, err = a.checkNumberLocked(asked, now)
	return err == nil && a.fitsSeriesLocked(asked.list, now)
}

// fitsSeriesLocked reports whether each of the requests would be admitted.
func (a *Allocator) fitsSeriesLocked(list []Request, now Seconds) bool {
	pl := a.plannerLocked()
	pl.terse = true
	for _, r := range list {
		pl.readings = &readings{}
		if _, err := a.assignLocked(pl, r, now, nil); err != nil {
			return false
		}
	}
	return true
}

// leastOfSeriesLocked returns the highest rate that there is in the windows of
// all occurrences.
func (a *Allocator) leastOfSeriesLocked(asked askedSeries, now Seconds) bitrate.Rate {
	rate := asked.Bandwidth
	for _, r := range asked.list {
		if rate == 0 {
			break
		}
		c := a.counselLocked(r, now, nil)
		rate = min(rate, c.most(Window{max(r.StartTime, now), r.StartTime + r.Duration}))
	}
	return rate
}

// laterSeriesLocked returns the series at a later time of day, at which all
// occurrences fit, if it has one time a day and there is such a one.
func (a *Allocator) laterSeriesLocked(asked askedSeries, now Seconds) (later Request, ok bool) {
	rule, err := recurrence.Parse(asked.Recurrence.Rule)
	if err != nil || rule.Timed() {
		return later, false
	}
	later = asked.Request
	for range laterTries {
		moved, err := a.occurrences(later, now)
		if err != nil || len(moved.list) != len(asked.list) {
			return later, false
		}
		var by Seconds
		for _, r := range moved.list {
			c := a.counselLocked(r, now, nil)
			at, found := c.firstFit(c.demand, r.StartTime, min(r.StartTime+daySeconds, now+MaxAhead+1))
			if !found {
				return later, false
			}
			by = max(by, at-r.StartTime)
		}
		if by == 0 {
			return later, true
		}
		if later.StartTime += by; later.StartTime >= asked.StartTime+daySeconds {
			return later, false
		}
	}
	return later, false
}

const daySeconds = 24 * 3600

// firstOfSeriesLocked returns the series with the first so many of its
// occurrences, if that is admitted.
func (a *Allocator) firstOfSeriesLocked(asked askedSeries, number int, now Seconds) []Request {
	rule, err := recurrence.Parse(asked.Recurrence.Rule)
	if err != nil || number >= len(asked.list) {
		return nil
	}
	first := asked.Request
	if first.Recurrence.Rule = rule.First(number).String(); a.admitsSeriesLocked(first, number, now) {
		return []Request{first}
	}
	return nil
}

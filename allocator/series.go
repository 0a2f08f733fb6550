package allocator

import (
	"context"
	"errors"
	"fmt"

	"conga/allocator/recurrence"
	"conga/allocator/store"
)

// A Recurrence asks for a series: an allocation for each moment that a rule
// names. The zero value asks for none.
type Recurrence struct {
	Rule string `json:"rule,omitempty"` // an RRULE of RFC 5545
	Zone string `json:"zone,omitempty"` // by whose clocks; "": UTC
}

// DefaultOccurrences is how many allocations a series has at most, if
// [Config.Occurrences] does not say.
const DefaultOccurrences = 366

// A Series is allocations that were asked for together. Each can be changed and
// released by itself.
type Series struct {
	ID         string // "" of what is only validated
	Recurrence        // as it was asked for
	List       []Allocation
	Notes      []string // about what may not be as it was meant, in words for the user
}

// AlongSeries makes records that are saved in the same transaction as a change
// of several allocations, as [Along] does for one. It runs once.
type AlongSeries func(Series) ([]store.Op, error)

// CreateSeries admits a request with a Recurrence: an allocation for each
// occurrence, in exactly its window, or none at all. The start time is that
// from which on there are occurrences.
//
// When CreateSeries returns nil all allocations survive a crash, as do the
// records that along makes; if it fails none does.
//
// Errors are those of [Allocator.Create]. A Conflict has the Occurrences in the
// way, and Alternatives that are series.
func (a *Allocator) CreateSeries(ctx context.Context, r Request, along ...AlongSeries) (Series, error) {
	const op = "create"
	if err := ctx.Err(); err != nil {
		return Series{}, &Error{Op: op, Kind: Internal, Err: err}
	}
	now := a.now()
	asked, err := a.occurrences(r, now)
	if err != nil {
		return Series{}, err.in(op)
	}
	made, items, err := a.beginSeries(asked, now, along)
	if err == nil {
		err = a.commit(items...)
	}
	if err != nil {
		return Series{}, err.in(op)
	}
	return made, nil
}

// ValidateSeries returns what CreateSeries would, without creating it: the
// allocations as they would be, without IDs.
func (a *Allocator) ValidateSeries(r Request) (Series, error) {
	const op = "validate"
	now := a.now()
	asked, err := a.occurrences(r, now)
	if err != nil {
		return Series{}, err.in(op)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	placed, err := a.admitSeriesLocked(asked, now)
	if err != nil {
		return Series{}, err.in(op)
	}
	s := Series{Recurrence: asked.Recurrence, Notes: asked.notes}
	for i, one := range asked.list {
		planned := record{Allocation: Allocation{Created: now, Request: one, State: Pending, LeaseEnd: leaseEnd(one.firstLease(), now)}}
		planned.put(placed[i])
		v := planned.Allocation
		v.Reason = a.reasonLocked(a.none.newItem(), &v)
		s.List = append(s.List, v)
	}
	return s, nil
}

// askedSeries is what a request with a recurrence asks for.
type askedSeries struct {
	Request           // in its normal form
	list    []Request // one for each occurrence
	notes   []string
}

// occurrences returns the requests that a recurrence stands for, each in its
// normal form.
func (a *Allocator) occurrences(r Request, now Seconds) (asked askedSeries, _ *Error) {
	r.StartTime = momentOf(r.StartTime, now)
	if err := r.checkRecurring(now); err != nil {
		return asked, err
	}
	rule, err := recurrence.Parse(r.Recurrence.Rule)
	if err != nil {
		return asked, invalid("recurrence.rrule", "%w", err)
	}
	zone, err := recurrence.Zone(r.Recurrence.Zone)
	if err != nil {
		return asked, invalid("recurrence.timezone", "%w", err)
	}
	when, err := rule.Moments(r.StartTime.Time().In(zone), recurrence.Bounds{Last: (now + MaxAhead).Time(), Most: a.cfg.Occurrences})
	if err != nil {
		return asked, invalid("recurrence.rrule", "%w", err)
	}
	r.Recurrence = Recurrence{rule.String(), zone.String()}
	asked.Request, asked.notes = r, when.Notes
	for _, t := range when.List {
		one := r
		one.Recurrence, one.StartTime = Recurrence{}, Seconds(t.Unix())
		if n := len(asked.list); n > 0 {
			if last := asked.list[n-1].StartTime; one.StartTime < last+r.Duration {
				return asked, invalid("duration", "%d s is longer than it is from one occurrence, at %s, to the next, at %s; "+
					"they would be the same traffic at the same time", r.Duration, clock(last), clock(one.StartTime))
			}
		}
		if err := a.check(&one, now); err != nil {
			return asked, err
		}
		one.Recurrence = r.Recurrence
		asked.list = append(asked.list, one)
	}
	return asked, nil
}

// checkRecurring refuses what a series cannot have.
func (r *Request) checkRecurring(now Seconds) *Error {
	switch {
	case r.Leeway != Leeway{}:
		return invalid("recurrence", "each occurrence has a start_time and a duration; earliest, deadline and volume are not for series")
	case r.StartTime == 0:
		return invalid("start_time", "is required with a recurrence: the moment of the first occurrence")
	case r.Lease != 0:
		return invalid("lease", "is not for series: each occurrence would have to be asked for again by itself")
	case r.Hold != 0:
		return invalid("hold", "is not for series: each occurrence would have to be committed by itself; ?validate=true shows what there is")
	}
	if err := checkDuration(r.Duration); err != nil {
		return err
	}
	start := r.StartTime // checkStart moves it
	return checkStart(&start, now)
}

// checkSingle refuses a recurrence in a request for one allocation.
func (r *Request) checkSingle() *Error {
	if r.Recurrence == (Recurrence{}) {
		return nil
	}
	return invalid("recurrence", "is for POST /allocations alone, where it asks for a series; ?validate=true only asks about it")
}

// beginSeries admits the occurrences of a series and begins to save them.
func (a *Allocator) beginSeries(asked askedSeries, now Seconds, along []AlongSeries) (Series, []*item, *Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	placed, err := a.admitSeriesLocked(asked, now)
	if err != nil {
		return Series{}, nil, err
	}
	made := Series{ID: a.newSeriesIDLocked(), Recurrence: asked.Recurrence, Notes: asked.notes}
	items := make([]*item, 0, len(asked.list))
	for range asked.list {
		it := a.newItemLocked()
		if it == nil || made.ID == "" {
			for _, it := range items {
				a.dropLocked(it)
			}
			return Series{}, nil, &Error{Kind: Internal, Err: errors.New("no new ID could be made")}
		}
		items = append(items, it)
	}
	for i, it := range items {
		next := &record{Version: recordVersion, Seq: it.number, Allocation: Allocation{
			ID: it.id(), Handle: it.handle, Created: now, Request: asked.list[i], State: Pending, Series: made.ID,
		}}
		next.put(placed[i])
		a.beginLocked(it, next)
		a.awaitBetterLocked(it, next, placed[i].obstacles)
		made.List = append(made.List, a.viewAsLocked(it, next))
	}
	goAlong(items, made, along)
	return made, items, nil
}

// goAlong has records saved with a change of several items, once.
func goAlong(items []*item, all Series, along []AlongSeries) {
	for i, it := range items {
		it.own().along = []Along{func(_, _ *Allocation) (ops []store.Op, err error) {
			if i > 0 {
				return nil, nil
			}
			for _, f := range along {
				more, err := f(all)
				if err != nil {
					return nil, err
				}
				ops = append(ops, more...)
			}
			return ops, nil
		}}
	}
}

// newSeriesIDLocked returns an ID for a series; "" if NewID keeps returning
// IDs that are taken.
func (a *Allocator) newSeriesIDLocked() string {
	for range 8 {
		if id := a.cfg.NewID(); id != "" && a.series[id] == nil {
			return id
		}
	}
	return ""
}

// Series returns the allocations of a series that are not complete, in the
// order of their occurrences.
func (a *Allocator) Series(id string) []Allocation {
	a.mu.RLock()
	defer a.mu.RUnlock()
	list := a.series[id]
	if list == nil {
		return nil
	}
	all := make([]Allocation, 0, list.size)
	for it := range list.after(0) {
		all = append(all, a.viewLocked(it))
	}
	return all
}

// ReleaseSeries takes allocations out of use that are not complete, as
// [Allocator.Release] does with one: all, or none if it fails. Those are the
// ones of list, as the caller has read them.
//
// Errors are of type *[Error]: Stale if one of them has changed or become
// complete since, or Internal if the store failed.
func (a *Allocator) ReleaseSeries(ctx context.Context, list []Allocation, along ...AlongSeries) error {
	const op = "release"
	for {
		if err := ctx.Err(); err != nil {
			return &Error{Op: op, Kind: Internal, Err: err}
		}
		items, busy, err := a.beginReleases(ctx, list, along)
		if err != nil {
			return err.in(op)
		}
		if busy == nil {
			if err := a.commit(items...); err != nil {
				return err.in(op)
			}
			return nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
		}
	}
}

// beginReleases begins to release allocations. If a change of one of them is
// under way, it does nothing, and the caller waits for busy.
func (a *Allocator) beginReleases(ctx context.Context, list []Allocation, along []AlongSeries) (items []*item, busy <-chan struct{}, _ *Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range list {
		it := a.findLocked(one.ID)
		switch {
		case it == nil || !it.visible() || it.historic || it.revision != one.Revision:
			return nil, nil, &Error{Kind: Stale, Err: fmt.Errorf("allocation %s has changed; read it again", one.ID)}
		case it.busy != nil:
			return nil, it.busy, nil
		}
		items = append(items, it)
	}
	of := Series{List: list}
	if len(list) > 0 {
		of.ID, of.Recurrence = list[0].Series, list[0].Recurrence
	}
	goAlong(items, of, along)
	for _, it := range items {
		by := actor(ctx, it.who.Value().user)
		a.beginReleaseLocked(it, it.record().release(by, a.now()), by)
	}
	return items, nil, nil
}

// joinSeriesLocked puts an item on the list of its series, if it has one.
func (a *Allocator) joinSeriesLocked(it *item) {
	id := it.rare.series
	if id == "" {
		return
	}
	list := a.series[id]
	if list == nil {
		list = &itemList{}
		a.series[id] = list
	}
	list.add(it)
}

// leaveSeriesLocked takes an item off the list of its series.
func (a *Allocator) leaveSeriesLocked(it *item, was State) {
	if list := a.series[it.rare.series]; list != nil {
		if list.remove(it, was); list.size == 0 {
			delete(a.series, it.rare.series)
		}
	}
}

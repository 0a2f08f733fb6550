package allocator

import (
	"cmp"
	"context"
	"math"
	"slices"

	"conga/allocator/store"
	"conga/controller/path"
)

// walkBound is how many allocations a step of a walk looks at for those that
// its filter chooses, live ones and complete ones each.
const walkBound = 20_000

// A Walk says where to go on in the order of creation, and which way.
type Walk struct {
	From   uint64 // the number behind which to go on
	Newest bool   // the newest come first, else the oldest
}

// Begin returns a walk through everything.
func Begin(newest bool) Walk { return Walk{Walk{Newest: !newest}.end(), newest} }

// A Stretch is a step of a walk.
type Stretch struct {
	List    []Allocation
	Numbers []uint64 // of each in the order of creation
	More    bool     // there may be more
	End     uint64   // where to go on then
}

// Step returns the next allocations of a walk that the filter chooses, at most
// so many. A walk meets everything once that is there from its beginning to its
// end, whatever comes, goes and becomes complete meanwhile. Where the filter
// chooses few, a step may have fewer, even none, and there may still be more.
// The error is an *[Error] of kind Internal if the store cannot be read.
func (a *Allocator) Step(ctx context.Context, f Filter, w Walk, most int) (Stretch, error) {
	// What becomes complete between the two is in both, so none is missed.
	live := a.liveSight(f, w, most)
	past, err := a.pastSight(ctx, f, w, most, live)
	if err != nil {
		return Stretch{}, err.in("list")
	}
	return a.join(ctx, w, most, live, past)
}

// Skip returns the walk that goes on behind the first so many allocations that
// the filter chooses. The error is that of Step.
func (a *Allocator) Skip(ctx context.Context, f Filter, newest bool, skip int) (Walk, error) {
	w := Begin(newest)
	if f.counted() {
		return a.skipCounted(ctx, f, w, skip)
	}
	for skip > 0 {
		s, err := a.Step(ctx, f, w, min(skip, walkBound))
		if err != nil {
			return w, err
		}
		if skip -= len(s.List); !s.More {
			return Walk{w.end(), newest}, nil
		}
		w.From = s.End
	}
	return w, nil
}

// skipTries is how often a position is counted anew because what was found
// there was deleted at that moment.
const skipTries = 4

// skipCounted does what Skip does where it is known how many the filter
// chooses.
func (a *Allocator) skipCounted(ctx context.Context, f Filter, w Walk, skip int) (Walk, error) {
	for try := 0; skip > 0; try++ {
		last := skip - 1
		if w.Newest {
			_, total, err := a.Page(ctx, f, 0, 0)
			if err != nil {
				return w, err
			}
			last = total - skip
		}
		beyond := Walk{w.end(), w.Newest}
		if last < 0 {
			return beyond, nil
		}
		page, _, err := a.Page(ctx, f, last, 1)
		if err != nil || len(page) == 0 {
			return beyond, err
		}
		number, err := a.numberOf(ctx, page[0].ID)
		if number != 0 || err != nil || try == skipTries {
			return Walk{number, w.Newest}, err
		}
	}
	return w, nil
}

// numberOf returns the number of an allocation in the order of creation, 0 if
// it is not there any more.
func (a *Allocator) numberOf(ctx context.Context, id string) (number uint64, err error) {
	a.mu.RLock()
	if it := a.findLocked(id); it != nil && it.visible() {
		number = it.seq()
	}
	a.mu.RUnlock()
	if number != 0 {
		return number, nil
	}
	text, err := a.cfg.Store.Get(ctx, store.History, indexKey(id))
	if err := a.unread(err); err != nil {
		return 0, err.in("list")
	}
	return numberOf(string(text)), nil
}

// ahead reports whether a walk meets number x before y.
func (w Walk) ahead(x, y uint64) bool { return w.compare(x, y) < 0 }

func (w Walk) compare(x, y uint64) int {
	if w.Newest {
		x, y = y, x
	}
	return cmp.Compare(x, y)
}

// end returns what is beyond every number.
func (w Walk) end() uint64 {
	if w.Newest {
		return 0
	}
	return math.MaxUint64
}

// A sight is what a step has found in memory or in the store.
type sight struct {
	found []sighted
	reach uint64 // the last number that was looked at; the end of the walk if all were
}

// sighted is an allocation on a walk.
type sighted struct {
	number uint64
	one    *Allocation // nil: its record is still to be read
}

// liveSight looks at what is not complete.
func (a *Allocator) liveSight(f Filter, w Walk, most int) sight {
	s := sight{reach: w.end()}
	if f.State == Complete {
		return s
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	list := a.listLocked(f.Project)
	if f.Series != "" {
		list = a.series[f.Series]
	}
	if list == nil {
		return s
	}
	looked := 0
	for it := range list.walk(w) {
		if f.choosesLive(it) {
			one := a.viewLocked(it)
			s.found = append(s.found, sighted{it.seq(), &one})
		}
		if looked++; looked == walkBound || len(s.found) > most {
			s.reach = it.seq()
			break
		}
	}
	return s
}

// pastSight looks at what is complete, as far as the live sight reaches.
func (a *Allocator) pastSight(ctx context.Context, f Filter, w Walk, most int, live sight) (sight, *Error) {
	s := sight{reach: w.end()}
	if f.State == Pending || f.State == Active {
		return s, nil
	}
	for looked, from := 0, w.From; ; {
		numbers, err := a.pastNumbers(ctx, f.Project, Walk{from, w.Newest}, live.reach, most+1)
		if err != nil {
			return s, err
		}
		for _, n := range numbers {
			if from, looked = n, looked+1; f.counted() {
				s.found = append(s.found, sighted{number: n})
				continue
			}
			r, err := a.readListed(ctx, n)
			if err != nil {
				return s, err
			}
			if r != nil && (f.Series == "" || r.Series == f.Series) && f.chooses(r.UserID, r.State, r.Key.Src, r.Key.Dst, r.Window) {
				s.found = append(s.found, sighted{n, &r.Allocation})
			}
		}
		switch {
		case len(numbers) <= most:
			return s, nil
		case looked >= walkBound || len(s.found) > most:
			s.reach = from
			return s, nil
		}
	}
}

// pastNumbers reads the numbers of at most so many complete allocations of a
// project, or of all for "", as far as a number.
func (a *Allocator) pastNumbers(ctx context.Context, project string, w Walk, last uint64, most int) (numbers []uint64, _ *Error) {
	keys := projectKey("p", project)
	if project == "" {
		keys = "r"
	}
	if w.From == w.end() {
		return nil, nil
	}
	span := after(keys, 0)
	if span.Backward = w.Newest; w.Newest {
		span.To = keys + number(w.From)
	} else {
		span.From = keys + number(w.From+1)
	}
	err := a.cfg.Store.Range(ctx, store.History, span, func(key string, _ []byte) error {
		n := numberOf(key)
		if w.ahead(last, n) {
			return store.ErrStop
		}
		if numbers = append(numbers, n); len(numbers) == most {
			return store.ErrStop
		}
		return nil
	})
	return numbers, a.unread(err)
}

// join puts a stretch together of what is live and what is complete.
func (a *Allocator) join(ctx context.Context, w Walk, most int, live, past sight) (Stretch, error) {
	reach := live.reach
	if w.ahead(past.reach, reach) {
		reach = past.reach
	}
	all := slices.Concat(live.found, past.found) // of two with a number the live one is first
	slices.SortStableFunc(all, func(x, y sighted) int { return w.compare(x.number, y.number) })
	all = slices.CompactFunc(all, func(x, y sighted) bool { return x.number == y.number })
	s := Stretch{List: []Allocation{}, More: reach != w.end(), End: reach}
	for _, x := range all {
		if w.ahead(reach, x.number) {
			break
		}
		if len(s.List) == most {
			s.More = true
			break
		}
		s.End = x.number
		if x.one == nil {
			r, err := a.readListed(ctx, x.number)
			if err != nil {
				return Stretch{}, err.in("list")
			}
			if r == nil {
				continue // it has been deleted since
			}
			x.one = &r.Allocation
		}
		s.List, s.Numbers = append(s.List, *x.one), append(s.Numbers, x.number)
	}
	if len(s.List) < most && s.More {
		s.End = reach
	}
	return s, nil
}

// counted reports whether it is known without a look how many a filter chooses.
func (f Filter) counted() bool {
	return f.User == "" && f.Series == "" && !f.Address.IsValid() && f.After == 0 && f.Before == 0
}

// choosesLive reports whether the filter chooses an item of its project's list.
func (f Filter) choosesLive(it *item) bool {
	if f.counted() {
		return f.State == "" || it.state() == f.State
	}
	if f.Series != "" && f.Project != "" && it.project() != f.Project {
		return false // it has been moved to another one
	}
	k := it.key()
	return f.chooses(it.who.Value().user, it.state(), k.Src, k.Dst, it.window())
}

// chooses reports whether the filter chooses what its project has.
func (f Filter) chooses(user string, state State, src, dst path.Prefix, w Window) bool {
	switch {
	case f.State != "" && state != f.State, f.User != "" && user != f.User:
		return false
	case f.Address.IsValid() && !path.PrefixOf(f.Address).Meets(src) && !path.PrefixOf(f.Address).Meets(dst):
		return false
	case w == Window{} && f.After|f.Before != 0: // it has none yet, or never had one
		return f.Before == 0 && state != Complete
	}
	return (f.After == 0 || w.End > f.After) && (f.Before == 0 || w.Start < f.Before)
}

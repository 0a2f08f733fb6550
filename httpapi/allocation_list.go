package httpapi

import (
	"encoding/binary"
	"math"
	"net/http"
	"slices"

	"conga/allocator"
	"conga/httpapi/rest"
)

// states are what a list may be narrowed down to.
var states = []allocator.State{allocator.Pending, allocator.Active, allocator.Complete}

// listAllocations serves GET and HEAD /allocations. The project may be named in
// the body, as documented, or in the query; without one it is the key's.
func (a *api) listAllocations(x *exchange) error {
	inBody := takeName(x.body, "project_id")
	p, q, err := x.listParameters("project_id", "project", "state", "user_id", "user", "address", "after", "before", "order", "series")
	if err != nil {
		return err
	}
	f, newest := allocationFilter(p)
	if err := p.Done(); err != nil {
		return err
	}
	switch {
	case inBody.Set && f.Project != "" && f.Project != inBody.V:
		return rest.NewFault(http.StatusUnprocessableEntity, "project_id: body and query name different projects")
	case inBody.Set:
		f.Project = inBody.V
		q.Narrow("project_id", f.Project) // the links to other pages have no body
	case f.Project == "":
		f.Project = x.key.Project // an operator's is "": all of them
	}
	if f.Project != "" {
		if err := a.mayUse(x, f.Project); err != nil {
			return err
		}
	}
	page, err := a.pageOfAllocations(x, q, f, newest)
	if err != nil {
		return err
	}
	texts, _, err := a.render(x, page, false)
	if err != nil {
		return err
	}
	return x.succeed(http.StatusOK, texts)
}

// allocationFilter reads what the query chooses, and in which order.
func allocationFilter(p *rest.Parameters) (f allocator.Filter, newest bool) {
	f.Project, f.State = p.Either("project_id", "project"), stateOf(p)
	f.User, f.Address = p.Either("user_id", "user"), p.Network("address")
	f.After, f.Before = allocator.Seconds(p.Time("after", 1)), allocator.Seconds(p.Time("before", 1))
	f.Series = p.Text("series")
	for _, name := range []string{"user_id", "user", "series"} {
		if text, given := p.Lookup(name); given && text == "" {
			p.Reject(name, "is empty; leave it out for any")
		}
	}
	switch order := p.Text("order"); order {
	case "newest":
		newest = true
	case "", "oldest":
	default:
		p.Reject("order", "must be newest or oldest")
	}
	return f, newest
}

// stateOf reads the state that a list is narrowed down to; "": any.
func stateOf(p *rest.Parameters) allocator.State {
	s := allocator.State(p.Text("state"))
	if _, given := p.Lookup("state"); given && !slices.Contains(states, s) {
		p.Reject("state", "must be pending, active or complete")
	}
	return s
}

// pageOfAllocations returns the allocations on a page of the list at the
// request's address, and sets the header that leads to the others.
func (a *api) pageOfAllocations(x *exchange, q rest.Page, f allocator.Filter, newest bool) ([]allocator.Allocation, error) {
	at, err := q.Start()
	if err != nil {
		return nil, err
	}
	ctx := x.Request.Context()
	var w allocator.Walk
	if at.Counted {
		w, err = a.Allocations.Skip(ctx, f, newest, q.Skip())
	} else {
		w, err = walkFrom(at, newest)
	}
	if err != nil {
		return nil, err
	}
	s, err := a.Allocations.Step(ctx, f, w, q.Size)
	if err != nil {
		return nil, err
	}
	e := rest.Edges{Before: q.Skip() > 0 || !at.Counted, After: s.More, Total: a.totalOf(f), Last: positionOf(s.End, newest)}
	if len(s.Numbers) > 0 {
		e.First = positionOf(s.Numbers[0], newest)
	}
	if at.Back {
		slices.Reverse(s.List)
		e.Before, e.After = s.More, true
		e.First, e.Last = positionOf(s.End, newest), e.First
	}
	x.linkPages(q, x.Request.URL.Path, e)
	return s.List, nil
}

// positionOf returns the position of an allocation in the order of a list. The
// newest first are in the order of what their numbers lack.
func positionOf(number uint64, newest bool) string {
	if newest {
		number = math.MaxUint64 - number
	}
	return rest.Order(number)
}

// walkFrom returns the walk that goes on at a cursor.
func walkFrom(at rest.Start, newest bool) (w allocator.Walk, err error) {
	if len(at.Position) != 8 {
		return w, rest.BadCursor()
	}
	w = allocator.Walk{From: binary.BigEndian.Uint64([]byte(at.Position)), Newest: newest != at.Back}
	if newest {
		w.From = math.MaxUint64 - w.From
	}
	return w, nil
}

// totalOf returns how many allocations the filter chooses; -1 if each would
// have to be looked at.
func (a *api) totalOf(f allocator.Filter) (n int) {
	if (f != allocator.Filter{Project: f.Project, State: f.State}) {
		return -1
	}
	for state, count := range a.Allocations.Counts(f.Project) {
		if f.State == "" || f.State == state {
			n += count
		}
	}
	return n
}

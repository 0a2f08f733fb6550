package httpapi

import (
	"net/http"
	"time"

	"conga/allocator"
	"conga/httpapi/rest"
)

// updateTries bounds how often an update without If-Match starts over because
// the allocation changed between reading and writing it.
const updateTries = 10

var errNoAllocation = rest.NewFault(http.StatusNotFound, "allocation_id: no such allocation")

// createAllocation serves POST /allocations.
func (a *api) createAllocation(x *exchange) error {
	r, err := a.requested(x)
	if err != nil {
		return err
	}
	if r.Recurrence != (allocator.Recurrence{}) {
		return a.createSeries(x, r)
	}
	render := func(one allocator.Allocation) (rest.Reply, error) { return a.created(x, one), nil }
	made, err := a.Allocations.Create(x.Request.Context(), r, a.along(x, http.StatusCreated, render))
	if err != nil {
		return err
	}
	return x.answerOnce(func() (rest.Reply, error) { return render(made) })
}

// requested returns the request for a new allocation in the body, if its
// project, its user and its addresses are ones that the key may name.
func (a *api) requested(x *exchange) (r allocator.Request, err error) {
	f := takeAllocation(x.body, a.LeastRate)
	connection := a.takeConnectionID(x.body, f)
	recurrence := takeRecurrence(x.body)
	if _, err := x.parameters("validate"); err != nil {
		return r, err
	}
	r = f.request()
	r.Recurrence = recurrence
	if err := a.mayUse(x, r.ProjectID); err != nil {
		return r, err
	}
	if err := a.followConnection(&r, connection); err != nil {
		return r, err
	}
	if err := a.consented(x, r); err != nil {
		return r, err
	}
	r.UserID, err = a.userOf(x, r)
	return r, err
}

// created answers a creation.
func (a *api) created(x *exchange, one allocator.Allocation) rest.Reply {
	self := x.path("allocations", one.ID)
	etag := etagOf(one, a.usageOf([]allocator.Allocation{one})[0])
	return rest.Reply{
		Status: http.StatusCreated, Header: map[string]string{"Location": self, "ETag": etag},
		Results: []createdView{{ID: one.ID, State: string(one.State), Links: rest.SelfLinks(self)}},
	}
}

// showAllocation serves GET and HEAD /allocations/{id}.
func (a *api) showAllocation(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	found, err := a.find(x)
	if err != nil {
		return err
	}
	r, err := a.shown(x, found)
	if err != nil {
		return err
	}
	return x.answerUnlessKnown(versionOf(found), r)
}

// shown returns the reply that shows an allocation.
func (a *api) shown(x *exchange, one allocator.Allocation) (rest.Reply, error) {
	texts, tags, err := a.render(x, []allocator.Allocation{one}, true)
	if err != nil {
		return rest.Reply{}, err
	}
	return rest.Reply{Status: http.StatusOK, Header: map[string]string{"ETag": tags[0]}, Results: texts}, nil
}

// find returns the allocation in the address. For a key of another project it
// does not exist.
func (a *api) find(x *exchange) (allocator.Allocation, error) {
	found, err := a.Allocations.Get(x.Param("id"))
	if err != nil {
		return allocator.Allocation{}, err
	}
	if !sees(x.key, found.ProjectID) {
		return allocator.Allocation{}, errNoAllocation
	}
	return found, nil
}

// changeAllocation serves POST and PATCH /allocations/{id}.
func (a *api) changeAllocation(x *exchange) error {
	f := takeAllocation(x.body, a.LeastRate)
	f.notNull(x.body)
	return a.update(x, f, f.change)
}

// replaceAllocation serves PUT /allocations/{id}.
func (a *api) replaceAllocation(x *exchange) error {
	f := takeAllocation(x.body, a.LeastRate)
	x.body.Require(f.required()...)
	if err := a.ignoreShown(x); err != nil {
		return err
	}
	return a.update(x, f, func(now allocator.Allocation) allocator.Change {
		return f.replacement(now, a.Now())
	})
}

// update changes the allocation in the address. The change always names the
// revision that it was made from, because a part of a flow key is changed by
// writing the whole.
func (a *api) update(x *exchange, f allocationRequest, change func(allocator.Allocation) allocator.Change) error {
	if err := x.done(); err != nil {
		return err
	}
	asked := f.request()
	if f.of("project_id").set {
		if err := a.mayUse(x, asked.ProjectID); err != nil {
			return err
		}
	}
	for range updateTries {
		now, err := a.find(x)
		if err != nil {
			return err
		}
		if err := a.mayTouch(x, now); err != nil {
			return err
		}
		if err := mayChange(x.Request.Header, versionOf(now)); err != nil {
			return err
		}
		if f.of("user_id").set && asked.UserID != now.UserID {
			return rest.NewFault(http.StatusUnprocessableEntity, "user_id: cannot be changed")
		}
		c := change(now)
		if err := a.consentedChange(x, now, c); err != nil {
			return err
		}
		render := func(one allocator.Allocation) (rest.Reply, error) { return a.shown(x, one) }
		changed, err := a.Allocations.Update(allocator.By(x.Request.Context(), x.key.User), now.ID, now.Revision, c, a.along(x, http.StatusOK, render))
		if err == nil {
			return x.answerOnce(func() (rest.Reply, error) { return render(changed) })
		}
		if !stale(err) {
			return err
		}
		// Changed since find. With If-Match the next round says so.
	}
	return errKeepsChanging
}

// errKeepsChanging answers a request that has lost every race.
var errKeepsChanging = rest.NewFault(http.StatusConflict, "the allocation keeps changing; try again").After(time.Second)

// deleteAllocation serves DELETE /allocations/{id}.
func (a *api) deleteAllocation(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	render := func(one allocator.Allocation) (rest.Reply, error) {
		return rest.Reply{Status: http.StatusOK, Results: []deletedView{{one.ID}}}, nil
	}
	for range updateTries {
		found, err := a.find(x)
		if err != nil {
			return err
		}
		if err := a.mayTouch(x, found); err != nil {
			return err
		}
		if err := mayChange(x.Request.Header, versionOf(found)); err != nil {
			return err
		}
		err = a.Allocations.Release(allocator.By(x.Request.Context(), x.key.User), found.ID, found.Revision, a.along(x, http.StatusOK, render))
		if err == nil {
			return x.answerOnce(func() (rest.Reply, error) { return render(found) })
		}
		if !stale(err) {
			return err
		}
	}
	return errKeepsChanging
}

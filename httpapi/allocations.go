package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"conga/allocator"
)

// updateTries bounds how often an update without If-Match starts over because
// the allocation changed between reading and writing it.
const updateTries = 10

var errNoAllocation = newFault(http.StatusNotFound, "allocation_id: no such allocation")

// createAllocation is POST /allocations.
func (a *api) createAllocation(x *exchange) error {
	f := takeAllocation(x.body)
	of := a.takeConnectionID(x.body, &f)
	if err := x.body.done(); err != nil {
		return err
	}
	if err := a.mayUse(x, f.project.v); err != nil {
		return err
	}
	if err := a.followConnection(&f, of); err != nil {
		return err
	}
	user, err := a.userOf(x, &f)
	if err != nil {
		return err
	}
	r := f.request()
	r.UserID = user
	made, err := a.Allocations.Create(x.Request.Context(), r, a.along(x, x.created))
	if err != nil {
		return err
	}
	return x.answer(x.created(made))
}

// created answers a creation.
func (x *exchange) created(a allocator.Allocation) reply {
	self := x.path("allocations", a.ID)
	return reply{
		status: http.StatusCreated, header: map[string]string{"Location": self, "ETag": etagOf(a)},
		results: []createdView{{ID: a.ID, State: string(a.State), Links: links{Self: link{self}}}},
	}
}

// showAllocation is GET and HEAD /allocations/{id}.
func (a *api) showAllocation(x *exchange) error {
	if err := x.body.done(); err != nil {
		return err
	}
	found, err := a.find(x)
	if err != nil {
		return err
	}
	return x.answer(a.shown(x, found))
}

// shown answers with all that is known of an allocation.
func (a *api) shown(x *exchange, one allocator.Allocation) reply {
	return reply{
		status: http.StatusOK, header: map[string]string{"ETag": etagOf(one)},
		results: a.viewAllocations(x, []allocator.Allocation{one}),
	}
}

// find is the allocation in the address. That of another project does not
// exist, as far as this key can tell.
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

// changeAllocation is POST and PATCH /allocations/{id}.
func (a *api) changeAllocation(x *exchange) error {
	f := takeAllocation(x.body)
	f.notNull(x.body)
	return a.update(x, &f, f.change)
}

// replaceAllocation is PUT /allocations/{id}.
func (a *api) replaceAllocation(x *exchange) error {
	f := takeAllocation(x.body)
	x.body.require(required...)
	return a.update(x, &f, func(now allocator.Allocation) allocator.Change {
		return f.replacement(now, a.Now().Unix())
	})
}

// update changes the allocation in the address. The change always names the
// revision that it was made from, because a part of a flow key is changed by
// writing the whole.
func (a *api) update(x *exchange, f *allocationFields, change func(allocator.Allocation) allocator.Change) error {
	if err := x.body.done(); err != nil {
		return err
	}
	if f.project.set {
		if err := a.mayUse(x, f.project.v); err != nil {
			return err
		}
	}
	for range updateTries {
		now, err := a.find(x)
		if err != nil {
			return err
		}
		if err := checkIfMatch(x.Request.Header, now); err != nil {
			return err
		}
		if f.user.set && f.user.v != now.UserID {
			return newFault(http.StatusUnprocessableEntity, "user_id: cannot be changed")
		}
		changed, err := a.Allocations.Update(x.Request.Context(), now.ID, now.Revision, change(now), a.along(x, func(one allocator.Allocation) reply { return a.shown(x, one) }))
		if err == nil {
			return x.answer(a.shown(x, changed))
		}
		if !stale(err) {
			return err
		}
		// Changed since find. With If-Match the next round says so.
	}
	return errKeepsChanging
}

// errKeepsChanging is for who has lost every race.
var errKeepsChanging = &fault{status: http.StatusConflict, errs: []string{"the allocation keeps changing; try again"}, retry: 1}

// deleteAllocation is DELETE /allocations/{id}.
func (a *api) deleteAllocation(x *exchange) error {
	if err := x.body.done(); err != nil {
		return err
	}
	for range updateTries {
		found, err := a.find(x)
		if err != nil {
			return err
		}
		if err := checkIfMatch(x.Request.Header, found); err != nil {
			return err
		}
		err = a.Allocations.Delete(x.Request.Context(), found.ID, found.Revision, a.along(x, nil))
		if err == nil {
			return x.succeed(http.StatusOK, []deletedView{{found.ID}})
		}
		if !stale(err) {
			return err
		}
	}
	return errKeepsChanging
}

// listAllocations is GET and HEAD /allocations. The project may be named in the
// body, as documented, or in the query; a user who names none means the key's.
func (a *api) listAllocations(x *exchange) error {
	inBody := x.body.name("project_id")
	q, err := parseListQuery(x.Request.URL.RawQuery)
	if err != nil {
		return err
	}
	if err := x.body.done(); err != nil {
		return err
	}
	project := q.project
	switch {
	case inBody.set && project != "" && project != inBody.v:
		return newFault(http.StatusUnprocessableEntity, "project_id: body and query name different projects")
	case inBody.set:
		project = inBody.v
	case project == "":
		project = x.key.Project // an operator's is "": all of them
	}
	if project != "" {
		if err := a.mayUse(x, project); err != nil {
			return err
		}
	}
	list := a.Allocations.List(project)
	first, last := q.bounds(len(list))
	x.Header("Link", q.links(x.path("allocations"), len(list)))
	return x.succeed(http.StatusOK, a.viewAllocations(x, list[first:last]))
}

// etagOf is a strong validator: the revision grows with every change.
func etagOf(a allocator.Allocation) string {
	return `"` + strconv.FormatUint(a.Revision, 10) + `"`
}

// checkIfMatch is RFC 9110 §13.1.1 for an allocation that exists.
func checkIfMatch(h http.Header, a allocator.Allocation) error {
	wanted := h.Values("If-Match")
	if len(wanted) == 0 {
		return nil
	}
	for _, header := range wanted {
		for tag := range strings.SplitSeq(header, ",") {
			if tag = strings.TrimSpace(tag); tag == "*" || tag == etagOf(a) {
				return nil
			}
		}
	}
	return newFault(http.StatusPreconditionFailed, "If-Match: the allocation has changed; it is "+etagOf(a)+" now")
}

package httpapi

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"conga/allocator"
	"conga/allocator/store"
	"conga/httpapi/audit"
	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

// actions name what a request does, for the audit log. A route without a name
// is called by its method and its template.
var actions = map[string]string{
	"POST /api/auth":              audit.KeyIssued,
	"POST /api/auth/:key":         "key.renew",
	"DELETE /api/auth/:key":       "key.delete",
	"POST /api/session":           audit.KeyIssued,
	"DELETE /api/session":         "key.delete",
	"DELETE /api/keys/:id":        "key.delete",
	"POST /api/allocations":       "allocation.create",
	"POST /api/allocations/:id":   "allocation.update",
	"PATCH /api/allocations/:id":  "allocation.update",
	"PUT /api/allocations/:id":    "allocation.replace",
	"DELETE /api/allocations/:id": "allocation.delete",
	"DELETE /api/series/:id":      "series.delete",
	"POST /api/webhooks":          "webhook.create",
	"PATCH /api/webhooks/:id":     "webhook.update",
	"PUT /api/webhooks/:id":       "webhook.update",
	"DELETE /api/webhooks/:id":    "webhook.delete",
	"POST /api/maintenance":       "maintenance.create",
	"DELETE /api/maintenance/:id": "maintenance.end",
	"POST /api/connections":       "connection.report",
	"POST /connections":           "connection.report",
	"POST /api/operators":         "operator.issue",
	"PATCH /api/operators/:name":  "operator.renew",
	"DELETE /api/operators/:name": "operator.delete",
}

// actionOf returns the name of what the request does, or would have done.
func actionOf(x *exchange) string {
	route := methodLabel(x.Request.Method) + " " + routeLabel(x.FullPath())
	if name := actions[route]; name != "" {
		return name
	}
	return route
}

// record returns the audit log's record of the request.
func record(x *exchange, outcome audit.Outcome, status int) audit.Record {
	return audit.Record{
		Action: actionOf(x), Outcome: outcome, Status: status,
		User: x.key.User, Project: x.key.Project, Admin: x.key.Admin,
		Addr: rest.ClientAddr(x.Context).String(), RequestID: requestID(x.Context), Detail: x.detail,
	}
}

// recordOps returns the operations that record the request as done, to be
// committed with its effect. status is that of the answer.
func (a *api) recordOps(x *exchange, status int) ([]store.Op, error) {
	if a.Audit == nil {
		return nil, nil
	}
	return x.noted(a.Audit.Ops(record(x, audit.Done, status)))
}

// repeatOps does what recordOps does for requests that a client may repeat.
// Those of the same name are mostly counted only.
func (a *api) repeatOps(x *exchange, name string, status int) ([]store.Op, error) {
	if a.Audit == nil {
		return nil, nil
	}
	return x.noted(a.Audit.Again(name, record(x, audit.Done, status)))
}

// noted makes the log drop the record again if the request fails after all.
func (x *exchange) noted(ops []store.Op, undo func(), err error) ([]store.Op, error) {
	if err == nil {
		x.undo = append(x.undo, undo)
	}
	return ops, err
}

// recordRefusal records that a change was refused, and drops the record that it
// was made. Reading changes nothing, and is in the access log.
func (a *api) recordRefusal(x *exchange, err error) {
	for _, undo := range x.undo {
		undo()
	}
	if a.Audit == nil || x.asks || x.Request.Method == http.MethodGet || x.Request.Method == http.MethodHead {
		return
	}
	f := faultOf(err)
	r := record(x, audit.Refused, f.Status)
	r.Detail = refusalOf(f)
	if x.detail != "" {
		r.Detail += ", " + x.detail
	}
	if id := x.Param("id"); strings.HasPrefix(routeLabel(x.FullPath()), "/api/allocations/") && uuid.Validate(id) == nil {
		r.Allocation = id
	}
	a.Audit.Refuse(x.Request.Context(), r)
}

// noteCaller notes the user that a request names as its own if that is a member
// of the project. Any other name could be anything, a password included. For a
// stranger no directory is asked, so that the time of an answer does not tell
// members.
func (x *exchange) noteCaller(d auth.Directory, user, project string) {
	if d.Known(user, project) {
		x.key = auth.Key{User: user, Project: project}
	}
}

// along returns what is saved with a change of an allocation: the client, the
// status of the answer and, under an Idempotency-Key, the answer itself. What
// is removed is rendered as it was.
func (a *api) along(x *exchange, status int, render func(allocator.Allocation) (rest.Reply, error)) allocator.Along {
	return func(before, after *allocator.Allocation) (ops []store.Op, err error) {
		if x.attempt != nil {
			r, err := render(*cmp.Or(after, before))
			if err != nil {
				return nil, err
			}
			if ops, err = x.keepOps(r); err != nil {
				return nil, err
			}
		}
		if a.Audit == nil {
			return ops, nil
		}
		r := record(x, audit.Done, status)
		r.Allocation, r.Detail = difference(before, after)
		more, err := a.noteChange(x, before, after, r)
		return append(ops, more...), err
	}
}

// noteChange returns the operations that record a change. A lease that is
// renewed again and again is mostly counted only.
func (a *api) noteChange(x *exchange, before, after *allocator.Allocation, r audit.Record) ([]store.Op, error) {
	if before != nil && after != nil && r.Detail == "" && before.LeaseEnd != after.LeaseEnd {
		r.Detail = "lease renewed"
		return x.noted(a.Audit.Again("lease "+after.ID, r))
	}
	return x.noted(a.Audit.Ops(r))
}

// AuditChanges returns what records the changes of allocations' states that no
// request makes, for the allocator's configuration.
func AuditChanges(l *audit.Log) allocator.Along {
	return func(before, after *allocator.Allocation) ([]store.Op, error) {
		if before != nil && after != nil && before.State == after.State {
			return nil, nil // another window or path, or another reason to wait
		}
		r := audit.Record{Action: "allocation.state", Outcome: audit.Self}
		r.Allocation, r.Detail = difference(before, after)
		if after != nil {
			r.User, r.Project = after.UserID, after.ProjectID
		}
		// Should the store fail, the log's next start forgets what was not
		// saved.
		ops, _, err := l.Ops(r)
		return ops, err
	}
}

// difference returns the allocation's ID, and what has changed in words.
func difference(before, after *allocator.Allocation) (id, text string) {
	switch {
	case before == nil:
		k := after.Key
		return after.ID, fmt.Sprintf("%s to %s, %d s", k.Src, k.Dst, after.Duration)
	case after == nil:
		return before.ID, "was " + string(before.State)
	}
	for _, a := range audited {
		if from, to := a.value(before), a.value(after); from != to {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%s %v -> %v", a.name, from, to)
		}
	}
	return after.ID, text
}

// audited are the attributes that the audit log's details have, in their order.
var audited = func() (list []attribute) {
	for _, a := range attributes {
		if a.audited > 0 {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b attribute) int { return a.audited - b.audited })
	return list
}()

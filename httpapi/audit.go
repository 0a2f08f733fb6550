package httpapi

import (
	"cmp"
	"math"
	"net/http"
	"strconv"

	"conga/httpapi/audit"
	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

// A recordView is a record of the audit log. What does not apply is null.
type recordView struct {
	ID         string  `json:"audit_id"`
	Time       int64   `json:"time"`
	Action     string  `json:"action"`
	Outcome    string  `json:"outcome"`
	Status     *int    `json:"status"`
	UserID     *string `json:"user_id"`
	ProjectID  *string `json:"project_id"`
	Admin      bool    `json:"admin"`
	Address    *string `json:"address"`
	RequestID  *string `json:"request_id"`
	Allocation *string `json:"allocation_id"`
	Detail     *string `json:"detail"`
	Missed     int     `json:"missed"` // what was like this one, before it, and only counted
	Links      any     `json:"_links"`
}

func viewRecord(x *exchange, r audit.Record) recordView {
	v := recordView{
		ID: strconv.FormatUint(r.Seq, 10), Time: r.Time, Action: r.Action, Outcome: string(r.Outcome),
		Status: orNull(r.Status), UserID: orNull(r.User), ProjectID: orNull(r.Project), Admin: r.Admin,
		Address: orNull(r.Addr), RequestID: orNull(r.RequestID), Allocation: orNull(r.Allocation),
		Detail: orNull(r.Detail), Missed: r.Missed,
	}
	type withAllocation struct {
		rest.Links
		Allocation *rest.Link `json:"allocation,omitempty"`
	}
	out := withAllocation{Links: rest.SelfLinks(x.path("audit") + "?audit_id=" + v.ID)}
	if r.Allocation != "" {
		out.Allocation = new(rest.LinkTo(x.path("allocations", r.Allocation)))
	}
	v.Links = out
	return v
}

// listAudit serves GET and HEAD /audit: the newest records first.
func (a *api) listAudit(x *exchange) error {
	if a.Audit == nil {
		return errNoResource
	}
	p, q, err := x.listParameters("project_id", "since", "actor", "allocation", "audit_id")
	if err != nil {
		return err
	}
	filter := auditFilter(p)
	if err := p.Done(); err != nil {
		return err
	}
	var e rest.Edges
	var wrong error
	page, err := a.Audit.Cut(x.Request.Context(), filter, func(total int, number func(i int) uint64) (first, last int) {
		first, last, e, wrong = q.Cut(total, func(i int) string { return rest.Order(math.MaxUint64 - number(i)) })
		return first, last
	})
	if err = cmp.Or(wrong, err); err != nil {
		return err
	}
	x.linkPages(q, x.Request.URL.Path, e)
	views := make([]recordView, 0, len(page))
	for _, r := range page {
		views = append(views, viewRecord(x, r))
	}
	return x.succeed(http.StatusOK, views)
}

// auditFilter reads what the query chooses.
func auditFilter(p *rest.Parameters) (f audit.Filter) {
	f.Project, f.Actor, f.Allocation = p.Text("project_id"), p.Text("actor"), p.Text("allocation")
	f.Since = p.Integer("since", 0, rest.MaxTime, 0)
	f.Seq = uint64(p.Integer("audit_id", 1, math.MaxInt64, 0))
	for _, name := range []string{"actor", "project_id"} {
		if text, ok := p.Lookup(name); ok && !auth.ValidName(text) {
			p.Reject(name, auth.NameRule)
		}
	}
	if _, ok := p.Lookup("allocation"); ok && (f.Allocation == "" || len(f.Allocation) > 64) {
		p.Reject("allocation", "must be an allocation_id")
	}
	return f
}

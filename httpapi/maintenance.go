package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"conga/allocator"
	"conga/allocator/store"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/httpapi/audit"
	"conga/httpapi/events"
	"conga/httpapi/rest"
)

// Maintenances is what the API needs of the allocator about maintenance. Errors
// are of type [*allocator.Error].
type Maintenances interface {
	// Maintain enters a maintenance or, with rehearse, tells what would come of
	// it.
	Maintain(ctx context.Context, m allocator.Maintenance, rehearse bool, along ...allocator.AlongMaintenance) (allocator.Maintenance, []allocator.Outcome, error)
	// EndMaintenance ends one, whether it has begun or not.
	EndMaintenance(ctx context.Context, id string, along ...allocator.AlongMaintenance) (allocator.Maintenance, error)
	// Maintenance finds one.
	Maintenance(id string) (allocator.Maintenance, error)
	// Maintenances returns all, in order of their starts.
	Maintenances() []allocator.Maintenance
}

var _ Maintenances = (*allocator.Allocator)(nil)

// A maintenanceView is a maintenance, and with its creation what it means.
type maintenanceView struct {
	ID          *string       `json:"maintenance_id"` // null: it is rehearsed
	Switch      *string       `json:"switch"`         // null: it is about a link
	Link        *string       `json:"link"`           // null: it is about a switch
	State       string        `json:"state"`
	Start       int64         `json:"start_time"`
	End         int64         `json:"end_time"`
	Note        *string       `json:"note"`
	Created     int64         `json:"created"`
	Ended       *int64        `json:"ended"` // when it was ended by hand
	Allocations []outcomeView `json:"allocations,omitempty"`
	Links       rest.Links    `json:"_links"`
}

// An outcomeView is what a maintenance means for an allocation.
type outcomeView struct {
	ID      string           `json:"allocation_id"`
	Project string           `json:"project_id"`
	Outcome string           `json:"outcome"`
	Start   int64            `json:"start_time"` // that it is to have
	End     int64            `json:"end_time"`
	Moves   []relocationView `json:"moves"`
	Reason  *string          `json:"reason"` // why it stays
}

// A relocationView is another path from a moment on.
type relocationView struct {
	Time int64     `json:"time"`
	Path []hopView `json:"path"`
}

func (a *api) viewMaintenance(base func(...string) string, m allocator.Maintenance) maintenanceView {
	return viewMaintenance(base, m, m.Phase(allocator.Seconds(a.Now().Unix())))
}

func viewMaintenance(base func(...string) string, m allocator.Maintenance, phase allocator.Phase) maintenanceView {
	v := maintenanceView{
		ID: orNull(m.ID), State: string(phase), Start: int64(m.Window.Start), End: int64(m.Window.End),
		Note: orNull(m.Note), Created: int64(m.Created), Ended: orNull(int64(m.Ended)), Links: rest.SelfLinks(base("maintenance")),
	}
	if m.ID != "" {
		v.Links = rest.SelfLinks(base("maintenance", m.ID))
	}
	if text := m.Element.String(); m.Element.Cable == (topology.LinkID{}) {
		v.Switch = &text
	} else {
		v.Link = &text
	}
	return v
}

func viewOutcomes(list []allocator.Outcome) []outcomeView {
	views := make([]outcomeView, 0, len(list))
	for _, o := range list {
		v := outcomeView{
			ID: o.Allocation.ID, Project: o.Allocation.ProjectID, Outcome: string(o.Fate),
			Start: int64(o.Window.Start), End: int64(o.Window.End), Moves: []relocationView{}, Reason: orNull(o.Reason),
		}
		for _, m := range o.Moves {
			v.Moves = append(v.Moves, relocationView{int64(m.At), viewHops(m.Path)})
		}
		views = append(views, v)
	}
	return views
}

var errNoMaintenance = rest.NewFault(http.StatusNotFound, "maintenance_id: no such maintenance")

// maintenanceFault returns the answer to an error about one maintenance.
func maintenanceFault(err error) error {
	if e, ok := errors.AsType[*allocator.Error](err); ok && e.Kind == allocator.NotFound {
		return errNoMaintenance
	}
	return err
}

// MaintenanceNotifier publishes what maintenances come to: one event for
// operators, and one for each project concerned with its own allocations. It is
// quick: an allocator may call it under its lock.
func MaintenanceNotifier(h *events.Hub) func(allocator.MaintenanceChange) {
	kinds := map[allocator.Phase]string{
		allocator.PhasePlanned: maintenancePlanned, allocator.PhaseBegun: maintenanceBegun, allocator.PhaseEnded: maintenanceEnded,
	}
	base := func(elem ...string) string { return "/api/v1/" + strings.Join(elem, "/") }
	return func(c allocator.MaintenanceChange) {
		for _, project := range append([]string{""}, c.Maintenance.Projects...) {
			h.Publish(kinds[c.Phase], project, func() any {
				v := viewMaintenance(base, c.Maintenance, c.Phase)
				v.Allocations = viewOutcomes(slices.DeleteFunc(slices.Clone(c.Outcomes), func(o allocator.Outcome) bool {
					return project != "" && o.Allocation.ProjectID != project
				}))
				return map[string]maintenanceView{"maintenance": v}
			})
		}
	}
}

// takeMaintenance takes what a request says of a new maintenance. Without a
// start it begins now.
func takeMaintenance(x *exchange) (m allocator.Maintenance) {
	b := x.body
	sw, link := b.Text("switch"), b.Text("link")
	start, end := takeMoment(b, "start_time", allocator.MaxAhead), takeMoment(b, "end_time", allocator.MaxAhead+allocator.MaxDuration)
	note := b.Text("note")
	b.Require("end_time")
	switch {
	case sw.Set == link.Set && !b.Faulty("switch") && !b.Faulty("link"):
		b.Reject("switch", "say either switch or link")
	case sw.Set:
		e, err := path.ParseElement(sw.V)
		if m.Element = e; err != nil || e.Cable != (topology.LinkID{}) {
			b.Reject("switch", "%s is no switch; write 0000000000000001", rest.Quote(sw.V))
		}
	case link.Set:
		e, err := path.ParseElement(link.V)
		if m.Element = e; err != nil || e.Cable == (topology.LinkID{}) {
			b.Reject("link", "%s is no link between two switches; write 0000000000000001:3->0000000000000002:1", rest.Quote(link.V))
		}
	}
	if !start.Set {
		start.V = allocator.FromNow(0)
	}
	m.Window, m.Note = allocator.Window{Start: start.V, End: end.V}, note.V
	return m
}

// rehearses makes POST /maintenance with ?dry_run=true a question: everything
// is checked and nothing changes.
func (a *api) rehearses(h handler) handler {
	return func(x *exchange) error {
		p, err := rest.ParseQuery(x.Request.URL.RawQuery, "resource", notInQuery, "dry_run")
		if err != nil {
			return err
		}
		switch only, given := p.Lookup("dry_run"); {
		case !given && p.Done() == nil, only == "false":
			return h(x)
		case only == "true":
			x.asks = true
			return a.rehearseMaintenance(x)
		case given:
			p.Reject("dry_run", rest.Quote(only)+" is neither true nor false")
		}
		return p.Done()
	}
}

// askedMaintenance returns what a request for a maintenance asks for.
func (a *api) askedMaintenance(x *exchange) (m allocator.Maintenance, err error) {
	m = takeMaintenance(x)
	if _, err := x.parameters("dry_run"); err != nil {
		return m, err
	}
	if a.Maintenance == nil {
		return m, errNoResource
	}
	return m, nil
}

// rehearseMaintenance serves POST /maintenance?dry_run=true.
func (a *api) rehearseMaintenance(x *exchange) error {
	m, err := a.askedMaintenance(x)
	if err != nil {
		return err
	}
	m, outcomes, err := a.Maintenance.Maintain(x.Request.Context(), m, true)
	if err != nil {
		return err
	}
	v := a.viewMaintenance(x.path, m)
	v.Allocations = viewOutcomes(outcomes)
	return x.succeed(http.StatusOK, []maintenanceView{v})
}

// createMaintenance serves POST /maintenance.
func (a *api) createMaintenance(x *exchange) error {
	m, err := a.askedMaintenance(x)
	if err != nil {
		return err
	}
	render := func(m allocator.Maintenance, outcomes []allocator.Outcome) rest.Reply {
		v := a.viewMaintenance(x.path, m)
		v.Allocations = viewOutcomes(outcomes)
		return rest.Reply{Status: http.StatusCreated, Header: map[string]string{"Location": v.Links.Self.Href}, Results: []maintenanceView{v}}
	}
	made, outcomes, err := a.Maintenance.Maintain(x.Request.Context(), m, false, a.alongMaintenance(x, http.StatusCreated, render))
	if err != nil {
		return err
	}
	return x.answerOnce(func() (rest.Reply, error) { return render(made, outcomes), nil })
}

// alongMaintenance returns what is saved with a change of a maintenance: the
// client, the status of the answer and, under an Idempotency-Key, the answer
// itself.
func (a *api) alongMaintenance(x *exchange, status int, render func(allocator.Maintenance, []allocator.Outcome) rest.Reply) allocator.AlongMaintenance {
	return func(m allocator.Maintenance, outcomes []allocator.Outcome) (ops []store.Op, err error) {
		if x.attempt != nil {
			if ops, err = x.keepOps(render(m, outcomes)); err != nil {
				return nil, err
			}
		}
		if a.Audit == nil {
			return ops, nil
		}
		r := record(x, audit.Done, status)
		r.Detail = m.ID + " of " + m.Element.String()
		more, err := x.noted(a.Audit.Ops(r))
		return append(ops, more...), err
	}
}

// listMaintenances serves GET and HEAD /maintenance: those that have ended as
// well, for some time.
func (a *api) listMaintenances(x *exchange) error {
	p, q, err := x.listParameters("state")
	if err != nil {
		return err
	}
	state := allocator.Phase(p.Text("state"))
	if phases := []allocator.Phase{"", allocator.PhasePlanned, allocator.PhaseBegun, allocator.PhaseEnded}; !slices.Contains(phases, state) {
		p.Reject("state", "must be planned, begun or ended, not "+rest.Quote(string(state)))
	}
	if err := p.Done(); err != nil {
		return err
	}
	if a.Maintenance == nil {
		return errNoResource
	}
	now := allocator.Seconds(a.Now().Unix())
	list := []allocator.Maintenance{}
	for _, m := range a.Maintenance.Maintenances() {
		if state == "" || state == m.Phase(now) {
			list = append(list, m)
		}
	}
	position := func(m allocator.Maintenance) string {
		return rest.Order(uint64(m.Window.Start)) + rest.Order(uint64(m.Created)) + m.ID
	}
	return showPage(x, q, list, position, func(m allocator.Maintenance) maintenanceView { return a.viewMaintenance(x.path, m) })
}

// showMaintenance serves GET and HEAD /maintenance/{id}.
func (a *api) showMaintenance(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	if a.Maintenance == nil {
		return errNoResource
	}
	m, err := a.Maintenance.Maintenance(x.Param("id"))
	if err != nil {
		return maintenanceFault(err)
	}
	return x.succeed(http.StatusOK, []maintenanceView{a.viewMaintenance(x.path, m)})
}

// deleteMaintenance serves DELETE /maintenance/{id}: it ends now, or does not
// come at all.
func (a *api) deleteMaintenance(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	if a.Maintenance == nil {
		return errNoResource
	}
	render := func(m allocator.Maintenance, _ []allocator.Outcome) rest.Reply {
		return rest.Reply{Status: http.StatusOK, Results: []maintenanceView{a.viewMaintenance(x.path, m)}}
	}
	m, err := a.Maintenance.EndMaintenance(x.Request.Context(), x.Param("id"), a.alongMaintenance(x, http.StatusOK, render))
	if err != nil {
		return maintenanceFault(err)
	}
	return x.answerOnce(func() (rest.Reply, error) { return render(m, nil), nil })
}

package httpapi

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"conga/allocator"
	"conga/bitrate"
	"conga/httpapi/rest"
	"conga/stats"
)

// A Project is a project as the configuration has it.
type Project struct {
	ID        string
	Members   []string
	Bandwidth *bitrate.Rate  // that its allocations may hold at a time, bit/s; nil: any
	Active    *int           // allocations that are not complete; nil: any number
	Pending   *int           // those of them that wait for their start, or for a path; nil: any number
	Duration  *int64         // of one allocation, in seconds; nil: as long as any may be
	Horizon   *int64         // from now to the start of one, in seconds; nil: as far ahead as any may be
	Idleness  stats.Idleness // when an allocation is released because it is not used; zero: never
	Weight    int            // of its scavengers together, in what is spare; 0: 1
	RunAhead  time.Duration  // for which conga run reserves a path without being told how long; 0: for its lease at a time
}

// A projectView is a project, its limits, and what it uses of them.
type projectView struct {
	ID      string      `json:"project_id"`
	Members []string    `json:"members"`
	Limits  limitsView  `json:"limits"`
	Use     useView     `json:"use"`
	Idle    *idleView   `json:"idle_reclaim"` // null: none is released for that
	Weight  int         `json:"weight"`
	Ahead   *int64      `json:"run_ahead"` // seconds; null: none
	Links   projectLink `json:"_links"`
}

// An idleView says when an allocation is released because it is not used.
type idleView struct {
	Below float64 `json:"below"` // share of its rate
	For   int64   `json:"for"`   // seconds
}

// viewIdleness returns nil for never.
func viewIdleness(i stats.Idleness) *idleView {
	if i == (stats.Idleness{}) {
		return nil
	}
	return &idleView{i.Below, int64(i.For / time.Second)}
}

type limitsView struct {
	Bandwidth *uint64 `json:"bandwidth"` // bit/s; null: none
	Active    *int    `json:"allocations"`
	Pending   *int    `json:"pending"`
	Duration  *int64  `json:"duration"` // seconds
	Horizon   *int64  `json:"horizon"`  // seconds
}

type useView struct {
	Bandwidth uint64 `json:"bandwidth"` // bit/s that allocations hold now
	Live      int    `json:"allocations"`
	Pending   int    `json:"pending"`
	Active    int    `json:"active"`
}

type projectLink struct {
	rest.Links
	Allocations rest.Link  `json:"allocations"`
	Calendar    *rest.Link `json:"calendar,omitempty"`
}

// note counts an allocation.
func (u *useView) note(a allocator.Allocation, now time.Time) {
	switch a.State {
	case allocator.Pending:
		u.Pending++
	case allocator.Active:
		u.Active++
	default:
		return
	}
	u.Live++
	if a.Window.Contains(allocator.Seconds(now.Unix())) {
		u.Bandwidth += uint64(a.Bandwidth)
	}
}

func (a *api) viewProject(x *exchange, p Project, use useView) projectView {
	self := x.path("projects", url.PathEscape(p.ID))
	members := slices.Sorted(slices.Values(p.Members))
	if members == nil {
		members = []string{}
	}
	v := projectView{
		ID: p.ID, Members: members, Use: use,
		Ahead:  secondsOrNull(p.RunAhead),
		Weight: max(1, p.Weight),
		Idle:   viewIdleness(p.Idleness),
		Limits: limitsView{Bandwidth: (*uint64)(p.Bandwidth), Active: p.Active, Pending: p.Pending, Duration: p.Duration, Horizon: p.Horizon},
		Links: projectLink{
			Links:       rest.SelfLinks(self),
			Allocations: rest.LinkTo(x.path("allocations") + "?project_id=" + url.QueryEscape(p.ID)),
		},
	}
	if a.Planner != nil {
		v.Links.Calendar = new(rest.LinkTo(self + "/calendar"))
	}
	return v
}

// secondsOrNull returns whole seconds, nil for 0.
func secondsOrNull(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return new(int64(d / time.Second))
}

// visibleProjects returns the projects that the key opens, by name.
func (a *api) visibleProjects(x *exchange) []Project {
	list := slices.DeleteFunc(slices.Clone(a.Projects()), func(p Project) bool { return !sees(x.key, p.ID) })
	slices.SortFunc(list, func(p, q Project) int { return cmp.Compare(p.ID, q.ID) })
	return list
}

// listProjects serves GET and HEAD /projects.
func (a *api) listProjects(x *exchange) error {
	if a.Projects == nil {
		return errNoResource
	}
	_, q, err := x.listParameters()
	if err != nil {
		return err
	}
	list := a.visibleProjects(x)
	if list, err = cutPage(x, q, list, func(p Project) string { return p.ID }); err != nil {
		return err
	}
	use, now := map[string]*useView{}, a.Now()
	for _, p := range list {
		use[p.ID] = &useView{}
	}
	for _, one := range a.Allocations.Live(x.key.Project) { // an operator's is "": all
		if u := use[one.ProjectID]; u != nil {
			u.note(one, now)
		}
	}
	views := make([]projectView, 0, len(list))
	for _, p := range list {
		views = append(views, a.viewProject(x, p, *use[p.ID]))
	}
	return x.succeed(http.StatusOK, views)
}

// visibleProject returns the project that the request's address names, if the
// key opens it.
func (a *api) visibleProject(x *exchange) (Project, error) {
	for _, p := range a.visibleProjects(x) {
		if p.ID == x.Param("id") {
			return p, nil
		}
	}
	return Project{}, rest.NewFault(http.StatusNotFound, "project_id: no such project")
}

// showProject serves GET and HEAD /projects/{id}.
func (a *api) showProject(x *exchange) error {
	if a.Projects == nil {
		return errNoResource
	}
	if err := x.done(); err != nil {
		return err
	}
	p, err := a.visibleProject(x)
	if err != nil {
		return err
	}
	var use useView
	for _, one := range a.Allocations.Live(p.ID) {
		use.note(one, a.Now())
	}
	return x.succeed(http.StatusOK, []projectView{a.viewProject(x, p, use)})
}

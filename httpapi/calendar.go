package httpapi

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"conga/allocator"
	"conga/controller/topology"
	"conga/httpapi/rest"
)

// longestCalendar is the longest window of a calendar: as far ahead as an
// allocation may start.
const longestCalendar = allocator.MaxAhead * time.Second

// A calendarView is how much allocations hold of something over time. Rates are
// bit/s.
type calendarView struct {
	interval
	Reservable *uint64        `json:"reservable"` // what they may hold at a time; null: there is no limit, or it is not known
	Resolution *int64         `json:"resolution"` // seconds that each step is the highest rate of; null: the steps are exact
	Steps      []stepView     `json:"steps"`
	Links      rest.Relations `json:"_links"`
}

func viewCalendar(o allocator.Occupancy, w allocator.Window) calendarView {
	v := calendarView{interval: *viewInterval(w), Resolution: orNull(int64(o.Each)), Steps: make([]stepView, len(o.Steps))}
	for i, s := range o.Steps {
		v.Steps[i] = stepView{*viewInterval(s.Window), uint64(s.Rate)}
	}
	return v
}

// calendarWindow reads start and window. It returns the window that was asked
// for, which is that of the address, and what of it is to come: what is over is
// held no longer.
func (a *api) calendarWindow(x *exchange) (asked, left allocator.Window, err error) {
	p, err := x.parameters("start", "window")
	if err != nil {
		return asked, left, err
	}
	now := a.Now().Unix()
	start, length := p.Time("start", 1), spanWithin(p, "window", 30*24*time.Hour, longestCalendar)
	if start == 0 {
		start = now
	}
	asked = allocator.Window{Start: allocator.Seconds(start), End: allocator.Seconds(start + int64(length/time.Second))}
	left = allocator.Window{Start: max(asked.Start, allocator.Seconds(now)), End: asked.End}
	if left.End <= left.Start && length > 0 {
		p.Reject("window", "is over; a calendar tells what is reserved from now on")
	}
	return asked, left, p.Done()
}

// within returns the address of a calendar with its window.
func within(address string, w allocator.Window) string {
	return rest.WithQuery(address, "start", strconv.FormatInt(int64(w.Start), 10), "window", strconv.FormatInt(int64(w.End-w.Start), 10))
}

// A linkCalendar is how much allocations hold of a directed link over time.
type linkCalendar struct {
	ID       string      `json:"link_id"`
	From     *portIDView `json:"from"` // null: outside
	To       *portIDView `json:"to"`
	Capacity *uint64     `json:"capacity"` // bit/s; null: the link is not there now
	calendarView
}

// showLinkCalendar serves GET and HEAD /links/{from}/{to}/calendar. The link
// need not be there now.
func (a *api) showLinkCalendar(x *exchange) error {
	asked, w, err := a.calendarWindow(x)
	if err != nil {
		return err
	}
	id, err := a.linkInPath(x)
	if err != nil {
		return err
	}
	if a.Planner == nil {
		return errNoResource
	}
	o := a.Planner.OccupancyOfLink(id, w)
	v := linkCalendar{ID: id.String(), From: viewPortID(id.From), To: viewPortID(id.To), Capacity: orNull(uint64(o.Capacity)), calendarView: viewCalendar(o, w)}
	if v.Capacity != nil {
		v.Reservable = new(uint64(o.Limit))
	}
	v.Links = rest.Relate("self", within(calendarOfLink(x, id), asked),
		"link", rest.WithQuery(x.path("links"), "from", id.From.String(), "to", id.To.String(), "kind", "all"))
	if a.Statistics != nil {
		v.Links["history"] = rest.LinkTo(historyOfLink(x, id))
	}
	return x.succeed(http.StatusOK, []linkCalendar{v})
}

// calendarOfLink returns the address of a link's calendar.
func calendarOfLink(x *exchange, id topology.LinkID) string {
	return x.path("links") + "/" + id.From.String() + "/" + id.To.String() + "/calendar"
}

// A projectCalendar is how much the allocations of a project hold together over
// time, each with the higher of its rates.
type projectCalendar struct {
	ID string `json:"project_id"`
	calendarView
}

// showProjectCalendar serves GET and HEAD /projects/{id}/calendar.
func (a *api) showProjectCalendar(x *exchange) error {
	asked, w, err := a.calendarWindow(x)
	if err != nil {
		return err
	}
	if a.Projects == nil || a.Planner == nil {
		return errNoResource
	}
	p, err := a.visibleProject(x)
	if err != nil {
		return err
	}
	v := projectCalendar{ID: p.ID, calendarView: viewCalendar(a.Planner.OccupancyOfProject(p.ID, w), w)}
	v.Reservable = (*uint64)(p.Bandwidth)
	project := x.path("projects", url.PathEscape(p.ID))
	v.Links = rest.Relate("self", within(project+"/calendar", asked), "project", project)
	return x.succeed(http.StatusOK, []projectCalendar{v})
}

package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"conga/allocator"
	"conga/allocator/store"
	"conga/httpapi/audit"
	"conga/httpapi/rest"
)

// A seriesView is a series, as it was made or as it is.
type seriesView struct {
	ID          *string          `json:"series"` // null of what is only validated
	Recurrence  any              `json:"recurrence"`
	Notes       []string         `json:"notes"` // what may not be as it was meant
	Occurrences []occurrenceView `json:"occurrences"`
	Links       rest.Relations   `json:"_links"`
}

// An occurrenceView is an allocation of a series.
type occurrenceView struct {
	ID     *string `json:"allocation_id"` // null of what is only validated
	State  string  `json:"state"`
	Start  *int64  `json:"start_time"` // null: there is no path yet
	End    *int64  `json:"end_time"`
	Reason string  `json:"reason,omitempty"` // why it has no start
}

// A recurrenceView says when a series has its occurrences.
type recurrenceView struct {
	Rule string `json:"rrule"`
	Zone string `json:"timezone"`
}

// viewRecurrence returns nil for none.
func viewRecurrence(r allocator.Recurrence) any {
	if r == (allocator.Recurrence{}) {
		return nil
	}
	return recurrenceView{r.Rule, r.Zone}
}

// A refusedView is an occurrence in the way of a series.
type refusedView struct {
	interval
	Bottleneck string    `json:"bottleneck,omitempty"` // the link in the way
	InTheWay   *interval `json:"interval,omitempty"`   // when something is in the way
	Reason     string    `json:"reason"`
}

func viewRefused(list []allocator.Refused) (out []refusedView) {
	for _, r := range list {
		v := refusedView{interval: *viewInterval(r.Window), InTheWay: viewInterval(r.Err.InTheWay), Reason: r.Err.Error()}
		if r.Err.Bottleneck != nil {
			v.Bottleneck = r.Err.Bottleneck.String()
		}
		out = append(out, v)
	}
	return out
}

// takeRecurrence takes what makes a request one for a series. Where it is null,
// or not there, it is left alone.
func takeRecurrence(b *rest.Fields) (r allocator.Recurrence) {
	if !b.Given("recurrence") {
		return r
	}
	b.Object("recurrence", func(in *rest.Fields) {
		rule, zone := in.Text("rrule"), in.Text("timezone")
		in.Require("rrule")
		if rule.Set && strings.TrimSpace(rule.V) == "" {
			in.Reject("rrule", "is empty; write one such as FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10")
		}
		r = allocator.Recurrence{Rule: rule.V, Zone: zone.V}
	})
	if b.Given("connection_uuid") {
		b.Reject("connection_uuid", "is for one allocation; say src_ip and dst_ip for a series")
	}
	return r
}

// createSeries serves POST /allocations with a recurrence.
func (a *api) createSeries(x *exchange, r allocator.Request) error {
	render := func(s allocator.Series) (rest.Reply, error) { return a.viewSeries(x, http.StatusCreated, s), nil }
	made, err := a.Allocations.CreateSeries(x.Request.Context(), r, a.alongSeries(x, http.StatusCreated, render))
	if err != nil {
		return err
	}
	return x.answerOnce(func() (rest.Reply, error) { return render(made) })
}

// validateSeries serves POST /allocations?validate=true with a recurrence.
func (a *api) validateSeries(x *exchange, r allocator.Request) error {
	s, err := a.Planner.ValidateSeries(r)
	if err != nil {
		return err
	}
	return a.viewSeries(x, http.StatusOK, s).Send(x.Context)
}

// viewSeries returns the answer that shows a series.
func (a *api) viewSeries(x *exchange, status int, s allocator.Series) rest.Reply {
	links := rest.Relate("self", x.path("allocations")) // to where it may be posted
	if s.ID != "" {
		links = rest.Relate("self", x.path("series", s.ID), "allocations", x.path("allocations")+"?series="+s.ID)
	}
	v := seriesView{
		ID: orNull(s.ID), Recurrence: viewRecurrence(s.Recurrence), Notes: append([]string{}, s.Notes...),
		Occurrences: make([]occurrenceView, 0, len(s.List)), Links: links,
	}
	for _, one := range s.List {
		o := occurrenceView{ID: orNull(one.ID), State: string(one.State)}
		if w := one.Window; w != (allocator.Window{}) {
			o.Start, o.End = new(int64(w.Start)), new(int64(w.End))
		} else {
			o.Reason = one.Reason
		}
		v.Occurrences = append(v.Occurrences, o)
	}
	reply := rest.Reply{Status: status, Results: []seriesView{v}}
	if s.ID != "" {
		reply.Header = map[string]string{"ETag": etagOfSeries(s.List)}
	}
	if status == http.StatusCreated {
		reply.Header["Location"] = links["self"].Href
	}
	return reply
}

// alongSeries returns what is saved with a change of a series: the client and
// the status of the answer, in one record, and, under an Idempotency-Key, the
// answer itself. render may be nil where there is never such a key.
func (a *api) alongSeries(x *exchange, status int, render func(allocator.Series) (rest.Reply, error)) allocator.AlongSeries {
	return func(s allocator.Series) (ops []store.Op, err error) {
		if x.attempt != nil && render != nil {
			r, err := render(s)
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
		one := s.List[0]
		if r.Detail = fmt.Sprintf("series %s, %d allocations", one.Series, len(s.List)); status == http.StatusCreated {
			r.Detail += fmt.Sprintf(": %s to %s, %d s, %s", one.Key.Src, one.Key.Dst, one.Duration, one.Recurrence.Rule)
		}
		more, err := x.noted(a.Audit.Ops(r))
		return append(ops, more...), err
	}
}

// errNoSeries answers where there is nothing of a series that is not complete.
var errNoSeries = rest.NewFault(http.StatusNotFound, "series_id: there is no such series, or all of it is complete")

// showSeries serves GET and HEAD /series/{id}: what is not complete of it.
func (a *api) showSeries(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	list, err := a.seriesOf(x)
	if err != nil {
		return err
	}
	s := allocator.Series{ID: x.Param("id"), Recurrence: list[0].Recurrence, List: list}
	return x.answerUnlessKnown(versionOfSeries(list), a.viewSeries(x, http.StatusOK, s))
}

// deleteSeries serves DELETE /series/{id}: it releases all of it that is not
// complete.
func (a *api) deleteSeries(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	for range updateTries {
		list, err := a.seriesOf(x)
		if err != nil {
			return err
		}
		gone := make([]deletedView, 0, len(list))
		for _, one := range list {
			if err := a.mayTouch(x, one); err != nil {
				return err
			}
			gone = append(gone, deletedView{one.ID})
		}
		if err := mayChange(x.Request.Header, versionOfSeries(list)); err != nil {
			return err
		}
		err = a.Allocations.ReleaseSeries(allocator.By(x.Request.Context(), x.key.User), list, a.alongSeries(x, http.StatusOK, nil))
		if err == nil {
			return x.succeed(http.StatusOK, gone)
		}
		if !stale(err) {
			return err
		}
	}
	return errKeepsChanging
}

// seriesOf returns what is not complete of the series in the address, as far as
// the key sees it.
func (a *api) seriesOf(x *exchange) (list []allocator.Allocation, err error) {
	for _, one := range a.Allocations.Series(x.Param("id")) {
		if sees(x.key, one.ProjectID) {
			list = append(list, one)
		}
	}
	if len(list) == 0 {
		return nil, errNoSeries
	}
	return list, nil
}

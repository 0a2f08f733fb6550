package httpapi

import (
	"net/http"

	"conga/allocator"
	"conga/httpapi/rest"
)

// An availabilityView holds what a request would be given, and what there is.
type availabilityView struct {
	Request      requestedView   `json:"request"`    // as it was understood, with moments for what counts from now
	Fits         bool            `json:"fits"`       // it would be admitted
	StartTime    *int64          `json:"start_time"` // when it would start; null: that is not known
	EndTime      *int64          `json:"end_time"`   // null also without a duration
	Path         []hopView       `json:"path"`       // null: there is none
	Reason       *string         `json:"reason"`     // why it does not fit, or is not planned
	Bottleneck   *string         `json:"bottleneck"` // the link in the way
	Interval     *interval       `json:"interval"`   // when something is in the way
	Alternatives []requestedView `json:"alternatives"`
	From         *portIDView     `json:"from"` // null: not known
	To           *portIDView     `json:"to"`
	Horizon      interval        `json:"horizon"`
	Free         []stepView      `json:"free"`       // what the path with most room has at each moment
	FreeUntil    int64           `json:"free_until"` // it changes too often to be told any further
	Links        rest.Relations  `json:"_links"`
}

// A stepView is a time during which the same rate is free, or held.
type stepView struct {
	interval
	Bandwidth uint64 `json:"bandwidth"` // bit/s
}

// showAvailability serves POST /availability. It changes nothing.
func (a *api) showAvailability(x *exchange) error {
	x.asks = true
	horizon := x.body.Integer("horizon", 1, allocator.MaxAhead)
	f := takeAllocation(x.body, a.LeastRate)
	connection := a.takeConnection(x.body, f, "src_ip", "dst_ip")
	recurrence := takeRecurrence(x.body)
	if err := x.done(); err != nil {
		return err
	}
	if a.Planner == nil {
		return errNoResource
	}
	r := f.request()
	r.Recurrence = recurrence
	if r.ProjectID == "" {
		r.ProjectID = x.key.Project
	}
	if err := a.mayAsk(x, &r, connection); err != nil {
		return err
	}
	got, err := a.Planner.Availability(r, allocator.Seconds(horizon.V))
	if err != nil {
		return err
	}
	v := viewAvailability(got)
	v.Links = rest.Relate("self", x.path("availability"))
	return x.succeed(http.StatusOK, []availabilityView{v})
}

// mayAsk checks that the key may have what it asks about. An operator's may ask
// about anything.
func (a *api) mayAsk(x *exchange, r *allocator.Request, connection rest.Value[string]) error {
	if r.ProjectID != "" {
		if err := a.mayUse(x, r.ProjectID); err != nil {
			return err
		}
	}
	if err := a.followConnection(r, connection); err != nil {
		return err
	}
	if x.key.Operator {
		return nil
	}
	return a.consented(x, *r)
}

func viewAvailability(got allocator.Availability) availabilityView {
	v := availabilityView{
		Request: requestedView{Request: got.Planned.Request}, Fits: got.Refused == nil, Path: viewHops(got.Planned.Path), Reason: orNull(got.Planned.Reason),
		Alternatives: viewRequests(got.Alternatives, false), From: viewPortID(got.From), To: viewPortID(got.To),
		Horizon: *viewInterval(got.Horizon), Free: []stepView{}, FreeUntil: int64(got.Until),
	}
	if v.Alternatives == nil {
		v.Alternatives = []requestedView{}
	}
	if w := got.Planned.Window; w != (allocator.Window{}) {
		v.StartTime = new(int64(w.Start))
		if got.Planned.Duration > 0 {
			v.EndTime = new(int64(w.End))
		}
	}
	if e := got.Refused; e != nil {
		h := helpOf(e)
		v.Reason, v.Bottleneck, v.Interval = new(e.Error()), orNull(h.Bottleneck), h.Interval
	}
	for _, step := range got.Free {
		v.Free = append(v.Free, stepView{*viewInterval(step.Window), uint64(step.Rate)})
	}
	return v
}

// validates makes POST /allocations with ?validate=true a question: everything
// is checked, and nothing changes, not even what is kept under an
// Idempotency-Key.
func (a *api) validates(h handler) handler {
	return func(x *exchange) error {
		p, err := rest.ParseQuery(x.Request.URL.RawQuery, "resource", notInQuery, "validate")
		if err != nil {
			return err
		}
		switch only, given := p.Lookup("validate"); {
		case !given && p.Done() == nil, only == "false":
			return h(x)
		case only == "true":
			x.asks = true
			return a.validateAllocation(x)
		case given:
			p.Reject("validate", rest.Quote(only)+" is neither true nor false")
		}
		return p.Done()
	}
}

// validateAllocation serves POST /allocations?validate=true.
func (a *api) validateAllocation(x *exchange) error {
	r, err := a.requested(x)
	if err != nil {
		return err
	}
	if a.Planner == nil {
		return errNoResource
	}
	if r.Recurrence != (allocator.Recurrence{}) {
		return a.validateSeries(x, r)
	}
	one, err := a.Planner.Validate(r)
	if err != nil {
		return err
	}
	return x.succeed(http.StatusOK, []*shown{viewAllocation(x.path, one)})
}

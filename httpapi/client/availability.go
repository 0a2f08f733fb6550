package client

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// An Availability is what a request would be given, and what there is. Rates
// are bit/s, moments UNIX seconds; nil is what is not known.
type Availability struct {
	Fits         bool      `json:"fits"` // it would be admitted
	StartTime    *int64    `json:"start_time"`
	EndTime      *int64    `json:"end_time"`
	Path         []Hop     `json:"path"`
	Reason       *string   `json:"reason"`     // why it would be refused, or what it would wait for
	Bottleneck   *string   `json:"bottleneck"` // the link in the way
	Interval     *Interval `json:"interval"`   // when something is in the way
	Alternatives []Request `json:"alternatives"`
	From         *Port     `json:"from"`
	To           *Port     `json:"to"`
	Horizon      Interval  `json:"horizon"`
	Free         []Step    `json:"free"`       // what the path with most room has at each moment
	FreeUntil    int64     `json:"free_until"` // where Free ends, before Horizon if it changes too often
}

// An Interval is a time of UNIX seconds.
type Interval struct {
	StartTime int64 `json:"start_time"`
	EndTime   int64 `json:"end_time"`
}

// A Step is a time during which the same rate is free, or held.
type Step struct {
	Interval
	Bandwidth uint64 `json:"bandwidth"` // bit/s
}

// Availability returns what a request would be given now, and what is free for
// so many seconds from its start on; 0 is as long as the server says. Duration
// and project may be left zero. Nothing is reserved.
func (c *Client) Availability(ctx context.Context, r Request, horizon int64) (Availability, error) {
	const op = "availability"
	body, err := asked(r, horizon)
	if err != nil {
		return Availability{}, err
	}
	results, _, err := c.do(ctx, call{op: op, method: http.MethodPost, path: "/availability", body: body, idempotent: true})
	if err != nil {
		return Availability{}, err
	}
	return one[Availability](op, results)
}

// asked returns the body that asks about a request.
func asked(r Request, horizon int64) (body map[string]any, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		return nil, err
	}
	if r.Duration == 0 {
		delete(body, "duration")
	}
	if r.ProjectID == "" {
		delete(body, "project_id")
	}
	if horizon > 0 {
		body["horizon"] = horizon
	}
	return body, nil
}

// Validate has a request checked as [Client.Allocate] would, and returns the
// allocation that it would make, without an ID. Nothing is made.
func (c *Client) Validate(ctx context.Context, r Request) (Allocation, error) {
	const op = "validate"
	results, _, err := c.do(ctx, call{op: op, method: http.MethodPost, path: "/allocations?validate=true", body: r, idempotent: true})
	if err != nil {
		return Allocation{}, err
	}
	return one[Allocation](op, results)
}

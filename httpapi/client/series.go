package client

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
)

// A Recurrence says when a series has its occurrences.
type Recurrence struct {
	Rule string `json:"rrule"`              // an RRULE of RFC 5545, with a COUNT or an UNTIL
	Zone string `json:"timezone,omitempty"` // by whose clocks; "": UTC
}

// A Series is allocations that were asked for together.
type Series struct {
	ID          string       `json:"series,omitempty"` // "" of what is only validated
	Recurrence  Recurrence   `json:"recurrence"`
	Notes       []string     `json:"notes"` // what may not be as it was meant
	Occurrences []Occurrence `json:"occurrences"`
}

// An Occurrence is an allocation of a series.
type Occurrence struct {
	ID        string `json:"allocation_id,omitempty"` // "" of what is only validated
	State     State  `json:"state"`
	StartTime *int64 `json:"start_time"` // UNIX seconds; nil: it waits for a path
	EndTime   *int64 `json:"end_time"`
	Reason    string `json:"reason,omitempty"` // why it waits
}

// A RefusedOccurrence is one for which a series was refused.
type RefusedOccurrence struct {
	Interval
	Bottleneck string    `json:"bottleneck"` // the link in the way, if one is
	InTheWay   *Interval `json:"interval"`   // when something is in the way
	Reason     string    `json:"reason"`
}

// AllocateSeries asks for an allocation for each occurrence of the request's
// Recurrence: all, or none.
func (c *Client) AllocateSeries(ctx context.Context, r Request) (Series, error) {
	const op = "allocate"
	results, _, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: "/allocations", body: r,
		header: http.Header{"Idempotency-Key": {rand.Text()}}, idempotent: true,
	})
	if err != nil {
		return Series{}, err
	}
	return one[Series](op, results)
}

// ValidateSeries has a request checked as [Client.AllocateSeries] would, and
// returns the series that it would make, without IDs. Nothing is made.
func (c *Client) ValidateSeries(ctx context.Context, r Request) (Series, error) {
	const op = "validate"
	results, _, err := c.do(ctx, call{op: op, method: http.MethodPost, path: "/allocations?validate=true", body: r, idempotent: true})
	if err != nil {
		return Series{}, err
	}
	return one[Series](op, results)
}

// ReleaseSeries releases all allocations of a series that are not complete, or
// none, and returns their IDs.
func (c *Client) ReleaseSeries(ctx context.Context, id string) (released []string, err error) {
	const op = "release"
	results, _, err := c.do(ctx, call{op: op, method: http.MethodDelete, path: "/series/" + url.PathEscape(id), idempotent: true, removes: true})
	for i := range results {
		gone, err := one[struct {
			ID string `json:"allocation_id"`
		}](op, results[i:i+1])
		if err != nil {
			return nil, err
		}
		released = append(released, gone.ID)
	}
	return released, err
}

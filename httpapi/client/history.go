package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A HistorySpan says what of a history is asked for. Zero is what the server
// does by itself: the last hour, in the finest steps that it keeps.
type HistorySpan struct {
	Window time.Duration // from now on back, in whole seconds
	Step   time.Duration
}

// query returns the span as a query, with its question mark.
func (s HistorySpan) query() string {
	q := url.Values{}
	for name, d := range map[string]time.Duration{"window": s.Window, "step": s.Step} {
		if d > 0 {
			q.Set(name, strconv.FormatInt(int64(d/time.Second), 10))
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Levels are how fast something went over each step, in bit/s; nil is what is
// not known.
type Levels struct {
	Mean []*float64 `json:"mean"`
	Max  []*float64 `json:"max"` // the highest mean from one sample to the next
}

// An AllocationHistory is how fast an allocation went.
type AllocationHistory struct {
	ID        string           `json:"allocation_id"`
	ProjectID string           `json:"project_id"`
	Unit      string           `json:"unit"`
	Window    int64            `json:"window"` // seconds
	Step      int64            `json:"step"`
	Layer     string           `json:"layer"` // what is counted of a packet
	Times     []int64          `json:"times"` // at which the steps begin; UNIX seconds
	Forward   DirectionHistory `json:"forward"`
	Reverse   DirectionHistory `json:"reverse"`
}

// A DirectionHistory is how fast one direction of an allocation went.
type DirectionHistory struct {
	Promised  Levels `json:"promised"`
	Entered   Levels `json:"entered"`
	Delivered Levels `json:"delivered"`
	Dropped   Levels `json:"dropped"`
}

// AllocationHistory returns how fast an allocation went.
func (c *Client) AllocationHistory(ctx context.Context, id string, span HistorySpan) (AllocationHistory, error) {
	const op = "history"
	results, _, err := c.do(ctx, call{op: op, method: http.MethodGet, path: "/stats/allocations/" + url.PathEscape(id) + "/history" + span.query(), idempotent: true})
	if err != nil {
		return AllocationHistory{}, err
	}
	return one[AllocationHistory](op, results)
}

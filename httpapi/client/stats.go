package client

import (
	"context"
	"net/http"
	"net/url"
)

// A Traffic is an amount of traffic and how fast it goes now. Nil is what is
// not counted, or not known.
type Traffic struct {
	Packets    *uint64  `json:"packets"`
	Bytes      *uint64  `json:"bytes"`
	Rate       *uint64  `json:"rate"`        // bit/s
	PacketRate *float64 `json:"packet_rate"` // packets/s
}

// A Direction is what went one way of an allocation.
type Direction struct {
	Entered     Traffic  `json:"entered"`   // before policing
	Delivered   Traffic  `json:"delivered"` // at the exit
	Dropped     Traffic  `json:"dropped"`   // by policing
	Bandwidth   *uint64  `json:"bandwidth"` // bit/s promised this way
	Promised    *uint64  `json:"promised_bytes"`
	Utilisation *float64 `json:"utilisation"` // rate delivered, of the bandwidth
}

// AllocationStats is what an allocation has carried.
type AllocationStats struct {
	ID        string    `json:"allocation_id"`
	ProjectID string    `json:"project_id"`
	State     State     `json:"state"`
	StartTime *int64    `json:"start_time"` // UNIX seconds
	EndTime   *int64    `json:"end_time"`
	Bandwidth *uint64   `json:"bandwidth"` // bit/s promised from the source
	Forward   Direction `json:"forward"`   // from the source
	Reverse   Direction `json:"reverse"`
	Promised  *uint64   `json:"promised_bytes"`
	Degraded  bool      `json:"degraded"` // it gets less than was promised to it
	Final     bool      `json:"final"`
	Sampled   *int64    `json:"sampled_at"` // UNIX seconds
	Stale     bool      `json:"stale"`
}

// Totals is what all allocations that the key sees carry together.
type Totals struct {
	ProjectID   *string        `json:"project_id"` // nil: all
	Allocations map[string]int `json:"allocations"`
	Entered     Traffic        `json:"entered"`
	Delivered   Traffic        `json:"delivered"`
	Dropped     Traffic        `json:"dropped"`
	Network     *NetworkTotals `json:"network"`  // for operators' keys
	Interval    float64        `json:"interval"` // seconds between samples
}

// NetworkTotals is what the network is made of, and what goes in and out.
type NetworkTotals struct {
	Switches  int     `json:"switches"`
	Connected int     `json:"connected"`
	Stale     int     `json:"stale"`
	Links     int     `json:"links"`
	Hosts     int     `json:"hosts"`
	Flows     int     `json:"flows"`
	Received  Traffic `json:"received"`
	Sent      Traffic `json:"sent"`
	Sampled   *int64  `json:"sampled_at"` // UNIX seconds
}

// A LinkStats is the load of a directed link. Nil is what is not known.
type LinkStats struct {
	ID          string   `json:"link_id"`
	From        *Port    `json:"from"` // nil: outside
	To          *Port    `json:"to"`
	Kind        string   `json:"kind"`        // trunk or access
	Capacity    uint64   `json:"capacity"`    // bit/s
	Rate        *uint64  `json:"rate"`        // bit/s
	PacketRate  *float64 `json:"packet_rate"` // packets/s
	Utilisation *float64 `json:"utilisation"` // rate of capacity
	Reserved    *uint64  `json:"reserved"`    // bit/s that allocations hold now
	Reservation *float64 `json:"reservation"` // reserved of capacity
	Sampled     *int64   `json:"sampled_at"`  // UNIX seconds
	Stale       bool     `json:"stale"`
}

// LinkStats returns the load of every directed link between switches. It needs
// an operator's key.
func (c *Client) LinkStats(ctx context.Context) ([]LinkStats, error) {
	return all[LinkStats](ctx, c, "stats", "/stats/links?"+perPage)
}

// AllocationsStats returns the statistics of all allocations that the key may
// see that are in a state, or in any for "".
func (c *Client) AllocationsStats(ctx context.Context, state State) ([]AllocationStats, error) {
	path := "/stats/allocations?" + perPage
	if state != "" {
		path += "&state=" + url.QueryEscape(string(state))
	}
	return all[AllocationStats](ctx, c, "stats", path)
}

// Totals returns the statistics of everything that the key may see.
func (c *Client) Totals(ctx context.Context) (Totals, error) {
	const op = "stats"
	results, _, err := c.do(ctx, call{op: op, method: http.MethodGet, path: "/stats", idempotent: true})
	if err != nil {
		return Totals{}, err
	}
	return one[Totals](op, results)
}

// AllocationStats returns the statistics of one allocation.
func (c *Client) AllocationStats(ctx context.Context, id string) (AllocationStats, error) {
	const op = "stats"
	results, _, err := c.do(ctx, call{op: op, method: http.MethodGet, path: "/stats/allocations/" + url.PathEscape(id), idempotent: true})
	if err != nil {
		return AllocationStats{}, err
	}
	return one[AllocationStats](op, results)
}

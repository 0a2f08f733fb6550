package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
)

// A MaintenanceRequest asks for a maintenance, of a switch or of a link. Times
// are UNIX seconds; nil is what was not given.
type MaintenanceRequest struct {
	Switch    string `json:"switch,omitempty"` // DPID
	Link      string `json:"link,omitempty"`   // between two switches, such as 0000000000000001:3->0000000000000002:1
	StartTime int64  `json:"-"`                // 0: now
	StartIn   *int64 `json:"-"`                // seconds from now by the server's clock, instead of StartTime
	EndTime   int64  `json:"-"`
	EndIn     *int64 `json:"-"` // seconds from now, as StartIn
	Note      string `json:"note,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (r MaintenanceRequest) MarshalJSON() ([]byte, error) {
	type plain MaintenanceRequest
	return json.Marshal(struct {
		plain
		StartTime any `json:"start_time,omitempty"`
		EndTime   any `json:"end_time,omitempty"`
	}{plain(r), moment(r.StartTime, r.StartIn), moment(r.EndTime, r.EndIn)})
}

// A Maintenance is a window in which nothing is planned over a switch, or over
// a link in both directions. Times are UNIX seconds.
type Maintenance struct {
	ID        string  `json:"maintenance_id"` // "" of a rehearsal
	Switch    *string `json:"switch"`         // nil: it is about a link
	Link      *string `json:"link"`           // nil: it is about a switch
	State     string  `json:"state"`          // planned, begun or ended
	StartTime int64   `json:"start_time"`
	EndTime   int64   `json:"end_time"`
	Note      *string `json:"note"`
	Created   int64   `json:"created"`
	Ended     *int64  `json:"ended"` // when it was ended by hand

	// Allocations are what becomes of those over it, as its creation and a
	// rehearsal tell; else nil.
	Allocations []MaintenanceOutcome `json:"allocations,omitempty"`
}

// A MaintenanceOutcome is what a maintenance means for an allocation.
type MaintenanceOutcome struct {
	ID        string            `json:"allocation_id"`
	ProjectID string            `json:"project_id"`
	Outcome   string            `json:"outcome"`    // moves, postponed, stays or yields
	StartTime int64             `json:"start_time"` // that it is to have
	EndTime   int64             `json:"end_time"`
	Moves     []MaintenanceMove `json:"moves"`
	Reason    *string           `json:"reason"` // why it stays
}

// A MaintenanceMove is another path that an allocation has from a moment on.
type MaintenanceMove struct {
	Time int64 `json:"time"`
	Path []Hop `json:"path"`
}

// Maintain enters a maintenance, and returns it with what becomes of the
// allocations over it. Like the methods below it needs an operator's key.
func (c *Client) Maintain(ctx context.Context, r MaintenanceRequest) (Maintenance, error) {
	const op = "maintain"
	results, _, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: "/maintenance", body: r,
		header: http.Header{"Idempotency-Key": {rand.Text()}}, idempotent: true,
	})
	if err != nil {
		return Maintenance{}, err
	}
	return one[Maintenance](op, results)
}

// RehearseMaintenance returns what [Client.Maintain] would. Nothing is changed.
func (c *Client) RehearseMaintenance(ctx context.Context, r MaintenanceRequest) (Maintenance, error) {
	const op = "rehearse maintenance"
	results, _, err := c.do(ctx, call{op: op, method: http.MethodPost, path: "/maintenance?dry_run=true", body: r, idempotent: true})
	if err != nil {
		return Maintenance{}, err
	}
	return one[Maintenance](op, results)
}

// Maintenances returns the maintenances in a state, or all for "", in order of
// their starts.
func (c *Client) Maintenances(ctx context.Context, state string) ([]Maintenance, error) {
	query := perPage
	if state != "" {
		query += "&state=" + url.QueryEscape(state)
	}
	return all[Maintenance](ctx, c, "maintenances", "/maintenance?"+query)
}

// EndMaintenance ends a maintenance now, or cancels one that is to come.
func (c *Client) EndMaintenance(ctx context.Context, id string) (Maintenance, error) {
	const op = "end maintenance"
	results, _, err := c.do(ctx, call{
		op: op, method: http.MethodDelete, path: "/maintenance/" + url.PathEscape(id),
		header: http.Header{"Idempotency-Key": {rand.Text()}}, idempotent: true,
	})
	if err != nil {
		return Maintenance{}, err
	}
	return one[Maintenance](op, results)
}

package client

import (
	"context"
	"net/http"
	"net/url"
)

// DefaultRunAhead is the Project.RunAhead of a project that is not configured,
// or whose configuration does not say, in seconds: a day.
const DefaultRunAhead = 24 * 3600

// A Project is a project of the configuration. Nil is no limit, or what does
// not apply.
type Project struct {
	ID      string   `json:"project_id"`
	Members []string `json:"members"`
	Limits  struct {
		Bandwidth *uint64 `json:"bandwidth"`   // bit/s at any one moment
		Active    *int    `json:"allocations"` // that are not complete
		Pending   *int    `json:"pending"`     // that wait for their start, or for a path
		Duration  *int64  `json:"duration"`    // seconds that one may last
		Horizon   *int64  `json:"horizon"`     // seconds from now to the start of one
	} `json:"limits"`
	Weight   int    `json:"weight"`    // of its scavengers together, in what is spare
	RunAhead *int64 `json:"run_ahead"` // seconds for which a path for a command is reserved without being told how long; nil: for its lease at a time
}

// Project returns a project that the key opens. The error is of type *[Error],
// with status 404, if the configuration has none of that ID.
func (c *Client) Project(ctx context.Context, id string) (Project, error) {
	const op = "project"
	results, _, err := c.do(ctx, call{op: op, method: http.MethodGet, path: "/projects/" + url.PathEscape(id), idempotent: true})
	if err != nil {
		return Project{}, err
	}
	return one[Project](op, results)
}

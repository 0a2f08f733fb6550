package client

import (
	"context"
	"net/http"
	"net/url"
)

// Credentials are what a key is given for.
type Credentials struct {
	UserID    string `json:"user_id"`
	ProjectID string `json:"project_id"`
	Password  string `json:"password,omitempty"` // empty where membership alone suffices
}

// Key is an API key and what it is good for. Times are UNIX seconds.
type Key struct {
	APIKey    string `json:"api_key"`
	StartTime int64  `json:"start_time"`
	EndTime   int64  `json:"end_time"`
	UserID    string `json:"user_id"`
	ProjectID string `json:"project_id"`
}

// Login asks for a key. The client goes on with the key that it has: make a new
// client to use this one.
func (c *Client) Login(ctx context.Context, who Credentials) (Key, error) {
	const op = "login"
	results, _, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: "/auth", body: who, anonymous: true, idempotent: true,
	})
	if err != nil {
		return Key{}, err
	}
	return one[Key](op, results)
}

// Status is what the server knows of the client's key.
func (c *Client) Status(ctx context.Context) (Key, error) {
	const op = "key status"
	results, _, err := c.do(ctx, call{
		op: op, method: http.MethodGet, path: "/auth/" + url.PathEscape(c.key), idempotent: true,
	})
	if err != nil {
		return Key{}, err
	}
	return one[Key](op, results)
}

package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Credentials are what a key is given for.
type Credentials struct {
	UserID    string `json:"user_id,omitempty"` // may be empty with a token
	ProjectID string `json:"project_id"`
	Password  string `json:"password,omitempty"` // empty where membership alone suffices
	Token     string `json:"token,omitempty"`    // ID token of the server's OpenID Connect issuer, instead of a password
}

// A Key is an API key and what it is good for. Times are UNIX seconds.
type Key struct {
	APIKey    string `json:"api_key"`
	StartTime int64  `json:"start_time"`
	EndTime   int64  `json:"end_time"`
	UserID    string `json:"user_id"`
	ProjectID string `json:"project_id"`
}

// Login asks for a key. It is not asked for again where it may have been given:
// that would leave behind a key that no client knows. The client goes on with
// the key that it has: make a new client to use this one.
func (c *Client) Login(ctx context.Context, who Credentials) (Key, error) {
	const op = "login"
	results, _, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: "/auth", body: who, anonymous: true,
	})
	if err != nil {
		return Key{}, err
	}
	return one[Key](op, results)
}

// Status returns what the server knows of the client's key.
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

// Renew has the client's key live for another day. It must be the key of that
// user and project, as [Client.Status] tells them.
func (c *Client) Renew(ctx context.Context, userID, projectID string) (Key, error) {
	const op = "renew key"
	results, _, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: "/auth/" + url.PathEscape(c.key), idempotent: true,
		body: Credentials{UserID: userID, ProjectID: projectID},
	})
	if err != nil {
		return Key{}, err
	}
	return one[Key](op, results)
}

// Logout ends the client's key at once. It must be the key of that user and
// project.
func (c *Client) Logout(ctx context.Context, userID, projectID string) error {
	_, _, err := c.do(ctx, call{
		op: "end key", method: http.MethodDelete, path: "/auth/" + url.PathEscape(c.key), idempotent: true, removes: true,
		body: Credentials{UserID: userID, ProjectID: projectID},
	})
	return err
}

// A HeldKey is a key that lives, without its secret. Times are UNIX seconds.
type HeldKey struct {
	ID        string `json:"key_id"`
	UserID    string `json:"user_id"`
	ProjectID string `json:"project_id"`
	StartTime int64  `json:"start_time"`
	EndTime   int64  `json:"end_time"`
	UsedTime  int64  `json:"used_time"` // last used, renewed or made
}

// Keys returns the keys of the client's user and project; with an operator's
// key or the admin's those of all users.
func (c *Client) Keys(ctx context.Context) ([]HeldKey, error) {
	return all[HeldKey](ctx, c, "keys", "/keys?"+perPage)
}

// EndKey ends the key with an ID at once.
func (c *Client) EndKey(ctx context.Context, id string) error {
	_, _, err := c.do(ctx, call{op: "end key", method: http.MethodDelete, path: "/keys/" + url.PathEscape(id), idempotent: true, removes: true})
	return err
}

// keepWithin is how much life a key must have left for KeepKey to leave it
// alone.
const keepWithin = 12 * time.Hour

// KeepKey renews the client's key if it ends within half a day. Programs that
// run for longer than a key lives call it now and then. A key that cannot be
// renewed because it is not a user's, the admin's for one, needs no keeping.
func (c *Client) KeepKey(ctx context.Context) error {
	key, err := c.Status(ctx)
	if refused, ok := errors.AsType[*Error](err); ok && refused.Status == http.StatusNotFound {
		return nil
	}
	if err != nil || time.Until(time.Unix(key.EndTime, 0)) > keepWithin {
		return err
	}
	_, err = c.Renew(ctx, key.UserID, key.ProjectID)
	return err
}

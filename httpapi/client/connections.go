package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// A Connection is a connection as a host reports it, in Covalence's shape.
type Connection struct {
	Protocol    string      `json:"protocol"`
	Source      Reporter    `json:"source"`
	Destination Destination `json:"destination"`
}

// A Reporter is the side of a connection that is on the reporting host.
type Reporter struct {
	IP         string `json:"ip"`
	Port       uint32 `json:"port"`
	Deployment string `json:"deployment"`
	Job        string `json:"job"`
	Index      int    `json:"index"`
	User       string `json:"user"`
	Group      string `json:"group"`
	PID        int32  `json:"pid"`
	Process    string `json:"process_name"`
	Age        int64  `json:"age"` // seconds
}

// A Destination is the other side.
type Destination struct {
	IP   string `json:"ip"`
	Port uint32 `json:"port"`
}

// Report tells the server of connections: all of them are taken, or none. One
// that was reported before is refreshed. It is tried once, since
// a later report has newer ones.
func (c *Client) Report(ctx context.Context, list []Connection) (ids []string, err error) {
	const op = "report connections"
	body, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("client: %s: %w", op, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.String()+"/connections", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("client: %s: the request cannot be made", op)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	a, err := c.http.Do(r)
	if err != nil {
		if u, ok := err.(*url.Error); ok {
			err = u.Err
		}
		return nil, fmt.Errorf("%s: server %s: %w", op, c.base.Host, err)
	}
	defer a.Body.Close()
	return decodeReport(op, a)
}

// decodeReport reads Covalence's answer, or the envelope of an error.
func decodeReport(op string, a *http.Response) ([]string, error) {
	text, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s: server: %w", op, err)
	}
	var said struct {
		Success string   `json:"success"`
		Error   string   `json:"error"`
		Errors  []string `json:"errors"`
		IDs     []string `json:"connection_uuids"`
	}
	malformed := json.Unmarshal(text, &said)
	if a.StatusCode < 300 && said.Success == "True" {
		return said.IDs, nil
	}
	if a.StatusCode < 300 && malformed != nil {
		return nil, malformedf("%s: the answer is not one of CONGA's: %w", op, malformed)
	}
	if said.Error != "" {
		said.Errors = append(said.Errors, said.Error)
	}
	return nil, &Error{
		Op: op, Status: a.StatusCode, Messages: said.Errors,
		RetryAfter: retryAfter(a.Header, time.Now()), RequestID: a.Header.Get("X-Request-Id"),
	}
}

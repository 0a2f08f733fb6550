package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what is read of one answer: a page of 128 allocations is far
// smaller.
const maxAnswer = 8 << 20

const (
	// maxPause is the longest that a call waits before it is made again; a
	// server that asks for more has its refusal returned.
	maxPause = time.Minute
	// patience is how long a call is made again, from the first attempt on: a
	// restart of the daemon is shorter.
	patience = time.Minute
)

// A call is one request and what is known of it.
type call struct {
	op         string
	method     string
	path       string // below /api/v1, or an absolute URL on the same server
	body       any    // nil: none
	header     http.Header
	idempotent bool // to do it twice is to do it once; an Idempotency-Key makes it so
	removes    bool // a 404 says that an attempt before has done it
	anonymous  bool // without the key
}

// An envelope is the frame of every answer.
type envelope struct {
	Status  int               `json:"status"`
	Results []json.RawMessage `json:"results"`
	Errors  []string          `json:"errors"`

	Alternatives []Request           `json:"alternatives"`
	Occurrences  []RefusedOccurrence `json:"occurrences"`
}

// do carries out the call, again as often as allowed, and returns its results.
// Its errors wrap [ErrOpen] where that holds.
func (c *Client) do(ctx context.Context, call call) ([]json.RawMessage, http.Header, error) {
	var body []byte
	if call.body != nil {
		var err error
		if body, err = json.Marshal(call.body); err != nil {
			return nil, nil, fmt.Errorf("client: %s: %w", call.op, err)
		}
	}
	target, err := c.target(call.path)
	if err != nil {
		return nil, nil, err
	}
	began, lost := time.Now(), false // lost: an attempt may have been carried out
	failed := func(err error) ([]json.RawMessage, http.Header, error) {
		if lost && call.method != http.MethodGet {
			err = open{err}
		}
		return nil, nil, err
	}
	for attempt := 0; ; attempt++ {
		results, header, err := c.once(ctx, call, target, body)
		if err == nil {
			return results, header, nil
		}
		var asked time.Duration
		refused, answered := err.(*Error)
		if answered {
			asked = refused.RetryAfter
		}
		if lost && call.removes && answered && refused.Status == http.StatusNotFound {
			return nil, nil, nil
		}
		lost = lost || !answered && !unsent(err) || answered && refused.Status >= 500
		if ctx.Err() != nil || !c.again(call, attempt, time.Since(began), err) {
			return failed(err)
		}
		if wait := backoff(attempt, asked); !enough(ctx, wait) || pause(ctx, wait) != nil {
			return failed(err) // the refusal says more than "context deadline exceeded"
		}
	}
}

// again reports whether another attempt is in order. A server that answers 429
// has not looked at the call. After a fault, or without an answer, it may have
// been carried out. 409 with a time to wait means that it is being carried out
// just now, which is waited for as long as it takes.
func (c *Client) again(call call, attempt int, since time.Duration, err error) bool {
	if refused, ok := err.(*Error); ok && refused.RetryAfter > maxPause || since > patience {
		return false
	}
	if inFlight(err) {
		return call.idempotent
	}
	return attempt < c.retries && (busy(err) || call.idempotent && Transient(err))
}

// enough reports whether the caller has the time to wait for d.
func enough(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > d
}

// target resolves a path of the interface, or a link that the server gave.
func (c *Client) target(path string) (string, error) {
	if !strings.HasPrefix(path, "http://") && !strings.HasPrefix(path, "https://") {
		return c.base.String() + "/api/v1" + path, nil
	}
	u, err := url.Parse(path)
	if err != nil || u.Scheme != c.base.Scheme || u.Host != c.base.Host {
		// The key is for this server; a link elsewhere must not get it.
		return "", fmt.Errorf("client: the server links to %q, which is not on %s", path, c.base.Host)
	}
	return path, nil
}

// once makes one attempt.
func (c *Client) once(ctx context.Context, call call, target string, body []byte) ([]json.RawMessage, http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, call.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("client: %s: the request cannot be made", call.op)
	}
	for name, values := range call.header {
		request.Header[name] = values
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if !call.anonymous && c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		if u, ok := err.(*url.Error); ok {
			err = u.Err // without the URL: the paths under /auth have the key in them
		}
		return nil, nil, fmt.Errorf("%s: server %s: %w", call.op, c.base.Host, err)
	}
	defer response.Body.Close()
	return decode(call.op, response)
}

// decode reads an answer: results, or an [Error].
func decode(op string, response *http.Response) ([]json.RawMessage, http.Header, error) {
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(text) > maxAnswer {
		err = malformedf("the answer is larger than %d bytes", maxAnswer)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: server: %w", op, err)
	}
	var e envelope
	malformed := json.Unmarshal(text, &e)
	if response.StatusCode >= 300 || malformed == nil && e.Status != 0 {
		return nil, nil, &Error{
			Op: op, Status: response.StatusCode, Messages: e.Errors,
			RetryAfter:   retryAfter(response.Header, time.Now()),
			Alternatives: e.Alternatives, Occurrences: e.Occurrences,
			RequestID: response.Header.Get("X-Request-Id"),
		}
	}
	if malformed != nil && len(text) > 0 {
		return nil, nil, malformedf("%s: the answer is not one of CONGA's: %w", op, malformed)
	}
	return e.Results, response.Header, nil
}

// backoff returns how long to wait before the next attempt: what the server
// asked for, else twice as long each time, spread so that clients do not come
// back all at once.
func backoff(attempt int, asked time.Duration) time.Duration {
	if asked > 0 {
		return asked
	}
	step := 200 * time.Millisecond << min(attempt, 8)
	return min(step/2+rand.N(step), maxPause)
}

// pause waits, or returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// one decodes the only result of a call.
func one[T any](op string, results []json.RawMessage) (v T, err error) {
	if len(results) != 1 {
		return v, malformedf("%s: the server gave %d results where one was due", op, len(results))
	}
	if err := json.Unmarshal(results[0], &v); err != nil {
		return v, malformedf("%s: the answer is not one of CONGA's: %w", op, err)
	}
	return v, nil
}

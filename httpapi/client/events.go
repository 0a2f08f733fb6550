package client

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	// maxEvent bounds one event's lines together.
	maxEvent = 1 << 20
	// eventSilence is how long a stream may say nothing; the server sends a
	// comment far more often.
	eventSilence = time.Minute
)

// An Event is one message of the server's event stream.
type Event struct {
	ID   string // resumes after this event
	Type string // "message" if the server named none; "open" for the stream itself
	Data []byte // usually JSON; f must not keep it
}

// Events calls f with every event that the server sends, from now on, until ctx
// ends, f fails, or the stream breaks off; the error says which. The first is
// an "open" without data: what happened before it was not told. It does not
// reconnect: the caller must read the state anew in between anyway.
func (c *Client) Events(ctx context.Context, f func(Event) error) error {
	const op = "events"
	caller := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(eventSilence, cancel)
	defer silence.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+"/api/v1/events", nil)
	if err != nil {
		return fmt.Errorf("client: %s: the request cannot be made", op)
	}
	r.Header.Set("Accept", "text/event-stream")
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	stream := *c.http
	stream.Timeout = 0 // it has no end; silence is what is watched
	a, err := stream.Do(r)
	if err != nil {
		if u, ok := err.(*url.Error); ok {
			err = u.Err
		}
		return fmt.Errorf("%s: server %s: %w", op, c.base.Host, err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		_, _, err := decode(op, a)
		return err
	}
	if err := f(Event{Type: "open"}); err != nil {
		return err
	}
	err = readEvents(a.Body, func() { silence.Reset(eventSilence) }, f)
	if caller.Err() != nil {
		return context.Cause(caller) // it ended because the caller has had enough
	}
	if err == io.EOF {
		return fmt.Errorf("%s: server %s: the stream has ended", op, c.base.Host)
	}
	return err
}

// readEvents reads the format of text/event-stream as the HTML standard has it;
// alive is called with every line.
func readEvents(in io.Reader, alive func(), f func(Event) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 4096), maxEvent)
	var e Event
	last := ""
	for lines.Scan() {
		alive()
		line := lines.Bytes()
		if len(line) == 0 {
			if e.Data != nil {
				if e.Type == "" {
					e.Type = "message"
				}
				e.ID = last
				if err := f(e); err != nil {
					return err
				}
			}
			e = Event{}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			last = string(value)
		case "event":
			e.Type = string(value)
		case "data":
			if e.Data != nil {
				e.Data = append(e.Data, '\n')
			}
			e.Data = append(e.Data, value...)
			if e.Data == nil {
				e.Data = []byte{}
			}
			if len(e.Data) > maxEvent {
				return fmt.Errorf("events: one is larger than %d bytes", maxEvent)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	return io.EOF
}

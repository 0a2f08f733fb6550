//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// lookPause is the pause between looks at the events. They carry the time at
// which they came.
const lookPause = 5 * time.Millisecond

// A stream follows the daemon's events, and holds the last event of every
// allocation, with its time.
type stream struct {
	cancel context.CancelFunc
	ended  chan struct{}

	news chan struct{} // capacity 1

	mu   sync.Mutex
	last map[string]*said
	lost bool // the daemon has reported that events were missed
	err  error
}

// A said is the last event about an allocation.
type said struct {
	at   time.Time
	text []byte // what the event says, until it is read; nil: it was
	allocation
}

// read returns what the event says.
func (s *said) read() *allocation {
	if s.text != nil {
		var e struct{ Allocation *allocation }
		if json.Unmarshal(s.text, &e) == nil && e.Allocation != nil {
			s.allocation = *e.Allocation
		}
		s.text = nil
	}
	return &s.allocation
}

// waits reports whether the event says that something about the allocation is
// under way, as can be seen without reading it. To read each event would take
// longer than the daemon takes for it, on the same processors. One that began
// late has a reason for as long as it runs.
func (s *said) waits() bool {
	return s.text != nil && !bytes.Contains(s.text, []byte(`"reason":null`)) && !bytes.Contains(s.text, []byte(`"reason":"began `))
}

// follow begins to follow the events of the project.
func (a *api) follow(ctx context.Context) (*stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	r, err := a.send(ctx, a.key, "GET", "/events", nil, nil)
	if err == nil && r.StatusCode != http.StatusOK {
		r.Body.Close()
		err = fmt.Errorf("GET /events: %d", r.StatusCode)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	s := &stream{cancel: cancel, ended: make(chan struct{}), last: map[string]*said{}, news: make(chan struct{}, 1)}
	go func() {
		defer close(s.ended)
		defer r.Body.Close()
		s.read(bufio.NewReaderSize(r.Body, 1<<20))
	}()
	return s, nil
}

func (s *stream) close() {
	s.cancel()
	<-s.ended
}

// read takes events until the stream ends.
func (s *stream) read(in *bufio.Reader) {
	for {
		line, err := in.ReadBytes('\n')
		s.mu.Lock()
		if err != nil {
			s.err = err
			s.mu.Unlock()
			return
		}
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			s.takeLocked(data)
		}
		s.mu.Unlock()
	}
}

// takeLocked takes one event.
func (s *stream) takeLocked(data []byte) {
	if id, ok := idIn(data); ok {
		s.last[id] = &said{at: time.Now(), text: data}
	} else {
		s.lost = s.lost || bytes.Contains(data, []byte(`"event":"reset"`))
	}
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// idIn returns the ID of the allocation that an event is about.
func idIn(data []byte) (id string, ok bool) {
	_, rest, ok := bytes.Cut(data, []byte(`"allocation_id":"`))
	if !ok {
		return "", false
	}
	text, _, ok := bytes.Cut(rest, []byte(`"`))
	return string(text), ok
}

// waitAll waits until the last event of every one of these allocations fits,
// which none does that gives a reason, and returns the time of the last that
// did. After missed events it reads the list.
func (s *stream) waitAll(ctx context.Context, a *api, ids []string, fits func(*allocation) bool) (time.Time, error) {
	var latest time.Time
	open := ids
	for {
		s.mu.Lock()
		lost, err := s.lost, s.err
		s.lost = false
		s.mu.Unlock()
		if err != nil {
			return latest, fmt.Errorf("the stream of events has ended: %w", err)
		}
		if lost {
			if err := s.catchUp(ctx, a); err != nil {
				return latest, err
			}
		}
		open, latest = s.unfit(open, latest, fits)
		if len(open) == 0 {
			return latest, nil
		}
		select {
		case <-s.news:
			time.Sleep(lookPause)
		case <-ctx.Done():
			return latest, fmt.Errorf("%d of %d are not there: %w", len(open), len(ids), context.Cause(ctx))
		}
	}
}

// unfit returns the allocations that do not fit yet, and the time of the last
// that does.
func (s *stream) unfit(open []string, latest time.Time, fits func(*allocation) bool) ([]string, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := make([]string, 0, len(open))
	for _, id := range open {
		e := s.last[id]
		if e == nil || e.waits() || !fits(e.read()) {
			left = append(left, id)
		} else if e.at.After(latest) {
			latest = e.at
		}
	}
	return left, latest
}

// catchUp reads the list, after events were missed.
func (s *stream) catchUp(ctx context.Context, a *api) error {
	began := time.Now()
	all, err := a.list(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		if e := s.last[one.ID]; e != nil {
			if e.at.After(began) {
				continue // the list may be older
			}
			if was := e.read(); was.State == one.State && (was.Reason == nil) == (one.Reason == nil) && samePath(was.Path, one.Path) {
				continue
			}
		}
		s.last[one.ID] = &said{at: time.Now(), allocation: one}
	}
	return nil
}

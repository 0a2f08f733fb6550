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
	last map[string]said
	lost bool // the daemon has reported that events were missed
	err  error
}

// A said is the last event about an allocation.
type said struct {
	at time.Time
	allocation
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
	s := &stream{cancel: cancel, ended: make(chan struct{}), last: map[string]said{}, news: make(chan struct{}, 1)}
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
	var e struct {
		Event      string      `json:"event"`
		Allocation *allocation `json:"allocation"`
	}
	if json.Unmarshal(data, &e) != nil {
		return
	}
	if e.Event == "reset" {
		s.lost = true
	}
	if e.Allocation != nil {
		s.last[e.Allocation.ID] = said{time.Now(), *e.Allocation}
	}
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// waitAll waits until the last event of every one of these allocations fits,
// and returns the time of the last that did. After missed events it reads the
// list.
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
		e, ok := s.last[id]
		if !ok || !fits(&e.allocation) {
			left = append(left, id)
		} else if e.at.After(latest) {
			latest = e.at
		}
	}
	return left, latest
}

// catchUp reads the list, after events were missed.
func (s *stream) catchUp(ctx context.Context, a *api) error {
	all, err := a.list(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		if e, ok := s.last[one.ID]; !ok || e.State != one.State || (e.Reason == nil) != (one.Reason == nil) || !samePath(e.Path, one.Path) {
			s.last[one.ID] = said{time.Now(), one}
		}
	}
	return nil
}

package events

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"
)

const (
	keep     = 4096                  // events, for readers that are behind
	pause    = 10 * time.Millisecond // between two rounds of waking readers
	maxAll   = 1024                  // readers at once
	maxOfOne = 32                    // of one owner
)

// ErrFull means that there are as many readers as there may be.
var ErrFull = errors.New("too many streams of events are open; close one that is not needed")

// ErrClosed means that the hub is closed.
var ErrClosed = errors.New("events have ended: the daemon is stopping")

// An Event is something that has happened. It is immutable.
type Event struct {
	ID      uint64 // grows by one with every event, and over restarts
	Type    string // such as "allocation.changed"
	Project string // that it belongs to; "": the operator's
	JSON    func() ([]byte, error)
}

// Hub keeps the newest events and wakes readers.
//
//	Publish --> ring, one token --> Run --> closes the channel that readers wait on
type Hub struct {
	now  func() time.Time
	wake chan struct{} // one token: Run has something to do

	mu      sync.Mutex
	ring    []*Event      // the newest, at ID modulo its length
	next    uint64        // the ID of the next event
	first   uint64        // the oldest in the ring, or next
	changed chan struct{} // closed when there is something new to readers
	readers map[string]int
	open    int
	closed  bool
}

// NewHub makes a hub. Its IDs begin with the time, so that they grow over a
// restart: an ID from before one is older than all that the hub has. now may be
// nil: time.Now.
func NewHub(now func() time.Time) *Hub {
	if now == nil {
		now = time.Now
	}
	first := uint64(now().UnixMicro())
	return &Hub{
		now: now, wake: make(chan struct{}, 1), ring: make([]*Event, keep), next: first, first: first,
		changed: make(chan struct{}), readers: map[string]int{},
	}
}

// Publish adds an event. body makes what its JSON has beside event_id, event
// and time, as a [Text] or as what package json makes an object of; it is
// called at most once, when the event is read, and must not change its mind.
// Publish does not wait for anything.
func (h *Hub) Publish(kind, project string, body func() any) {
	at := h.now().Unix()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	e := &Event{ID: h.next, Type: kind, Project: project}
	e.JSON = sync.OnceValues(func() ([]byte, error) { return encode(e, at, body()) })
	h.ring[h.next%keep] = e
	h.next++
	if h.next-h.first > keep {
		h.first = h.next - keep
	}
	h.signal()
}

func (h *Hub) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Recheck makes every reader check at once whether it may still read.
func (h *Hub) Recheck() { h.signal() }

// Run wakes the readers until ctx ends, and rests between rounds: what comes in
// the meantime comes at once.
func (h *Hub) Run(ctx context.Context) {
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		}
		h.mu.Lock()
		h.rouseLocked()
		h.mu.Unlock()
		rest.Reset(pause)
		select {
		case <-ctx.Done():
			return
		case <-rest.C:
		}
	}
}

// rouseLocked wakes all readers.
func (h *Hub) rouseLocked() {
	if h.closed {
		return // readers have been woken for good
	}
	close(h.changed)
	h.changed = make(chan struct{})
}

// Close ends every reader and lets no more in. Closing twice is harmless.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.changed)
	}
}

// A Text is a body of an event that is JSON already: an object, which is
// nothing else's.
type Text []byte

// encode returns the JSON of an event: its ID, type and time, and the members
// of body.
func encode(e *Event, at int64, body any) ([]byte, error) {
	tail, made := body.(Text)
	if !made {
		var err error
		if tail, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	text := make([]byte, 0, 96+len(tail))
	text = append(text, `{"event_id":"`...)
	text = strconv.AppendUint(text, e.ID, 10)
	text = append(text, `","event":`...)
	text = strconv.AppendQuote(text, e.Type) // of letters, dots and underscores
	text = append(text, `,"time":`...)
	text = strconv.AppendInt(text, at, 10)
	if string(tail) == "null" || string(tail) == "{}" {
		return append(text, '}'), nil
	}
	text = append(text, ',')
	return append(text, tail[1:]...), nil
}

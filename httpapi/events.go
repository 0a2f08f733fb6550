package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	tokens "golang.org/x/time/rate"

	"conga/allocator"
	"conga/controller/topology"
	"conga/httpapi/events"
	"conga/httpapi/rest"
	"conga/stats"
)

const (
	heartbeat = 15 * time.Second
	// writeWait is how long a reader may take to receive what is written. A
	// slower one is dropped, and may resume.
	writeWait = 10 * time.Second

	headerLastEventID = "Last-Event-ID"
)

// The events. A change of an allocation of any sort, creation included, shows
// the whole allocation, so that a reader needs only the latest.
const (
	allocationChanged = "allocation.changed"
	allocationDeleted = "allocation.deleted"
	// allocationDegraded says that an allocation gets less than was promised to
	// it, or does no longer get less: degraded says which.
	allocationDegraded = "allocation.degraded"
	// allocationIdle says that an allocation is idle, and when it is released
	// if that goes on; or with an idle of null that it is used again.
	allocationIdle   = "allocation.idle"
	topologyChanged  = "topology.changed"
	addressContested = "security.address_contested"
	switchRefused    = "security.switch_refused"
	probeRelayed     = events.ProbeRelayed
	switchLimited    = events.SwitchLimited

	maintenancePlanned = "maintenance.planned"
	maintenanceBegun   = "maintenance.begun"
	maintenanceEnded   = "maintenance.ended"
)

// A Losing returns which of an allocation's traffic is lost, in words for the
// user; "" if none is known to be.
type Losing func(id string) string

// Notifier publishes what becomes of allocations. It is quick: an allocator may
// call it under its lock. losing, which may be nil, is called later.
func Notifier(h *events.Hub, losing Losing) func(a allocator.Allocation, deleted bool) {
	return func(a allocator.Allocation, deleted bool) {
		kind := allocationChanged
		if deleted {
			kind = allocationDeleted
		}
		publish(h, kind, a, losing)
	}
}

// Degraded publishes that an allocation has become degraded, or is no longer.
func Degraded(h *events.Hub, losing Losing) func(a allocator.Allocation) {
	return func(a allocator.Allocation) { publish(h, allocationDegraded, a, losing) }
}

// publish publishes an event that shows an allocation.
func publish(h *events.Hub, kind string, a allocator.Allocation, losing Losing) {
	publishWith(h, kind, a, losing, nil)
}

// publishWith publishes an event that shows an allocation, and since when it is
// idle if idle is not nil.
func publishWith(h *events.Hub, kind string, a allocator.Allocation, losing Losing, idle *stats.Idle) {
	path := func(elem ...string) string { return "/api/v1/" + strings.Join(elem, "/") }
	h.Publish(kind, a.ProjectID, func() any {
		view := viewAllocation(path, a)
		if losing != nil && a.State == allocator.Active {
			view.losing = losing(a.ID)
		}
		tail := []byte("}")
		if idle != nil {
			view.idle = idleWords(*idle)
			tail = fmt.Appendf(nil, `,"idle":%s}`, viewIdle(*idle))
		}
		text, err := view.MarshalJSON()
		if err != nil {
			return map[string]*shown{"allocation": view} // which reports it
		}
		return events.Text(slices.Concat([]byte(`{"allocation":`), text, tail))
	})
}

// A claimView is a claim of a host that was not believed.
type claimView struct {
	Outcome   string      `json:"outcome"`
	MAC       string      `json:"mac"`
	At        *portIDView `json:"at"`
	Address   *string     `json:"address"` // null: to be the host
	ClaimedBy string      `json:"claimed_by"`
	ClaimedAt *portIDView `json:"claimed_at"`
}

// Contested publishes the claims of hosts that were not believed: 100 at once,
// and two a second over a longer time, since hosts may claim what they like. It
// is quick.
func Contested(h *events.Hub) func(topology.Verdict) {
	few := tokens.NewLimiter(2, 100)
	return func(v topology.Verdict) {
		if v.Outcome == topology.Taken || v.Outcome == topology.Parted || !few.Allow() {
			return
		}
		shown := claimView{
			Outcome: v.Outcome.String(), MAC: v.Owner.MAC.String(), At: viewPortID(v.At),
			ClaimedBy: v.By.MAC.String(), ClaimedAt: viewPortID(v.From),
		}
		if v.Addr.IsValid() {
			shown.Address = new(v.Addr.String())
		}
		h.Publish(addressContested, "", func() any { return map[string]claimView{"claim": shown} })
	}
}

// A refusalView is a connection that was closed because its peer may not be the
// switch that it says it is.
type refusalView struct {
	DPID    string `json:"dpid"`
	Address string `json:"address"`
	Reason  string `json:"reason"`
}

// SwitchRefused publishes which switches may not connect, and why: 20 at once,
// and one a second over a longer time, since they may try again without end. It
// is quick.
func SwitchRefused(h *events.Hub) func(dpid, address, reason string) {
	few := tokens.NewLimiter(1, 20)
	return func(dpid, address, reason string) {
		if few.Allow() {
			h.Publish(switchRefused, "", func() any { return map[string]refusalView{"refusal": {dpid, address, reason}} })
		}
	}
}

// recheckReaders makes every open stream check whether its key is still valid.
func (a *api) recheckReaders() {
	if a.Events != nil {
		a.Events.Recheck()
	}
}

// streamEvents serves GET and HEAD /events: server-sent events without end.
func (a *api) streamEvents(x *exchange) error {
	if a.Events == nil {
		return errNoResource
	}
	if err := x.done(); err != nil {
		return err
	}
	last, resumed, err := lastEventID(x.Request.Header)
	if err != nil {
		return err
	}
	reader, err := a.Events.Read(ownerOf(x.key), func(project string) bool { return x.key.SeesAll() || x.key.Project == project && project != "" })
	switch {
	case errors.Is(err, events.ErrFull):
		return rest.NewFault(http.StatusTooManyRequests, events.ErrFull.Error()).After(30 * time.Second)
	case errors.Is(err, events.ErrClosed):
		return rest.NewFault(http.StatusServiceUnavailable, events.ErrClosed.Error()).After(5 * time.Second)
	}
	defer reader.Close()
	if resumed {
		reader.Resume(last)
	}
	x.Header("Content-Type", "text/event-stream")
	x.Header("X-Accel-Buffering", "no") // a proxy that collects events delivers none
	x.Status(http.StatusOK)
	if x.Request.Method == http.MethodHead {
		x.Writer.WriteHeaderNow()
		return nil
	}
	s := &stream{exchange: x, reader: reader, conn: http.NewResponseController(x.Writer)}
	// The limits of the server are for requests that end. Not every writer has
	// them, those of tests for instance.
	_ = s.conn.SetReadDeadline(time.Time{})
	x.memory.Release() // the body has been read, and a stream may last for days
	a.follow(s)
	return nil
}

// lastEventID returns the event at which a client that reconnects has stopped.
func lastEventID(h http.Header) (id uint64, given bool, err error) {
	text := h.Get(headerLastEventID)
	if text == "" {
		return 0, false, nil
	}
	if id, err = strconv.ParseUint(text, 10, 64); err != nil || len(h.Values(headerLastEventID)) > 1 {
		return 0, false, rest.NewFault(http.StatusBadRequest, headerLastEventID+": must be the id of an event")
	}
	return id, true, nil
}

// A stream is one reader's connection.
type stream struct {
	*exchange
	reader *events.Reader
	conn   *http.ResponseController
	buf    bytes.Buffer
}

// follow writes events until the client goes or is too slow, its key ends, or
// the hub closes.
func (a *api) follow(s *stream) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	expiry := time.NewTimer(0)
	defer expiry.Stop()
	begun, beating := a.Now(), true // the first thing that is written is a heartbeat
	for first := true; ; first = false {
		batch := s.reader.Take()
		if a.authenticate(s.exchange) != nil {
			return // before anything more is shown
		}
		if expiry.Stop(); s.key.End > 0 { // it may have been renewed
			expiry.Reset(time.Unix(s.key.End, 0).Sub(a.Now()))
		}
		if s.compose(batch, beating); !s.send() || batch.Closed {
			return
		}
		if first {
			s.Set(keyAnswered, a.Now().Sub(begun))
		}
		beating = false
		select {
		case <-s.Request.Context().Done():
			return
		case <-expiry.C:
		case <-batch.More:
		case <-beat.C:
			beating = true
		}
	}
}

// compose writes down a batch in the form of the HTML standard, section 9.2. A
// heartbeat tells the latest ID too, so that what others do does not make a
// silent reader fall behind.
func (s *stream) compose(b events.Batch, beating bool) {
	s.buf.Reset()
	if b.Lost {
		fmt.Fprintf(&s.buf, "event: reset\nid: %d\ndata: {\"event\":\"reset\",\"event_id\":\"%d\"}\n\n", b.Next-1, b.Next-1)
	}
	for _, e := range b.Events {
		text, err := e.JSON()
		if err != nil {
			continue // cannot be: views are plain data
		}
		fmt.Fprintf(&s.buf, "event: %s\nid: %d\ndata: %s\n\n", e.Type, e.ID, text)
	}
	if beating {
		fmt.Fprintf(&s.buf, ": heartbeat\nid: %d\n\n", b.Next-1)
	}
}

// send writes what was composed, and reports whether the client took it in
// time.
func (s *stream) send() bool {
	if s.buf.Len() == 0 {
		return true
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeWait))
	if _, err := s.Writer.Write(s.buf.Bytes()); err != nil || s.conn.Flush() != nil {
		return false
	}
	// HTTP/2 ends a stream at its deadline even if nothing waits to be written.
	_ = s.conn.SetWriteDeadline(time.Time{})
	return true
}

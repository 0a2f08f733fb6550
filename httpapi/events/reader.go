package events

// Internal is the owner of readers that are parts of the daemon: there may be
// any number of them.
const Internal = "(internal)"

// Reader goes through the events that its owner may see. One goroutine uses it,
// and closes it in the end.
type Reader struct {
	hub   *Hub
	owner string
	sees  func(project string) bool
	next  uint64
	lost  bool
}

// Read opens a reader that begins with the next event. owner is what the number
// of readers is limited for; sees reports whether the events of a project are
// shown ("": the operator's). Errors are [ErrFull] and [ErrClosed].
func (h *Hub) Read(owner string, sees func(project string) bool) (*Reader, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, ErrClosed
	case owner != Internal && (h.open >= maxAll || h.readers[owner] >= maxOfOne):
		return nil, ErrFull
	}
	if owner != Internal {
		h.open++
	}
	h.readers[owner]++
	return &Reader{hub: h, owner: owner, sees: sees, next: h.next}, nil
}

// Resume makes the reader go on behind the event with this ID. If events behind
// it are no longer there, or it was never one of ours, the next Take says so.
func (r *Reader) Resume(id uint64) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	if id+1 < r.hub.first || id >= r.hub.next {
		r.lost = true
		return
	}
	r.next = id + 1
}

// A Batch is what a reader takes at once.
type Batch struct {
	Events []*Event
	Lost   bool            // events before these are not there any more
	Next   uint64          // the ID behind the last event looked at
	More   <-chan struct{} // closed when there may be something new
	Closed bool            // the hub is closed: this is the last batch
}

// maxBatch bounds what is taken at once, so that a reader far behind does not
// hold the lock for long.
const maxBatch = 256

// Take returns what has happened since the last Take. With More closed it is
// worth taking again; if it took as much as it may, More is closed already.
func (r *Reader) Take() Batch {
	h := r.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	b := Batch{More: h.changed, Closed: h.closed, Lost: r.lost || r.next < h.first}
	if b.Lost {
		r.next, r.lost = h.next, false
	}
	for ; r.next < h.next; r.next++ {
		if len(b.Events) == maxBatch {
			b.More = ready
			break
		}
		if e := h.ring[r.next%keep]; r.sees(e.Project) {
			b.Events = append(b.Events, e)
		}
	}
	b.Next = r.next
	return b
}

// ready is closed.
var ready = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Close lets another reader in.
func (r *Reader) Close() {
	h := r.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.owner != Internal {
		h.open--
	}
	if h.readers[r.owner]--; h.readers[r.owner] == 0 {
		delete(h.readers, r.owner)
	}
}

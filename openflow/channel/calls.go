package channel

import (
	"sort"
	"sync"
	"sync/atomic"

	"conga/openflow"
)

// xids of single messages count in the lower half of the numbers, those of
// commits in the upper half.
const (
	commitXID = 1 << 31
	xidMask   = commitXID - 1
)

// calls holds what waits for an answer, by xid (§7.1.1). Requests are in a map.
// A commit has one element and a range of consecutive xids, because it may have
// 100,000 messages.
type calls struct {
	mu       sync.Mutex
	closed   bool
	single   uint32 // the xid given last, below commitXID
	ranges   uint32 // the next one for commits, without the top bit
	requests map[uint32]*call
	commits  []*Commit // oldest first, which is also by xid, counted from the oldest
}

// A call is a request that waits for its reply.
type call struct {
	want   openflow.Type
	mpType openflow.MultipartType
	xid    uint32
	parts  openflow.Reassembler // used only by the reader
	held   charge               // for parts
	stream *stream              // takes the parts in place of parts, or nil
	waits  *waits
	answer answer // there once waits is done
}

type answer struct {
	m   openflow.Message
	err error
}

// end gives the call its answer. Only the caller that has taken the call out of
// the table may do so.
func (r *call) end(a answer) {
	if a.err != nil {
		a.m = nil
	}
	r.answer = a
	r.held.end()
	r.waits.less()
}

// waits counts the calls of one caller that have no answer yet, so that the
// last answer alone wakes it.
type waits struct {
	n    atomic.Int32
	done chan struct{} // closed when n is 0
}

func newWaits(n int) *waits {
	w := &waits{done: make(chan struct{})}
	w.n.Store(int32(n))
	return w
}

// less takes note that one more call has its answer.
func (w *waits) less() {
	if w.n.Add(-1) == 0 {
		close(w.done)
	}
}

// xid returns a new xid for a message whose answer nothing waits for.
func (t *calls) xid() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.xidLocked()
}

// xidLocked returns the next xid but zero, which switches use in asynchronous
// messages, and those that a request still has.
func (t *calls) xidLocked() uint32 {
	for {
		t.single = (t.single + 1) & xidMask
		if t.single != 0 && t.requests[t.single] == nil {
			return t.single
		}
	}
}

// add registers a request and gives it its xid.
func (t *calls) add(r *call) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	r.xid = t.xidLocked()
	if t.requests == nil {
		t.requests = make(map[uint32]*call)
	}
	t.requests[r.xid] = r
	return nil
}

// forget takes r out, and reports whether it was still there.
func (t *calls) forget(r *call) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.requests[r.xid] != r {
		return false
	}
	delete(t.requests, r.xid)
	return true
}

// addCommit registers a commit and gives it its xids.
func (t *calls) addCommit(k *Commit) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	n := uint64(k.n) + 1
	used := uint64(0)
	if len(t.commits) > 0 {
		used = uint64((t.ranges - t.commits[0].xid) & xidMask)
	}
	if used+n > xidMask {
		return ErrBusy
	}
	k.xid = commitXID | t.ranges
	t.ranges = (t.ranges + uint32(n)) & xidMask
	t.commits = append(t.commits, k)
	return nil
}

// request returns the request that waits for xid, or nil.
func (t *calls) request(xid uint32) *call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.requests[xid]
}

// take returns the request that waits for xid, or nil, and forgets it.
func (t *calls) take(xid uint32) *call {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.requests[xid]
	delete(t.requests, xid)
	return r
}

// commit returns the commit to which xid belongs and the index of the message,
// or nil. The barrier has the index after the last message.
func (t *calls) commit(xid uint32) (*Commit, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, i := t.findLocked(xid)
	if at < 0 {
		return nil, 0
	}
	return t.commits[at], i
}

// findLocked returns where among commits the one with xid stands, or -1, and
// the message's index in it.
func (t *calls) findLocked(xid uint32) (at, index int) {
	if xid < commitXID || len(t.commits) == 0 {
		return -1, 0
	}
	oldest := t.commits[0].xid
	offset := func(x uint32) uint32 { return (x - oldest) & xidMask }
	at = sort.Search(len(t.commits), func(i int) bool { return offset(t.commits[i].xid) > offset(xid) }) - 1
	k := t.commits[at]
	index = int((xid - k.xid) & xidMask)
	if index > k.n {
		return -1, 0
	}
	return at, index
}

// remove forgets a commit.
func (t *calls) remove(k *Commit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, _ := t.findLocked(k.xid)
	if at < 0 || t.commits[at] != k {
		return
	}
	if at == 0 {
		t.commits[0] = nil
		t.commits = t.commits[1:]
		return
	}
	t.commits = append(t.commits[:at], t.commits[at+1:]...)
}

// close forgets everything and returns what waited.
func (t *calls) close() (map[uint32]*call, []*Commit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	requests, commits := t.requests, t.commits
	t.closed, t.requests, t.commits = true, nil, nil
	return requests, commits
}

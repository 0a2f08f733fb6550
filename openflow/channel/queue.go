package channel

import (
	"encoding/binary"
	"sync"
	"time"

	"conga/openflow"
	"conga/openflow/wire"
)

const (
	batchSize = 48 << 10 // bytes after which a write is full; with what may come on top, a lent buffer has room
	outShare  = 8 << 10  // bytes of every write that packet-outs may have beyond that
	firstMax  = 64 << 10 // bytes of echo, role and error messages that may wait
	corkMax   = 16 << 10 // bytes that may wait for the reader to flush them
)

// A class is one of the queues towards the switch. Within a class messages
// leave in order.
type class uint8

const (
	classFirst   class = iota // echo, role and error messages
	classOrdered              // requests, flow mods, commits
	classUrgent               // packet-outs of link discovery
	classPlain                // other packet-outs
)

// classOf returns the class in which m is sent.
func classOf(m openflow.Message) class {
	switch m.Type() {
	case openflow.TypeEchoRequest, openflow.TypeEchoReply, openflow.TypeRoleRequest,
		openflow.TypeHello, openflow.TypeError:
		return classFirst
	case openflow.TypePacketOut:
		return classPlain
	}
	return classOrdered
}

// An orderedItem is either encoded messages or a commit that the writer still
// has to encode.
type orderedItem struct {
	b []byte
	k *Commit
}

// A queue holds what is to be sent. All but commits is encoded as it is queued,
// so that what waits is counted in bytes and no caller's message is kept.
type queue struct {
	limit int // bytes; see Config.SendQueue

	mu      sync.Mutex
	work    sync.Cond // the writer waits here for something to write
	room    sync.Cond // the reader waits here for room in first
	first   []byte
	ordered []orderedItem
	urgent  []byte
	plain   []byte
	rest    []byte // what an immediate write left over; goes before everything else
	waiting int    // bytes in ordered, urgent and plain
	asleep  bool   // the writer waits for work
	corked  bool   // the reader is busy and will flush when it is through
	direct  bool   // another goroutine is writing; the writer must not
	spare   []byte // a small buffer to use again
	closed  bool
	closing error     // set: write what is in first, then end the connection with this
	armed   time.Time // when the write deadline was last set
}

func (q *queue) init(limit int) {
	q.limit = limit
	q.work.L, q.room.L = &q.mu, &q.mu
}

// put encodes m to the end of its class, or refuses it because too much is
// waiting.
func (q *queue) put(cl class, xid uint32, m openflow.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.closing != nil {
		return ErrClosed
	}
	if q.fullLocked(cl) {
		return ErrBusy
	}
	err := q.appendLocked(cl, xid, m)
	if cl == classOrdered || !q.keptBackLocked() {
		q.wakeLocked()
	}
	return err
}

// keptBackLocked reports whether what is not ordered waits until the reader has
// handled what it has read.
func (q *queue) keptBackLocked() bool { return q.corked && len(q.first)+q.waiting < corkMax }

// putOuts puts packet-outs, as many as there is room for.
func (q *queue) putOuts(cl class, xid uint32, ps []*openflow.PacketOut) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.closing != nil {
		return ErrClosed
	}
	for _, p := range ps {
		if q.fullLocked(cl) {
			return ErrBusy
		}
		if err := q.appendLocked(cl, xid, p); err != nil {
			return err
		}
	}
	return nil
}

// putAll puts the requests rs, whose messages are ms, without another ordered
// message between them, for the caller to push. It returns an error, or nil,
// for each.
func (q *queue) putAll(rs []*call, ms []openflow.Message) []error {
	q.mu.Lock()
	defer q.mu.Unlock()
	errs := make([]error, len(ms))
	for i, m := range ms {
		cl := classOf(m)
		switch {
		case q.closed || q.closing != nil:
			errs[i] = ErrClosed
		case q.fullLocked(cl):
			errs[i] = ErrBusy
		default:
			errs[i] = q.appendLocked(cl, rs[i].xid, m)
		}
	}
	return errs
}

// putWait puts an answer of the reader. It waits for room, which stops reading
// from a peer that asks without reading the answers.
func (q *queue) putWait(xid uint32, m openflow.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && q.closing == nil && q.fullLocked(classFirst) {
		q.wakeLocked()
		q.room.Wait()
	}
	if q.closed || q.closing != nil {
		return ErrClosed
	}
	err := q.appendLocked(classFirst, xid, m)
	if !q.keptBackLocked() {
		q.wakeLocked()
	}
	return err
}

// putCommit queues k behind everything in the ordered class, for the caller to
// push.
func (q *queue) putCommit(k *Commit) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.closing != nil {
		return ErrClosed
	}
	q.ordered = append(q.ordered, orderedItem{k: k})
	return nil
}

func (q *queue) fullLocked(cl class) bool {
	switch cl {
	case classFirst:
		return len(q.first) >= firstMax
	case classOrdered:
		return q.waiting >= q.limit
	case classUrgent:
		return q.waiting >= q.limit/4*3
	}
	return q.waiting >= q.limit/2
}

func (q *queue) appendLocked(cl class, xid uint32, m openflow.Message) error {
	b := q.tailLocked(cl)
	*b = wire.Roomy(*b)
	n := len(*b)
	out, err := openflow.Append(*b, xid, m)
	if err != nil {
		return err
	}
	*b = out
	if cl != classFirst {
		q.waiting += len(out) - n
	}
	return nil
}

// tailLocked returns the buffer to which the next message of the class is
// appended.
func (q *queue) tailLocked(cl class) *[]byte {
	switch cl {
	case classFirst:
		return &q.first
	case classUrgent:
		return &q.urgent
	case classPlain:
		return &q.plain
	}
	if n := len(q.ordered); n == 0 || q.ordered[n-1].k != nil || len(q.ordered[n-1].b) >= batchSize {
		q.ordered = append(q.ordered, orderedItem{b: q.spare[:0]})
		q.spare = nil
	}
	return &q.ordered[len(q.ordered)-1].b
}

// wakeLocked wakes the writer if it sleeps. A goroutine that writes directly at
// the moment wakes it when it is done.
func (q *queue) wakeLocked() {
	if q.asleep && !q.direct {
		q.asleep = false
		q.work.Signal()
	}
}

func (q *queue) emptyLocked() bool {
	return len(q.rest)+len(q.first)+len(q.urgent)+len(q.plain) == 0 && len(q.ordered) == 0
}

// next waits for work and returns the next write, in a lent buffer. It returns
// an error when there will be no more.
func (q *queue) next() ([]byte, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && (q.direct || q.emptyLocked() && q.closing == nil) {
		q.asleep = true
		q.work.Wait()
	}
	q.asleep = false
	if q.closed {
		return nil, ErrClosed
	}
	batch := q.takeFirstLocked(wire.Lend())
	if q.closing != nil {
		if len(batch) == 0 {
			return batch, q.closing
		}
		return batch, nil
	}
	batch = q.takeOrderedLocked(batch)
	return q.takeOutsLocked(batch), nil
}

func (q *queue) takeFirstLocked(batch []byte) []byte {
	batch = append(append(batch, q.rest...), q.first...)
	q.rest, q.first = wire.Emptied(q.rest), wire.Emptied(q.first)
	q.room.Signal()
	return batch
}

// takeOrderedLocked takes from the ordered class until the batch is full. The
// lock is released while a commit is encoded. Only the goroutine that writes
// removes items, so the first one stays the first one meanwhile.
func (q *queue) takeOrderedLocked(batch []byte) []byte {
	for len(batch) < batchSize && len(q.ordered) > 0 {
		e := q.ordered[0]
		if k := e.k; k != nil {
			q.mu.Unlock()
			var more bool
			batch, more = k.encode(batch, batchSize)
			q.mu.Lock()
			if more || q.closed {
				break
			}
		} else {
			batch = append(batch, e.b...)
			q.waiting -= len(e.b)
			q.spare = wire.Emptied(e.b)
		}
		q.popLocked()
	}
	return batch
}

// popLocked removes the oldest item of the ordered class.
func (q *queue) popLocked() {
	q.ordered[0] = orderedItem{}
	if len(q.ordered) == 1 {
		q.ordered = q.ordered[:0] // keeps the array
	} else {
		q.ordered = q.ordered[1:]
	}
}

// takeOutsLocked takes packet-outs into what is left of the batch, but at least
// their share.
func (q *queue) takeOutsLocked(batch []byte) []byte {
	end := max(len(batch), batchSize) + outShare
	for _, b := range [...]*[]byte{&q.urgent, &q.plain} {
		n := whole(*b, end-len(batch))
		batch = append(batch, (*b)[:n]...)
		q.waiting -= n
		if *b = append((*b)[:0], (*b)[n:]...); len(*b) == 0 {
			*b = wire.Emptied(*b)
		}
	}
	return batch
}

// whole returns how many bytes the messages at the start of b have that fit in
// n bytes. The last one may reach beyond n.
func whole(b []byte, n int) int {
	if len(b) <= n {
		return len(b)
	}
	end := 0
	for end < n {
		end += int(binary.BigEndian.Uint16(b[end+2:]))
	}
	return end
}

// drain lets the writer write what is in the first class and then end the
// connection with err.
func (q *queue) drain(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closing == nil {
		q.closing = err
	}
	q.asleep = false
	q.work.Signal()
	q.room.Broadcast()
}

// close drops everything and ends the writer.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.first, q.ordered, q.urgent, q.plain, q.rest, q.spare = nil, nil, nil, nil, nil, nil
	q.waiting = 0
	q.work.Broadcast()
	q.room.Broadcast()
}

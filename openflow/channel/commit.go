package channel

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"conga/openflow"
)

// refusalData is how many bytes of a refused message a [Refusal] keeps;
// switches send at least as many (§7.5.4), and most no more.
const refusalData = 64

// A Commit is a batch of messages under way, with a barrier behind them
// (§7.3.8).
type Commit struct {
	xid  uint32 // of msgs[0]; they are consecutive, and the barrier's comes last
	n    int    // how many messages there are
	done chan struct{}

	mu      sync.Mutex // held while msgs is read, so that it is not read after done is closed
	msgs    []openflow.Message
	next    int  // index of the message to be encoded next; beyond the last, the barrier is out
	ended   bool // done is closed
	refused []Refusal
	seen    []uint64 // bit i: message i is in refused
	bad     error    // a message could not be encoded; the commit ends in front of it
	err     error
}

// A Refusal says which message of a commit the switch refused, and why.
type Refusal struct {
	Index int             // in the messages given to [Conn.Commit]
	Err   *openflow.Error // its Data is cut to 64 bytes
}

// Commit sends msgs in order and a barrier behind them, as one unit in which no
// other ordered message comes between, and returns at once. The result is there
// when the barrier is answered or the connection ends; the caller decides how
// long to wait for a switch that lives but does not answer.
//
// The messages are encoded as they are written and are not copied: neither they
// nor the slice may be changed before Done. Several commits may be under way;
// they keep the order of the calls. A message that cannot be encoded ends the
// commit in front of it: what comes before is sent and confirmed, and Err is an
// ErrMessage.
func (c *Conn) Commit(msgs []openflow.Message) *Commit {
	k := &Commit{n: len(msgs), done: make(chan struct{}), msgs: msgs}
	if err := c.calls.addCommit(k); err != nil {
		k.finish(c.refusal("commit", err))
		return k
	}
	if err := c.queue.putCommit(k); err != nil {
		c.calls.remove(k)
		k.finish(c.refusal("commit", err))
		return k
	}
	c.push()
	return k
}

// Done returns a channel that is closed when the switch has answered the
// barrier, or never will.
func (k *Commit) Done() <-chan struct{} { return k.done }

// Err returns nil if the barrier was answered; single messages may then still
// have been refused, see [Commit.Refused]. Otherwise it is an *[Error]:
// ErrClosed if the connection ended, and then nothing is known about what the
// switch did; ErrMessage if a message could not be encoded; ErrBusy if there
// are too many commits at once. Before Done it is nil.
func (k *Commit) Err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

// Refused returns the messages that the switch refused so far. Once Done is
// closed without an error it is complete, and in the order of the messages. A
// message that was refused several times is there once.
func (k *Commit) Refused() []Refusal {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refused[:len(k.refused):len(k.refused)]
}

// encode appends messages to dst until it has limit bytes, and reports whether
// there are more.
func (k *Commit) encode(dst []byte, limit int) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for ; !k.ended && k.next < k.n; k.next++ {
		if len(dst) >= limit {
			return dst, true
		}
		out, err := appendMessage(dst, k.xidOf(k.next), k.msgs[k.next])
		if err != nil {
			k.bad = fmt.Errorf("message %d: %w", k.next, err)
			k.next = k.n
			break
		}
		dst = out
	}
	if !k.ended {
		dst, _ = openflow.Append(dst, k.xidOf(k.n), &openflow.BarrierRequest{})
		k.next = k.n + 1
	}
	return dst, false
}

// xidOf returns the xid of message i; those of commits wrap around within their
// half of the numbers.
func (k *Commit) xidOf(i int) uint32 { return commitXID | (k.xid+uint32(i))&xidMask }

// appendMessage does what [openflow.Append] does, and refuses a message that is
// nil.
func appendMessage(dst []byte, xid uint32, m openflow.Message) ([]byte, error) {
	if m == nil {
		return dst, ErrMessage
	}
	return openflow.Append(dst, xid, m)
}

// refuse notes the switch's error to message i. It reports whether that message
// is the barrier.
func (k *Commit) refuse(i int, e *openflow.Error) (barrier bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended || i >= k.next {
		return false // a message that was not sent cannot be refused
	}
	if i == k.n {
		return true
	}
	if k.seen == nil {
		k.seen = make([]uint64, k.n/64+1)
	}
	if k.seen[i/64]&(1<<(i%64)) != 0 {
		return false
	}
	k.seen[i/64] |= 1 << (i % 64)
	if len(e.Data) > refusalData {
		e.Data = bytes.Clone(e.Data[:refusalData])
	}
	k.refused = append(k.refused, Refusal{Index: i, Err: e})
	return false
}

// result returns how the commit ends when message i is answered by a barrier
// reply. ok is false if it does not end: i is not its barrier, or that is not
// sent yet.
func (k *Commit) result(i int) (ok bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next <= k.n || i != k.n {
		return false, nil
	}
	if k.bad != nil {
		return true, &Error{Op: "commit", Kind: ErrMessage, Err: k.bad}
	}
	return true, nil
}

// finish ends the commit, once.
func (k *Commit) finish(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return
	}
	k.ended, k.err, k.msgs, k.seen = true, err, nil, nil
	k.refused = slices.SortedFunc(slices.Values(k.refused), func(a, b Refusal) int { return a.Index - b.Index })
	close(k.done)
}

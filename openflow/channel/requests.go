package channel

import (
	"context"

	"conga/openflow"
)

// Reply is what became of one of several requests.
type Reply struct {
	Message openflow.Message // nil if there is an error
	Err     error            // as that of [Conn.Request]
}

// RequestAll is [Conn.Request] for several messages, which leave in one write and whose replies are waited
// for together. The replies are in the order of the messages; each succeeds or fails by itself.
func (c *Conn) RequestAll(ctx context.Context, msgs []openflow.Message) []Reply {
	replies := make([]Reply, len(msgs))
	if ctx.Err() != nil {
		for i := range replies {
			replies[i].Err = contextError("request", ctx)
		}
		return replies
	}
	waiting := make([]*call, len(msgs)) // nil: there is an error already
	for i, m := range msgs {
		waiting[i], replies[i].Err = c.expect(m, c.cfg.MaxMultipart)
	}
	c.queue.putAll(msgs, waiting, func(i int, err error) {
		c.calls.take(waiting[i].xid)
		waiting[i], replies[i].Err = nil, c.refusal("request", err)
	})
	for i, r := range waiting {
		if r != nil {
			replies[i].Message, replies[i].Err = c.await(ctx, r)
		}
	}
	return replies
}

// putAll queues the messages that have a call, as put does, before the writer can take the first of them.
// What is refused is told to refused, which must not use the queue.
func (q *queue) putAll(msgs []openflow.Message, of []*call, refused func(i int, err error)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, m := range msgs {
		if of[i] == nil {
			continue
		}
		var err error
		switch cl := classOf(m); {
		case q.closed || q.closing != nil:
			err = ErrClosed
		case q.fullLocked(cl):
			err = ErrBusy
		default:
			err = q.appendLocked(cl, of[i].xid, m)
		}
		if err != nil {
			refused(i, err)
		}
	}
}

package channel

import (
	"context"
	"errors"
	"fmt"

	"conga/openflow"
)

var errNoReply = errors.New("the message has no reply; use Send or Commit")

// Request sends m and waits for its reply, with which all parts of a multipart
// reply are merged. If the switch refuses, the error is its *openflow.Error,
// not wrapped. Otherwise it is an *[Error]: ErrTimeout or ErrClosed as ctx
// ended, ErrClosed as the connection ended, ErrBusy, ErrMessage, ErrProtocol if
// the reply cannot be read or is not one to m, ErrTooLarge beyond
// Config.MaxMultipart, with which the connection ends unless flow entries were
// asked for: of nothing else a switch has that much. A reply that comes later
// is dropped.
//
// It must not be called by the handler of [Conn.Start], which would wait for
// itself.
func (c *Conn) Request(ctx context.Context, m openflow.Message) (openflow.Message, error) {
	return c.request(ctx, m, c.cfg.MaxMultipart)
}

func (c *Conn) request(ctx context.Context, m openflow.Message, maxBytes int) (openflow.Message, error) {
	r := call{waits: newWaits(1)}
	r.parts.MaxBytes = maxBytes
	if c.register(ctx, &r, m) {
		c.submit([]*call{&r}, []openflow.Message{m})
	}
	c.await(ctx, &r)
	return r.answer.m, r.answer.err
}

// A Reply is what a switch answered to one of several requests.
type Reply struct {
	Message openflow.Message // nil with an error
	Err     error            // as of [Conn.Request]
}

// RequestAll does what [Conn.Request] does for several messages, and returns
// their replies in the same order once the last is there. The messages leave
// together, in one write where nothing else is waiting, and the caller is woken
// once: four requests cost little more than one. A request that fails does not
// keep the others from being asked. No other ordered message comes between
// them.
func (c *Conn) RequestAll(ctx context.Context, ms ...openflow.Message) []Reply {
	return c.Ask(ctx, ms...).Replies()
}

// Asked is requests under way.
type Asked struct {
	ctx   context.Context
	conn  *Conn
	calls []call
	sent  []*call
}

// Ask does what [Conn.RequestAll] does, but does not wait: what is sent or
// committed after it returns reaches the switch after the requests. The replies
// have to be taken, by one call of [Asked.Replies].
func (c *Conn) Ask(ctx context.Context, ms ...openflow.Message) *Asked {
	group := newWaits(len(ms))
	a := &Asked{ctx: ctx, conn: c, calls: make([]call, len(ms)), sent: make([]*call, 0, len(ms))}
	send := make([]openflow.Message, 0, len(ms))
	for i, m := range ms {
		r := &a.calls[i]
		r.waits = group
		r.parts.MaxBytes = c.cfg.MaxMultipart
		if c.register(ctx, r, m) {
			a.sent, send = append(a.sent, r), append(send, m)
		}
	}
	c.submit(a.sent, send)
	return a
}

// Replies waits for the replies, and returns them in the order of the requests.
func (a *Asked) Replies() []Reply {
	a.conn.await(a.ctx, a.sent...)
	replies := make([]Reply, len(a.calls))
	for i := range a.calls {
		replies[i] = Reply{a.calls[i].answer.m, a.calls[i].answer.err}
	}
	return replies
}

// register registers r as the request m. It reports whether r is to be sent; if
// not, r has its answer.
func (c *Conn) register(ctx context.Context, r *call, m openflow.Message) bool {
	want, ok := replyTo(m)
	if !ok {
		r.end(answer{err: &Error{Op: "request", Kind: ErrMessage, Err: errNoReply}})
		return false
	}
	if ctx.Err() != nil {
		r.end(answer{err: contextError("request", ctx)})
		return false
	}
	r.want = want
	r.held.of = c
	if mp, ok := m.(*openflow.MultipartRequest); ok {
		r.mpType = mp.MPType
	}
	if err := c.calls.add(r); err != nil {
		r.end(answer{err: c.refusal("request", err)})
		return false
	}
	return true
}

// submit queues the messages of rs in one go.
func (c *Conn) submit(rs []*call, ms []openflow.Message) {
	for i, err := range c.queue.putAll(rs, ms) {
		if err != nil && c.calls.forget(rs[i]) {
			rs[i].end(answer{err: c.refusal("request", err)})
		}
	}
	c.push()
}

// await waits until all of rs have their answer, which is an error at the
// latest when ctx ends.
func (c *Conn) await(ctx context.Context, rs ...*call) {
	if len(rs) == 0 {
		return
	}
	w := rs[0].waits
	select {
	case <-w.done:
		return
	case <-ctx.Done():
	}
	for _, r := range rs {
		if c.calls.forget(r) {
			r.end(answer{err: contextError("request", ctx)})
		}
	}
	<-w.done // the others are being given theirs at this moment
}

// replyTo returns the type of the reply to m, or false if there is none.
func replyTo(m openflow.Message) (openflow.Type, bool) {
	if m == nil {
		return 0, false
	}
	switch t := m.Type(); t {
	case openflow.TypeEchoRequest, openflow.TypeFeaturesRequest, openflow.TypeGetConfigRequest,
		openflow.TypeMultipartRequest, openflow.TypeBarrierRequest, openflow.TypeQueueGetConfigRequest,
		openflow.TypeRoleRequest, openflow.TypeGetAsyncRequest:
		return t + 1, true // each reply has the number after its request
	case openflow.TypeExperimenter:
		return t, true
	}
	return 0, false
}

// answer hands a message to the request with its xid, and reports whether there
// is one.
func (c *Conn) answer(h openflow.Header, m openflow.Message) bool {
	r := c.calls.request(h.XID)
	if r == nil {
		return false
	}
	a := answer{m: m}
	switch m := m.(type) {
	case *openflow.Error:
		a = answer{err: m}
	case *openflow.MultipartReply:
		whole, err := r.add(h, m)
		if whole == nil && err == nil {
			r.held.hold(r.parts.Size())
			return true // more parts will come
		}
		a = answer{m: whole, err: err}
		if errors.Is(err, ErrTooLarge) && r.mpType != openflow.MultipartFlow {
			defer c.fail(&Error{Op: "read", Kind: ErrTooLarge, Err: fmt.Errorf("%v: %w", r.mpType, openflow.ErrReassemblySize)})
		}
	default:
		if m.Type() != r.want {
			a = answer{err: r.mismatch(m.Type())}
		}
	}
	c.complete(h.XID, a)
	return true
}

// complete gives the request its answer, if it still waits.
func (c *Conn) complete(xid uint32, a answer) {
	if r := c.calls.take(xid); r != nil {
		r.end(a)
	}
}

// add merges one part of a multipart reply, and returns the whole with the last
// one.
func (r *call) add(h openflow.Header, part *openflow.MultipartReply) (*openflow.MultipartReply, error) {
	if r.want != openflow.TypeMultipartReply {
		return nil, r.mismatch(part.Type())
	}
	if part.MPType != r.mpType {
		return nil, r.otherType(part.MPType)
	}
	whole, err := r.parts.Add(h, part)
	switch {
	case errors.Is(err, openflow.ErrReassemblySize):
		return nil, &Error{Op: "request", Kind: ErrTooLarge, Err: err}
	case err != nil:
		return nil, &Error{Op: "request", Kind: ErrProtocol, Err: err}
	}
	return whole, nil
}

func (r *call) mismatch(got openflow.Type) error {
	err := fmt.Errorf("the reply is a %v, not a %v", got, r.want)
	return &Error{Op: "request", Kind: ErrProtocol, Err: err}
}

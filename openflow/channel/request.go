package channel

import (
	"context"
	"errors"
	"fmt"

	"conga/openflow"
)

var errNoReply = errors.New("the message has no reply; use Send or Commit")

// Request sends m and waits for its reply, with which all parts of a multipart reply are merged. If the switch
// refuses, the error is its *openflow.Error, not wrapped. Otherwise it is an *[Error]: ErrTimeout or ErrClosed
// as ctx ended, ErrClosed as the connection ended, ErrBusy, ErrMessage, ErrProtocol if the reply cannot be read
// or is not one to m, ErrTooLarge beyond Config.MaxMultipart. A reply that comes later is dropped.
//
// It must not be called by the handler of [Conn.Start], which would wait for itself.
func (c *Conn) Request(ctx context.Context, m openflow.Message) (openflow.Message, error) {
	return c.request(ctx, m, c.cfg.MaxMultipart)
}

func (c *Conn) request(ctx context.Context, m openflow.Message, maxBytes int) (openflow.Message, error) {
	want, ok := replyTo(m)
	if !ok {
		return nil, &Error{Op: "request", Kind: ErrMessage, Err: errNoReply}
	}
	if ctx.Err() != nil {
		return nil, contextError("request", ctx)
	}
	r := &call{want: want, answer: make(chan answer, 1)}
	if mp, ok := m.(*openflow.MultipartRequest); ok {
		r.mpType = mp.MPType
		r.parts.MaxBytes = maxBytes
	}
	xid, err := c.calls.add(r)
	if err != nil {
		return nil, c.refusal("request", err)
	}
	if err := c.queue.put(classOf(m), xid, m); err != nil {
		c.calls.take(xid)
		return nil, c.refusal("request", err)
	}
	select {
	case a := <-r.answer:
		return a.m, a.err
	case <-ctx.Done():
		c.calls.take(xid)
		return nil, contextError("request", ctx)
	}
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

// answer hands a message to the request with its xid, and reports whether there is one.
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
			return true // more parts will come
		}
		a = answer{m: whole, err: err}
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
		if a.err != nil {
			a.m = nil
		}
		r.answer <- a
	}
}

// add merges one part of a multipart reply, and returns the whole with the last one.
func (r *call) add(h openflow.Header, part *openflow.MultipartReply) (*openflow.MultipartReply, error) {
	if r.want != openflow.TypeMultipartReply {
		return nil, r.mismatch(part.Type())
	}
	if part.MPType != r.mpType {
		err := fmt.Errorf("multipart reply of type %v to a request of type %v", part.MPType, r.mpType)
		return nil, &Error{Op: "request", Kind: ErrProtocol, Err: err}
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

package channel

import (
	"context"
	"fmt"
	"sync"

	"conga/openflow"
)

// A stream takes the parts of a multipart reply as they come.
type stream struct {
	mu   sync.Mutex
	each func(openflow.MultipartReplyBody) error
	over bool // Stream has returned, or is about to
}

// parsers are lent to readers for one part at a time, so that there are as many
// as readers at work, not as many as connections.
var parsers = sync.Pool{New: func() any { return new(openflow.Parser) }}

// Stream asks q and calls each with the body of every part of the reply, in
// order, as it arrives: a reply of any length takes the memory of one part,
// Config.MaxMultipart does not apply, and what each does is done while the
// switch is still sending. Stream returns when the last part has been seen,
// when each returns an error, which is returned as it is, or with the errors of
// [Conn.Request]. Of the rest of the reply each sees nothing then.
//
// each runs on the reader goroutine, never concurrently and not after Stream
// has returned; until it returns nothing else is read, echo requests among it.
// It must therefore be done within milliseconds, and call neither
// [Conn.Request] nor its like, while [Conn.Commit], [Conn.Send] and
// [Conn.PacketOut] never wait. The memory of the body is used again: of flow
// entries that each keeps, it must keep copies, see [openflow.FlowStats.Clone].
//
// Like Request, Stream must not be called by the handler of [Conn.Start].
func (c *Conn) Stream(ctx context.Context, q *openflow.MultipartRequest, each func(openflow.MultipartReplyBody) error) error {
	st := &stream{each: each}
	r := call{waits: newWaits(1), stream: st}
	if c.register(ctx, &r, q) {
		c.submit([]*call{&r}, []openflow.Message{q})
	}
	c.await(ctx, &r)
	st.mu.Lock() // each may be running
	defer st.mu.Unlock()
	st.over = true
	return r.answer.err
}

// part reads a part of a multipart reply of which nothing is kept: because it
// is streamed, or because nothing waits for it. It reports whether the message
// was one, and well-formed.
func (r *reader) part(h openflow.Header, b []byte, k *call) (ok bool, err error) {
	p := parsers.Get().(*openflow.Parser)
	defer parsers.Put(p)
	_, m, err := p.Parse(b)
	if err != nil {
		return false, r.malformed(h, b, errorCode(h, err), err)
	}
	if k == nil {
		return true, nil
	}
	reply := m.(*openflow.MultipartReply)
	if reply.MPType != k.mpType {
		r.c.complete(h.XID, answer{err: k.otherType(reply.MPType)})
		return true, nil
	}
	err = k.stream.take(reply.Body)
	if err != nil || reply.Flags&openflow.MultipartMore == 0 {
		r.c.complete(h.XID, answer{err: err})
	}
	return true, nil
}

// take hands a part to each, unless the stream is over.
func (s *stream) take(body openflow.MultipartReplyBody) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil
	}
	return s.each(body)
}

// otherType returns the error of a multipart reply of another type than the
// request.
func (r *call) otherType(t openflow.MultipartType) error {
	err := fmt.Errorf("multipart reply of type %v to a request of type %v", t, r.mpType)
	return &Error{Op: "request", Kind: ErrProtocol, Err: err}
}

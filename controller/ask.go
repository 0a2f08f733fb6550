package controller

import (
	"context"

	"conga/openflow"
)

// lookup: somebody wants to ask a switch something.
type lookup struct {
	dpid  openflow.DPID
	reply chan<- *session // has room for one; gets nil if the switch is away
}

func (e lookup) apply(k *core) {
	if p := k.peers[e.dpid]; p != nil && p.up {
		e.reply <- p.session
		return
	}
	e.reply <- nil
}

// Ask puts one multipart question to a switch and returns the body of the
// answer. It goes beside everything else on the switch's connection and changes
// nothing. The error is an [*Error] of [ErrAway] if the switch is not connected,
// the *[openflow.Error] with which it refused to answer, or that of ctx or of
// the connection as it ended.
func (c *Controller) Ask(ctx context.Context, dpid openflow.DPID, q *openflow.MultipartRequest) (openflow.MultipartReplyBody, error) {
	found := make(chan *session, 1)
	if !c.post(ctx, lookup{dpid, found}) {
		return nil, context.Cause(ctx)
	}
	select {
	case s := <-found:
		if s == nil {
			return nil, &Error{Op: "ask", DPID: dpid, Err: ErrAway}
		}
		return s.question(ctx, q)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.done:
		return nil, &Error{Op: "ask", DPID: dpid, Err: errStopped}
	}
}

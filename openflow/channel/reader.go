package channel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"conga/openflow"
	"conga/openflow/wire"
)

// The codes of OFPET_BAD_REQUEST that this side answers with (§7.5.4).
const (
	codeBadVersion   uint16 = 0
	codeBadType      uint16 = 1
	codeBadMultipart uint16 = 2
	codeBadLen       uint16 = 6
)

// errorData is how many bytes of a bad message go back with the error (§7.5.4).
const errorData = 64

// A reader is the state of the reader goroutine.
type reader struct {
	c        *Conn
	in       wire.Frames
	handle   func(openflow.Header, openflow.Message) // nil until the reader has seen Start
	bad      int                                     // how many messages were not well-formed
	heard    time.Time                               // when a well-formed message came last
	deadline time.Time                               // when to look again for silence
	reprieve bool                                    // the switch was to be dropped, but something of it was still to be read

	allowed allowance
	unasked int           // messages in this turn that were not asked for
	owed    time.Duration // for which nothing is to be read
	rested  bool          // once at least
}

func (r *reader) init(c *Conn) {
	r.c = c
	r.heard = time.Now()
}

// run reads and handles messages until the connection ends. It is the reader
// goroutine.
func (r *reader) run() {
	defer r.c.loops.Done()
	r.heard = time.Now()
	r.rearm(r.heard)
	for {
		if err := r.consume(); err != nil {
			r.c.shutdown(err)
			break
		}
		r.c.flush()
		r.rest()
		if err := r.fill(); err != nil {
			r.c.fail(err)
			break
		}
	}
	if r.bad > 0 {
		r.c.log().Warn("malformed messages", "count", r.bad)
	}
}

// consume handles every whole message that was read. An error means that the
// connection cannot go on.
func (r *reader) consume() error {
	if r.in.Rest() < openflow.HeaderLen {
		return nil
	}
	r.c.queue.cork()
	alive, bytes := false, 0
	r.unasked = 0
	for {
		h, b, err := r.in.Next()
		if err != nil {
			r.refuse(h, r.in.Left(), codeBadLen)
			return &Error{Op: "read", Kind: ErrProtocol, Err: err}
		}
		if b == nil {
			break
		}
		bytes += len(b)
		ok, err := r.message(h, b)
		if err != nil {
			return err
		}
		alive = alive || ok
	}
	now := time.Now()
	if alive {
		r.heard, r.reprieve = now, false
	}
	r.owed = r.allowed.spend(bytes, r.unasked, now)
	return nil
}

// message handles one message and reports whether it was well-formed.
func (r *reader) message(h openflow.Header, b []byte) (bool, error) {
	if code, ok := fromSwitch(h); !ok {
		return false, r.malformed(h, b, code, nil)
	}
	if h.Type == openflow.TypeMultipartReply {
		if k := r.c.calls.request(h.XID); k == nil || k.stream != nil {
			return r.part(h, b, k)
		}
	}
	h, m, err := openflow.Parse(b)
	if err != nil {
		return false, r.malformed(h, b, errorCode(h, err), err)
	}
	return true, r.dispatch(h, m)
}

// dispatch hands a message to what waits for it.
func (r *reader) dispatch(h openflow.Header, m openflow.Message) error {
	c := r.c
	switch m := m.(type) {
	case *openflow.PacketIn, *openflow.FlowRemoved, *openflow.PortStatus:
		r.unasked++
		return r.deliver(h, m) // whatever their xid is
	case *openflow.EchoRequest:
		r.unasked++
		c.queue.putWait(h.XID, &openflow.EchoReply{Data: m.Data})
	case *openflow.Error:
		if k, i := c.calls.commit(h.XID); k != nil {
			r.refused(k, i, m)
		} else if !c.answer(h, m) {
			r.unasked++
			return r.deliver(h, m)
		}
	case *openflow.BarrierReply:
		if k, i := c.calls.commit(h.XID); k != nil {
			if ok, err := k.result(i); ok {
				c.calls.remove(k)
				k.finish(err)
			}
			return nil
		}
		c.answer(h, m)
	case *openflow.Experimenter:
		if !c.answer(h, m) {
			r.unasked++
			return r.deliver(h, m)
		}
	case *openflow.Hello: // a second one; there is nothing left to negotiate
		r.unasked++
	default:
		if !c.answer(h, m) { // a reply that nothing waits for any more is dropped
			r.unasked++
		}
	}
	return nil
}

// refused notes the switch's error to a message of a commit. An error to the
// barrier ends the commit.
func (r *reader) refused(k *Commit, i int, e *openflow.Error) {
	if k.refuse(i, e) {
		r.c.calls.remove(k)
		k.finish(&Error{Op: "commit", Kind: ErrProtocol, Err: fmt.Errorf("barrier refused: %w", e)})
	}
}

// deliver gives a message to the handler, or keeps it until there is one.
func (r *reader) deliver(h openflow.Header, m openflow.Message) error {
	if r.handle == nil {
		handle, backlog, err := r.c.inbox.keep(h, m)
		if handle == nil {
			r.c.inbox.held.hold(backlogGrowth * r.c.inbox.bytes)
			return err
		}
		r.begin(handle, backlog)
	}
	select {
	case <-r.c.done: // nothing is delivered any more
	default:
		r.handle(h, m)
	}
	return nil
}

// malformed handles a message that cannot be read: the request that waits for
// it fails, and the switch gets an error unless the message was one itself
// (§7.5.4).
func (r *reader) malformed(h openflow.Header, b []byte, code uint16, err error) error {
	r.unasked++
	if r.bad++; r.bad == 1 {
		r.c.log().Warn("malformed message", "type", h.Type, "length", h.Length, "version", h.Version, "err", err)
	}
	if err != nil {
		r.c.complete(h.XID, answer{err: &Error{Op: "request", Kind: ErrProtocol, Err: err}})
	}
	if h.Type != openflow.TypeError {
		r.refuse(h, b, code)
	}
	return nil
}

// refuse answers a bad message with OFPET_BAD_REQUEST.
func (r *reader) refuse(h openflow.Header, b []byte, code uint16) {
	data := bytes.Clone(b[:min(len(b), errorData)])
	r.c.queue.putWait(h.XID, &openflow.Error{ErrType: openflow.ErrorTypeBadRequest, Code: code, Data: data})
}

// fromSwitch reports by the header whether a switch may send such a message,
// and returns the code to refuse it with if it may not.
func fromSwitch(h openflow.Header) (uint16, bool) {
	switch h.Type {
	case openflow.TypeHello, openflow.TypeError:
		return 0, true // in any version: they negotiate it
	case openflow.TypeFeaturesRequest, openflow.TypeGetConfigRequest, openflow.TypeSetConfig,
		openflow.TypePacketOut, openflow.TypeFlowMod, openflow.TypeGroupMod, openflow.TypePortMod,
		openflow.TypeTableMod, openflow.TypeMultipartRequest, openflow.TypeBarrierRequest,
		openflow.TypeQueueGetConfigRequest, openflow.TypeRoleRequest, openflow.TypeGetAsyncRequest,
		openflow.TypeSetAsync, openflow.TypeMeterMod:
		return codeBadType, h.Version != openflow.Version // a wrong version is refused first, by Parse
	}
	return 0, true
}

// errorCode returns the code of OFPET_BAD_REQUEST for what Parse said.
func errorCode(h openflow.Header, err error) uint16 {
	switch {
	case errors.Is(err, openflow.ErrVersion):
		return codeBadVersion
	case errors.Is(err, openflow.ErrUnknownType) && h.Type == openflow.TypeMultipartReply:
		return codeBadMultipart
	case errors.Is(err, openflow.ErrUnknownType):
		return codeBadType
	}
	return codeBadLen
}

// fill reads until there is something, and watches for silence meanwhile.
func (r *reader) fill() error {
	for {
		err := r.fillOnce()
		if err == nil {
			return nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return ioError("read", err)
		}
		if err := r.tick(time.Now()); err != nil {
			return err
		}
	}
}

// fillOnce reads once, when there is something.
func (r *reader) fillOnce() error {
	if r.c.socket.Bound() {
		return r.c.socket.Fill()
	}
	return r.in.Fill(r.c.nc)
}

// tick handles that the read deadline has passed: because of silence, or
// because of Start.
func (r *reader) tick(now time.Time) error {
	if late := now.Sub(r.deadline); late > 0 { // time in which this process did not run says nothing of the switch
		if r.heard = r.heard.Add(late); r.heard.After(now) {
			r.heard = now
		}
	}
	silent := now.Sub(r.heard)
	if silent >= r.c.cfg.EchoTimeout {
		if r.reprieve || !wire.Readable(r.c.nc) {
			return &Error{Op: "read", Kind: ErrTimeout, Err: errSilent}
		}
		r.reprieve = true
	}
	if silent >= r.c.cfg.EchoInterval {
		r.c.queue.put(classFirst, r.c.calls.xid(), &openflow.EchoRequest{}) // if it cannot, it need not
	}
	r.rearm(now)
	return nil
}

var errSilent = errors.New("the switch is silent")

// rearm sets when to look again for silence, and attaches the handler if Start
// was called. The deadline is not moved with every message: what came meanwhile
// is found when it passes.
func (r *reader) rearm(now time.Time) {
	next := r.heard.Add(r.c.cfg.EchoInterval)
	if !next.After(now) {
		next = now.Add(r.c.cfg.EchoInterval)
	}
	if last := r.heard.Add(r.c.cfg.EchoTimeout); next.After(last) && !r.reprieve {
		next = last
	}
	r.deadline = next
	if r.handle != nil {
		r.c.nc.SetReadDeadline(next)
		return
	}
	if handle, backlog := r.c.inbox.attach(r.c.nc, next); handle != nil {
		r.begin(handle, backlog)
	}
}

// begin attaches the handler, and delivers what came before it.
func (r *reader) begin(handle func(openflow.Header, openflow.Message), backlog []received) {
	r.handle = handle
	r.c.inbox.held.end()
	for _, m := range backlog {
		r.deliver(m.h, m.m)
	}
}

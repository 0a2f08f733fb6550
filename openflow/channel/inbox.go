package channel

import (
	"errors"
	"net"
	"sync"
	"time"

	"conga/openflow"
)

// What may arrive before Start. Beyond the first limit packet-ins are dropped,
// since the switch will send their like again; beyond the second the connection
// is, since port changes must not be lost.
const (
	backlogPackets = 1024
	backlogMax     = 4096
	backlogBytes   = 1 << 20
	backlogGrowth  = 4 // times as many bytes of memory as on the wire
)

var errBacklog = errors.New("too many messages before Start")

// An inbox keeps asynchronous messages until there is a handler.
type inbox struct {
	mu      sync.Mutex
	handle  func(openflow.Header, openflow.Message)
	backlog []received
	bytes   int
	held    charge // for backlog
}

type received struct {
	h openflow.Header
	m openflow.Message
}

// Start begins the delivery of what the switch sends by itself: packet-ins,
// port status, flow removed, experimenter messages, and errors that belong to
// no request and no commit. handle is called on the reader goroutine, in order
// of arrival, never concurrently; until it returns nothing else is read, so it
// must not block for long, nor call [Conn.Request]. The message is handle's to
// keep. What arrived before Start comes first. Calls after the first do
// nothing.
func (c *Conn) Start(handle func(openflow.Header, openflow.Message)) {
	c.inbox.mu.Lock()
	defer c.inbox.mu.Unlock()
	if c.inbox.handle != nil {
		return
	}
	c.inbox.handle = handle
	c.nc.SetReadDeadline(time.Unix(1, 0)) // wakes the reader, which attaches the handler
}

// attach returns the handler, if there is one by now, and all that came before
// it. It also sets the read deadline, under the same lock so as not to undo
// Start's. Only the reader calls it.
func (b *inbox) attach(nc net.Conn, deadline time.Time) (func(openflow.Header, openflow.Message), []received) {
	b.mu.Lock()
	defer b.mu.Unlock()
	nc.SetReadDeadline(deadline)
	if b.handle == nil {
		return nil, nil
	}
	backlog := b.backlog
	b.backlog, b.bytes = nil, 0
	return b.handle, backlog
}

// keep holds a message until Start. If Start has been called meanwhile, it
// returns the handler instead, and all that came before the message. Only the
// reader calls it.
func (b *inbox) keep(h openflow.Header, m openflow.Message) (func(openflow.Header, openflow.Message), []received, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.handle != nil {
		backlog := b.backlog
		b.backlog, b.bytes = nil, 0
		return b.handle, backlog, nil
	}
	if m.Type() == openflow.TypePacketIn && (len(b.backlog) >= backlogPackets || b.bytes >= backlogBytes) {
		return nil, nil, nil
	}
	if len(b.backlog) >= backlogMax || b.bytes >= 2*backlogBytes {
		return nil, nil, &Error{Op: "read", Kind: ErrTooLarge, Err: errBacklog}
	}
	b.backlog = append(b.backlog, received{h, m})
	b.bytes += int(h.Length)
	return nil, nil, nil
}

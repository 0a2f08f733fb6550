package channel

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"conga/openflow"
	"conga/openflow/wire"
)

// A Conn is a connection to one switch that has completed the handshake. All
// methods may be called at any time from any goroutine.
type Conn struct {
	nc       net.Conn // with TLS, the encrypted one
	tls      bool
	cfg      Config
	known    atomic.Bool // features is there
	features *openflow.FeaturesReply
	ports    []openflow.Port

	queue  queue
	calls  calls
	inbox  inbox
	socket wire.Socket
	reader reader

	loops sync.WaitGroup
	end   sync.Once
	done  chan struct{}
	err   error // set before done is closed
}

// newConn returns a connection with its writer running.
func newConn(nc net.Conn, cfg Config) *Conn {
	c := &Conn{
		nc:   nc,
		cfg:  cfg,
		done: make(chan struct{}),
	}
	_, c.tls = nc.(*tls.Conn)
	c.queue.init(cfg.SendQueue)
	c.socket.Bind(nc, &c.reader.in)
	c.inbox.held.of = c
	c.reader.init(c)
	c.loops.Add(1)
	go c.writeLoop()
	return c
}

// log returns a logger that names the peer. It is made when it is needed, which
// for most connections is never.
func (c *Conn) log() *slog.Logger {
	log := c.cfg.Log.With("remote", c.nc.RemoteAddr().String())
	if c.known.Load() {
		log = log.With("dpid", c.DPID().String())
	}
	return log
}

// DPID returns the datapath that the switch said it is (§7.3.1).
func (c *Conn) DPID() openflow.DPID { return c.features.DPID }

// Features returns the switch's features as of the handshake (§7.3.1). An
// AuxiliaryID other than 0 marks an auxiliary connection (§6.3.5). The value is
// shared and must not be changed.
func (c *Conn) Features() *openflow.FeaturesReply { return c.features }

// Ports returns the switch's ports as of the handshake (§7.3.5.7). Changes
// since then come as port status messages to the handler of [Conn.Start], none
// is lost. The slice is shared and must not be changed.
func (c *Conn) Ports() []openflow.Port { return c.ports }

// RemoteAddr returns the switch's network address.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Certificate returns the certificate that the switch has shown, nil if it has
// shown none. It is verified if Config.TLS says so.
func (c *Conn) Certificate() *x509.Certificate {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	if shown := t.ConnectionState().PeerCertificates; len(shown) > 0 {
		return shown[0]
	}
	return nil
}

// Done returns a channel that is closed when the connection has ended, for
// whatever reason. Requests and commits have then failed. At most the one call
// of the handler that is in progress outlives it.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns why the connection ended, and nil before Done: an *[Error] of
// kind ErrClosed after [Conn.Close], ErrTimeout if the switch was silent or
// stalled, ErrNetwork if the transport failed or the switch went (io.EOF),
// ErrProtocol or ErrTooLarge if it sent what cannot be followed.
func (c *Conn) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Close ends the connection at once; what is queued is not sent. It does not
// wait for the handler, which may therefore call it. It returns nil.
func (c *Conn) Close() error {
	c.fail(&Error{Op: "close", Kind: ErrClosed})
	return nil
}

// Send queues m; no answer is expected. Should the switch refuse it, its error
// goes to the handler. Packet-outs go as with [Conn.PacketOut], not urgent;
// echo and role messages overtake what is queued. It never waits; the error is
// an *[Error]: ErrBusy if Config.SendQueue bytes are waiting, ErrMessage, or
// ErrClosed. m may be reused on return.
func (c *Conn) Send(m openflow.Message) error {
	if m == nil {
		return c.refusal("send", ErrMessage)
	}
	return c.refusal("send", c.queue.put(classOf(m), c.calls.xid(), m))
}

// PacketOut queues a packet-out (§7.3.7). Urgent ones, meant for link
// discovery, go before the others. It never waits; where much is waiting for
// the switch already, packet-outs are the first to be refused with ErrBusy.
// While the handler of [Conn.Start] works on what was read in one go,
// packet-outs are gathered, to leave in one write. p may be reused on return.
func (c *Conn) PacketOut(p *openflow.PacketOut, urgent bool) error {
	cl := classPlain
	if urgent {
		cl = classUrgent
	}
	return c.refusal("packet-out", c.queue.put(cl, c.calls.xid(), p))
}

// PacketOuts does what [Conn.PacketOut] does for several, which have one xid,
// and leave in one write where nothing else is waiting. Beyond the first that
// is refused, whose error it returns, none is queued.
func (c *Conn) PacketOuts(ps []*openflow.PacketOut, urgent bool) error {
	cl := classPlain
	if urgent {
		cl = classUrgent
	}
	err := c.queue.putOuts(cl, c.calls.xid(), ps)
	c.pushOuts()
	return c.refusal("packet-out", err)
}

// refusal returns what the queue or the table of calls said as an [Error], or
// nil for nil.
func (c *Conn) refusal(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case err == error(ErrBusy):
		return &Error{Op: op, Kind: ErrBusy}
	case err == error(ErrClosed):
		return c.closedError(op)
	case err == error(ErrMessage):
		return &Error{Op: op, Kind: ErrMessage, Err: errors.New("no message")}
	}
	return &Error{Op: op, Kind: ErrMessage, Err: err}
}

// closedError returns an error which says that op failed because the connection
// has ended, and why it has.
func (c *Conn) closedError(op string) error {
	select {
	case <-c.done:
		return &Error{Op: op, Kind: ErrClosed, Err: c.err}
	default: // ending, but the last answer is still being written
		return &Error{Op: op, Kind: ErrClosed}
	}
}

// fail ends the connection, once: what waits gets an error, then the transport
// is closed.
func (c *Conn) fail(err error) {
	c.end.Do(func() {
		c.err = err
		close(c.done)
		c.queue.close()
		requests, commits := c.calls.close()
		for _, r := range requests {
			r.end(answer{err: c.closedError("request")})
		}
		for _, k := range commits {
			k.finish(c.closedError("commit"))
		}
		c.inbox.held.end()
		c.closeTransport()
	})
}

// closeTransport closes the network connection. TLS says farewell first, which
// a stalled peer may delay.
func (c *Conn) closeTransport() {
	if t, ok := c.nc.(*tls.Conn); ok {
		defer time.AfterFunc(drainTimeout, func() { t.NetConn().Close() }).Stop()
	}
	c.nc.Close()
}

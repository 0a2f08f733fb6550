package channel

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sort"
	"sync"
	"time"

	"conga/openflow/wire"
)

const (
	// acceptPause is how long to wait after accepting failed, for example for
	// want of file descriptors.
	acceptPause = 50 * time.Millisecond
	// graceShare is the part of HandshakeTimeout that a handshake has for
	// itself. After it, a silent peer must go if all slots are taken, so that
	// such do not lock switches out.
	graceShare = 20
)

var errEvicted = errors.New("too slow while other peers are waiting")

// A Listener accepts connections from switches.
type Listener struct {
	cfg    Config
	ln     net.Listener
	ready  chan *Conn
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	slots  chan struct{} // one token for each handshake under way
	all    sync.WaitGroup

	mu      sync.Mutex
	pending []*attempt // in the order in which they began

	failures failureLog // used only under its own lock
}

// An attempt is a handshake under way.
type attempt struct {
	nc     net.Conn
	from   netip.Prefix // the network of the peer
	began  time.Time
	cancel context.CancelCauseFunc
}

// Listen listens on a TCP address such as ":6653" and runs the handshake with
// every peer that connects. The error is an *[Error] of kind ErrNetwork.
func Listen(addr string, cfg Config) (*Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: keepAlive}
	lc.SetMultipathTCP(false) // switches do not speak it, and it is slower
	ln, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, &Error{Op: "listen", Kind: ErrNetwork, Err: err}
	}
	return NewListener(ln, cfg), nil
}

// NewListener runs the handshake with whatever connects to ln, which it closes
// in the end.
func NewListener(ln net.Listener, cfg Config) *Listener {
	cfg = cfg.withDefaults()
	l := &Listener{
		cfg:   cfg,
		ln:    ln,
		ready: make(chan *Conn),
		slots: make(chan struct{}, cfg.MaxHandshakes),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.all.Add(1)
	go l.acceptLoop()
	return l
}

// Addr returns the address on which it listens.
func (l *Listener) Addr() net.Addr { return l.ln.Addr() }

// Accept returns the next connection that has completed the handshake.
// Handshakes run concurrently, so that a slow or hostile peer does not block
// others. The error is an *[Error]: ErrClosed after Close, or ErrClosed or
// ErrTimeout as ctx ended.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	for {
		select {
		case <-l.ctx.Done():
			return nil, &Error{Op: "accept", Kind: ErrClosed}
		case <-ctx.Done():
			return nil, contextError("accept", ctx)
		case c := <-l.ready:
			if c.Err() == nil { // else it ended while it waited
				return c, nil
			}
		}
	}
}

// Close stops listening and ends the handshakes under way. Connections that
// were accepted stay.
func (l *Listener) Close() error {
	l.cancel()
	l.ln.Close()
	l.all.Wait()
	return nil
}

// acceptLoop accepts until Close. A connection is accepted before there is a
// slot for it: its address decides which handshake must give way.
func (l *Listener) acceptLoop() {
	defer l.all.Done()
	for {
		nc, err := l.ln.Accept()
		if l.ctx.Err() != nil {
			if err == nil {
				nc.Close()
			}
			return
		}
		if err != nil {
			l.failures.warn(l.cfg.Log, "accepting failed", "err", err)
			l.pause(acceptPause)
			continue
		}
		if !l.acquireSlot(netOf(nc.RemoteAddr())) {
			nc.Close()
			return
		}
		l.all.Add(1)
		ctx, a := l.begin(nc)
		go l.handshake(ctx, nc, a)
	}
}

// acquireSlot waits for a slot for a handshake with a peer of that network. If
// all are taken, other handshakes must give way. It reports whether there is a
// slot; there is none once the listener is closed.
func (l *Listener) acquireSlot(from netip.Prefix) bool {
	grace := l.cfg.HandshakeTimeout / graceShare
	tick := grace / graceShare
	for {
		if a := l.surplus(from); a != nil && len(l.slots) == cap(l.slots) {
			l.evict(a)
		}
		start := time.Now()
		select {
		case l.slots <- struct{}{}:
			return true
		case <-l.ctx.Done():
			return false
		case <-time.After(tick):
		}
		if now := time.Now(); now.Sub(start) < 2*tick { // or the handshakes are slow with us
			l.evictSilent(now.Add(-grace))
		}
	}
}

// evictSilent ends the handshakes that began before the time given and whose
// peers have sent nothing that is still to be read.
func (l *Listener) evictSilent(before time.Time) {
	for _, a := range l.begun(before) {
		if !wire.Readable(a.nc) {
			l.evict(a)
		}
	}
}

// evict ends a handshake.
func (l *Listener) evict(a *attempt) {
	a.cancel(errEvicted)
	l.forget(a)
}

// surplus returns the oldest handshake with a peer of the network that has most
// of them, nil if from would have more with one more.
func (l *Listener) surplus(from netip.Prefix) (oldest *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := map[netip.Prefix]int{}
	for _, a := range l.pending {
		counts[a.from]++
	}
	most := counts[from] + 1
	for _, a := range l.pending {
		if n := counts[a.from]; n > most {
			oldest, most = a, n
		}
	}
	return oldest
}

// begun returns the handshakes that began before the time given, oldest first.
func (l *Listener) begun(before time.Time) []*attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := sort.Search(len(l.pending), func(i int) bool { return !l.pending[i].began.Before(before) })
	return slices.Clone(l.pending[:n])
}

// begin notes a new handshake.
func (l *Listener) begin(nc net.Conn) (context.Context, *attempt) {
	ctx, cancel := context.WithCancelCause(l.ctx)
	a := &attempt{nc: nc, from: netOf(nc.RemoteAddr()), began: time.Now(), cancel: cancel}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, a)
	return ctx, a
}

// forget takes a handshake out of those that may be evicted.
func (l *Listener) forget(a *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.pending, a); i >= 0 {
		l.pending = slices.Delete(l.pending, i, i+1)
	}
}

// handshake runs one handshake and waits until the connection is accepted. It
// keeps its slot until then, so that connections that are not accepted do not
// pile up.
func (l *Listener) handshake(ctx context.Context, nc net.Conn, a *attempt) {
	defer l.all.Done()
	defer func() { <-l.slots }()
	defer a.cancel(nil)
	c, err := Server(ctx, nc, l.cfg)
	l.forget(a)
	if err != nil {
		if l.ctx.Err() == nil {
			l.failures.warn(l.cfg.Log, "handshake failed", "remote", nc.RemoteAddr().String(), "err", err)
		}
		return
	}
	select {
	case l.ready <- c:
	case <-c.Done():
	case <-l.ctx.Done():
		c.Close()
	}
}

// pause waits for d, or until Close.
func (l *Listener) pause(d time.Duration) {
	select {
	case <-l.ctx.Done():
	case <-time.After(d):
	}
}

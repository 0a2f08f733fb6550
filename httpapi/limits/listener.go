package limits

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// logEvery is how often at most refused connections are logged.
const logEvery = time.Minute

// A ListenerConfig is how many connections a [Listener] has open.
type ListenerConfig struct {
	Total      int              // of all clients; at least 1
	PerAddress int              // of one client, see [Net]; at least 1
	Proxies    []netip.Prefix   // which stand for many clients: only Total counts for them
	Log        *slog.Logger     // nil: none
	Now        func() time.Time // nil: time.Now
}

// Listener takes connections as long as there are few enough, and closes those
// that are too many at once, so that files are left for everything else.
type Listener struct {
	net.Listener
	cfg ListenerConfig

	mu      sync.Mutex
	count   Count
	open    map[netip.Prefix]int           // none that has none; neither proxies nor what has no address
	nets    map[netip.Prefix]*rate.Limiter // of bytes, see [budget]
	logged  time.Time                      // when refusals were logged last
	unnoted uint64                         // refused since
}

// A Count is how many connections there are, and how many were refused so far.
type Count struct {
	Open       int
	Total      uint64 // refused because there were too many
	PerAddress uint64 // refused because their client had too many
}

// Listen limits l. It has its ownership.
func Listen(l net.Listener, cfg ListenerConfig) *Listener {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Listener{Listener: l, cfg: cfg, open: map[netip.Prefix]int{}, nets: map[netip.Prefix]*rate.Limiter{}}
}

// Accept waits for a connection that is not too many. It fails as that of the
// listener below does.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		of := netOf(c.RemoteAddr())
		counted := of
		if l.isProxy(c.RemoteAddr()) {
			counted = netip.Prefix{}
		}
		if b, ok := l.admit(counted); ok {
			return &conn{Conn: c, budget: b, now: l.cfg.Now, closed: sync.OnceFunc(func() { l.leave(counted) })}, nil
		}
		c.Close()
		l.note(of)
	}
}

// Count returns how many connections there are now.
func (l *Listener) Count() Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

func netOf(a net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	return Net(ap.Addr())
}

// isProxy reports whether a connection from there is of many clients.
func (l *Listener) isProxy(a net.Addr) bool {
	if len(l.cfg.Proxies) == 0 {
		return false
	}
	ap, err := netip.ParseAddrPort(a.String())
	addr := ap.Addr().Unmap().WithZone("")
	return err == nil && slices.ContainsFunc(l.cfg.Proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// admit counts a connection, and returns its budget and whether it may stay
// open. The zero prefix is no client's share.
func (l *Listener) admit(of netip.Prefix) (b *budget, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.count.Open >= l.cfg.Total:
		l.count.Total++
	case of.IsValid() && l.open[of] >= l.cfg.PerAddress:
		l.count.PerAddress++
	default:
		l.count.Open++
		if of.IsValid() {
			l.open[of]++
		}
		return l.budgetLocked(of), true
	}
	l.unnoted++
	return nil, false
}

func (l *Listener) leave(of netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count.Open--
	if l.open[of]--; l.open[of] <= 0 {
		delete(l.open, of)
	}
}

// note logs what was refused, if that is not too soon.
func (l *Listener) note(of netip.Prefix) {
	l.mu.Lock()
	now, refused, open := l.cfg.Now(), l.unnoted, l.count.Open
	if !l.logged.IsZero() && now.Sub(l.logged) < logEvery {
		l.mu.Unlock()
		return
	}
	l.logged, l.unnoted = now, 0
	l.mu.Unlock()
	l.cfg.Log.Warn("connections refused: too many are open", "refused", refused, "open", open, "latest", of.String())
}

// A conn is a connection that is counted until it closes.
type conn struct {
	net.Conn
	budget *budget // nil: none
	now    func() time.Time
	closed func()
}

// Read reads what the client has sent, as fast as it may be sent.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.budget != nil {
		c.budget.pay(n, c.now())
	}
	return n, err
}

// Close closes the connection and makes room for another.
func (c *conn) Close() error {
	err := c.Conn.Close()
	if c.budget != nil {
		c.budget.end()
	}
	c.closed()
	return err
}

// CloseWrite does what net/http does before it closes, so that the last answer
// gets through.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

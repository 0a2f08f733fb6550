package limits

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of what a client may send before one of its requests has shown a key.
// They bound the frames that cost work and are no requests (pings, settings and
// resets of HTTP/2), and are far above what a login takes.
const (
	connFree  = 8 << 10   // bytes of a connection that cost nothing: the handshake, and a request
	connBurst = 128 << 10 // bytes of a connection at once
	connRate  = 32 << 10  // bytes of a connection in a second, after that
	netBurst  = 512 << 10 // as these, of all connections of one client
	netRate   = 128 << 10
	idleNets  = 1024 // clients without a connection whose use is remembered
)

// A budget delays what a connection receives until its client is known.
type budget struct {
	free         int           // bytes; of the reader alone
	conn, net    *rate.Limiter // net is that of all the client's connections
	known, ended chan struct{}
	know, end    func() // close these
}

func newBudget(ofNet *rate.Limiter) *budget {
	b := &budget{
		free: connFree, conn: rate.NewLimiter(connRate, connBurst), net: ofNet,
		known: make(chan struct{}), ended: make(chan struct{}),
	}
	b.know = sync.OnceFunc(func() { close(b.known) })
	b.end = sync.OnceFunc(func() { close(b.ended) })
	return b
}

// pay waits until so many bytes that were received are within the budgets, the
// client is known, or the connection closes.
func (b *budget) pay(n int, now time.Time) {
	select {
	case <-b.known:
		return
	default:
	}
	free := min(n, b.free)
	b.free -= free
	if n = min(n-free, connBurst); n == 0 {
		return
	}
	wait := max(b.conn.ReserveN(now, n).DelayFrom(now), b.net.ReserveN(now, n).DelayFrom(now))
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.known:
	case <-b.ended:
	}
}

// budgetLocked returns the budget of a new connection, nil for one that is
// counted for no client.
func (l *Listener) budgetLocked(of netip.Prefix) *budget {
	if !of.IsValid() {
		return nil
	}
	ofNet := l.nets[of]
	if ofNet == nil {
		l.forgetLocked()
		ofNet = rate.NewLimiter(netRate, netBurst)
		l.nets[of] = ofNet
	}
	return newBudget(ofNet)
}

// forgetLocked forgets the use of clients that are gone and may send as much as
// new ones.
func (l *Listener) forgetLocked() {
	if len(l.nets) < len(l.open)+idleNets {
		return
	}
	now := l.cfg.Now()
	for of, ofNet := range l.nets {
		if l.open[of] == 0 && ofNet.TokensAt(now) >= netBurst {
			delete(l.nets, of)
		}
	}
}

type connKey struct{}

// WithConn returns the context of requests on a connection that a [Listener]
// has taken, with TLS or without, for [Recognize].
func WithConn(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(*tls.Conn); ok {
		c = over.NetConn()
	}
	if ours, ok := c.(*conn); ok {
		return context.WithValue(ctx, connKey{}, ours)
	}
	return ctx
}

// Recognize lifts the limits from the connection of a request, given the
// request's context. The caller has checked its key, or found that the
// configuration lets the client do without.
func Recognize(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*conn); ok && c.budget != nil {
		c.budget.know()
	}
}

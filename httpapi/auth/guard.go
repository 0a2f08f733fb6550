package auth

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	guardClients = 8192             // clients remembered at most
	guardIdle    = 10 * time.Minute // a client unseen for so long is forgotten
	freeFailures = 5                // wrong passwords before the first lock-out
	firstLockout = 2 * time.Second  // doubles with every further failure
	maxLockout   = 5 * time.Minute
)

// GuardConfig bounds how often one client may ask for keys; zero values have
// defaults.
type GuardConfig struct {
	Rate  float64          // requests a second in the long run; 0: 5
	Burst int              // requests at once; 0: 30
	Now   func() time.Time // nil: time.Now
}

// Guard slows down who guesses passwords. A client is an IPv4 address or an
// IPv6 /64, which is what one host or one home is given.
type Guard struct {
	rate  rate.Limit
	burst int
	now   func() time.Time

	mu       sync.Mutex
	clients  map[netip.Prefix]*client
	failures map[attempt]*failure
}

type client struct {
	limit *rate.Limiter
	seen  time.Time
}

// attempt is one client trying one user. Locking a user out for everybody
// would let a stranger lock out whoever they like.
type attempt struct {
	from netip.Prefix
	user string
}

type failure struct {
	count int
	until time.Time // locked out
	seen  time.Time
}

// NewGuard makes a guard.
func NewGuard(cfg GuardConfig) *Guard {
	g := &Guard{
		rate: rate.Limit(cfg.Rate), burst: cfg.Burst, now: cfg.Now,
		clients: map[netip.Prefix]*client{}, failures: map[attempt]*failure{},
	}
	if g.rate <= 0 {
		g.rate = 5
	}
	if g.burst <= 0 {
		g.burst = 30
	}
	if g.now == nil {
		g.now = time.Now
	}
	return g
}

// clientOf is the network that counts as one client.
func clientOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits) // the zero prefix for the zero address
	return p
}

// Admit reports with a [*WaitError] that the client asks too often, or that it
// is locked out for this user.
func (g *Guard) Admit(addr netip.Addr, user string) error {
	from, now := clientOf(addr), g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.clients[from]
	if c == nil {
		makeRoom(g.clients, now, func(c *client) time.Time { return c.seen })
		c = &client{limit: rate.NewLimiter(g.rate, g.burst)}
		g.clients[from] = c
	}
	c.seen = now
	if r := c.limit.ReserveN(now, 1); r.DelayFrom(now) > 0 {
		wait := r.DelayFrom(now)
		r.CancelAt(now)
		return &WaitError{After: wait, Reason: "too many requests for keys from this address"}
	}
	if f := g.failures[attempt{from, user}]; f != nil && now.Before(f.until) {
		return &WaitError{After: f.until.Sub(now), Reason: "too many wrong passwords for this user from this address"}
	}
	return nil
}

// Failed counts a wrong password.
func (g *Guard) Failed(addr netip.Addr, user string) {
	key, now := attempt{clientOf(addr), user}, g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.failures[key]
	if f == nil || now.Sub(f.seen) > guardIdle {
		makeRoom(g.failures, now, func(f *failure) time.Time { return f.seen })
		f = &failure{}
		g.failures[key] = f
	}
	f.count++
	f.seen = now
	if over := f.count - freeFailures; over >= 0 {
		f.until = now.Add(min(maxLockout, firstLockout*time.Duration(math.Exp2(float64(min(over, 10))))))
	}
}

// Succeeded forgets the wrong passwords before a right one.
func (g *Guard) Succeeded(addr netip.Addr, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.failures, attempt{clientOf(addr), user})
}

// makeRoom keeps m below its bound: what has been idle goes first, then, if that
// does not free an eighth, whatever comes first. Freeing many at once keeps the
// search rare.
func makeRoom[K comparable, V any](m map[K]V, now time.Time, seen func(V) time.Time) {
	if len(m) < guardClients {
		return
	}
	for k, v := range m {
		if now.Sub(seen(v)) > guardIdle {
			delete(m, k)
		}
	}
	for k := range m {
		if len(m) < guardClients*7/8 {
			return
		}
		delete(m, k)
	}
}

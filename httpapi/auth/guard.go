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
	siteClients  = 8 // as many clients an IPv6 /48 may behave like
)

// GuardConfig bounds how often one client may ask for keys; zero values have
// defaults.
type GuardConfig struct {
	Rate  float64          // requests a second in the long run; 0: 5
	Burst int              // requests at once; 0: 30
	Now   func() time.Time // nil: time.Now
}

// A Guard slows down clients that guess passwords. A client is an IPv4 address
// or an IPv6 /64, which is what one host or one home is given. An IPv6 /48,
// which providers give to any customer on request, has 65,536 of them and may
// do what eight may.
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

// An attempt is one network trying one user. Locking a user out for all
// networks would let a stranger lock out any user.
type attempt struct {
	from netip.Prefix
	user string
}

type failure struct {
	count int
	until time.Time // locked out
	seen  time.Time
}

func (f *failure) locked(now time.Time) bool { return now.Before(f.until) }

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

// A network is one that counts as a client, or as several.
type network struct {
	prefix  netip.Prefix
	clients int
}

// networksOf returns the networks that answer for what an address does, the
// narrowest first.
func networksOf(addr netip.Addr) []network {
	addr = addr.Unmap().WithZone("")
	within := func(bits int) netip.Prefix {
		p, _ := addr.Prefix(bits) // the zero prefix for the zero address
		return p
	}
	if addr.Is6() {
		return []network{{within(64), 1}, {within(48), siteClients}}
	}
	return []network{{within(addr.BitLen()), 1}}
}

// Admit reports with a [*WaitError] that the client asks too often, or that it
// is locked out for this user.
func (g *Guard) Admit(addr netip.Addr, user string) error {
	networks, now := networksOf(addr), g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	var taken []*rate.Reservation
	for _, n := range networks {
		r := g.clientLocked(n, now).limit.ReserveN(now, 1)
		taken = append(taken, r)
		if wait := r.DelayFrom(now); wait > 0 {
			for _, r := range taken {
				r.CancelAt(now)
			}
			return &WaitError{After: wait, Reason: "too many requests for keys from this address"}
		}
	}
	for _, n := range networks {
		if f := g.failures[attempt{n.prefix, user}]; f != nil && f.locked(now) {
			return &WaitError{After: f.until.Sub(now), Reason: "too many wrong passwords for this user from this address"}
		}
	}
	return nil
}

// clientLocked returns what is remembered of a network, and notes that it was
// seen.
func (g *Guard) clientLocked(n network, now time.Time) *client {
	c := g.clients[n.prefix]
	if c == nil {
		makeRoom(g.clients, now, func(c *client) time.Time { return c.seen }, func(c *client) bool {
			return c.limit.TokensAt(now) >= float64(c.limit.Burst()) // as one that comes anew
		})
		c = &client{limit: rate.NewLimiter(g.rate*rate.Limit(n.clients), g.burst*n.clients)}
		g.clients[n.prefix] = c
	}
	c.seen = now
	return c
}

// Failed counts a wrong password.
func (g *Guard) Failed(addr netip.Addr, user string) {
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range networksOf(addr) {
		key := attempt{n.prefix, user}
		f := g.failures[key]
		if f == nil || now.Sub(f.seen) > guardIdle {
			makeRoom(g.failures, now, func(f *failure) time.Time { return f.seen }, func(f *failure) bool { return !f.locked(now) })
			f = &failure{}
			g.failures[key] = f
		}
		f.count++
		f.seen = now
		if over := f.count - freeFailures*n.clients; over >= 0 {
			f.until = now.Add(min(maxLockout, firstLockout*time.Duration(math.Exp2(float64(min(over, 10))))))
		}
	}
}

// Succeeded forgets the wrong passwords before a right one.
func (g *Guard) Succeeded(addr netip.Addr, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range networksOf(addr) {
		delete(g.failures, attempt{n.prefix, user})
	}
}

// makeRoom keeps m below its bound: it drops what has been idle, then, if that
// does not free an eighth, what can be spared, then any. Freeing many at once
// keeps the search rare.
func makeRoom[K comparable, V any](m map[K]V, now time.Time, seen func(V) time.Time, spare func(V) bool) {
	if len(m) < guardClients {
		return
	}
	for k, v := range m {
		if now.Sub(seen(v)) > guardIdle {
			delete(m, k)
		}
	}
	for _, may := range []func(V) bool{spare, func(V) bool { return true }} {
		for k, v := range m {
			if len(m) < guardClients*7/8 {
				return
			}
			if may(v) {
				delete(m, k)
			}
		}
	}
}

package connections

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"conga/allocator/store"
)

// The defaults of [Config].
const (
	DefaultKeep       = 5 * time.Minute
	DefaultPerProject = 100_000
	DefaultTotal      = 400_000
)

// A Config is what [Open] needs. Only the store is required.
type Config struct {
	Store      store.Store
	Keep       time.Duration    // how long a report counts; 0: DefaultKeep
	PerProject int              // connections that one project may have; 0: DefaultPerProject
	Total      int              // connections in all, which bounds memory; 0: DefaultTotal
	Now        func() time.Time // nil: time.Now
	Log        *slog.Logger     // nil: none
}

// A Registry is every live connection. It is safe for concurrent use.
//
// A caller that changes the store holds writing. Only then it takes mu, for
// RAM, and never while the store commits.
type Registry struct {
	cfg     Config
	writing chan struct{} // holds one token while a caller changes the store

	mu       sync.Mutex
	byID     map[uuid.UUID]*live
	all      arrivals
	projects map[string]*arrivals
	pairs    map[pair]*arrivals
	queue    list.List // of *live, the one that was seen longest ago first
	seq      uint64    // the last number given
	dead     []string  // keys of records that are to leave the store
}

// live is one live connection; Registry.mu guards it.
type live struct {
	seq    uint64
	seen   *Connection // as last reported: replaced, never changed, so that readers may keep it
	at     time.Time   // of the last report; its monotonic part makes expiry immune to a clock that is set
	stored int64       // LastSeen as the store has it
	held   bool        // a report of it is on its way to the store, so it cannot expire now
	gone   bool
	queued *list.Element
}

// arrivals holds connections in order of arrival.
type arrivals struct{ list []*live }

// Open reads the reports in the store. Call Run to have expired ones removed
// from it.
func Open(ctx context.Context, cfg Config) (*Registry, error) {
	if cfg.Store == nil {
		return nil, errors.New("connections: a store is required")
	}
	if cfg.Keep == 0 {
		cfg.Keep = DefaultKeep
	}
	if cfg.PerProject == 0 {
		cfg.PerProject = DefaultPerProject
	}
	if cfg.Total == 0 {
		cfg.Total = DefaultTotal
	}
	if cfg.Keep < time.Second || cfg.PerProject < 0 || cfg.Total < 0 {
		return nil, errors.New("connections: a report must be kept for a second at least, and limits cannot be negative")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Registry{
		cfg: cfg, writing: make(chan struct{}, 1),
		byID: map[uuid.UUID]*live{}, projects: map[string]*arrivals{}, pairs: map[pair]*arrivals{},
	}
	return r, r.load(ctx)
}

// slack returns how much older LastSeen may be in the store than it is. A
// repeat that says nothing new is written only when it would become more:
// reporters repeat everything every half a minute, and the disk need not hear
// all of it.
func (r *Registry) slack() time.Duration { return r.cfg.Keep / 4 }

// take waits until the caller may write. It then calls pass.
func (r *Registry) take(ctx context.Context) error {
	select {
	case r.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Registry) pass() { <-r.writing }

// insertLocked adds a connection that is not there yet.
func (r *Registry) insertLocked(e *live) {
	c := e.seen
	r.byID[c.ID] = e
	r.all.list = append(r.all.list, e)
	arrivalsOf(r.projects, c.Project).add(e)
	arrivalsOf(r.pairs, pairOf(c.Project, c.FlowKey())).add(e)
	e.queued = r.queue.PushBack(e)
}

func arrivalsOf[K comparable](all map[K]*arrivals, k K) *arrivals {
	found := all[k]
	if found == nil {
		found = &arrivals{}
		all[k] = found
	}
	return found
}

func (l *arrivals) add(e *live) { l.list = append(l.list, e) }

// len returns 0 for no list.
func (l *arrivals) len() int {
	if l == nil {
		return 0
	}
	return len(l.list)
}

// Len returns how many connections are live.
func (r *Registry) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expireLocked(r.cfg.Now())
	return len(r.byID)
}

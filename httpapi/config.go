package httpapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"conga/allocator"
	"conga/bitrate"
	"conga/controller/topology"
	"conga/httpapi/audit"
	"conga/httpapi/auth"
	"conga/httpapi/connections"
	"conga/httpapi/events"
	"conga/httpapi/limits"
	"conga/httpapi/replay"
	"conga/httpapi/webhook"
)

// Allocations is what the API needs of the allocator. Errors are of type
// [*allocator.Error]; any other is taken for an internal one.
type Allocations interface {
	// Create admits a request; once it returns, the allocation survives a
	// crash.
	Create(ctx context.Context, r allocator.Request, along ...allocator.Along) (allocator.Allocation, error)
	// CreateSeries admits a request with a recurrence: all of its occurrences,
	// or none.
	CreateSeries(ctx context.Context, r allocator.Request, along ...allocator.AlongSeries) (allocator.Series, error)
	// Series returns the allocations of a series that are not complete.
	Series(id string) []allocator.Allocation
	// ReleaseSeries ends allocations, all or none, if none has changed since it
	// was read.
	ReleaseSeries(ctx context.Context, list []allocator.Allocation, along ...allocator.AlongSeries) error
	// Get finds an allocation.
	Get(id string) (allocator.Allocation, error)
	// Live returns what is not complete of a project, or of all for "", in the
	// order in which it was created.
	Live(project string) []allocator.Allocation
	// Skip returns the walk that goes on behind the first so many allocations
	// that the filter chooses.
	Skip(ctx context.Context, f allocator.Filter, newest bool, skip int) (allocator.Walk, error)
	// Step returns the next allocations of a walk that the filter chooses, at
	// most so many. Where the filter chooses few it may have fewer, and there
	// may still be more.
	Step(ctx context.Context, f allocator.Filter, w allocator.Walk, most int) (allocator.Stretch, error)
	// Past calls f with the ID of every complete allocation of a project, or of
	// all for "", in no order, and stops at f's first error.
	Past(ctx context.Context, project string, f func(id string) error) error
	// Counts is how many of a project's allocations, or of all for "", are in
	// each state.
	Counts(project string) map[allocator.State]int
	// Update changes an allocation if its revision is still ifRevision; 0: any.
	Update(ctx context.Context, id string, ifRevision uint64, c allocator.Change, along ...allocator.Along) (allocator.Allocation, error)
	// Release ends an allocation, or removes a complete one, if its revision is
	// still ifRevision; 0: any.
	Release(ctx context.Context, id string, ifRevision uint64, along ...allocator.Along) error
}

var _ Allocations = (*allocator.Allocator)(nil)

// Tokens verifies tokens of an OpenID Connect issuer. Errors are
// [auth.ErrToken] and [*auth.UnavailableError].
type Tokens interface {
	Verify(ctx context.Context, token string) (auth.Identity, error)
}

var _ Tokens = (*auth.OIDC)(nil)

// A Check is one part of the daemon that must be ready before it is.
type Check struct {
	Name  string
	Ready func(context.Context) error // nil error: ready

	Limitations func() []string // what works, but not fully, a sentence each; nil: all does
}

// An Observation is one request that was answered. Its texts come from bounded
// sets, so that they can label metrics.
type Observation struct {
	Route  string // template such as /api/allocations/:id, or "none"
	Method string // a known method, or "OTHER"
	Code   int
	Took   time.Duration
}

// A Config is what the API works with. Allocations, Keys and Directory are
// required.
type Config struct {
	Allocations Allocations
	Keys        *auth.Keys
	Directory   auth.Directory
	Connections *connections.Registry     // nil: connections are not reported
	Keyless     []Keyless                 // hosts that may do so without a key
	Tokens      Tokens                    // nil: no tokens are taken
	SignIns     SignIns                   // of the issuer of Tokens; nil: browsers sign in with passwords only
	Guard       *auth.Guard               // nil: one with default limits
	Bodies      *limits.Bodies            // what bodies may take of memory; nil: the default
	LeastRate   bitrate.Rate              // that Allocations admits; 0: any
	Planner     Planner                   // nil: no /paths, and nothing is told of reservations
	Maintenance Maintenances              // nil: there is no maintenance
	Statistics  Statistics                // nil: no /stats
	Audit       *audit.Log                // nil: there is no audit log
	Replays     *replay.Book              // nil: an Idempotency-Key is not looked at
	Events      *events.Hub               // nil: there are no events
	Webhooks    *webhook.Hooks            // nil: there are no webhooks
	Projects    func() []Project          // nil: projects are not shown
	Owners      func() *auth.Owners       // which addresses are whose; nil: every project may reserve every path
	Snapshot    func() *topology.Snapshot // nil: the network is not part of readiness
	Ready       []Check                   // what /readyz asks, in this order
	Page        Page                      // for browsers, at /; nil: there is none
	Metrics     http.Handler              // served at /metrics; nil: not served
	Observe     func(Observation)         // nil: requests are not counted
	Origin      string                    // where users reach us, such as https://conga.example; "": as they say
	Log         *slog.Logger              // nil: none
	Now         func() time.Time          // nil: time.Now

	// Positions returns where a map shows switches, by DPID in 16 digits; nil:
	// nothing is known of that.
	Positions func() map[string]Position

	// Backup returns the store as it is at one moment, and how many bytes it
	// has. The caller closes it, and asks for the next one after that. Without
	// it /backup is not served.
	Backup func(context.Context) (io.ReadCloser, int64, error)

	// TrustedProxies are where proxies stand whose X-Forwarded-For is believed.
	// Each must add to it where a request came from, or write it anew.
	TrustedProxies []netip.Prefix
}

// New returns the handler of everything that the daemon serves over HTTP.
func New(cfg Config) (http.Handler, error) {
	if cfg.Allocations == nil || cfg.Keys == nil || cfg.Directory == nil {
		return nil, errors.New("httpapi: allocations, keys and a directory are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Guard == nil {
		cfg.Guard = auth.NewGuard(auth.GuardConfig{Now: cfg.Now})
	}
	if cfg.Bodies == nil {
		cfg.Bodies = limits.NewBodies(limits.BodiesConfig{})
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Observation) {}
	}
	a, err := newAPI(cfg)
	if err != nil {
		return nil, err
	}
	return a.routes(), nil
}

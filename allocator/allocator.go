package allocator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// Config is what an [Allocator] works with. Store and Network are required.
type Config struct {
	Store      store.Store
	Network    func() *topology.Snapshot                     // the network as it is known now; never nil
	Reservable float64                                       // share of a link's capacity that allocations may hold, 0 < r <= 1; 0: 0.8
	Limits     func(project string) Limits                   // nil: none
	Owns       func(project string, addrs netip.Prefix) bool // whether all addresses of a prefix are the project's own; nil: none is
	Least      bitrate.Rate                                  // the least rate that may be asked for; 0: any
	// RequireMeters has no rate promised where switches do not enforce it.
	RequireMeters bool
	Now           func() time.Time // nil: time.Now
	NewID         func() string    // nil: a random UUID
	Log           *slog.Logger     // nil: none
	// Notify, if not nil, is called with every committed change in order: with
	// the allocation as it is, or as it was last and true if it was deleted. It
	// runs under the allocator's lock: it must be quick and must not call the
	// allocator.
	Notify func(a Allocation, deleted bool)
	// Maintained, if not nil, is called when a maintenance was entered, begins
	// or ends. It runs as Notify does.
	Maintained func(MaintenanceChange)
	// Pruned, if not nil, is called for what Notify is not: with the IDs of
	// complete allocations that are removed because they are old. It runs as
	// Notify does.
	Pruned func(id string)
	// History is how long what is complete is kept; 0: [DefaultHistory].
	History time.Duration
	// Occurrences is how many allocations a series has at most; 0:
	// [DefaultOccurrences].
	Occurrences int
	// ScavengerGrace is how long before something begins that needs their room
	// scavengers are told, at least, if it was known by then; 0:
	// [DefaultScavengerGrace].
	ScavengerGrace time.Duration
	// DrainLead is how long before a maintenance begins what goes over it
	// leaves; 0: [DefaultDrainLead].
	DrainLead time.Duration
	// Along, if not nil, goes with every change that brings nothing of its own
	// to be saved with it: those that time and the network make.
	Along Along
}

// withDefaults returns the configuration with all that was left out.
func (c Config) withDefaults() Config {
	if c.Reservable == 0 {
		c.Reservable = 0.8
	}
	if c.Limits == nil {
		c.Limits = func(string) Limits { return Limits{} }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.History <= 0 {
		c.History = DefaultHistory
	}
	if c.Occurrences <= 0 {
		c.Occurrences = DefaultOccurrences
	}
	if c.ScavengerGrace <= 0 {
		c.ScavengerGrace = DefaultScavengerGrace
	}
	if c.DrainLead <= 0 {
		c.DrainLead = DefaultDrainLead
	}
	if c.NewID == nil {
		c.NewID = uuid.NewString
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Allocator owns the allocations. It is safe for concurrent use.
//
// There is one lock, mu. Under it, warnings go to the log, and Notify may take
// another lock for a moment. It is not held while the store commits. A change
// first reserves in the calendars what it needs, then is committed, and only
// then is it seen by users and by the scheduler; until then the calendars hold
// the old and the new state, so that either may come true. At most one change
// of an allocation is under way; others wait for it.
type Allocator struct {
	cfg   Config
	share share
	wake  chan struct{} // one token: the agenda or the plan has something new
	none  *extra        // what all items share that have nothing of their own in it

	resting atomic.Int64 // passes over the history that are left out

	mu        sync.RWMutex
	byID      map[ident]*item      // what is not complete, and complete ones that are being removed
	handles   map[uint32]*item     // of what is deleted and still in the network, or unusual
	all       itemList             // every visible item that is not complete
	projects  map[string]*itemList // those of each project that has any
	series    map[string]*itemList // those of each series that has any
	completed completed            // how many are complete; they are in the store
	moving    int                  // changes under way that move something into or out of the history
	moves     uint64               // counts their beginnings and ends
	lost      uint64               // counts what has left the history
	calendars calendars
	agenda    agenda
	failed    map[*item]bool // tasks that wait for their next attempt
	expiring  expiryQueue    // what the network holds
	leaving   leaving
	seen      *topology.Snapshot // the network as it was taken in last
	graph     *path.Graph        // of its switches and links; nil: to be made
	cables    cables
	followers map[string]map[*item]bool // what is to be disjoint from an allocation, by its ID
	waiting   waitLists
	spare     scavenging
	repairs   repairs            // of switches and links: maintenance
	staged    map[*item]bool     // what has stages
	prefixes  path.PrefixLengths // of what is on these indexes
	plan      planning
	announced nanos // when Due last said that it had to be asked again
	settled   bool  // the network has had time to connect since the start
	seq       uint64
	revision  uint64
}

// Open reads the allocations from the store. The error names the record that
// cannot be read, if there is one; nothing is skipped.
func Open(ctx context.Context, cfg Config) (*Allocator, error) {
	if cfg.Store == nil || cfg.Network == nil {
		return nil, errors.New("allocator: a store and a network are required")
	}
	cfg = cfg.withDefaults()
	if !(cfg.Reservable > 0 && cfg.Reservable <= 1) {
		return nil, fmt.Errorf("allocator: reservable share %v is not between 0 and 1", cfg.Reservable)
	}
	a := &Allocator{
		cfg: cfg, share: shareOf(cfg.Reservable), wake: make(chan struct{}, 1),
		byID: map[ident]*item{}, none: newExtra(), handles: map[uint32]*item{}, projects: map[string]*itemList{}, series: map[string]*itemList{}, completed: completed{},
		calendars: newCalendars(), failed: map[*item]bool{}, leaving: newLeaving(),
		cables: newCables(), followers: map[string]map[*item]bool{}, waiting: newWaitLists(),
		spare: scavenging{items: map[*item]bool{}}, repairs: newRepairs(), staged: map[*item]bool{},
	}
	a.observeLocked()
	a.calendars.owns = cfg.Owns
	if err := a.load(ctx); err != nil {
		return nil, err
	}
	if err := a.loadMaintenances(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// Now returns the time on the allocator's clock, see [Config.Now]. Moments
// given to the allocator, and those that it returns, are on that clock.
func (a *Allocator) Now() time.Time { return a.cfg.Now() }

// Create admits a request. With a start time the allocation has exactly that
// window or the request is refused; without one it has the earliest window that
// fits, now if possible. A request whose addresses are not known yet, or
// between whose ends no path leads now, is accepted and waits: it is pending,
// with a Reason and no Window.
//
// When Create returns nil the allocation survives a crash, and so do the
// records that along makes.
//
// Errors are of type *[Error]: Invalid with the Field at fault; Conflict with
// the Bottleneck or the allocation in the way, or Denied by a limit of the
// project, both with Alternatives if there are any; Internal if the store
// failed, in which case nothing was admitted.
func (a *Allocator) Create(ctx context.Context, r Request, along ...Along) (Allocation, error) {
	const op = "create"
	if err := ctx.Err(); err != nil {
		return Allocation{}, &Error{Op: op, Kind: Internal, Err: err}
	}
	now := a.now()
	if err := a.check(&r, now); err != nil {
		return Allocation{}, err.in(op)
	}
	it, made, err := a.beginCreation(r, now, along)
	if err == nil {
		err = a.commit(it)
	}
	if err != nil {
		return Allocation{}, err.in(op)
	}
	return made, nil
}

// beginCreation admits a request and begins to save it.
func (a *Allocator) beginCreation(r Request, now Seconds, along []Along) (*item, Allocation, *Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, err := a.admitLocked(r, now)
	if err != nil {
		err.Alternatives = a.alternativesLocked(r, now, nil, err)
		return nil, Allocation{}, err
	}
	it := a.newItemLocked()
	if it == nil {
		return nil, Allocation{}, &Error{Kind: Internal, Err: errors.New("no new ID could be made")}
	}
	next := &record{Version: recordVersion, Seq: it.number, Allocation: Allocation{
		ID: it.id(), Handle: it.handle, Created: now, Request: r, State: Pending, LeaseEnd: leaseEnd(r.firstLease(), now),
	}}
	next.put(at)
	it.own().along = along
	a.beginLocked(it, next)
	a.awaitBetterLocked(it, next, at.obstacles)
	return it, a.viewAsLocked(it, next), nil
}

// Get returns an allocation; complete ones are read from the store. Errors are
// of type *[Error]: NotFound, or Internal if the store cannot be read.
func (a *Allocator) Get(id string) (Allocation, error) {
	const op = "get"
	a.mu.RLock()
	it := a.findLocked(id)
	if it != nil && it.visible() {
		defer a.mu.RUnlock()
		return a.viewLocked(it), nil
	}
	past := it.past()
	a.mu.RUnlock()
	if !past {
		return Allocation{}, notFound(id).in(op)
	}
	r, err := a.readByID(context.Background(), id)
	switch {
	case err != nil:
		return Allocation{}, err.in(op)
	case r == nil:
		return Allocation{}, notFound(id).in(op)
	}
	return r.Allocation, nil
}

// Known reports whether there is an allocation with the ID, complete ones
// included. One that cannot be looked for, because the store fails, counts as
// known.
func (a *Allocator) Known(id string) bool {
	a.mu.RLock()
	it := a.findLocked(id)
	known, past := it != nil && it.visible(), it.past()
	a.mu.RUnlock()
	if !past || id == "" {
		return known
	}
	seq, err := a.cfg.Store.Get(context.Background(), store.History, indexKey(id))
	return seq != nil || err != nil
}

// Reserved returns the most that allocations hold of a directed link at any
// moment of the window, in bit/s.
func (a *Allocator) Reserved(link topology.LinkID, w Window) bitrate.Rate {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.calendars.links.peak(link, w)
}

// admitLocked places a new request and checks the project's limits.
func (a *Allocator) admitLocked(r Request, now Seconds) (placement, *Error) {
	pl := a.plannerLocked()
	pl.obstacles, pl.readings = &obstacles{}, &readings{}
	got, err := a.assignLocked(pl, r, now, nil)
	got.obstacles = pl.obstacles
	return got, err
}

// assignLocked does what admitLocked does, as a planner says. If the request is
// a change of an allocation, the caller has taken that one's reservations out
// of the calendars, and was is its record; nil is a new one.
func (a *Allocator) assignLocked(pl planner, r Request, now Seconds, was *record) (placement, *Error) {
	if r.scavenges() {
		if err := a.checkApartLocked(&r, was); err != nil {
			return placement{}, err
		}
		return a.admitScavengerLocked(pl, r, now, was)
	}
	limits := a.cfg.Limits(r.ProjectID)
	pl.longest = limits.longest(r.ProjectID, was)
	if err := a.checkApartLocked(&r, was); err != nil {
		return placement{}, err
	}
	if r.picksRate() {
		r.Bandwidth = pl.leastRate(demand{Request: r})
	}
	if err := a.checkOneLocked(r, limits, was); err != nil {
		return placement{}, err
	}
	pl.allowance = a.allowanceLocked(r.ProjectID, limits, was)
	within := Limits{} // a limit refuses a request, it does not put it off
	if r.Deadline != 0 || r.picksRate() {
		within.Bandwidth = pl.allowance // unless it says until when it can be
	}
	got, err := pl.assign(r, now, within, was)
	if err == nil {
		if err = a.checkStepsLocked(r, got.steps(r), limits, was); err == nil {
			r.Bandwidth = cmp.Or(got.rate, r.Bandwidth)
			err = a.checkPlacedLocked(r, got.window, limits, was, now)
		}
	}
	return got, err
}

func notFound(id string) *Error {
	return &Error{Kind: NotFound, Err: fmt.Errorf("there is no allocation %q", id)}
}

// in sets the operation during which the error came up, and returns the error.
func (e *Error) in(op string) *Error {
	e.Op = op
	return e
}

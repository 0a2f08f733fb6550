package allocator

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"conga/allocator/store"
	"conga/controller/topology"
)

// Limits are what one project may hold at most. Zero is no limit.
type Limits struct {
	Bandwidth topology.BitRate // at any one moment, all its allocations together, bit/s
	Active    int              // allocations that are not complete
}

// Config is what an [Allocator] works with. Store and Network are required.
type Config struct {
	Store      store.Store
	Network    func() *topology.Snapshot   // the network as it is known now; never nil
	Reservable float64                     // share of a link's capacity that allocations may hold, 0 < r <= 1; 0: 0.8
	Limits     func(project string) Limits // nil: none
	Now        func() time.Time            // nil: time.Now
	NewID      func() string               // nil: a random UUID
	Logger     *slog.Logger                // nil: none
	// Notify, if not nil, is told of every committed change in order, the
	// allocation's last state and true if it was deleted. It runs under the
	// allocator's lock: it must be quick and must not call the allocator.
	Notify func(a Allocation, deleted bool)
}

// Allocator owns the allocations. It is safe for concurrent use.
type Allocator struct{}

// Open reads the allocations from the store.
func Open(ctx context.Context, cfg Config) (*Allocator, error) { return nil, errors.New("not yet") }

// Create admits a request. With a start time it holds exactly that window or is
// refused; without one it gets the earliest window that fits, now if possible. A
// request whose addresses are not known yet, or between whose ends no path
// leads now, is accepted and waits, pending, with a Reason and no Window.
//
// When Create returns nil the allocation survives a crash.
//
// Errors are of type *[Error]: Invalid with the Field at fault; Conflict with
// the Bottleneck or the allocation in the way, and an Offer; Denied by a limit
// of the project; Internal if the store failed, in which case nothing was
// admitted.
func (a *Allocator) Create(ctx context.Context, r Request) (Allocation, error) {
	return Allocation{}, errors.New("not yet")
}

// Get finds an allocation, complete ones included. The error is NotFound.
func (a *Allocator) Get(id string) (Allocation, error) { return Allocation{}, errors.New("not yet") }

// List returns the allocations of a project, or of all projects for "", in the
// order in which they were created.
func (a *Allocator) List(project string) []Allocation { return nil }

// Update changes an allocation, active ones included, and returns the result.
// The change is admitted with the allocation's own reservation counted as free.
// A refused change changes nothing. ifRevision is the Revision that the caller
// has read; 0 is any.
//
// Errors are those of [Allocator.Create], NotFound, Stale if the revision is
// another by now, and Conflict if the allocation is complete.
func (a *Allocator) Update(ctx context.Context, id string, ifRevision uint64, c Change) (Allocation, error) {
	return Allocation{}, errors.New("not yet")
}

// Delete removes an allocation, whatever its state: it is NotFound from then
// on, also after a crash. Its flow entries go next, and only then is its
// capacity free for others.
func (a *Allocator) Delete(ctx context.Context, id string) error { return errors.New("not yet") }

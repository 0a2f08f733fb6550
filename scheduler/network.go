package scheduler

import (
	"context"

	"conga/controller/path"
	"conga/controller/topology"
)

// Network is what the scheduler needs of the controller.
type Network interface {
	// Snapshot is the network as it is known now; never nil.
	Snapshot() *topology.Snapshot
	// Changed is closed at the next snapshot, and on a circuit's loss or return.
	Changed() <-chan struct{}
	// Restore names the circuits that were active when the daemon last ran, before
	// any switch has connected, so that the first comparison with a switch's
	// entries finds them wanted.
	Restore([]path.Circuit)
	// Install has the circuit's entries in every switch of its path and returns
	// when each has answered a barrier that followed them. An installed circuit
	// with another path or key is moved, make before break. An error names the
	// switch that is away or what it refused; the circuit then stays wanted and
	// is installed as soon as that is mended.
	Install(ctx context.Context, c path.Circuit) error
	// Remove takes the circuit's entries out and returns when every connected
	// switch has confirmed it. A switch that is away loses them when it returns.
	Remove(ctx context.Context, id string) error
}

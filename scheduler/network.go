package scheduler

import (
	"context"

	"conga/controller/path"
)

// A Network is what the scheduler needs of the controller.
type Network interface {
	// Changed returns a channel that is closed at the next snapshot, and on a
	// circuit's loss or return.
	Changed() <-chan struct{}
	// Restore names the circuits that were active when the daemon last ran. It
	// is called before any switch has connected, so that the first comparison
	// with a switch's entries finds them wanted.
	Restore([]path.Circuit)
	// Install puts the circuit's entries into every switch of its path and
	// returns when each has answered a barrier that followed them. An installed
	// circuit with another path or key is moved, make before break. An error
	// names the switch that is away or what it refused. If a switch is away the
	// circuit stays wanted and is installed as soon as that is mended; if it
	// refused an entry no switch holds any of them until the next call.
	Install(ctx context.Context, c path.Circuit) error
	// Remove takes the circuit's entries out and returns when every connected
	// switch has confirmed it. A switch that is away loses them when it
	// returns.
	Remove(ctx context.Context, id string) error
	// Drain says which switches and links traffic is to leave from now on where
	// another way leads, and no others.
	Drain([]path.Element)
	// Lost returns the IDs of circuits that were installed and are not any
	// more, because a switch has no room for them. Each is returned once.
	Lost() []string
}

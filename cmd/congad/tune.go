package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// garbage is how much the heap may grow between two collections, in percent of
// the live heap. The daemon's live heap is small and it allocates much: with
// the default of 100, collection takes a tenth of its time.
const garbage = 300

// moreGarbage takes its place while many circuits move. A collection takes as
// long as a thousand of them do, and can wait until they have moved, for which
// half of the live heap is enough. What is live is larger the more circuits
// there are.
const moreGarbage = garbage + 50

// tuneRuntime fits Go's runtime to what the daemon does, unless the environment
// sets GOGC or GOMAXPROCS.
//
// Each commit waits for the disk, and a processor is idle until the runtime
// notices, up to a millisecond: at hundreds of commits a second two processors
// lose a fifth of their capacity. One processor more than there are makes up
// for the one that waits.
func tuneRuntime() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

// A collector has the next collection come later while many circuits move.
type collector struct {
	wanted  atomic.Int64 // percent
	setting sync.Mutex   // held while percent is set
}

// newCollector returns nil if the environment sets GOGC.
func newCollector() *collector {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	return &collector{}
}

// burst takes note that many circuits begin to move, or that this is over. It
// does not block.
func (c *collector) burst(begins bool) {
	if c == nil {
		return
	}
	c.wanted.Store(garbage)
	if begins {
		c.wanted.Store(moreGarbage)
	}
	go c.set() // a collection that is under way has to end first
}

// set does what is wanted now.
func (c *collector) set() {
	c.setting.Lock()
	defer c.setting.Unlock()
	debug.SetGCPercent(int(c.wanted.Load()))
}

package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// garbage is how much the heap may grow between two collections, in percent of
// the live heap. The daemon's live heap is small and it allocates much: with
// the default of 100, collection takes a tenth of its time.
const garbage = 300

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

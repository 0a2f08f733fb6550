package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// garbage is how much the heap may grow between two collections, in percent of
// what lives. The daemon has little that lives and makes much that does not:
// collected at every doubling, a tenth of its time goes into that.
const garbage = 300

// tuneRuntime fits Go's runtime to what the daemon does, unless the environment
// says better (GOGC, GOMAXPROCS).
//
// Each commit waits for the disk, and until the runtime notices that, up to a
// millisecond, a processor stands still: hundreds of commits a second cost two
// processors a fifth of what they can do. One more than there are makes up for
// the one that waits.
func tuneRuntime() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

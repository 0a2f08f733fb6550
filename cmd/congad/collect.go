package main

import (
	"os"
	"runtime/debug"
)

// garbage is how much the heap may grow between two collections, in percent of
// what lives. The daemon has little that lives and makes much that does not:
// collected at every doubling, a tenth of its time goes into that.
const garbage = 300

// collectSeldom applies garbage, unless the environment says better.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}

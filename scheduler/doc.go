// Package scheduler carries out what is due: it activates allocations when
// their window opens, ends them when it closes, moves them when the network
// changes, and goes on where it left off after a restart.
package scheduler

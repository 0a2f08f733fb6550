// Package controller holds the switches to what is wanted of them.
//
// One goroutine, the core, owns the picture of the network and the circuits;
// one goroutine per switch, its session, owns what that switch holds. Events
// flow from the sessions to the core, wanted states from the core to the
// sessions; a wanted state replaces the one before it, so the core never waits
// for a switch. Everyone else reads snapshots.
package controller

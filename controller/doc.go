// Package controller keeps in each switch the flow entries and meters that are
// wanted there.
//
// One goroutine, the core, owns the topology and the circuits; one goroutine
// per switch, its session, owns what that switch holds. Events flow from the
// sessions to the core, and what is wanted from the core to the sessions,
// through mailboxes that draw together what was not taken yet: the core never
// waits for a switch. All others read snapshots.
package controller

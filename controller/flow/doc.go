// Package flow computes what a switch should hold, and the messages that lead
// there.
//
// [Compile] turns a snapshot, the circuits and the policy into a [State]: the
// flow entries and meters that are wanted in one switch. [Wanted] keeps that
// for many switches while network and circuits change. A [Reconciler] compares
// it with what one switch holds and returns the messages that lead there. All
// are pure, so the same network and the same circuits always want the same
// entries; only among equally short ways the one that was taken first stays.
package flow

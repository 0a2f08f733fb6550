// Package flow says what a switch should hold, and how to get it there.
//
// [Compile] turns a snapshot, the circuits and the policy into a [State]: the
// flow entries and meters that are wanted in one switch. [Diff] compares a wanted
// state with a present one and returns the messages between them. Both are pure,
// so the same network and the same circuits always want the same entries.
package flow

// Package acceptance tests both commands, as processes on an emulated network,
// against what was promised of them: row for row against the three documents of
// the interface, under load, and for secrets that they leave behind. It is made
// of tests; there is nothing to import.
package acceptance

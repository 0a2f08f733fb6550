// Package path finds constrained shortest paths over a topology snapshot.
//
// It is pure: a path is a function of the snapshot, the two ends, the rate and
// what the caller says is already reserved. It also holds the two words that
// travel from admission to installation: [Path], where traffic goes, and
// [Circuit], which traffic goes there and at what rate.
package path

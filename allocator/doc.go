// Package allocator owns the allocations: what was asked, what was admitted,
// on which path and in which window, and in which state each one is.
//
// Admission is exact. A request is admitted on a path and a window if and only
// if on every directed link of the path, in both directions, the peak of what
// is reserved over the window plus its own rate stays within the link's
// capacity times the reservable share.
package allocator

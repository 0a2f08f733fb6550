// Package wire is what both ends of an OpenFlow connection do with its bytes: cut messages out of the stream, and read
// and write at the cost of one system call each, without holding a buffer while nothing moves.
package wire

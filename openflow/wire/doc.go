// Package wire handles the bytes of an OpenFlow connection for both ends: it
// cuts messages out of the stream, and reads and writes with one system call
// each, without holding a buffer while nothing moves.
package wire

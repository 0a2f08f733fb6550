// Package topology holds what CONGA knows of the network at one moment:
// switches, ports, links, hosts and attachments.
//
// A [Snapshot] is immutable. One goroutine, the controller's, builds the next
// one and publishes it; all others read without locks and compare revisions to
// see whether anything changed.
package topology

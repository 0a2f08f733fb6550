// Package channel is the controller's side of an OpenFlow 1.3 connection:
// listener, TLS, handshake, keepalive, transaction identifiers, and an ordered
// writer with bounded queues.
//
//	          Listen                 Accept
//	switch ----------> TLS, hello, features, ports ----------> Conn: Start, Send, Request, Commit, PacketOut
//	                        |  refused, late                     |  Close, silence, broken framing, lost peer
//	                        v                                    v
//	                     closed                                Done: every request and commit fails with ErrClosed
//
// # Goroutines
//
// A [Listener] has one goroutine that accepts and one for each handshake under
// way, at most Config.MaxHandshakes. A [Conn] has two: the reader parses,
// answers echo requests, completes requests and commits, and calls the handler
// given to [Conn.Start] and the functions given to [Conn.Stream]; the writer
// encodes commits and writes. Nothing else reads from the network connection.
// The reader writes what its handler queued, and the caller of [Conn.Commit],
// [Conn.Request] and their like what it asked for, when the writer sleeps and
// the write need not wait; packet-outs and [Conn.Send] leave it to the writer.
//
// # Memory
//
// An idle connection holds no buffer: those are lent while bytes are in them.
// Besides its goroutines' stacks and the description of the switch's ports it
// takes some 3 KiB.
//
// # Patience
//
// A peer is dropped for being silent or slow only if that is its own fault:
// time in which this process does not run, and what the peer has sent but has
// not been read, do not count against it. What is dropped comes back, and makes
// more work for a process that has too much already.
//
// # Locks
//
// A Conn has three, each grouped with the fields it guards: queue.mu (what is
// to be sent), calls.mu (which call waits for which xid) and inbox.mu (what
// arrived before Start). Each [Commit] has its own. None is held while another
// is taken, and none while a handler runs or a byte moves. The lock of a
// [Conn.Stream] is held while its function runs, and taken before any of them.
//
// # Order
//
// Messages leave in three classes: first echo, role and error messages; then
// requests, flow mods and commits, strictly in the order of the calls; then
// packet-outs, urgent ones first. While there is a long commit, a share of
// every write is set aside for packet-outs, so that link discovery does not
// starve.
//
// Section numbers are those of the OpenFlow Switch Specification 1.3.5.
package channel

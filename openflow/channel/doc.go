// Package channel is one OpenFlow 1.3 connection, from the controller's side: listener, TLS, handshake,
// keepalive, transaction identifiers, and an ordered writer with bounded queues.
//
//	          Listen                 Accept
//	switch ----------> TLS, hello, features, ports ----------> Conn: Start, Send, Request, Commit, PacketOut
//	                        |  refused, late                     |  Close, silence, broken framing, lost peer
//	                        v                                    v
//	                     closed                                Done: every request and commit fails with ErrClosed
//
// # Goroutines
//
// A [Listener] has one goroutine that accepts and one for each handshake under way, at most
// Config.MaxHandshakes. A [Conn] has two: the reader parses, answers echo requests, completes requests and
// commits, and calls the handler given to [Conn.Start]; the writer encodes commits and writes. Nothing else
// reads from the network connection. The reader also writes what its handler queued, when that can be done
// without waiting.
//
// # Locks
//
// A Conn has three, each grouped with the fields it guards: queue.mu (what is to be sent), calls.mu (who waits
// for which xid) and inbox.mu (what arrived before Start). Each [Commit] has its own. None is held while
// another is taken, and none while a handler runs or a byte moves.
//
// # Order
//
// Messages leave in three classes: first echo, role and error messages; then requests, flow mods and commits,
// strictly in the order of the calls; then packet-outs, urgent ones first. While there is a long commit, a
// share of every write is set aside for packet-outs, so that link discovery does not starve.
//
// Section numbers are those of the OpenFlow Switch Specification 1.3.5.
package channel

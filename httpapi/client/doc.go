// Package client is a typed client of the CONGA REST interface. It needs the
// standard library alone, so that other programs can import it cheaply.
//
// A [Client] is safe for concurrent use. A call that the server has no time for
// (429) is made again after the time that it asks for, up to a minute. So is
// one that may have failed halfway, with a fault or a broken connection, if it
// can be repeated without harm: a request for an allocation is, under an
// Idempotency-Key, and one for a key is not. What the server refuses comes back
// as an [Error].
package client

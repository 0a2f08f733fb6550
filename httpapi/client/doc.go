// Package client is a typed client of the CONGA REST interface. It needs the
// standard library alone, so that other programs can import it cheaply.
//
// A [Client] is safe for concurrent use. Calls that may be repeated without
// harm are repeated when the server says that it is busy (429, 503), after the
// time that it asks for. What the server refuses comes back as an [Error].
package client

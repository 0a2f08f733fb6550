// Package connections keeps what hosts report of their connections: which
// process of which user talks to whom, so that one can see who is on an
// allocated path.
//
// A report is the Covalence document's connection object. The same connection
// reported again is the same resource, seen again; what is not reported any
// more expires. A project's connections are its own: nothing that one project
// reports can be seen by another, or touches what another has reported.
//
// Everything live is in memory. The store has it too, so that an acknowledged
// report outlives the process.
package connections

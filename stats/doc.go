// Package stats turns what CONGA and its switches count into numbers for people
// and for Prometheus.
//
// A [Poller] asks every connected switch for the counters of its flow entries,
// ports, tables and meters, and keeps the last [Sample] of each, with rates
// made of the last two. A ledger adds up what allocations have carried; it
// outlives flow entries, paths and the daemon.
//
// Metrics start with conga_, units are base units, and every label comes from a
// bounded set: no user, no allocation, no address. Gauges are read from their
// owners when Prometheus asks, so that there are no copies to keep up to date.
package stats

// Package stats turns what CONGA counts into numbers for Prometheus.
//
// Names start with conga_, units are base units, and every label comes from a
// bounded set: no user, no allocation, no address. Gauges are read from their
// owners when Prometheus asks, so that nothing has to be kept in step.
package stats

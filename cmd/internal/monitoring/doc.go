// Package monitoring tests what is in the folder monitoring, which operators
// give to Grafana and Prometheus, against the metrics of a running daemon.
package monitoring

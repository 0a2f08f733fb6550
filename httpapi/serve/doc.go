// Package serve holds the HTTP server of the API and its TLS certificate:
// limits that a slow or hostile client cannot stretch, a self-signed pair where
// none is configured, and certificates that can be replaced while the server
// runs.
package serve

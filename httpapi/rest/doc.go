// Package rest reads requests and writes answers of a JSON API over HTTP:
// bodies and their fields, queries, pages of lists, media types, envelopes,
// links, and the address of a client behind proxies. It knows nothing of what
// the resources are about.
package rest

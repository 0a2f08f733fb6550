// Package replay keeps the answers to requests that carry an Idempotency-Key,
// each in the same transaction as the effect of its request, so that a request
// sent twice has its effect once and the same answer twice, also over a crash.
package replay

// Package store keeps CONGA's durable state behind one small interface.
//
// It knows records, not what they mean: the allocator, the key directory, the
// controller's memory of the network and the connection reports each have
// buckets of their own.
package store

import (
	"context"
	"encoding/binary"
)

// Bucket is a named set of records.
type Bucket string

// The buckets, and whose they are.
const (
	Allocations Bucket = "allocations" // allocator: what is not complete
	History     Bucket = "history"     // allocator: what is complete, and where it is found
	Keys        Bucket = "keys"        // httpapi/auth
	Names       Bucket = "names"       // httpapi/auth: whose tokens a user's name belongs to
	Network     Bucket = "network"     // controller: hosts and links last seen
	Connections Bucket = "connections" // httpapi/connections
	Statistics  Bucket = "statistics"  // stats: what each allocation has carried that may still carry more
	Receipts    Bucket = "receipts"    // stats: what each of the others has carried
	Sums        Bucket = "sums"        // stats: the receipts of a project together
	Audit       Bucket = "audit"       // httpapi/audit
	Replays     Bucket = "replays"     // httpapi/replay
	Webhooks    Bucket = "webhooks"    // httpapi/webhook
)

// Span is a range of keys: those in [From, To). To "" is no end.
type Span struct {
	From, To string
	Backward bool // the highest key comes first
}

// Contains reports whether the key is in the range.
func (s Span) Contains(key string) bool { return key >= s.From && (s.To == "" || key < s.To) }

// Op sets the record Key of Bucket to Value, or deletes it if Value is nil. If Add
// is not 0 the record is a counter instead, and Value is not looked at: Add is added
// to what it holds, and a counter that comes to 0 is deleted.
type Op struct {
	Bucket Bucket
	Key    string
	Value  []byte
	Add    int64
}

// Count reads the value of a counter. What is no counter's value counts as 0.
func Count(value []byte) int64 {
	if len(value) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(value))
}

// CountAfter returns the value of a counter after an addition; nil if it is to be
// deleted. Engines carry out [Op] with it.
func CountAfter(value []byte, add int64) []byte {
	n := Count(value) + add
	if n == 0 {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(n))
}

// Store is durable state. Implementations are safe for concurrent use.
type Store interface {
	// Scan calls f with every record of the bucket in key order, in one
	// consistent view, and stops at f's first error. f must not keep value.
	Scan(ctx context.Context, bucket Bucket, f func(key string, value []byte) error) error
	// Get returns the value of one record, which is the caller's to keep; nil if
	// there is none.
	Get(ctx context.Context, bucket Bucket, key string) ([]byte, error)
	// Range is Scan over part of the keys. f ends it early, without an error, by
	// returning [ErrStop].
	Range(ctx context.Context, bucket Bucket, r Span, f func(key string, value []byte) error) error
	// Commit applies all ops or none, and returns when they would survive a
	// power cut. Commits that wait at the same time may share one sync. An
	// error means that none is visible; a cancelled ctx leaves that open.
	Commit(ctx context.Context, ops ...Op) error
	// Close waits for commits under way and releases the store.
	Close() error
}

// Package store keeps CONGA's durable state behind one small interface.
//
// It knows records, not what they mean. Each package that saves something has
// buckets of its own.
package store

import (
	"context"
	"encoding/binary"
)

// A Bucket is the name of a set of records.
type Bucket string

// The buckets, and the packages that they belong to.
const (
	Allocations  Bucket = "allocations"  // allocator: what is not complete
	Maintenances Bucket = "maintenances" // allocator: switches and links under maintenance
	History      Bucket = "history"      // allocator: what is complete, and where it is found
	Keys         Bucket = "keys"         // httpapi/auth
	Names        Bucket = "names"        // httpapi/auth: the OIDC subjects that hold users' names
	Network      Bucket = "network"      // controller: hosts and links last seen
	Connections  Bucket = "connections"  // httpapi/connections
	Statistics   Bucket = "statistics"   // stats: totals of allocations that are not complete
	Receipts     Bucket = "receipts"     // stats: totals of complete allocations
	Sums         Bucket = "sums"         // stats: the sum of each project's receipts
	Audit        Bucket = "audit"        // httpapi/audit
	Replays      Bucket = "replays"      // httpapi/replay
	Webhooks     Bucket = "webhooks"     // httpapi/webhook
)

// A Span is a range of keys: those in [From, To), or from From on if To is "".
type Span struct {
	From, To string
	Backward bool // the highest key comes first
}

// Contains reports whether the key is in the range.
func (s Span) Contains(key string) bool { return key >= s.From && (s.To == "" || key < s.To) }

// An Op sets the record Key of Bucket to Value, or deletes it if Value is nil.
// If Add is not 0 the record is a counter and Value is ignored: Add is added to
// it, and a counter that becomes 0 is deleted.
type Op struct {
	Bucket Bucket
	Key    string
	Value  []byte
	Add    int64
}

// Count returns the number that a counter's value stands for, 0 if the value is
// not a counter's.
func Count(value []byte) int64 {
	if len(value) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(value))
}

// CountAfter returns the value of a counter after an addition, nil if the
// record is to be deleted. It is for implementations of [Store].
func CountAfter(value []byte, add int64) []byte {
	n := Count(value) + add
	if n == 0 {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(n))
}

// A Store keeps durable state. Implementations are safe for concurrent use.
type Store interface {
	// Scan calls f with every record of the bucket in key order, in one
	// consistent view, and stops at f's first error. f must not keep value,
	// which is [Broken] where the checksum of a record is wrong.
	Scan(ctx context.Context, bucket Bucket, f func(key string, value []byte) error) error
	// Get returns the value of one record, nil if there is none. The caller may
	// keep and change it. It may be [Broken], as that of Scan.
	Get(ctx context.Context, bucket Bucket, key string) ([]byte, error)
	// Range is Scan over part of the keys. f ends it early, without an error,
	// by returning [ErrStop].
	Range(ctx context.Context, bucket Bucket, r Span, f func(key string, value []byte) error) error
	// Commit applies all ops or none, and returns when they would survive a
	// power cut. Commits that wait at the same time may share one sync. An
	// error means that none is visible; a cancelled ctx leaves that open.
	Commit(ctx context.Context, ops ...Op) error
	// Close waits for commits under way and releases the store.
	Close() error
}

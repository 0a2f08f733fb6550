package stats

import (
	"context"

	"conga/controller/path"
)

// A Bucket is a named set of records in an [Archive].
type Bucket string

// The buckets of an archive.
const (
	Accounts Bucket = "accounts" // by allocation: what may still grow; read at the start
	Receipts Bucket = "receipts" // by allocation: what is final, of allocations that are complete; read one by one
	Sums     Bucket = "sums"     // by project: the sum of its receipts
)

// A Record is a key and its value in an [Archive].
type Record struct {
	Bucket Bucket
	Key    string
	Value  []byte // nil deletes it
}

// An Archive keeps records over a restart. It is safe for concurrent use.
type Archive interface {
	// Get returns the value of one record, which is the caller's to keep; nil
	// if there is none.
	Get(ctx context.Context, bucket Bucket, key string) ([]byte, error)
	// Range calls f with the records of a bucket whose keys are higher than
	// after, in the order of their keys, until f reports that it needs no more.
	// f must not keep value and must not use the archive.
	Range(ctx context.Context, bucket Bucket, after string, f func(key string, value []byte) (more bool)) error
	// Save keeps or deletes all the records, or does nothing and returns an
	// error.
	Save(ctx context.Context, records []Record) error
}

// An Owner is what the statistics need to know of an allocation.
type Owner struct {
	Project   string
	Complete  bool      // it will not be in the network again
	Started   bool      // it has been active
	Spare     bool      // its rate is what is spare, and not promised to it
	Path      path.Path // that it is to have now; nil: none
	Moving    string    // why it is to have another path than it had last; "": it is not, or that is not known
	Window    Span      // planned until it has started, actual then; zero: none yet
	Shortfall Shortfall
}

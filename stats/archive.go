package stats

import "context"

// Room is a set of records in an [Archive].
type Room string

// The rooms of an archive.
const (
	Accounts Room = "accounts" // by allocation: what may still grow; read at the start
	Receipts Room = "receipts" // by allocation: what is final, of allocations that are complete; read one by one
	Sums     Room = "sums"     // by project: the sum of its receipts
)

// Record is what an [Archive] keeps.
type Record struct {
	Room  Room
	Key   string
	Value []byte // nil deletes it
}

// Archive keeps records over a restart. It is safe for concurrent use.
type Archive interface {
	// Get returns the value of one record, which is the caller's to keep; nil if
	// there is none.
	Get(ctx context.Context, room Room, key string) ([]byte, error)
	// Range calls f with the records of a room whose keys are higher than after,
	// in the order of their keys, until f reports that it needs no more. f must
	// not keep value and must not use the archive.
	Range(ctx context.Context, room Room, after string, f func(key string, value []byte) (more bool)) error
	// Save keeps or deletes all the records, or does nothing and returns an error.
	Save(ctx context.Context, records []Record) error
}

// Owner is what the statistics need to know of an allocation.
type Owner struct {
	Project  string
	Complete bool // it will not be in the network any more
}

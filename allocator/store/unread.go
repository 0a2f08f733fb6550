package store

import (
	"fmt"
	"log/slog"
	"slices"
)

// A RecordError says which record cannot be read, and why. It is [ErrDamaged].
type RecordError struct {
	What string // the record, as an operator finds it
	Err  error
}

// Unreadable returns the error of a record that cannot be read.
func Unreadable(bucket Bucket, key string, err error) *RecordError {
	return &RecordError{fmt.Sprintf("record %q of %s", key, bucket), err}
}

// Error returns a sentence without a full stop.
func (e *RecordError) Error() string { return fmt.Sprintf("%s cannot be read: %v", e.What, e.Err) }

// Unwrap returns [ErrDamaged] and the cause.
func (e *RecordError) Unwrap() []error { return []error{ErrDamaged, e.Err} }

// LeftOut collects the records of a bucket that cannot be read and that nothing
// depends on, so that the rest can be used. The zero value has none.
type LeftOut struct {
	removals []Op
	first    error
}

// Add adds a record and why it cannot be read.
func (l *LeftOut) Add(bucket Bucket, key string, err error) {
	if l.first == nil {
		l.first = err
	}
	l.removals = append(l.removals, Op{Bucket: bucket, Key: key})
}

// Removals returns the operations that remove the records from the store.
func (l *LeftOut) Removals() []Op { return slices.Clip(l.removals) }

// Warn logs how many there are and what is wrong with the first, if there are
// any.
func (l *LeftOut) Warn(log *slog.Logger) {
	if n := len(l.removals); n > 0 {
		log.Warn("records that cannot be read are left out", "bucket", string(l.removals[0].Bucket), "records", n, "err", l.first)
	}
}

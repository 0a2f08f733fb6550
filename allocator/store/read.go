package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Scan implements [Store]. It sees the records of the moment it was called. f
// must not call Commit, which may have to wait for every reader.
func (b *Bolt) Scan(ctx context.Context, bucket Bucket, f func(key string, value []byte) error) error {
	return b.walk(ctx, bucket, Span{}, f)
}

// Range implements [Store], with the view and the limits of [Bolt.Scan].
func (b *Bolt) Range(ctx context.Context, bucket Bucket, s Span, f func(key string, value []byte) error) error {
	err := b.walk(ctx, bucket, s, f)
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}

// Get implements [Store].
func (b *Bolt) Get(ctx context.Context, bucket Bucket, key string) (value []byte, err error) {
	err = b.view(new(bool), func(tx *bbolt.Tx) error {
		if records := tx.Bucket(sealedName(bucket)); records != nil && key != "" {
			if held := records.Get([]byte(key)); held != nil {
				value = bytes.Clone(reveal([]byte(key), held))
			}
		}
		return ctx.Err()
	})
	return value, err
}

func (b *Bolt) walk(ctx context.Context, bucket Bucket, s Span, f func(key string, value []byte) error) error {
	own := false // f is being called
	return b.view(&own, func(tx *bbolt.Tx) error {
		records := tx.Bucket(sealedName(bucket))
		if records == nil {
			return ctx.Err()
		}
		cursor := records.Cursor()
		k, v, next := start(cursor, s)
		for ; k != nil && s.Contains(string(k)); k, v = next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			key := string(k)
			own = true
			err := f(key, reveal(k, v))
			if own = false; err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// start puts a cursor on the first record of a range; next moves it on.
func start(c *bbolt.Cursor, s Span) (k, v []byte, next func() ([]byte, []byte)) {
	switch {
	case !s.Backward:
		k, v = c.Seek([]byte(s.From))
		return k, v, c.Next
	case s.To == "":
		k, v = c.Last()
	default:
		if k, _ = c.Seek([]byte(s.To)); k == nil {
			k, v = c.Last()
		} else {
			k, v = c.Prev()
		}
	}
	return k, v, c.Prev
}

// view runs f in a read transaction. Own is true while f calls what is not
// ours.
func (b *Bolt) view(own *bool, f func(*bbolt.Tx) error) error {
	db, err := b.readable()
	if err != nil {
		return err
	}
	damaged := errors.New("") // f's own errors are of any kind
	err = guard(own, func() error {
		err := db.View(f)
		if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
			return fmt.Errorf("store: read: %w", b.gone())
		}
		if err != nil {
			damaged = err
		}
		return err
	})
	if err != nil && err != damaged && errors.Is(err, ErrDamaged) {
		return b.note(err)
	}
	return err
}

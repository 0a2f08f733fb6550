package store

import (
	"context"
	"fmt"
	"io"

	"go.etcd.io/bbolt"
)

// Backup writes the store as it is at one moment to w, as a file that
// [OpenBolt] opens: every commit that had returned before the call is in it,
// and each other one is in it whole or not at all. It returns the number of
// bytes. Commits go on meanwhile, but the file cannot give back room, and one
// that outgrows its map has commits wait; so w is to take the bytes at once.
// It ends with ctx's error if that ends first.
func (b *Bolt) Backup(ctx context.Context, w io.Writer) (n int64, err error) {
	to := &recipient{ctx: ctx, Writer: w}
	err = b.view(new(bool), func(tx *bbolt.Tx) error {
		n, err = tx.WriteTo(to)
		return err
	})
	if to.err != nil { // bbolt tells its text alone
		err = to.err
	}
	if err != nil {
		return n, fmt.Errorf("store: backup: %w", err)
	}
	return n, nil
}

// Unused returns an error, which wraps [ErrLocked], if another process has the
// store in the file at path open. The store may be damaged.
func Unused(path string) error {
	file, err := openRegular(path)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer file.Close()
	if lockFile(file, lockTimeout) != nil {
		return lockedError(path)
	}
	return nil
}

// A recipient writes until its context ends or a write fails.
type recipient struct {
	ctx context.Context
	io.Writer
	err error // the first
}

// Write implements io.Writer.
func (r *recipient) Write(b []byte) (n int, err error) {
	if r.err = r.ctx.Err(); r.err == nil {
		n, r.err = r.Writer.Write(b)
	}
	return n, r.err
}

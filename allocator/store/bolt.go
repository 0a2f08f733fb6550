package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// lockTimeout is how long OpenBolt waits for another process to close the
	// file: long enough for one that is just stopping.
	lockTimeout = time.Second
	// mapSize is how many bytes are mapped at first. Growing the map waits for
	// every reader; a map that covers any store to be expected never grows.
	mapSize = 1 << 30
)

// A Bolt is a [Store] in one file, for one process.
//
// Commits are grouped: one goroutine takes all that wait and writes them in one
// transaction, so that they share its two syncs. A single writer never waits
// for others.
type Bolt struct {
	db     *bbolt.DB
	path   string
	wake   chan struct{} // capacity 1: the committer has work
	done   chan struct{} // closed when the committer has returned
	update func(func(*bbolt.Tx) error) error

	mu      sync.Mutex
	pending []*commit // waiting for the committer, in order of arrival
	closed  bool
	failed  error // set once; the answer to every later call
}

var _ Store = (*Bolt)(nil)

// OpenBolt opens the store in the file at path. If there is none it creates the
// file, readable by its owner only, in a folder that must exist. Close releases
// it.
func OpenBolt(path string) (*Bolt, error) {
	_, statErr := os.Stat(path)
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         lockTimeout,
		FreelistType:    bbolt.FreelistMapType,
		NoFreelistSync:  true, // written by Close and not with every commit; after a crash it is rebuilt
		InitialMmapSize: mapSize,
		NoStatistics:    true,
	})
	if err != nil {
		return nil, openError(path, err)
	}
	b := &Bolt{
		db: db, path: path, update: db.Update,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if err := b.prepare(errors.Is(statErr, os.ErrNotExist)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go b.run()
	return b, nil
}

// prepare makes the file private, and its name durable if it is new.
func (b *Bolt) prepare(created bool) error {
	if err := os.Chmod(b.path, 0o600); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if created {
		if err := syncFolder(filepath.Dir(b.path)); err != nil {
			return fmt.Errorf("store: sync the folder of %s: %w", b.path, err)
		}
	}
	return nil
}

// syncFolder makes the name of a new file survive a power cut.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openError returns err with a sentence on what an operator can do about it.
func openError(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("store: another congad is using %s; stop it, or give this one a data folder of its own: %w", path, ErrLocked)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrInvalidMapping):
		return fmt.Errorf("store: %s is not a store of congad, or was cut short (%v): %w", path, err, ErrDamaged)
	}
	return fmt.Errorf("store: open: %w", err)
}

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
	err = b.view(func(tx *bbolt.Tx) error {
		if records := tx.Bucket([]byte(bucket)); records != nil && key != "" {
			value = bytes.Clone(records.Get([]byte(key)))
		}
		return ctx.Err()
	})
	return value, err
}

func (b *Bolt) walk(ctx context.Context, bucket Bucket, s Span, f func(key string, value []byte) error) error {
	return b.view(func(tx *bbolt.Tx) error {
		records := tx.Bucket([]byte(bucket))
		if records == nil {
			return ctx.Err()
		}
		cursor := records.Cursor()
		k, v, next := start(cursor, s)
		for ; k != nil && s.Contains(string(k)); k, v = next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f(string(k), v); err != nil {
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

// view runs f in a read transaction.
func (b *Bolt) view(f func(*bbolt.Tx) error) error {
	if err := b.usable(); err != nil {
		return err
	}
	err := b.db.View(f)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return fmt.Errorf("store: read: %w", ErrClosed)
	}
	return err
}

// usable returns nil while the store is open and its disk has not failed.
func (b *Bolt) usable() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.usableLocked()
}

func (b *Bolt) usableLocked() error {
	if b.closed {
		return fmt.Errorf("store: %w", ErrClosed)
	}
	return b.failed
}

// leaveFreelist writes down which pages are free. Without that, as after a
// failure here, the next opening reads every page of the file.
func (b *Bolt) leaveFreelist() {
	b.mu.Lock()
	failed := b.failed
	b.mu.Unlock()
	if failed == nil {
		b.db.NoFreelistSync = false // the committer, which reads it, has returned
		_ = b.db.Update(func(*bbolt.Tx) error { return nil })
	}
}

// Close implements [Store]: it writes what was given to Commit before, then
// waits for readers. Closing twice is harmless.
func (b *Bolt) Close() error {
	b.mu.Lock()
	first := !b.closed
	b.closed = true
	b.mu.Unlock()
	if first {
		b.signal()
	}
	<-b.done
	if first {
		b.leaveFreelist()
	}
	if err := b.db.Close(); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

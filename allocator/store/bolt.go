package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// lockTimeout is how long OpenBolt waits for another process to close the
	// file: long enough for one that is just stopping.
	lockTimeout = time.Second
	lockPause   = 50 * time.Millisecond // between two attempts
	// atOnce is how many bytes a file may have to be examined before it is
	// used: about a second from a usual disk.
	atOnce = 256 << 20
	// mapSize is how many bytes are mapped at first. Growing the map waits for
	// every reader; a map that covers any store to be expected never grows.
	mapSize = 1 << 30
)

// A Bolt is a [Store] in one file, for one process.
//
// Commits are grouped: one goroutine takes all that wait and writes them in one
// transaction, so that they share its two syncs. A single writer never waits
// for others.
//
// A disk that is full or cannot be written has commits refused, with
// [ErrUnwritable], until it can; damage that is met has them refused for good,
// with [ErrDamaged]. Reading goes on.
type Bolt struct {
	path   string
	log    *slog.Logger
	raw    *os.File      // the same file, beside bbolt
	pause  time.Duration // least time between two attempts at a disk that fails
	retry  *time.Timer   // when the committer makes the next
	wake   chan struct{} // capacity 1: the committer has work
	done   chan struct{} // closed when the committer has returned
	update func(func(*bbolt.Tx) error) error

	observe atomic.Pointer[func(took time.Duration, err error)] // nil: no observer

	examined sync.WaitGroup     // the examination of a file that is in use
	stop     context.CancelFunc // ends it

	mu      sync.Mutex
	db      *bbolt.DB
	stuck   bool      // a transaction of db could not be ended, so that closing it would block
	pending []*commit // waiting for the committer, in order of arrival
	closed  bool
	trouble *trouble // nil: none
}

var _ Store = (*Bolt)(nil)

// OpenBolt opens the store in the file at path. If there is none it creates the
// file, readable by its owner only, in a folder that must exist. Close releases
// it.
func OpenBolt(path string) (*Bolt, error) { return open(path, discard, atOnce) }

var discard = slog.New(slog.DiscardHandler)

// Open opens a store as [OpenBolt] does, with a log of what is wrong with the
// disk. It examines the whole file first; that of one that was closed in order,
// and is large, goes on while the store is used.
func Open(path string, log *slog.Logger) (*Bolt, error) { return open(path, log, atOnce) }

// open does as [Open], and examines files later that have more bytes than
// always.
func open(path string, log *slog.Logger, always int64) (*Bolt, error) {
	_, statErr := os.Stat(path)
	later, err := examine(path, always)
	if err != nil {
		return nil, err
	}
	db, err := openBolt(path)
	if err != nil {
		return nil, openError(path, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &Bolt{
		db: db, path: path, log: log, pause: leastPause, retry: time.NewTimer(mostPause), stop: stop,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	b.retry.Stop()
	b.update = b.transact
	err = b.prepare(errors.Is(statErr, os.ErrNotExist))
	if err == nil {
		err = b.sealAll()
	}
	if err != nil {
		stop()
		return nil, errors.Join(err, db.Close())
	}
	go b.run()
	if later {
		b.examined.Go(func() { b.examineLater(ctx) })
	}
	return b, nil
}

// examine checks the file at path before bbolt reads it. It reports whether
// that is to be done later, since it would take long.
func examine(path string, always int64) (later bool, err error) {
	file, err := openRegular(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil // it will be made
	}
	if err != nil {
		return false, fmt.Errorf("store: open: %w", err)
	}
	defer file.Close()
	if err := lockFile(file, lockTimeout); err != nil {
		return false, lockedError(path)
	}
	return check(context.Background(), path, file, always)
}

// openRegular opens a file for reading. It refuses a pipe, which would wait for
// a writer, and whatever else is no regular file.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// openBolt has bbolt open the file.
func openBolt(path string) (db *bbolt.DB, err error) {
	own := false
	err = guard(&own, func() error {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:         lockTimeout,
			FreelistType:    bbolt.FreelistMapType,
			NoFreelistSync:  true, // written by Close and not with every commit; after a crash it is rebuilt
			InitialMmapSize: mapSize,
			NoStatistics:    true,
		})
		return err
	})
	return db, err
}

// prepare makes the file private, and its name durable if it is new.
func (b *Bolt) prepare(created bool) error {
	if err := os.Chmod(b.path, 0o600); err != nil {
		return Unwritable(fmt.Errorf("store: %w", err))
	}
	if created {
		if err := syncFolder(filepath.Dir(b.path)); err != nil {
			return fmt.Errorf("store: sync the folder of %s: %w", b.path, err)
		}
	}
	raw, err := os.OpenFile(b.path, os.O_RDWR, 0)
	if err != nil {
		return Unwritable(fmt.Errorf("store: %w", err))
	}
	b.raw = raw
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

func lockedError(path string) error {
	return fmt.Errorf("store: another congad is using %s; stop it, or give this one a data folder of its own: %w", path, ErrLocked)
}

// openError returns err with a sentence on what an operator can do about it.
func openError(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return lockedError(path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrInvalidMapping):
		return fmt.Errorf("store: %s is not a store of congad, or was cut short (%v): %w", path, err, ErrDamaged)
	}
	return Unwritable(fmt.Errorf("store: open: %w", err))
}

// gone returns why there is no database: it was closed, or is being opened
// anew.
func (b *Bolt) gone() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	return ErrFailed
}

// handle returns the database that is open.
func (b *Bolt) handle() *bbolt.DB {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.db
}

// readable returns the database, unless the store was closed, or shows a commit
// that is to be undone.
func (b *Bolt) readable() (*bbolt.DB, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return nil, fmt.Errorf("store: %w", ErrClosed)
	case b.trouble != nil && b.trouble.undo != nil:
		return nil, b.trouble.err
	}
	return b.db, nil
}

// leaveFreelist writes down which pages are free. Without that, as after a
// failure here, the next opening reads every page of the file.
func (b *Bolt) leaveFreelist() {
	if db := b.handle(); b.troubled() == nil {
		db.NoFreelistSync = false // the committer, which reads it, has returned
		_ = guard(new(bool), func() error { return b.transact(func(*bbolt.Tx) error { return nil }) })
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
		b.stop()
		b.signal()
	}
	<-b.done
	b.examined.Wait()
	if !first {
		return nil
	}
	b.leaveFreelist()
	_ = b.raw.Close()
	if b.stuck {
		return nil // the process is to end, which frees the file
	}
	if err := b.handle().Close(); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

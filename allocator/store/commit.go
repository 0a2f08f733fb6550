package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// maxRecord is the most bytes of a value. Usual values have a few hundred.
const maxRecord = 16 << 20

// A commit is one call of Commit on its way through the committer.
type commit struct {
	ops  []Op
	done chan error // capacity 1, so that the committer never waits
}

// Commit implements [Store].
func (b *Bolt) Commit(ctx context.Context, ops ...Op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// A bad record must fail alone, and not what would share a transaction with
	// it.
	for _, op := range ops {
		if err := op.valid(); err != nil {
			return fmt.Errorf("store: commit: %w", err)
		}
	}
	c := &commit{ops: copyOps(ops), done: make(chan error, 1)}
	if err := b.enqueue(c); err != nil {
		return err
	}
	b.signal()
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		b.withdraw(c)
		return ctx.Err()
	}
}

// valid returns an error if op can never be applied.
func (op Op) valid() error {
	switch {
	case op.Bucket == "":
		return fmt.Errorf("%w: a record needs a bucket", ErrInvalid)
	case op.Key == "":
		return fmt.Errorf("%w: a record of %s needs a key", ErrInvalid, op.Bucket)
	case len(op.Key) > bbolt.MaxKeySize:
		return fmt.Errorf("%w: a key of %d bytes in %s", ErrInvalid, len(op.Key), op.Bucket)
	case len(op.Value) > maxRecord:
		return fmt.Errorf("%w: a record of %d bytes in %s", ErrInvalid, len(op.Value), op.Bucket)
	}
	return nil
}

// copyOps returns a copy of the operations, so that the caller can use its
// memory again even if it stopped waiting.
func copyOps(ops []Op) []Op {
	ops = slices.Clone(ops)
	for i := range ops {
		if v := ops[i].Value; v != nil {
			ops[i].Value = append(make([]byte, 0, len(v)+sealSize), v...)
		}
	}
	return ops
}

func (b *Bolt) enqueue(c *commit) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return fmt.Errorf("store: %w", ErrClosed)
	case b.trouble != nil:
		return b.trouble.err
	}
	b.pending = append(b.pending, c)
	return nil
}

// withdraw removes c from the queue if the committer has not taken it yet.
func (b *Bolt) withdraw(c *commit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.pending, c); i >= 0 {
		b.pending = slices.Delete(b.pending, i, i+1)
	}
}

// signal wakes the committer, if it was not signalled already.
func (b *Bolt) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run runs the committer, the only goroutine that writes. It returns once the
// store is closed and nothing waits.
func (b *Bolt) run() {
	defer close(b.done)
	for {
		select {
		case <-b.wake:
		case <-b.retry.C:
			b.attempt()
			continue
		}
		for {
			batch, closed := b.take()
			if len(batch) == 0 {
				if closed {
					return
				}
				break
			}
			err := b.write(batch)
			for _, c := range batch {
				c.done <- err
			}
			if len(batch) > 1 {
				b.gather()
			}
		}
	}
}

// take empties the queue and returns what it held.
func (b *Bolt) take() (batch []*commit, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch, b.pending = b.pending, nil
	return batch, b.closed
}

// gather yields to the writers that were just answered for as long as they send
// more. Without it the first of them would get a transaction to itself and the
// others would wait for the next: half the throughput. It never sleeps.
func (b *Bolt) gather() {
	for seen := -1; ; {
		b.mu.Lock()
		n := len(b.pending)
		b.mu.Unlock()
		if n == seen {
			return
		}
		seen = n
		runtime.Gosched()
	}
}

// write applies a batch in one transaction and returns the one result.
func (b *Bolt) write(batch []*commit) error {
	if err := b.troubled(); err != nil {
		return err
	}
	start := time.Now()
	err := b.transaction(batch)
	if observe := b.observe.Load(); observe != nil {
		(*observe)(time.Since(start), err)
	}
	return err
}

// Observe has f called after each transaction with what it took and how it
// ended, on the committer's goroutine, which waits for it.
func (b *Bolt) Observe(f func(took time.Duration, err error)) { b.observe.Store(&f) }

// Waiting returns how many commits wait for the committer.
func (b *Bolt) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pending)
}

// troubled returns why there can be no commit.
func (b *Bolt) troubled() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trouble == nil {
		return nil
	}
	return b.trouble.err
}

// transaction does as write, and notes what a failure means.
func (b *Bolt) transaction(batch []*commit) error {
	start, id := time.Now(), 0
	var was *undo
	err := guard(new(bool), func() error {
		return b.update(func(tx *bbolt.Tx) (err error) {
			id = tx.ID()
			if was, err = b.before(id); err != nil {
				return err
			}
			for _, c := range batch {
				for _, op := range c.ops {
					if err := apply(tx, op); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrDamaged):
		return b.note(err)
	case was == nil || !b.visible(id):
		return b.unwritable(fmt.Errorf("commit: %w", err), time.Since(start))
	}
	b.suspend(&trouble{err: failedError(err), undo: was}, 0)
	if b.revert(was) == nil {
		return b.unwritable(fmt.Errorf("commit: %w", err), time.Since(start))
	}
	return failedError(err)
}

// transact runs f in a write transaction as bbolt's Update does, but that it
// does no more than it must after a panic: Update would read the whole file, in
// a goroutine that nothing recovers.
func (b *Bolt) transact(f func(*bbolt.Tx) error) error {
	tx, err := b.handle().Begin(true)
	if err != nil {
		return err
	}
	defer func() {
		if v := recover(); v != nil {
			if guard(new(bool), tx.Rollback) != nil {
				b.mu.Lock()
				b.stuck = true
				b.mu.Unlock()
			}
			panic(v)
		}
	}()
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func apply(tx *bbolt.Tx, op Op) error {
	key, bucket := []byte(op.Key), tx.Bucket(sealedName(op.Bucket))
	if op.Add != 0 {
		var count []byte
		if bucket != nil {
			if held := bucket.Get(key); held != nil {
				count = reveal(key, held)
			}
		}
		if err := Intact(count); err != nil {
			return Unreadable(op.Bucket, op.Key, err)
		}
		op.Value = CountAfter(count, op.Add)
	}
	if op.Value == nil {
		if bucket == nil {
			return nil
		}
		return bucket.Delete(key)
	}
	if bucket == nil {
		var err error
		if bucket, err = tx.CreateBucket(sealedName(op.Bucket)); err != nil {
			return err
		}
	}
	return bucket.Put(key, seal(key, op.Value))
}

// visible reports whether transaction id can be read although its commit
// failed: its head was written, but may not have reached the disk.
func (b *Bolt) visible(id int) bool {
	now := 0
	err := guard(new(bool), func() error {
		return b.handle().View(func(tx *bbolt.Tx) error {
			now = tx.ID()
			return nil
		})
	})
	return err != nil || now >= id
}

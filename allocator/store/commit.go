package store

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"

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
		ops[i].Value = bytes.Clone(ops[i].Value) // nil stays nil
	}
	return ops
}

func (b *Bolt) enqueue(c *commit) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.usableLocked(); err != nil {
		return err
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
	for range b.wake {
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
	b.mu.Lock()
	failed := b.failed
	b.mu.Unlock()
	if failed != nil {
		return failed
	}
	id := 0
	err := b.update(func(tx *bbolt.Tx) error {
		id = tx.ID()
		for _, c := range batch {
			for _, op := range c.ops {
				if err := apply(tx, op); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		return nil
	}
	err = fmt.Errorf("store: commit: %w", err)
	if id > 0 && b.visible(id) {
		return b.fail(err)
	}
	return err
}

func apply(tx *bbolt.Tx, op Op) error {
	bucket := tx.Bucket([]byte(op.Bucket))
	if op.Add != 0 {
		var held []byte
		if bucket != nil {
			held = bucket.Get([]byte(op.Key))
		}
		op.Value = CountAfter(held, op.Add)
	}
	if op.Value == nil {
		if bucket == nil {
			return nil
		}
		return bucket.Delete([]byte(op.Key))
	}
	if bucket == nil {
		var err error
		if bucket, err = tx.CreateBucket([]byte(op.Bucket)); err != nil {
			return err
		}
	}
	return bucket.Put([]byte(op.Key), op.Value)
}

// visible reports whether transaction id can be read although its commit
// failed: its last page was written, but may not have reached the disk.
func (b *Bolt) visible(id int) bool {
	now := 0
	err := b.db.View(func(tx *bbolt.Tx) error {
		now = tx.ID()
		return nil
	})
	return err != nil || now >= id
}

// fail makes every later call fail: what the store shows and what would survive
// a crash may differ now.
func (b *Bolt) fail(cause error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == nil {
		b.failed = fmt.Errorf("%w: restart congad once the disk is well: %w", ErrFailed, cause)
	}
	return b.failed
}

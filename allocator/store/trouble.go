package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

const (
	// leastPause is how long the disk is left alone after a failed write. A
	// failure makes bbolt read the whole file, so that the pause is never less
	// than ten times what the attempt took.
	leastPause = time.Second
	mostPause  = 30 * time.Second
	// probeSize is the bytes that a trial writes: about what a change needs.
	probeSize = 64 << 10
	probes    = Bucket("probe")
)

// A trouble is why the store takes no commits, for now or for good.
type trouble struct {
	err   error     // says so to every caller
	again time.Time // when the disk is tried again; zero: never
	undo  *undo     // an uncertain commit, which has to be undone first; nil: none
}

// An undo is what a head of the file was before a commit.
type undo struct {
	at   int64
	head []byte
}

// Ready returns why the store takes no changes, nil if it does.
func (b *Bolt) Ready(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return fmt.Errorf("store: %w", ErrClosed)
	}
	if b.trouble == nil {
		return nil
	}
	return b.trouble.err
}

// note remembers damage that was met, for good.
func (b *Bolt) note(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trouble == nil || !errors.Is(b.trouble.err, ErrDamaged) {
		err = fmt.Errorf("store: %s: stop congad, and let congad store check say what is damaged: %w", b.path, err)
		b.trouble = &trouble{err: err}
		b.log.Error("the store is damaged; nothing more is written to it", "err", err)
	}
	return b.trouble.err
}

// unwritable remembers that a write failed and left nothing, so that commits
// fail until the disk has been tried again.
func (b *Bolt) unwritable(cause error, took time.Duration) error {
	err := fmt.Errorf("store: %w: %w", ErrUnwritable, cause)
	b.suspend(&trouble{err: err}, took)
	return err
}

// suspend has the committer try again after a pause.
func (b *Bolt) suspend(t *trouble, took time.Duration) {
	pause := min(max(b.pause, 10*took), mostPause)
	t.again = time.Now().Add(pause)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trouble == nil {
		b.log.Error("the store cannot be written; changes are refused until it can", "err", t.err)
	}
	b.trouble = t
	b.retry.Reset(pause)
}

// attempt tries whether the disk takes writes again.
func (b *Bolt) attempt() {
	b.mu.Lock()
	t := b.trouble
	b.mu.Unlock()
	if t == nil || t.again.IsZero() {
		return
	}
	start := time.Now()
	if t.undo != nil {
		if err := b.revert(t.undo); err != nil {
			b.suspend(&trouble{err: failedError(err), undo: t.undo}, time.Since(start))
			return
		}
	}
	err := b.transaction([]*commit{{ops: []Op{{Bucket: probes, Key: "probe", Value: make([]byte, probeSize)}}}})
	if err == nil {
		err = b.transaction([]*commit{{ops: []Op{{Bucket: probes, Key: "probe"}}}})
	}
	if err != nil {
		return // noted
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trouble == t || b.trouble != nil && !b.trouble.again.IsZero() {
		b.trouble = nil
		b.log.Info("the store can be written again")
	}
}

func failedError(cause error) error {
	return fmt.Errorf("store: %w: %w", ErrFailed, cause)
}

// before returns what the next commit's head will be written over.
func (b *Bolt) before(txid int) (*undo, error) {
	pageSize := int64(b.handle().Info().PageSize)
	u := &undo{at: int64(txid%2) * pageSize, head: make([]byte, pageSize)}
	_, err := b.raw.ReadAt(u.head, u.at)
	return u, err
}

// revert undoes a commit of which it is not known whether it would survive: it
// writes the head anew that was there before, which makes the other head the
// newest, and opens the file again.
func (b *Bolt) revert(u *undo) error {
	if _, err := b.raw.WriteAt(u.head, u.at); err != nil {
		return err
	}
	if err := b.raw.Sync(); err != nil {
		return err
	}
	if err := b.handle().Close(); err != nil {
		return err
	}
	db, err := openBolt(b.path)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.db = db
	return nil
}

// examineLater reads the whole file while it is in use, and notes damage.
func (b *Bolt) examineLater(ctx context.Context) {
	for ctx.Err() == nil {
		again := false
		err := b.view(new(bool), func(tx *bbolt.Tx) error {
			info, err := b.raw.Stat()
			if err != nil {
				return err
			}
			f, heads, _ := openPages(b.raw, info.Size())
			for _, h := range heads {
				if h.txid == uint64(tx.ID()) { // what the transaction keeps from being written over
					h.freelist = noFreelist // of the next commit's business
					return f.judge(ctx, b.path, h)
				}
			}
			again = true
			return nil
		})
		if errors.Is(err, ErrDamaged) {
			_ = b.note(err)
		}
		if !again {
			return
		}
	}
}

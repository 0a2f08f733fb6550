package replay

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"conga/allocator/store"
)

// An Attempt is a request that is being carried out. One goroutine uses it.
type Attempt struct {
	book    *Book
	name    string
	owner   string
	request Digest

	filed *kept   // what Ops has made
	old   []*kept // what goes when that is saved
	ended bool
}

// Ops returns the operations that keep the answer, to be committed together
// with the effect of the request. It may be called again; the last operations
// count.
func (t *Attempt) Ops(a Answer) ([]store.Op, error) {
	if len(a.Body) > maxAnswer {
		return nil, errTooLarge
	}
	b := t.book
	b.mu.Lock()
	b.seq++
	seq, old := b.seq, b.surplusLocked(t.owner)
	b.mu.Unlock()
	k := &kept{seq: seq, name: t.name, owner: t.owner, request: t.request, time: b.now().Unix(), answer: a}
	value, err := json.Marshal(record{Name: k.name, Owner: k.owner, Request: hex.EncodeToString(k.request[:]), Time: k.time, Answer: a})
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	ops := make([]store.Op, 0, 1+len(old))
	for _, o := range old {
		ops = append(ops, store.Op{Bucket: store.Replays, Key: keyOf(o.seq)})
	}
	t.filed, t.old = k, old
	return append(ops, store.Op{Bucket: store.Replays, Key: keyOf(seq), Value: value}), nil
}

// Answer returns the answer that Ops was last called with, or nil.
func (t *Attempt) Answer() *Answer {
	if t.filed == nil {
		return nil
	}
	return &t.filed.answer
}

// Save keeps the answer to a request that had nothing to be saved with.
func (t *Attempt) Save(ctx context.Context, a Answer) error {
	ops, err := t.Ops(a)
	if err != nil {
		return err
	}
	if err := t.book.store.Commit(context.WithoutCancel(ctx), ops...); err != nil {
		t.filed = nil
		return fmt.Errorf("replay: save: %w", err)
	}
	return nil
}

// End releases the key. saved says that what Ops returned was committed: from
// here on a repeated request gets the answer. Only the first call counts.
func (t *Attempt) End(saved bool) {
	b := t.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.ended {
		return
	}
	t.ended = true
	delete(b.flights, t.name)
	if !saved || t.filed == nil {
		return
	}
	b.forgetLocked(t.old)
	b.keepLocked(t.filed)
}

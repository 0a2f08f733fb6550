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
	name    name
	owner   string
	request Digest

	filed  *kept // what Ops has made
	answer Answer
	old    []*kept // what goes when that is saved
	ended  bool
}

// Ops returns the operations that keep the answer, to be committed together
// with the effect of the request. It may be called again; the last operations
// count.
func (t *Attempt) Ops(a Answer) ([]store.Op, error) {
	if len(a.Body) > maxAnswer {
		return nil, errTooLarge
	}
	b := t.book
	k := &kept{name: t.name, owner: t.owner, request: t.request, time: b.now().Unix()}
	value, err := json.Marshal(record{
		Name: hex.EncodeToString(k.name[:]), Owner: k.owner, Request: hex.EncodeToString(k.request[:]), Time: k.time, Answer: a,
	})
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.unfileLocked(false)
	b.seq++
	k.seq = b.seq
	s := b.shareLocked(t.owner)
	s.filing++
	b.resizeLocked(s, 1)
	if before := b.byName[t.name]; before != nil && !before.leaving { // it has expired
		b.leaveLocked(before, true)
		t.old = append(t.old, before)
	}
	t.old = append(t.old, b.surplusLocked(2)...) // one more than comes in, so that an excess shrinks
	t.filed, t.answer = k, a
	return append(removals(t.old), store.Op{Bucket: store.Replays, Key: keyOf(k.seq), Value: value}), nil
}

// unfileLocked ends what Ops has begun.
func (t *Attempt) unfileLocked(saved bool) {
	if t.filed == nil {
		return
	}
	b := t.book
	s := b.owners[t.owner]
	s.filing--
	b.resizeLocked(s, -1)
	b.settleLocked(t.old, saved)
	if saved {
		b.keepLocked(t.filed)
	}
	t.filed, t.old = nil, nil
}

// Answer returns the answer that Ops was last called with, or nil.
func (t *Attempt) Answer() *Answer {
	if t.filed == nil {
		return nil
	}
	return &t.answer
}

// Save keeps the answer to a request that had nothing to be saved with.
func (t *Attempt) Save(ctx context.Context, a Answer) error {
	ops, err := t.Ops(a)
	if err != nil {
		return err
	}
	if err := t.book.store.Commit(context.WithoutCancel(ctx), ops...); err != nil {
		b := t.book
		b.mu.Lock()
		defer b.mu.Unlock()
		t.unfileLocked(false)
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
	t.unfileLocked(saved)
	delete(b.flights, t.name)
	s := b.shareLocked(t.owner)
	s.flights--
	b.resizeLocked(s, 0)
}

package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"conga/allocator/store"
)

// A Memory is a [store.Store] in memory, for tests of its users. It passes the
// suite; its records outlive Close, but not the process.
type Memory struct {
	mu      sync.Mutex
	buckets map[store.Bucket]map[string][]byte
	closed  bool
	fail    error
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{buckets: map[store.Bucket]map[string][]byte{}}
}

// Fail has every later Commit fail with err, until Fail(nil).
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// Len returns how many records a bucket holds.
func (m *Memory) Len(b store.Bucket) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.buckets[b])
}

// Scan implements [store.Store].
func (m *Memory) Scan(ctx context.Context, b store.Bucket, f func(string, []byte) error) error {
	return m.walk(ctx, b, store.Span{}, f)
}

// Range implements [store.Store].
func (m *Memory) Range(ctx context.Context, b store.Bucket, s store.Span, f func(string, []byte) error) error {
	err := m.walk(ctx, b, s, f)
	if errors.Is(err, store.ErrStop) {
		return nil
	}
	return err
}

// Get implements [store.Store].
func (m *Memory) Get(ctx context.Context, b store.Bucket, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, store.ErrClosed
	}
	return bytes.Clone(m.buckets[b][key]), ctx.Err()
}

func (m *Memory) walk(ctx context.Context, b store.Bucket, s store.Span, f func(string, []byte) error) error {
	m.mu.Lock()
	records, closed := maps.Clone(m.buckets[b]), m.closed
	m.mu.Unlock()
	if closed {
		return store.ErrClosed
	}
	keys := slices.Sorted(maps.Keys(records))
	if s.Backward {
		slices.Reverse(keys)
	}
	for _, k := range keys {
		if !s.Contains(k) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f(k, records[k]); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Commit implements [store.Store].
func (m *Memory) Commit(ctx context.Context, ops ...store.Op) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, op := range ops {
		if op.Bucket == "" || op.Key == "" || len(op.Key) > 1<<15 {
			return fmt.Errorf("%w: bucket %q, key of %d bytes", store.ErrInvalid, op.Bucket, len(op.Key))
		}
	}
	if m.fail != nil {
		return m.fail
	}
	for _, op := range ops {
		if op.Add != 0 {
			op.Value = store.CountAfter(m.buckets[op.Bucket][op.Key], op.Add)
		}
		if op.Value == nil {
			delete(m.buckets[op.Bucket], op.Key)
			continue
		}
		if m.buckets[op.Bucket] == nil {
			m.buckets[op.Bucket] = map[string][]byte{}
		}
		m.buckets[op.Bucket][op.Key] = bytes.Clone(op.Value)
	}
	return nil
}

// Close implements [store.Store].
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// Reopen makes a closed store usable again, with its records.
func (m *Memory) Reopen() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = false
}

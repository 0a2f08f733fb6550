package scheduler

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator"
	"conga/allocator/store"
)

// slow is a store whose commits take their time. Those that wait at the same
// time do not wait for one another, as if they shared a transaction.
type slow struct {
	store.Store
	latency atomic.Int64 // nanoseconds
	commits atomic.Int64
}

func (s *slow) Commit(ctx context.Context, ops ...store.Op) error {
	s.commits.Add(1)
	time.Sleep(time.Duration(s.latency.Load()))
	return s.Store.Commit(ctx, ops...)
}

// TestFailureOfMany: the first of many that are moved are on their way while
// the last are still being planned, none of them is pending for a moment, and
// none is asked of the network twice.
func TestFailureOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many, latency = 250, 50 * time.Millisecond
		r := newRig(t)
		s := &slow{Store: r.store}
		r.store = s
		r.start()
		defer r.halt()
		for i := range many {
			r.create(byte(i+1), 0, 600, 0)
		}
		r.sleep(time.Second)
		r.take()
		s.latency.Store(int64(latency))
		moved, installed, first := 0, 0, -1
		r.change(cutDirect)
		cut := time.Now()
		for installed < many && time.Since(cut) < time.Minute {
			r.sleep(time.Millisecond)
			moved = 0
			for _, v := range r.list() {
				if v.State != allocator.Active {
					t.Fatalf("%+v", v)
				}
				if len(v.Path) == 3 {
					moved++
				}
			}
			r.mu.Lock()
			installed = len(r.log)
			r.mu.Unlock()
			if installed > 0 && first < 0 {
				first = moved
			}
		}
		if first <= 0 || first >= many {
			t.Errorf("%d of %d were planned when the network had moved the first", first, many)
		}
		if took := time.Since(cut); took > 3*latency {
			t.Errorf("all moved after %v: batches wait for one another's commits of %v", took, latency)
		}
		r.sleep(time.Minute)
		if n := len(r.log); n != many {
			t.Errorf("%d calls of the network for %d moves", n, many)
		}
	})
}

// TestReportsShareCommits: what becomes active at about the same time costs few
// transactions.
func TestReportsShareCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 250
		r := newRig(t)
		s := &slow{Store: r.store}
		r.store = s
		r.start()
		defer r.halt()
		for i := range many {
			r.create(byte(i+1), 0, 600, 10)
		}
		s.latency.Store(int64(5 * time.Millisecond))
		before := s.commits.Load()
		r.sleep(20 * time.Second)
		for _, v := range r.list() {
			if v.State != allocator.Active {
				t.Fatalf("%+v", v)
			}
		}
		if n := s.commits.Load() - before; n > 10 {
			t.Errorf("%d commits for %d that became active together", n, many)
		}
	})
}

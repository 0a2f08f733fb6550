package connections_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/httpapi/connections"
)

// A report counts for Keep after it was last made, to the moment.
func TestExpiry(t *testing.T) {
	clock := newClock()
	r := open(t, connections.Config{Store: storetest.NewMemory(), Now: clock.Now, Keep: time.Minute})
	id := report(t, r, "p", one(1)).IDs[0]
	first := clock.Now().Unix()
	clock.advance(59 * time.Second)
	report(t, r, "p", one(1), one(2))
	clock.advance(59 * time.Second)
	c, err := r.Get(id.String())
	if err != nil || c.FirstSeen != first || c.LastSeen != first+59 {
		t.Errorf("%+v, %v", c, err)
	}
	report(t, r, "p", one(2))
	clock.advance(time.Second - 1)
	if n := r.Len(); n != 2 {
		t.Errorf("%d live, want 2", n)
	}
	clock.advance(1)
	if list := all(r); len(list) != 1 || list[0].Source.Addr.Port() != 2 {
		t.Errorf("live are %v", list)
	}
	if _, err := r.Get(id.String()); !isNotFound(err) {
		t.Errorf("error is %v", err)
	}
	again := report(t, r, "p", one(1))
	if again.Fresh != 1 || again.IDs[0] != id {
		t.Errorf("again: %+v", again)
	}
	if list := all(r); len(list) != 2 || list[1].ID != id || list[1].FirstSeen != clock.Now().Unix() {
		t.Errorf("live are %v", list)
	}
}

// counting counts commits and the records in them.
type counting struct {
	store.Store
	commits, records, most int
}

func (c *counting) Commit(ctx context.Context, ops ...store.Op) error {
	c.commits++
	c.records += len(ops)
	c.most = max(c.most, len(ops))
	return c.Store.Commit(ctx, ops...)
}

// Repeats and expiry cost the disk little.
func TestNoWriteStorm(t *testing.T) {
	const conns, keep = 5000, 5 * time.Minute
	clock, disk := newClock(), &counting{Store: storetest.NewMemory()}
	r := open(t, connections.Config{Store: disk, Now: clock.Now, Keep: keep})
	var reports []connections.Report
	for i := range conns {
		reports = append(reports, one(1+i))
	}
	report(t, r, "p", reports...)
	if disk.commits != 1 || disk.records != conns {
		t.Errorf("first: %d records in %d commits", disk.records, disk.commits)
	}
	*disk = counting{Store: disk.Store}
	const repeats = 60 // half an hour
	for range repeats {
		clock.advance(30 * time.Second)
		for i := range reports {
			reports[i].Source.Age += 30
		}
		report(t, r, "p", reports...)
	}
	if disk.commits != repeats/3 {
		t.Errorf("%d repeats took %d commits", repeats, disk.commits)
	}
	*disk = counting{Store: disk.Store}
	clock.advance(keep)
	if n, err := r.Sweep(t.Context()); n != conns || err != nil || disk.commits != conns/1000 || disk.most != 1000 {
		t.Errorf("swept %d in %d commits, %v", n, disk.commits, err)
	}
	if n, err := r.Sweep(t.Context()); n != 0 || err != nil || disk.commits != conns/1000 {
		t.Errorf("swept %d more, %v", n, err)
	}
}

// Run does it by itself, in time, and ends with its context.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := storetest.NewMemory()
		r := open(t, connections.Config{Store: disk, Keep: time.Minute})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); r.Run(ctx) }()
		report(t, r, "p", one(1))
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if n := disk.Len(store.Connections); n != 1 {
			t.Errorf("%d records before the time", n)
		}
		time.Sleep(7 * time.Second)
		synctest.Wait()
		if n := disk.Len(store.Connections); n != 0 {
			t.Errorf("%d records after the time", n)
		}
		stop()
		<-ended
	})
}

// slow lets a test hold up the store.
type slow struct {
	store.Store
	entered, open chan struct{}
}

func (s *slow) Commit(ctx context.Context, ops ...store.Op) error {
	s.entered <- struct{}{}
	<-s.open
	return s.Store.Commit(ctx, ops...)
}

// While a repeat is on its way to the disk its connection cannot expire,
// readers are not held up, and a caller that waits to write can give up.
func TestWhileTheStoreIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slow{storetest.NewMemory(), make(chan struct{}), make(chan struct{})}
		r := open(t, connections.Config{Store: disk, Keep: time.Minute})
		done := make(chan connections.Result)
		send := func() {
			go func() { done <- report(t, r, "p", one(1)) }()
			<-disk.entered
		}
		send()
		if n := r.Len(); n != 0 {
			t.Errorf("%d live before the store has it", n)
		}
		disk.open <- struct{}{}
		first := <-done
		time.Sleep(59 * time.Second)
		send()
		time.Sleep(10 * time.Second)
		if n := r.Len(); n != 1 {
			t.Errorf("%d live while the repeat is under way", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Report(ctx, "p", []connections.Report{one(2)}); err == nil || ctx.Err() == nil {
			t.Error("a report went past one that was under way")
		}
		if _, err := r.Sweep(ctx); err == nil {
			t.Error("a sweep went past a report that was under way")
		}
		disk.open <- struct{}{}
		if second := <-done; second.Fresh != 0 || second.IDs[0] != first.IDs[0] {
			t.Errorf("second: %+v", second)
		}
		time.Sleep(48 * time.Second) // with the 10 s and the 1 s above, a minute less one second
		if n := r.Len(); n != 1 {
			t.Errorf("%d live", n)
		}
		time.Sleep(time.Second)
		if n := r.Len(); n != 0 {
			t.Errorf("%d live", n)
		}
	})
}

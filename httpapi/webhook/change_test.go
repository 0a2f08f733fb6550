package webhook

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator/store"
)

// change updates a hook and says how often along was asked.
func (f *fixture) change(id string, c Change) (Hook, int, error) {
	f.Helper()
	n := 0
	hook, _, err := f.hooks.Update(f.Context(), id, c, func() ([]store.Op, error) {
		n++
		return []store.Op{{Bucket: store.Audit, Key: "changed", Value: []byte("x")}}, nil
	})
	return hook, n, err
}

// TestUpdateKeepsItsPosition: what the old target has not taken goes to the new
// one, and nothing is missed or comes twice.
func TestUpdateKeepsItsPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		hook := f.create("p", "a")
		f.publish("a", "p")
		time.Sleep(time.Second)
		f.mu.Lock()
		f.status = []int{500, 500}
		f.mu.Unlock()
		f.publish("a", "p")
		f.publish("b", "p")
		time.Sleep(10 * time.Millisecond)
		changed, n, err := f.change(hook.ID, Change{URL: new("https://example.com/new"), Events: []string{"a", "b"}, User: "u"})
		if err != nil || n != 1 || changed.Secret != hook.Secret || changed.Created != hook.Created {
			t.Fatalf("changed to %+v, %d, %v", changed, n, err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		_, s, _ := f.hooks.Get(hook.ID)
		if s != (Status{Delivered: 3, LastStatus: 200}) {
			t.Errorf("status %+v", s)
		}
		want := fmt.Sprint([]string{hook.URL, hook.URL, changed.URL, changed.URL, changed.URL})
		if got := fmt.Sprint(f.to); got != want {
			t.Errorf("delivered to %s, want %s", got, want)
		}
		if f.got[1] != f.got[2] || f.got[2] != f.got[3] || f.got[4][0] != 'b' {
			t.Errorf("delivered %q", f.got)
		}
	})
}

// TestUpdateSaves what differs, and nothing else.
func TestUpdateSaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		hook := f.create("p", "a", "b")
		f.disk.Fail(errors.New("no space left"))
		for _, c := range []Change{{}, {URL: &hook.URL, User: "v"}, {Events: []string{"a", "b"}, Admin: true}} {
			if same, n, err := f.change(hook.ID, c); err != nil || n != 0 || fmt.Sprint(same) != fmt.Sprint(hook) {
				t.Errorf("%+v made it %+v, %d, %v", c, same, n, err)
			}
		}
		if _, _, err := f.change(hook.ID, Change{Events: []string{"a"}}); err == nil {
			t.Error("changed without a store")
		}
		f.disk.Fail(nil)
		if now, _, _ := f.hooks.Get(hook.ID); fmt.Sprint(now) != fmt.Sprint(hook) {
			t.Errorf("what failed left %+v", now)
		}
		if _, _, err := f.change(hook.ID, Change{URL: new("https://10.0.0.1/")}); err == nil {
			t.Error("a private target is taken")
		}
		if _, _, err := f.change("none", Change{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("none: %v", err)
		}
		if _, _, err := f.change(hook.ID, Change{URL: new("https://example.com/"), User: "v"}); err != nil || f.disk.Len(store.Audit) != 1 {
			t.Errorf("%v, with %d records along", err, f.disk.Len(store.Audit))
		}
		f.stop()
		f.start()
		if now, _, err := f.hooks.Get(hook.ID); err != nil || now.URL != "https://example.com/" || now.User != "v" || now.Secret != hook.Secret {
			t.Errorf("after a restart it is %+v, %v", now, err)
		}
	})
}

// TestUpdateOfAdminsHook: a user that turns it to another server does not gain
// that it outlives every membership.
func TestUpdateOfAdminsHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		hook, err := f.hooks.Create(t.Context(), Hook{Project: "p", User: "admin", Admin: true, URL: "https://example.org/", Events: []string{"a"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f.member.Store(false)
		for i, c := range []Change{{Events: []string{"b"}, User: "u"}, {URL: new("https://example.com/"), User: "u"}, {URL: &hook.URL, User: "admin", Admin: true}} {
			if _, _, err := f.change(hook.ID, c); err != nil {
				t.Fatal(err)
			}
			f.publish("b", "p")
			time.Sleep(time.Second)
			if n, want := len(f.taken()), []int{1, 1, 2}[i]; n != want {
				t.Errorf("%d deliveries after change %d, want %d", n, i+1, want)
			}
		}
	})
}

// TestUpdateAndDelete at once leave nothing in the store that is not in memory.
func TestUpdateAndDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		for i := range 50 {
			hook := f.create("p", "a")
			var wg sync.WaitGroup
			wg.Go(func() {
				_, _, _ = f.change(hook.ID, Change{URL: new(fmt.Sprint("https://example.com/", i)), User: "u"})
			})
			wg.Go(func() { _ = f.hooks.Delete(t.Context(), hook.ID) })
			wg.Wait()
		}
		if n := f.disk.Len(store.Webhooks); n != 0 {
			t.Errorf("%d deleted hooks are stored", n)
		}
	})
}

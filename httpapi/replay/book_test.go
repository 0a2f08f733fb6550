package replay

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
)

type fixture struct {
	*testing.T
	disk *storetest.Memory
	now  time.Time
	book *Book
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{T: t, disk: storetest.NewMemory(), now: time.Unix(1000, 0)}
	f.reopen()
	return f
}

func (f *fixture) reopen() {
	f.Helper()
	var err error
	if f.book, err = Open(f.Context(), f.disk, func() time.Time { return f.now }, nil); err != nil {
		f.Fatal(err)
	}
}

// ask sends a request and returns what it is answered with.
func (f *fixture) ask(owner, key string, request byte) string {
	f.Helper()
	attempt, answer, err := f.book.Begin(owner, key, Digest{request})
	switch {
	case err != nil:
		return err.Error()
	case answer != nil:
		return "again " + string(answer.Body)
	}
	body := fmt.Sprint(owner, key, request)
	if err := attempt.Save(f.Context(), Answer{Status: 201, Body: []byte(body)}); err != nil {
		attempt.End(false)
		return err.Error()
	}
	attempt.End(true)
	return body
}

func TestReplay(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		owner, key string
		request    byte
		want       string
	}{
		{"u", "k", 1, "uk1"},
		{"u", "k", 1, "again uk1"},
		{"u", "k", 2, ErrOther.Error()},
		{"v", "k", 2, "vk2"}, // another owner's keys are others
		{"u", "l", 1, "ul1"},
		{"uk", "", 1, "uk1"}, // as text the same as u and k
	} {
		if got := f.ask(c.owner, c.key, c.request); got != c.want {
			t.Errorf("%s %s %d: %s, want %s", c.owner, c.key, c.request, got, c.want)
		}
	}
	f.reopen()
	if got := f.ask("u", "k", 1); got != "again uk1" {
		t.Errorf("after a restart: %s", got)
	}
	f.now = f.now.Add(TTL - time.Second)
	if got := f.ask("u", "k", 1); got != "again uk1" {
		t.Errorf("a second before the end: %s", got)
	}
	f.now = f.now.Add(time.Second)
	if got := f.ask("u", "k", 2); got != "uk2" {
		t.Errorf("a day later: %s", got)
	}
	if n := f.disk.Len(store.Replays); n != 4 || len(f.book.byName) != 4 {
		t.Errorf("%d answers stored, %d kept", n, len(f.book.byName))
	}
	if n, err := f.book.Sweep(t.Context()); err != nil || n != 3 || f.disk.Len(store.Replays) != 1 || len(f.book.byName) != 1 || f.book.total != 1 {
		t.Errorf("%d swept, %d answers stored, %d kept: %v", n, f.disk.Len(store.Replays), len(f.book.byName), err)
	}
	f.now = f.now.Add(TTL)
	f.reopen()
	if n := f.disk.Len(store.Replays); n != 0 {
		t.Errorf("%d expired answers are left", n)
	}
}

func TestInFlight(t *testing.T) {
	f := newFixture(t)
	attempt, _, err := f.book.Begin("u", "k", Digest{1})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.ask("u", "k", 1); got != ErrInFlight.Error() {
		t.Errorf("meanwhile: %s", got)
	}
	attempt.End(false)
	f.disk.Fail(errors.New("no space left"))
	if got := f.ask("u", "k", 1); !strings.Contains(got, "no space left") {
		t.Errorf("without a disk: %s", got)
	}
	f.disk.Fail(nil)
	if got := f.ask("u", "k", 2); got != "uk2" { // nothing has happened with this key yet
		t.Errorf("afterwards: %s", got)
	}
}

func TestBounds(t *testing.T) {
	f := newFixture(t)
	for i := range maxOfOwner + 10 {
		f.ask("u", fmt.Sprint(i), 1)
	}
	if n := f.disk.Len(store.Replays); n != maxOfOwner || len(f.book.owners["u"].kept) != maxOfOwner {
		t.Errorf("%d answers of one owner", n)
	}
	if got := f.ask("u", "9", 1); strings.HasPrefix(got, "again") {
		t.Errorf("the oldest is %s", got)
	}
	for i := range maxInAll {
		f.ask(fmt.Sprint("v", i/1000), fmt.Sprint(i), 1)
	}
	if n := f.disk.Len(store.Replays); n != maxInAll || len(f.book.byName) != maxInAll || f.book.total != maxInAll {
		t.Errorf("%d answers stored, %d kept, %d counted", n, len(f.book.byName), f.book.total)
	}
	for owner, s := range f.book.owners { // 51 of them
		if len(s.kept) < maxInAll/51 {
			t.Errorf("%d answers are left of %s", len(s.kept), owner)
		}
	}
	attempt, _, _ := f.book.Begin("u", "large", Digest{})
	if _, err := attempt.Ops(Answer{Body: make([]byte, maxAnswer+1)}); err == nil || attempt.Answer() != nil {
		t.Error("an answer of any size is kept")
	}
	attempt.End(true)
	if got := f.ask("u", "large", 0); strings.HasPrefix(got, "again") {
		t.Errorf("what was not filed is answered: %s", got)
	}
}

func TestConcurrent(t *testing.T) {
	f := newFixture(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	effects := map[string]int{}
	for range 8 {
		wg.Go(func() {
			for i := range 200 {
				key := fmt.Sprint(i)
				if got := f.ask("u", key, 1); got == "u"+key+"1" {
					mu.Lock()
					effects[key]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for key, n := range effects {
		if n != 1 {
			t.Errorf("%s had its effect %d times", key, n)
		}
	}
	if len(effects) != 200 {
		t.Errorf("%d of 200 had an effect", len(effects))
	}
}

// TestBoundUnderConcurrency has one owner send far more than is kept, many at a
// time: its own oldest answers go, and no other's.
func TestBoundUnderConcurrency(t *testing.T) {
	f := newFixture(t)
	f.ask("quiet", "k", 1)
	const n = maxInAll + 4000
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			for i := g; i < n; i += 64 {
				attempt, _, err := f.book.Begin("loud", fmt.Sprint(i), Digest{1})
				if err != nil {
					t.Error(err)
					return
				}
				ops, err := attempt.Ops(Answer{Status: 201, Body: []byte("x")})
				saved := i%7 != 0
				if err == nil && saved {
					err = f.disk.Commit(t.Context(), ops...)
				}
				if err != nil {
					t.Error(err)
				}
				f.book.mu.Lock()
				if s := f.book.owners["loud"]; s.size() > maxOfOwner {
					t.Errorf("%d answers are kept of one owner", s.size())
				}
				f.book.mu.Unlock()
				attempt.End(saved)
			}
		})
	}
	wg.Wait()
	if n := f.disk.Len(store.Replays); len(f.book.owners["loud"].kept) > maxOfOwner || n != maxOfOwner+1 {
		t.Errorf("%d answers kept of one owner, %d stored", len(f.book.owners["loud"].kept), n)
	}
	if got := f.ask("quiet", "k", 1); got != "again quietk1" {
		t.Errorf("the other owner's request: %s", got)
	}
	f.now = f.now.Add(TTL)
	if _, err := f.book.Sweep(t.Context()); err != nil || f.book.total != 0 || len(f.book.owners) != 0 || len(f.book.order) != 0 {
		t.Errorf("%d answers of %d owners are left: %v", f.book.total, len(f.book.owners), err)
	}
}

// TestExcessGoes opens a store that has more than is kept.
func TestExcessGoes(t *testing.T) {
	f := newFixture(t)
	var ops []store.Op
	for i := range uint64(maxOfOwner + 700) {
		n := nameOf("u", fmt.Sprint(i))
		ops = append(ops, store.Op{Bucket: store.Replays, Key: keyOf(i + 1), Value: fmt.Appendf(nil,
			`{"name":"%x","owner":"u","request":"%x","time":%d,"status":201,"body":""}`, n[:], make([]byte, 32), f.now.Unix())})
	}
	if err := f.disk.Commit(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
	f.reopen()
	if n := f.disk.Len(store.Replays); n != maxOfOwner || f.book.total != maxOfOwner {
		t.Errorf("%d answers stored, %d kept", n, f.book.total)
	}
	if _, answer, err := f.book.Begin("u", fmt.Sprint(maxOfOwner+699), Digest{}); err != nil || answer == nil {
		t.Error("the newest answer is gone:", err)
	}
}

// TestSweepFails keeps the answers that could not be removed.
func TestSweepFails(t *testing.T) {
	f := newFixture(t)
	f.ask("u", "k", 1)
	f.now = f.now.Add(TTL)
	f.disk.Fail(errors.New("no space left"))
	if _, err := f.book.Sweep(t.Context()); err == nil || f.book.total != 1 {
		t.Errorf("%d answers are kept: %v", f.book.total, err)
	}
	f.disk.Fail(nil)
	if n, err := f.book.Sweep(t.Context()); err != nil || n != 1 || f.book.total != 0 {
		t.Errorf("%d are swept, %d kept: %v", n, f.book.total, err)
	}
}

// TestManyFlights refuses what is too much at a time, of one owner alone.
func TestManyFlights(t *testing.T) {
	f := newFixture(t)
	var flights []*Attempt
	for i := range maxFlights {
		attempt, _, err := f.book.Begin("u", fmt.Sprint(i), Digest{1})
		if err != nil {
			t.Fatal(err)
		}
		flights = append(flights, attempt)
	}
	if got := f.ask("u", "more", 1); got != ErrMany.Error() {
		t.Error(got)
	}
	if got := f.ask("v", "k", 1); got != "vk1" {
		t.Error(got)
	}
	flights[0].End(false)
	if got := f.ask("u", "more", 1); got != "umore1" {
		t.Error(got)
	}
}

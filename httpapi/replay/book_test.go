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
	if f.book, err = Open(f.Context(), f.disk, func() time.Time { return f.now }); err != nil {
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
	if n := f.disk.Len(store.Replays); n != 1 || len(f.book.byName) != 1 || len(f.book.queue) != 1 {
		t.Errorf("%d answers stored, %d kept, %d queued", n, len(f.book.byName), len(f.book.queue))
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
	if n := f.disk.Len(store.Replays); n != maxOfOwner || len(f.book.owners["u"]) != maxOfOwner {
		t.Errorf("%d answers of one owner", n)
	}
	if got := f.ask("u", "9", 1); strings.HasPrefix(got, "again") {
		t.Errorf("the oldest is %s", got)
	}
	for i := range maxInAll {
		f.ask(fmt.Sprint("v", i/1000), fmt.Sprint(i), 1)
	}
	if n := f.disk.Len(store.Replays); n != maxInAll || len(f.book.byName) != maxInAll || len(f.book.queue) != maxInAll {
		t.Errorf("%d answers stored, %d kept, %d queued", n, len(f.book.byName), len(f.book.queue))
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

package stats

import (
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"
)

// addForgotten adds an account that nothing else refers to.
//
//go:noinline
func addForgotten(q *timeQueue[account], at time.Time) weak.Pointer[account] {
	a := &account{id: "forgotten"}
	q.add(a, at)
	return weak.Make(a)
}

// A queue yields what is old, in order, and keeps nothing that is forgotten
// otherwise.
func TestTimeQueue(t *testing.T) {
	var q timeQueue[account]
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	first, second := &account{id: "first"}, &account{id: "second"}
	q.add(first, at(1))
	forgotten := addForgotten(&q, at(2))
	q.add(second, at(3))
	runtime.GC()
	if forgotten.Value() != nil {
		t.Error("what is forgotten is kept")
	}
	var got []string
	for a, when := range q.before(at(3)) {
		if got = append(got, a.id); !when.Equal(at(1)) {
			t.Errorf("%s: at %v", a.id, when)
		}
	}
	for a := range q.before(at(9)) {
		got = append(got, a.id)
	}
	if want := []string{"first", "second"}; !slices.Equal(got, want) || q.waiting != nil {
		t.Errorf("got %v, want %v", got, want)
	}
	runtime.KeepAlive(first)
	runtime.KeepAlive(second)
}

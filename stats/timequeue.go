package stats

import (
	"iter"
	"time"
	"weak"
)

// A timeQueue holds values in the order of the moments that they were added
// with, so that old ones are found without a search. It does not keep them in
// memory: those that nothing else refers to leave without a word. Most have
// long been forgotten when their moment comes.
type timeQueue[T any] struct {
	waiting []stamped[T]
}

type stamped[T any] struct {
	of weak.Pointer[T]
	at time.Time
}

// add puts v at the end. at must not be before the moment of the value added
// last; if it is, v leaves no earlier than that value.
func (l *timeQueue[T]) add(v *T, at time.Time) {
	l.waiting = append(l.waiting, stamped[T]{weak.Make(v), at})
}

// before takes out and yields the values whose moments are before t.
func (l *timeQueue[T]) before(t time.Time) iter.Seq2[*T, time.Time] {
	return func(yield func(*T, time.Time) bool) {
		for len(l.waiting) > 0 && l.waiting[0].at.Before(t) {
			first := l.waiting[0]
			l.waiting[0] = stamped[T]{}
			l.waiting = l.waiting[1:]
			if v := first.of.Value(); v != nil && !yield(v, first.at) {
				return
			}
		}
		if len(l.waiting) == 0 {
			l.waiting = nil
		}
	}
}

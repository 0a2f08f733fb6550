package stats

import (
	"iter"
	"time"
)

// line holds things in the order of the moments that they were added with, so
// that what is old is found without looking at what is not.
type line[T any] struct {
	waiting []stamped[T]
}

type stamped[T any] struct {
	of T
	at time.Time
}

// add puts v at the end. at must not be before that of the one added last; if it
// is, v leaves no later than that one.
func (l *line[T]) add(v T, at time.Time) { l.waiting = append(l.waiting, stamped[T]{v, at}) }

// before takes out what was added with moments before t.
func (l *line[T]) before(t time.Time) iter.Seq2[T, time.Time] {
	return func(yield func(T, time.Time) bool) {
		for len(l.waiting) > 0 && l.waiting[0].at.Before(t) {
			first := l.waiting[0]
			l.waiting[0] = stamped[T]{}
			l.waiting = l.waiting[1:]
			if !yield(first.of, first.at) {
				return
			}
		}
		if len(l.waiting) == 0 {
			l.waiting = nil
		}
	}
}

package audit

import (
	"time"

	"conga/allocator/store"
)

const (
	// quiet is for how long after a record what repeats it is only counted.
	quiet = time.Minute
	// maxRepeats bounds what is remembered for that.
	maxRepeats = 10_000
)

// repeats are the records that may be repeated, by what makes them the same.
type repeats struct {
	last  map[string]*repeat
	swept time.Time
}

// A repeat is when something was last recorded, and how often it has come
// since.
type repeat struct {
	at    time.Time
	count int
}

// Again does what Ops does for requests that a client may repeat to no effect
// worth telling, such as renewing its key: of records of the same name there is
// at most one a minute. In between there are no operations, and the next record
// has the count.
func (l *Log) Again(name string, r Record) (ops []store.Op, undo func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	known := l.repeats.last[name]
	if known != nil && now.Sub(known.at) < quiet {
		known.count++
		return nil, l.locked(func() { known.count-- }), nil
	}
	if known != nil {
		r.Missed = known.count
	}
	ops, undone, err := l.opsLocked(r)
	if err != nil {
		return nil, nil, err
	}
	l.repeats.remember(name, now)
	return ops, l.locked(func() {
		undone()
		if known != nil {
			l.repeats.last[name] = known
		} else {
			delete(l.repeats.last, name)
		}
	}), nil
}

// remember notes a record of that name. What is long ago makes room, and its
// count with it; if there is none, the record is forgotten, and the next one is
// not only counted.
func (r *repeats) remember(name string, now time.Time) {
	if r.last[name] == nil && len(r.last) >= maxRepeats && now.Sub(r.swept) >= quiet {
		r.swept = now
		for other, known := range r.last {
			if now.Sub(known.at) >= quiet {
				delete(r.last, other)
			}
		}
	}
	if r.last[name] != nil || len(r.last) < maxRepeats {
		r.last[name] = &repeat{at: now}
	}
}

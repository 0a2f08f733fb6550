package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"conga/allocator/store"
)

// An Outcome is what became of what a record is about.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"    // asked for, and in effect
	Refused Outcome = "refused" // asked for, and nothing has changed
	Self    Outcome = "self"    // made by time or the network
)

func (o Outcome) known() bool { return o == Done || o == Refused || o == Self }

const (
	// Refusals are recorded up to this rate in the long run, and counted beyond
	// it: those of each project, and those of strangers together.
	refusedRate  = 10 // a second
	refusedBurst = 200

	// maxBatch is how many records are removed at a time when the log is
	// opened.
	maxBatch = 1000
)

// A Record is one line of the log.
type Record struct {
	Seq        uint64  `json:"-"`    // the order of records, and the name of this one
	Time       int64   `json:"time"` // UNIX seconds
	Action     string  `json:"action"`
	Outcome    Outcome `json:"outcome"`
	Status     int     `json:"status,omitempty"` // of the HTTP answer; 0 for what no request asked for
	User       string  `json:"user,omitempty"`
	Project    string  `json:"project,omitempty"`
	Admin      bool    `json:"admin,omitempty"`
	Addr       string  `json:"addr,omitempty"`
	RequestID  string  `json:"request,omitempty"`
	Allocation string  `json:"allocation,omitempty"`
	Detail     string  `json:"detail,omitempty"` // in words of ours
	Missed     int     `json:"missed,omitempty"` // what was like this one, before it, and only counted
}

// A Config is what [Open] needs.
type Config struct {
	Store store.Store
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: none
}

// A Log is the audit log. It is safe for concurrent use.
type Log struct {
	store store.Store
	now   func() time.Time
	log   *slog.Logger

	mu       sync.Mutex
	seq      uint64
	sections [classes]*section
	repeats  repeats
}

// Open reads which records there are, and removes those that cannot be read.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	l := &Log{store: cfg.Store, now: cfg.Now, log: cfg.Log, sections: newSections(), repeats: repeats{last: map[string]*repeat{}}}
	if l.now == nil {
		l.now = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	var old []store.Op
	var out store.LeftOut
	err := l.store.Scan(ctx, store.Audit, func(key string, value []byte) error {
		l.seq = max(l.seq, numberOf(key))
		r, err := decode(key, value)
		if err != nil {
			out.Add(store.Audit, key, err)
			return nil
		}
		out, _ := l.keepLocked(&r)
		old = append(old, out...)
		return nil
	})
	out.Warn(l.log)
	// Left over by commits that failed, or by a version that kept more.
	for batch := range slices.Chunk(append(old, out.Removals()...), maxBatch) {
		if err == nil {
			err = l.store.Commit(ctx, batch...)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("audit: open: %w", err)
	}
	return l, nil
}

// Len returns how many records are kept.
func (l *Log) Len() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.sections {
		n += r.total
	}
	return n
}

// keepLocked notes a record. ops remove what has to make room for it, and undo
// takes it all back.
func (l *Log) keepLocked(r *Record) (ops []store.Op, undo func()) {
	c, whose := r.classify()
	in, seq := l.sections[c], r.Seq
	in.put(whose, seq)
	undo = func() { in.drop(whose, seq) }
	for {
		other, out, full := in.excess()
		if !full {
			return ops, undo
		}
		in.drop(other, out)
		ops = append(ops, store.Op{Bucket: store.Audit, Key: keyOf(out)})
		before := undo
		undo = func() {
			before()
			in.put(other, out)
		}
	}
}

// keyOf returns a record's key: in hex of one length, so that keys are in
// order.
func keyOf(seq uint64) string { return fmt.Sprintf("%016x", seq) }

// numberOf returns the number in a record's key, 0 if that is damaged.
func numberOf(key string) uint64 {
	n, err := strconv.ParseUint(key, 16, 64)
	if err != nil {
		return 0
	}
	return n
}

// CheckRecord returns a [store.RecordError] if a record of [store.Audit] cannot
// be read.
func CheckRecord(key string, value []byte) error {
	_, err := decode(key, value)
	return err
}

func decode(key string, value []byte) (r Record, err error) {
	err = store.Unmarshal(value, &r)
	r.Seq = numberOf(key)
	switch {
	case err != nil:
	case keyOf(r.Seq) != key:
		err = errors.New("it has no number")
	case !r.Outcome.known():
		err = errors.New("it has no outcome")
	}
	if err != nil {
		return r, store.Unreadable(store.Audit, key, err)
	}
	return r, nil
}

// Ops returns the operations that add a record, to be committed together with
// what it is about. It sets time and number. If they are not committed, undo
// must be called, or the log counts the record as kept and another as removed.
func (l *Log) Ops(r Record) (ops []store.Op, undo func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ops, undone, err := l.opsLocked(r)
	if err != nil {
		return nil, nil, err
	}
	return ops, l.locked(undone), nil
}

// locked returns a function that calls f with the lock held.
func (l *Log) locked(f func()) func() {
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		f()
	}
}

// opsLocked does what Ops does; undo needs the lock, too.
func (l *Log) opsLocked(r Record) (ops []store.Op, undo func(), err error) {
	if !r.Outcome.known() {
		return nil, nil, errors.New("audit: a record without an outcome")
	}
	r.Seq, r.Time = l.seq+1, l.now().Unix()
	value, err := json.Marshal(r)
	if err != nil {
		return nil, nil, fmt.Errorf("audit: %w", err)
	}
	l.seq++
	ops = []store.Op{{Bucket: store.Audit, Key: keyOf(l.seq), Value: value}}
	out, undo := l.keepLocked(&r)
	return append(ops, out...), undo, nil
}

// Refuse records an attempt that came to nothing. Where there are too many it
// counts them, so that refused requests fill neither the disk nor the time of
// its committer. What cannot be saved is logged.
func (l *Log) Refuse(ctx context.Context, r Record) {
	r.Outcome = Refused
	c, whose := r.classify()
	l.mu.Lock()
	s := l.sections[c].ownedBy(whose)
	if !s.limit.AllowN(l.now(), 1) {
		s.missed++
		l.mu.Unlock()
		return
	}
	missed := s.missed
	r.Missed, s.missed = missed, 0
	ops, undo, err := l.opsLocked(r)
	l.mu.Unlock()
	if err == nil {
		err = l.store.Commit(context.WithoutCancel(ctx), ops...)
	}
	if err == nil {
		return
	}
	l.mu.Lock()
	l.sections[c].ownedBy(whose).missed += missed + 1 // first, so that undo leaves the owner
	if undo != nil {
		undo()
	}
	l.mu.Unlock()
	l.log.LogAttrs(ctx, slog.LevelError, "a refusal could not be recorded", slog.Any("err", err))
}

package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"conga/allocator/store"
)

// Outcome is what became of what a record is about.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"    // asked for, and in effect
	Refused Outcome = "refused" // asked for, and nothing has changed
	Self    Outcome = "self"    // made by time or the network
)

// How many records of each outcome are kept; the oldest make room, and only for
// their own kind: neither a guesser of passwords nor a link that comes and goes
// can push out who changed what.
const (
	keepDone    = 100_000
	keepRefused = 10_000
	keepSelf    = 50_000
)

// Refusals are recorded up to this rate in the long run, and counted beyond it.
const (
	refusedRate  = 10 // a second
	refusedBurst = 200
)

// Record is one line of the log.
type Record struct {
	Seq        uint64  `json:"-"`    // the order of records, and the name of this one
	Time       int64   `json:"time"` // UNIX seconds
	Action     string  `json:"action"`
	Outcome    Outcome `json:"outcome"`
	Status     int     `json:"status,omitempty"` // of the HTTP answer; 0 for what nobody asked for
	User       string  `json:"user,omitempty"`
	Project    string  `json:"project,omitempty"`
	Admin      bool    `json:"admin,omitempty"`
	Addr       string  `json:"addr,omitempty"`
	RequestID  string  `json:"request,omitempty"`
	Allocation string  `json:"allocation,omitempty"`
	Detail     string  `json:"detail,omitempty"` // in words of ours
	Missed     int     `json:"missed,omitempty"` // refusals before this one that were only counted
}

// Config is what [Open] needs.
type Config struct {
	Store store.Store
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: none
}

// Log is the audit log. It is safe for concurrent use.
type Log struct {
	store store.Store
	now   func() time.Time
	log   *slog.Logger
	limit *rate.Limiter // of refusals

	mu     sync.Mutex
	seq    uint64
	kept   map[Outcome]*ring
	missed int
}

// Open reads which records there are.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	l := &Log{
		store: cfg.Store, now: cfg.Now, log: cfg.Log, limit: rate.NewLimiter(refusedRate, refusedBurst),
		kept: map[Outcome]*ring{Done: {most: keepDone}, Refused: {most: keepRefused}, Self: {most: keepSelf}},
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	var old []store.Op
	err := l.store.Scan(ctx, store.Audit, func(key string, value []byte) error {
		r, err := decode(key, value)
		if err != nil {
			return err
		}
		l.seq = r.Seq
		if out, full := l.kept[r.Outcome].add(r.Seq); full {
			old = append(old, store.Op{Bucket: store.Audit, Key: keyOf(out)})
		}
		return nil
	})
	if err == nil && len(old) > 0 { // left over by commits that failed
		err = l.store.Commit(ctx, old...)
	}
	if err != nil {
		return nil, fmt.Errorf("audit: open: %w", err)
	}
	return l, nil
}

// keyOf is a record's key: in hex of one length, so that keys are in order.
func keyOf(seq uint64) string { return fmt.Sprintf("%016x", seq) }

func decode(key string, value []byte) (r Record, err error) {
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("record %q: %w", key, err)
	}
	if r.Seq, err = strconv.ParseUint(key, 16, 64); err != nil || keyOf(r.Seq) != key {
		return r, fmt.Errorf("record %q has no number", key)
	}
	if r.Outcome != Done && r.Outcome != Refused && r.Outcome != Self {
		return r, fmt.Errorf("record %q has no outcome", key)
	}
	return r, nil
}

// Ops are the operations that add a record, to be committed together with what
// it is about. Time and number are set here.
func (l *Log) Ops(r Record) ([]store.Op, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opsLocked(r)
}

func (l *Log) opsLocked(r Record) ([]store.Op, error) {
	kept := l.kept[r.Outcome]
	if kept == nil {
		return nil, errors.New("audit: a record without an outcome")
	}
	l.seq++
	r.Time = l.now().Unix()
	value, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	ops := []store.Op{{Bucket: store.Audit, Key: keyOf(l.seq), Value: value}}
	if out, full := kept.add(l.seq); full {
		ops = append(ops, store.Op{Bucket: store.Audit, Key: keyOf(out)})
	}
	return ops, nil
}

// Refuse records an attempt that came to nothing. Where there are too many it
// counts them, so that nobody can fill the disk, or the time of its committer,
// by being refused. What cannot be saved is logged.
func (l *Log) Refuse(ctx context.Context, r Record) {
	r.Outcome = Refused
	l.mu.Lock()
	if !l.limit.AllowN(l.now(), 1) {
		l.missed++
		l.mu.Unlock()
		return
	}
	missed := l.missed
	r.Missed, l.missed = missed, 0
	ops, err := l.opsLocked(r)
	l.mu.Unlock()
	if err == nil {
		err = l.store.Commit(context.WithoutCancel(ctx), ops...)
	}
	if err == nil {
		return
	}
	l.mu.Lock()
	l.missed += missed + 1
	l.mu.Unlock()
	l.log.LogAttrs(ctx, slog.LevelError, "a refusal could not be recorded", slog.Any("error", err))
}

// ring remembers the numbers of the newest records of one kind.
type ring struct {
	most int
	seqs []uint64
	next int // where the oldest is, once full
}

// add notes a record; if that is one too many, out is the oldest one, which has
// to go.
func (r *ring) add(seq uint64) (out uint64, full bool) {
	if len(r.seqs) < r.most {
		r.seqs = append(r.seqs, seq)
		return 0, false
	}
	out, r.seqs[r.next] = r.seqs[r.next], seq
	r.next = (r.next + 1) % r.most
	return out, true
}

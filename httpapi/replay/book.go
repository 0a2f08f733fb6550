package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"conga/allocator/store"
)

const (
	// TTL is how long an answer is kept.
	TTL = 24 * time.Hour
	// MaxKey is the longest key that a client may choose, in bytes.
	MaxKey = 255

	maxOfOwner = 2_000     // answers kept for one owner; the oldest makes room
	maxInAll   = 50_000    // for all owners together; the oldest of the owner with the most makes room
	maxFlights = 500       // requests of one owner that are being carried out
	maxAnswer  = 512 << 10 // that of a series of a thousand has 130 KB, and 330 if all wait for a host
	sweepBatch = 500       // answers that one transaction removes at most
	sweepEvery = time.Minute
)

// Errors of this package. Their sentences are fit for the client.
var (
	// ErrOther means that the key came with another request before.
	ErrOther = errors.New("this key came with another request before; use a new one")
	// ErrInFlight means that the same request is being carried out.
	ErrInFlight = errors.New("a request with this key is being carried out")
	// ErrMany means that too many requests of the owner are being carried out.
	ErrMany = fmt.Errorf("%d requests with keys are being carried out for you; send fewer at a time", maxFlights)

	errTooLarge = fmt.Errorf("replay: an answer is larger than %d bytes", maxAnswer)
)

// An Answer is what a request was answered with.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body"`
}

// A Digest is the SHA-256 hash of all that makes a request the same one.
type Digest [sha256.Size]byte

// A record is an answer as the store has it, under its number.
type record struct {
	Name    string `json:"name"` // hash of owner and key
	Owner   string `json:"owner"`
	Request string `json:"request"` // hex of its digest
	Time    int64  `json:"time"`    // UNIX seconds
	Answer
}

// A name is the hash of an owner and the key that it chose.
type name [sha256.Size]byte

// kept is what memory has of a record; the answer is in the store alone.
type kept struct {
	seq     uint64 // key in the store; never used again, so that a removal hits nothing newer
	name    name
	owner   string
	request Digest
	time    int64 // UNIX seconds
	leaving bool  // a commit that removes it is under way
}

// A Book holds the answers of the last day. It is safe for concurrent use.
type Book struct {
	store store.Store
	now   func() time.Time

	mu      sync.Mutex
	seq     uint64
	byName  map[name]*kept
	owners  map[string]*share
	order   byFill
	total   int // of all shares
	flights map[name]bool
}

// Open reads the answers in the store and removes those that have expired,
// cannot be read, or are more than are kept. now may be nil, time.Now, and so
// may log, none.
func Open(ctx context.Context, s store.Store, now func() time.Time, log *slog.Logger) (*Book, error) {
	b := &Book{store: s, now: now, byName: map[name]*kept{}, owners: map[string]*share{}, flights: map[name]bool{}}
	if b.now == nil {
		b.now = time.Now
	}
	var out store.LeftOut
	var twice []store.Op // older records of a name, left over by a crash
	err := s.Scan(ctx, store.Replays, func(key string, value []byte) error {
		b.seq = max(b.seq, numberOf(key))
		k, err := load(key, value)
		if err != nil {
			out.Add(store.Replays, key, err)
			return nil
		}
		if before := b.byName[k.name]; before != nil {
			twice = append(twice, store.Op{Bucket: store.Replays, Key: keyOf(before.seq)})
			b.dropLocked(before)
		}
		b.keepLocked(k) // no other caller has b yet
		return nil
	})
	if log != nil {
		out.Warn(log)
	}
	if twice = append(twice, out.Removals()...); err == nil && len(twice) > 0 {
		err = s.Commit(ctx, twice...)
	}
	if err == nil {
		_, err = b.Sweep(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("replay: open: %w", err)
	}
	return b, nil
}

// CheckRecord returns a [store.RecordError] if a record of [store.Replays]
// cannot be read.
func CheckRecord(key string, value []byte) error {
	_, err := load(key, value)
	return err
}

// load returns what memory keeps of a record.
func load(key string, value []byte) (*kept, error) {
	bad := func(err error) (*kept, error) { return nil, store.Unreadable(store.Replays, key, err) }
	var r record
	if err := store.Unmarshal(value, &r); err != nil {
		return bad(err)
	}
	k := &kept{seq: numberOf(key), owner: r.Owner, time: r.Time}
	if keyOf(k.seq) != key {
		return bad(errors.New("it has no number"))
	}
	if text, err := hex.DecodeString(r.Name); err != nil || copy(k.name[:], text) != len(text) || len(text) != len(k.name) {
		return bad(errors.New("it has no name"))
	}
	if text, err := hex.DecodeString(r.Request); err != nil || copy(k.request[:], text) != len(text) || len(text) != len(k.request) {
		return bad(errors.New("it has no digest"))
	}
	if r.Status < 200 || r.Status > 599 {
		return bad(fmt.Errorf("%d is no status of an answer", r.Status))
	}
	return k, nil
}

// numberOf returns the number in a record's key, 0 if that is damaged.
func numberOf(key string) uint64 {
	n, err := strconv.ParseUint(key, 16, 64)
	if err != nil {
		return 0
	}
	return n
}

// keyOf returns a record's key: in hex of one length, so that keys are in
// order.
func keyOf(seq uint64) string { return fmt.Sprintf("%016x", seq) }

func (b *Book) expired(k *kept) bool { return b.now().Unix() >= k.time+int64(TTL/time.Second) }

// nameOf hides what the client chose, and has one length.
func nameOf(owner, key string) (n name) {
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s%s", len(owner), owner, key)
	return name(h.Sum(nil))
}

// Begin looks for the answer to the owner's request with this key. If there is
// none the request is to be carried out, and the attempt to be ended. Errors
// are [ErrOther], [ErrInFlight] and [ErrMany], or the store's.
func (b *Book) Begin(owner, key string, request Digest) (*Attempt, *Answer, error) {
	n := nameOf(owner, key)
	for {
		t, k, err := b.begin(owner, n, request)
		if t != nil || err != nil {
			return t, nil, err
		}
		value, err := b.store.Get(context.Background(), store.Replays, keyOf(k.seq))
		if err != nil {
			return nil, nil, fmt.Errorf("replay: read: %w", err)
		}
		if value == nil { // it has just been removed
			b.mu.Lock()
			if b.byName[n] == k && !k.leaving {
				b.dropLocked(k)
			}
			b.mu.Unlock()
			continue
		}
		var r record
		if err := json.Unmarshal(value, &r); err != nil {
			return nil, nil, fmt.Errorf("replay: record %q: %w", keyOf(k.seq), err)
		}
		return nil, &r.Answer, nil
	}
}

// begin returns an attempt, or else what is kept of the answer.
func (b *Book) begin(owner string, n name, request Digest) (*Attempt, *kept, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k := b.byName[n]; k != nil && !k.leaving && !b.expired(k) {
		if k.request != request {
			return nil, nil, ErrOther
		}
		return nil, k, nil
	}
	if b.flights[n] {
		return nil, nil, ErrInFlight
	}
	s := b.shareLocked(owner)
	if s.flights >= maxFlights {
		return nil, nil, ErrMany
	}
	s.flights++
	b.flights[n] = true
	return &Attempt{book: b, name: n, owner: owner, request: request}, nil, nil
}

package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

	maxOfOwner = 2_000  // answers kept for one owner; the oldest makes room
	maxInAll   = 50_000 // for all owners together
	maxAnswer  = 64 << 10
	sweepBatch = 64 // expired answers that one new answer removes at most
)

// Errors of this package. Their sentences are fit for the client.
var (
	// ErrOther means that the key came with another request before.
	ErrOther = errors.New("this key came with another request before; use a new one")
	// ErrInFlight means that the same request is being carried out.
	ErrInFlight = errors.New("a request with this key is being carried out")

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

// kept is a record in memory.
type kept struct {
	seq     uint64 // key in the store; never used again, so that a removal hits nothing newer
	name    string
	owner   string
	request Digest
	time    int64
	answer  Answer
	gone    bool
}

// A Book holds the answers of the last day. It is safe for concurrent use.
type Book struct {
	store store.Store
	now   func() time.Time

	mu      sync.Mutex
	seq     uint64
	byName  map[string]*kept
	queue   []*kept // by time, oldest first; those that are gone are skipped
	owners  map[string][]*kept
	flights map[string]bool
}

// Open reads the answers in the store and removes those that have expired. now
// may be nil: time.Now.
func Open(ctx context.Context, s store.Store, now func() time.Time) (*Book, error) {
	b := &Book{store: s, now: now, byName: map[string]*kept{}, owners: map[string][]*kept{}, flights: map[string]bool{}}
	if b.now == nil {
		b.now = time.Now
	}
	var old []store.Op
	err := s.Scan(ctx, store.Replays, func(key string, value []byte) error {
		var r record
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("record %q: %w", key, err)
		}
		k := &kept{name: r.Name, owner: r.Owner, time: r.Time, answer: r.Answer}
		var err error
		if k.seq, err = strconv.ParseUint(key, 16, 64); err != nil || keyOf(k.seq) != key {
			return fmt.Errorf("record %q has no number", key)
		}
		b.seq = k.seq
		if n, err := hex.Decode(k.request[:], []byte(r.Request)); err != nil || n != len(k.request) {
			return fmt.Errorf("record %q has no digest", key)
		}
		if b.expired(k) {
			old = append(old, store.Op{Bucket: store.Replays, Key: key})
			return nil
		}
		b.keepLocked(k) // no other caller has b yet
		return nil
	})
	if err == nil && len(old) > 0 {
		err = s.Commit(ctx, old...)
	}
	if err != nil {
		return nil, fmt.Errorf("replay: open: %w", err)
	}
	return b, nil
}

// keyOf returns a record's key: in hex of one length, so that keys are in
// order.
func keyOf(seq uint64) string { return fmt.Sprintf("%016x", seq) }

func (b *Book) expired(k *kept) bool { return b.now().Unix() >= k.time+int64(TTL/time.Second) }

// nameOf hides what the client chose, and has one length.
func nameOf(owner, key string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s%s", len(owner), owner, key)
	return hex.EncodeToString(h.Sum(nil))
}

// Begin looks for the answer to the owner's request with this key. If there is
// none the request is to be carried out, and the attempt to be ended. Errors
// are [ErrOther] and [ErrInFlight].
func (b *Book) Begin(owner, key string, request Digest) (*Attempt, *Answer, error) {
	name := nameOf(owner, key)
	b.mu.Lock()
	defer b.mu.Unlock()
	if k := b.byName[name]; k != nil && !b.expired(k) {
		if k.request != request {
			return nil, nil, ErrOther
		}
		return nil, &k.answer, nil
	}
	if b.flights[name] {
		return nil, nil, ErrInFlight
	}
	b.flights[name] = true
	return &Attempt{book: b, name: name, owner: owner, request: request}, nil, nil
}

// keepLocked takes an answer in.
func (b *Book) keepLocked(k *kept) {
	if before := b.byName[k.name]; before != nil {
		b.dropLocked(before)
	}
	b.byName[k.name] = k
	b.queue = append(b.queue, k)
	b.owners[k.owner] = append(b.owners[k.owner], k)
}

// dropLocked forgets an answer. Its place in the queue is given up when it
// comes to the front.
func (b *Book) dropLocked(k *kept) {
	k.gone = true
	if b.byName[k.name] == k {
		delete(b.byName, k.name)
	}
	own := b.owners[k.owner]
	switch i := slices.Index(own, k); {
	case i == 0: // nearly always
		own[0], own = nil, own[1:]
	case i > 0:
		own = slices.Delete(own, i, i+1)
	}
	if b.owners[k.owner] = own; len(own) == 0 {
		delete(b.owners, k.owner)
	}
}

// surplusLocked returns the answers that have to go if the owner gets one more.
func (b *Book) surplusLocked(owner string) (out []*kept) {
	room := 0
	if own := b.owners[owner]; len(own) >= maxOfOwner {
		out = append(out, own[0])
		room++
	}
	for i, k := range b.queue {
		full := len(b.byName)-room >= maxInAll
		if i >= sweepBatch || !full && !b.expired(k) {
			break
		}
		if !k.gone && !slices.Contains(out, k) {
			out = append(out, k)
			room++
		}
	}
	return out
}

// forgetLocked drops what has been removed from the store.
func (b *Book) forgetLocked(old []*kept) {
	for _, k := range old {
		if !k.gone {
			b.dropLocked(k)
		}
	}
	for len(b.queue) > 0 && b.queue[0].gone {
		b.queue[0] = nil
		b.queue = b.queue[1:]
	}
}

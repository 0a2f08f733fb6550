package auth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"conga/allocator/store"
)

const (
	// TTL is how long a key lives, from its creation or its last renewal.
	TTL = 86_400 * time.Second
	// maxKeysOfUser bounds the live keys of one user in one project; beyond it
	// the one that was used longest ago makes room.
	maxKeysOfUser = 1000
	purgeEvery    = 10 * time.Minute
)

// A Key is what a key stands for. Times are UNIX seconds. What each sort of key
// may do is for the API to say; here they are only told apart.
type Key struct {
	User     string `json:"user"`    // of an operator's key, its name
	Project  string `json:"project"` // "" for an operator's and the admin's, which are for all
	Start    int64  `json:"start"`   // created
	End      int64  `json:"end"`     // expires; it is no key any more from this second on
	Operator bool   `json:"operator,omitempty"`
	Subject  string `json:"subject,omitempty"` // issuer and subject of the token that it was given for, or ""
	Admin    bool   `json:"-"`                 // from admin.key; never expires
}

// SeesAll reports whether the key is for every project.
func (k Key) SeesAll() bool { return k.Admin || k.Operator }

// valid reports whether a stored key is one of those that are written.
func (k Key) valid() bool {
	if k.Operator {
		return ValidOperator(k.User) && k.Project == ""
	}
	return ValidName(k.User) && ValidName(k.Project)
}

// A KeysConfig is what [OpenKeys] needs.
type KeysConfig struct {
	Store store.Store
	Admin Digest           // of the admin's key; the zero digest admits no key
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: none
}

// Keys are the keys of the API: in memory to be looked up, in the store to
// outlive the process.
type Keys struct {
	store store.Store
	admin Digest
	now   func() time.Time
	log   *slog.Logger

	// changing is held over the store's answer by all that changes an issued
	// key, so that store and memory agree on the order. It is taken before mu.
	changing sync.Mutex

	mu        sync.RWMutex
	live      map[Digest]*liveKey
	held      map[owner]int       // keys in live, expired ones included
	operators map[Digest]bool     // those in live that are operators'
	names     map[heldName]string // the subject that holds each
}

// A liveKey repeats its digest, to be compared in constant time once found.
type liveKey struct {
	digest Digest
	key    Key
	used   atomic.Int64 // UNIX seconds of its last use in this process; 0: none
}

type owner struct{ user, project string }

// OpenKeys reads the keys in the store. Call Run to have expired ones removed.
func OpenKeys(ctx context.Context, cfg KeysConfig) (*Keys, error) {
	k := &Keys{
		store: cfg.Store, admin: cfg.Admin, now: cfg.Now, log: cfg.Log,
		live: map[Digest]*liveKey{}, held: map[owner]int{}, operators: map[Digest]bool{}, names: map[heldName]string{},
	}
	if k.now == nil {
		k.now = time.Now
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	err := k.store.Scan(ctx, store.Keys, func(name string, value []byte) error {
		d, key, err := decodeKey(name, value)
		if err == nil {
			k.putLocked(d, key) // no other caller has k yet
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("auth: read keys: %w", err)
	}
	if err := k.readNames(ctx); err != nil {
		return nil, err
	}
	if err := k.adoptNames(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// CheckKey returns a [store.RecordError] if a record of [store.Keys] cannot be
// read.
func CheckKey(name string, value []byte) error {
	_, _, err := decodeKey(name, value)
	return err
}

// decodeKey reads a record of the keys. Its error names the key by its ID,
// since no digest is to be seen.
func decodeKey(name string, value []byte) (d Digest, key Key, err error) {
	d, ok := parseDigest(name)
	switch {
	case !ok:
		return d, key, &store.RecordError{What: "a key", Err: errors.New("it has no digest")}
	case store.Intact(value) != nil:
		err = store.Intact(value)
	case json.Unmarshal(value, &key) != nil:
		err = errors.New("it is no JSON of a key")
	case !key.valid():
		err = errors.New("it has no user or no project")
	case key.End <= key.Start:
		err = errors.New("it ends before it starts")
	default:
		return d, key, nil
	}
	return d, key, &store.RecordError{What: "key " + idOf(d), Err: err}
}

func (k *Keys) putLocked(d Digest, key Key) {
	e := &liveKey{digest: d, key: key}
	if before, known := k.live[d]; known {
		e.used.Store(before.used.Load())
	} else {
		k.held[owner{key.User, key.Project}]++
	}
	k.live[d] = e
	if key.Operator {
		k.operators[d] = true
	}
}

func (k *Keys) removeLocked(d Digest) {
	e, known := k.live[d]
	if !known {
		return
	}
	delete(k.live, d)
	delete(k.operators, d)
	o := owner{e.key.User, e.key.Project}
	if k.held[o]--; k.held[o] == 0 {
		delete(k.held, o)
	}
}

// Issue makes a key for a user who has been authenticated. The secret is
// returned this once and cannot be had again. along is committed with it.
func (k *Keys) Issue(ctx context.Context, user, project string, along ...store.Op) (secret string, key Key, err error) {
	return k.IssueFor(ctx, Identity{User: user}, project, along...)
}

func (k *Keys) issue(ctx context.Context, who Identity, project string, along ...store.Op) (secret string, key Key, err error) {
	now, user := k.now(), who.User
	secret, key = NewSecret(), Key{
		User: user, Project: project, Start: now.Unix(), End: now.Add(TTL).Unix(), Subject: who.String(),
	}
	d := HashSecret(secret)

	// Counted before it is written, so that many at once stay within the limit.
	k.mu.Lock()
	old := k.makeRoomLocked(owner{user, project})
	k.putLocked(d, key)
	k.mu.Unlock()
	for _, e := range old {
		along = append(slices.Clip(along), store.Op{Bucket: store.Keys, Key: e.digest.hex()})
	}
	if err := k.save(ctx, d, key, along...); err != nil {
		k.mu.Lock()
		k.removeLocked(d)
		for _, e := range old {
			k.putLocked(e.digest, e.key)
			k.live[e.digest].used.Store(e.used.Load())
		}
		k.mu.Unlock()
		return "", Key{}, fmt.Errorf("auth: issue: %w", err)
	}
	return secret, key, nil
}

func (k *Keys) save(ctx context.Context, d Digest, key Key, along ...store.Op) error {
	value, err := json.Marshal(key)
	if err != nil {
		return err
	}
	// A client that hangs up must not leave it open what became of its key.
	ops := append([]store.Op{{Bucket: store.Keys, Key: d.hex(), Value: value}}, along...)
	return k.store.Commit(context.WithoutCancel(ctx), ops...)
}

// Lookup returns what secret stands for, the admin's key included, or
// [ErrNoKey].
func (k *Keys) Lookup(secret string) (Key, error) {
	if !wellFormed(secret) {
		return Key{}, ErrNoKey
	}
	d := HashSecret(secret)
	if k.admin != (Digest{}) && subtle.ConstantTimeCompare(d[:], k.admin[:]) == 1 {
		return Key{User: "admin", Admin: true}, nil
	}
	return k.lookup(d)
}

// lookup returns a stored key by its digest. What the time of finding it in the
// map could tell is about the digest, from which no secret follows.
func (k *Keys) lookup(d Digest) (Key, error) {
	k.mu.RLock()
	e, ok := k.live[d]
	k.mu.RUnlock()
	if !ok || subtle.ConstantTimeCompare(e.digest[:], d[:]) != 1 || k.now().Unix() >= e.key.End {
		return Key{}, ErrNoKey
	}
	e.used.Store(k.now().Unix())
	return e.key, nil
}

// Status returns what a user's key stands for; operators' keys and the admin's
// are not among these.
func (k *Keys) Status(secret string) (Key, error) {
	if !wellFormed(secret) {
		return Key{}, ErrNoKey
	}
	key, err := k.lookup(HashSecret(secret))
	if err != nil || key.Operator {
		return Key{}, ErrNoKey
	}
	return key, nil
}

// own returns what Status does for a request that names the key's user and
// project.
func (k *Keys) own(secret, user, project string) (Digest, Key, error) {
	key, err := k.Status(secret)
	if err != nil {
		return Digest{}, Key{}, err
	}
	if key.User != user || key.Project != project {
		return Digest{}, Key{}, ErrNotYours
	}
	return HashSecret(secret), key, nil
}

// Renew makes the key valid for another [TTL] from now. It fails with
// [ErrNoKey], or [ErrNotYours] if it is not that user's and project's. along is
// committed with it.
func (k *Keys) Renew(ctx context.Context, secret, user, project string, along ...store.Op) (Key, error) {
	k.changing.Lock()
	defer k.changing.Unlock()
	d, key, err := k.own(secret, user, project)
	if err != nil {
		return Key{}, err
	}
	key.End = k.now().Add(TTL).Unix()
	if err := k.save(ctx, d, key, along...); err != nil {
		return Key{}, fmt.Errorf("auth: renew: %w", err)
	}
	k.mu.Lock()
	_, known := k.live[d]
	if known {
		k.putLocked(d, key)
	}
	k.mu.Unlock()
	if !known { // it has made room meanwhile
		return Key{}, errors.Join(ErrNoKey, k.remove(ctx, []Digest{d}))
	}
	return key, nil
}

// Delete ends the key at once; it fails as Renew does. along is committed with
// it.
func (k *Keys) Delete(ctx context.Context, secret, user, project string, along ...store.Op) error {
	k.changing.Lock()
	defer k.changing.Unlock()
	d, _, err := k.own(secret, user, project)
	if err != nil {
		return err
	}
	return k.remove(ctx, []Digest{d}, along...)
}

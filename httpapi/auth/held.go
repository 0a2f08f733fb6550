package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"conga/allocator/store"
)

// A HeldKey is a user's key as it can be shown: without its secret.
type HeldKey struct {
	ID   string // names the key; nothing else follows from it
	Used int64  // UNIX seconds: last used, renewed or made
	Key
}

// idOf returns the name of a key.
func idOf(d Digest) string {
	sum := sha256.Sum256(append([]byte("conga key id\n"), d[:]...))
	return hex.EncodeToString(sum[:10])
}

// KeyID returns the ID of the key with a secret.
func KeyID(secret string) string { return idOf(HashSecret(secret)) }

// lastUse returns when the key was used last, in UNIX seconds. Before the
// process it is not known; the key was made or renewed then.
func (e *liveKey) lastUse() int64 {
	return max(e.used.Load(), e.key.Start, e.key.End-int64(TTL.Seconds()))
}

// makeRoomLocked takes keys out of a user's full list and returns them: those
// that have expired or, if none has, the one used longest ago. It returns nil
// while the list is not full. The caller removes the keys from the store.
func (k *Keys) makeRoomLocked(o owner) (out []*liveKey) {
	if k.held[o] < maxKeysOfUser {
		return nil
	}
	var all []*liveKey
	for _, e := range k.live {
		if (owner{e.key.User, e.key.Project}) == o && !e.key.Operator {
			all = append(all, e)
		}
	}
	now := k.now().Unix()
	slices.SortFunc(all, func(a, b *liveKey) int {
		return cmp.Or(cmp.Compare(a.lastUse(), b.lastUse()), cmp.Compare(a.key.Start, b.key.Start), slices.Compare(a.digest[:], b.digest[:]))
	})
	for _, e := range all {
		if now >= e.key.End {
			out = append(out, e)
		}
	}
	for _, e := range all {
		if len(all)-len(out) < maxKeysOfUser {
			break
		}
		if now < e.key.End {
			out = append(out, e)
		}
	}
	for _, e := range out {
		k.removeLocked(e.digest)
	}
	return out
}

// Held returns the live keys of users that the function sees, the newest first.
func (k *Keys) Held(sees func(Key) bool) []HeldKey {
	now := k.now().Unix()
	k.mu.RLock()
	var out []HeldKey
	for d, e := range k.live {
		if !e.key.Operator && now < e.key.End && sees(e.key) {
			out = append(out, HeldKey{ID: idOf(d), Used: e.lastUse(), Key: e.key})
		}
	}
	k.mu.RUnlock()
	slices.SortFunc(out, func(a, b HeldKey) int { return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(a.ID, b.ID)) })
	return out
}

// End ends the key of a user with an ID at once, if the function sees it, and
// returns it; else it fails with [ErrNoKey]. along is committed with it.
func (k *Keys) End(ctx context.Context, id string, sees func(Key) bool, along ...store.Op) (Key, error) {
	k.changing.Lock()
	defer k.changing.Unlock()
	now := k.now().Unix()
	var found *liveKey
	k.mu.RLock()
	for d, e := range k.live {
		if !e.key.Operator && now < e.key.End && idOf(d) == id && sees(e.key) {
			found = e
		}
	}
	k.mu.RUnlock()
	if found == nil {
		return Key{}, ErrNoKey
	}
	return found.key, k.remove(ctx, []Digest{found.digest}, along...)
}

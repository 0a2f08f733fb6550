package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"conga/allocator/store"
)

// A heldName is a user's name as an issuer's tokens have it. Another issuer's
// is another: the configuration says which issuer counts.
type heldName struct{ issuer, user string }

// key returns the name as the store's key; an issuer's URL has no space.
func (n heldName) key() string { return n.issuer + " " + n.user }

// A nameRecord is what the store keeps of a name. A claim that people choose
// themselves can be chosen a second time; issuer and subject cannot.
type nameRecord struct {
	Issuer  string `json:"issuer"`
	User    string `json:"user"`
	Subject string `json:"subject"`
	Since   int64  `json:"since"` // UNIX seconds
}

// readNames reads which subject holds which name.
func (k *Keys) readNames(ctx context.Context) error {
	err := k.store.Scan(ctx, store.Names, func(name string, value []byte) error {
		r, err := decodeName(name, value)
		if err == nil {
			k.names[heldName{r.Issuer, r.User}] = r.Subject // no other caller has k yet
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("auth: read names: %w", err)
	}
	return nil
}

// CheckName returns a [store.RecordError] if a record of [store.Names] cannot
// be read.
func CheckName(name string, value []byte) error {
	_, err := decodeName(name, value)
	return err
}

func decodeName(name string, value []byte) (r nameRecord, err error) {
	switch err = store.Unmarshal(value, &r); {
	case err != nil:
	case r.Subject == "":
		err = errors.New("it has no subject")
	case (heldName{r.Issuer, r.User}).key() != name:
		err = errors.New("it is about another name")
	}
	if err != nil {
		return r, store.Unreadable(store.Names, name, err)
	}
	return r, nil
}

// adoptNames gives names that no subject holds to the subject of the oldest key
// under them: such keys are from a time when names were not kept.
func (k *Keys) adoptNames(ctx context.Context) error {
	var old []Key
	for _, e := range k.live { // no other caller has k yet
		if e.key.Subject != "" {
			old = append(old, e.key)
		}
	}
	slices.SortFunc(old, func(a, b Key) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Subject, b.Subject)) })
	var ops []store.Op
	for _, key := range old {
		who := key.Identity()
		name := heldName{who.Issuer, who.User}
		if _, held := k.names[name]; held {
			continue
		}
		op, err := name.holder(who.Subject, key.Start)
		if err != nil {
			return err
		}
		ops, k.names[name] = append(ops, op), who.Subject
	}
	if len(ops) == 0 {
		return nil
	}
	if err := k.store.Commit(ctx, ops...); err != nil {
		return fmt.Errorf("auth: write names: %w", err)
	}
	return nil
}

// holder returns the operation that saves which subject holds the name since
// when.
func (n heldName) holder(subject string, since int64) (store.Op, error) {
	value, err := json.Marshal(nameRecord{n.issuer, n.user, subject, since})
	return store.Op{Bucket: store.Names, Key: n.key(), Value: value}, err
}

// Holds fails with [ErrName] if the name is that of another subject of the same
// issuer, who was given a key for it before. Where the configuration names the
// subject, that counts more.
func (k *Keys) Holds(who Identity) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if holder, held := k.names[heldName{who.Issuer, who.User}]; held && holder != who.Subject && !who.Named {
		return ErrName
	}
	return nil
}

// settled reports whether there is nothing to be written about the name.
func (k *Keys) settled(who Identity) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return who.Issuer == "" || k.names[heldName{who.Issuer, who.User}] == who.Subject
}

// IssueFor issues a key as Issue does, for a user that an issuer vouches for;
// the key remembers it. The first subject that gets a key under a name holds
// the name from then on: this is committed with the key, and IssueFor fails
// with [ErrName] for any other.
func (k *Keys) IssueFor(ctx context.Context, who Identity, project string, along ...store.Op) (secret string, key Key, err error) {
	if k.settled(who) {
		return k.issue(ctx, who, project, along...)
	}
	k.changing.Lock() // of two who come at once one is the first
	defer k.changing.Unlock()
	if err := k.Holds(who); err != nil {
		return "", Key{}, err
	}
	name := heldName{who.Issuer, who.User}
	op, err := name.holder(who.Subject, k.now().Unix())
	if err != nil {
		return "", Key{}, fmt.Errorf("auth: issue: %w", err)
	}
	if secret, key, err = k.issue(ctx, who, project, append(slices.Clip(along), op)...); err != nil {
		return "", Key{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.names[name] = who.Subject
	return secret, key, nil
}

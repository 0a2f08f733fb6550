package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"conga/allocator/store"
)

const (
	// OperatorTTL is how long an operator's key lives unless the request says
	// otherwise.
	OperatorTTL = 90 * 24 * time.Hour
	// MaxOperatorTTL is the longest that one can live.
	MaxOperatorTTL = 366 * 24 * time.Hour

	maxOperators = 100
)

// Errors about operators' keys. Their sentences are fit for the client.
var (
	// ErrOperatorExists means that the name is taken: two keys of one name
	// could not be told apart when one must go.
	ErrOperatorExists = errors.New("there is an operator's key of this name; delete it first, or choose another name")
	// ErrNoOperator means that there is no such key, or that it has expired.
	ErrNoOperator = errors.New("there is no operator's key of this name")
)

// OperatorRule says what [ValidOperator] accepts.
const OperatorRule = "must be 1 to 64 letters, digits, dots, dashes, underscores or at signs, the first a letter or digit"

var operatorPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// ValidOperator reports whether s can name an operator's key. It is stricter
// than for users, because the name is part of an address.
func ValidOperator(s string) bool { return operatorPattern.MatchString(s) }

// IssueOperator makes a key that sees everything and changes nothing but
// maintenance, for ttl from now. The secret is returned this once and cannot be
// had again. along is committed with it.
func (k *Keys) IssueOperator(ctx context.Context, name string, ttl time.Duration, along ...store.Op) (secret string, key Key, err error) {
	if !ValidOperator(name) || ttl <= 0 || ttl > MaxOperatorTTL {
		return "", Key{}, errors.New("auth: issue operator's key: name or lifetime is out of bounds")
	}
	k.changing.Lock()
	defer k.changing.Unlock()
	if _, _, ok := k.operator(name); ok {
		return "", Key{}, ErrOperatorExists
	}
	if len(k.Operators()) >= maxOperators {
		return "", Key{}, &WaitError{After: time.Hour, Reason: fmt.Sprintf(
			"%d operators' keys are live; delete one that is not needed", maxOperators)}
	}
	now := k.now()
	secret, key = NewSecret(), Key{User: name, Operator: true, Start: now.Unix(), End: now.Add(ttl).Unix()}
	d := HashSecret(secret)
	if err := k.save(ctx, d, key, along...); err != nil {
		return "", Key{}, fmt.Errorf("auth: issue operator's key: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.putLocked(d, key)
	return secret, key, nil
}

// Operators returns the operators' keys that are valid, by name.
func (k *Keys) Operators() []Key {
	now := k.now().Unix()
	k.mu.RLock()
	defer k.mu.RUnlock()
	var out []Key
	for d := range k.operators {
		if e := k.live[d]; now < e.key.End {
			out = append(out, e.key)
		}
	}
	slices.SortFunc(out, func(a, b Key) int { return cmp.Compare(a.User, b.User) })
	return out
}

// Operator returns the operator's key of that name, or [ErrNoOperator].
func (k *Keys) Operator(name string) (Key, error) {
	if _, key, ok := k.operator(name); ok {
		return key, nil
	}
	return Key{}, ErrNoOperator
}

// RenewOperator makes the operator's key of that name end ttl from now,
// whenever it would have ended; its secret stays. It fails with
// [ErrNoOperator]: what has expired is not brought back. along is committed
// with it.
func (k *Keys) RenewOperator(ctx context.Context, name string, ttl time.Duration, along ...store.Op) (Key, error) {
	if ttl <= 0 || ttl > MaxOperatorTTL {
		return Key{}, errors.New("auth: renew operator's key: lifetime is out of bounds")
	}
	k.changing.Lock()
	defer k.changing.Unlock()
	d, key, ok := k.operator(name)
	if !ok {
		return Key{}, ErrNoOperator
	}
	key.End = k.now().Add(ttl).Unix()
	if err := k.save(ctx, d, key, along...); err != nil {
		return Key{}, fmt.Errorf("auth: renew operator's key: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.putLocked(d, key)
	return key, nil
}

// DeleteOperator ends the operator's key of that name at once, or fails with
// [ErrNoOperator].
func (k *Keys) DeleteOperator(ctx context.Context, name string, along ...store.Op) error {
	k.changing.Lock()
	defer k.changing.Unlock()
	d, _, ok := k.operator(name)
	if !ok {
		return ErrNoOperator
	}
	return k.remove(ctx, []Digest{d}, along...)
}

func (k *Keys) operator(name string) (Digest, Key, bool) {
	now := k.now().Unix()
	k.mu.RLock()
	defer k.mu.RUnlock()
	for d := range k.operators {
		if e := k.live[d]; e.key.User == name && now < e.key.End {
			return d, e.key, true
		}
	}
	return Digest{}, Key{}, false
}

package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"conga/allocator/store"
)

// RenewOperator has the operator's key of that name end ttl from now, whenever it
// would have ended; its secret stays. It fails with [ErrNoOperator]: what has
// expired is not brought back. along is committed with it.
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

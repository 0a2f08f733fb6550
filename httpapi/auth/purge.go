package auth

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"conga/allocator/store"
)

// purgeBatch bounds one transaction of a purge.
const purgeBatch = 1000

// Run removes expired keys from time to time until ctx ends.
func (k *Keys) Run(ctx context.Context) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n, err := k.Purge(ctx)
			switch {
			case err != nil && ctx.Err() == nil:
				k.log.Error("expired keys could not be removed", slog.Any("err", err))
			case n > 0:
				k.log.Info("expired keys removed", slog.Int("keys", n))
			}
		}
	}
}

// Purge removes the keys that have expired and says how many.
func (k *Keys) Purge(ctx context.Context) (int, error) {
	k.changing.Lock()
	defer k.changing.Unlock()
	expired := k.expired()
	for batch := range slices.Chunk(expired, purgeBatch) {
		if err := k.remove(ctx, batch); err != nil {
			return 0, err
		}
	}
	return len(expired), nil
}

func (k *Keys) expired() []Digest {
	now := k.now().Unix()
	k.mu.RLock()
	defer k.mu.RUnlock()
	var out []Digest
	for d, e := range k.live {
		if now >= e.key.End {
			out = append(out, d)
		}
	}
	return out
}

// remove takes keys out of the store, then out of memory. The caller holds
// changing.
func (k *Keys) remove(ctx context.Context, digests []Digest, along ...store.Op) error {
	ops := append(make([]store.Op, 0, len(digests)+len(along)), along...)
	for _, d := range digests {
		ops = append(ops, store.Op{Bucket: store.Keys, Key: d.hex()})
	}
	if err := k.store.Commit(context.WithoutCancel(ctx), ops...); err != nil {
		return fmt.Errorf("auth: remove keys: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range digests {
		k.removeLocked(d)
	}
	return nil
}

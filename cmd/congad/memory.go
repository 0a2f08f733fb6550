package main

import (
	"context"
	"encoding/json"
	"fmt"

	"conga/allocator/store"
	"conga/controller/topology"
)

// memoryKey is the one record of the bucket Network.
const memoryKey = "memory"

// memory keeps in the store what the controller knows of the network. What it
// holds is small: links, edge ports and hosts, without counters.
type memory struct{ store store.Store }

// Load returns what the earlier run saved; nothing after none.
func (m memory) Load() (saved topology.Memory, err error) {
	err = m.store.Scan(context.Background(), store.Network, func(key string, value []byte) error {
		if key != memoryKey {
			return nil
		}
		return json.Unmarshal(value, &saved)
	})
	if err != nil {
		return topology.Memory{}, fmt.Errorf("memory of the network: %w", err)
	}
	return saved, nil
}

// Save replaces what is kept.
func (m memory) Save(now topology.Memory) error {
	value, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("memory of the network: %w", err)
	}
	return m.store.Commit(context.Background(), store.Op{Bucket: store.Network, Key: memoryKey, Value: value})
}

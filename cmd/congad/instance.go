package main

import (
	"context"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strconv"

	"conga/allocator/store"
)

// instanceBits is how many bits an instance number has, half of which are set:
// none is then contained in another, so that a mask can select what carries one
// number, or none.
const instanceBits = 12

// instance returns the number that tells this daemon from others of its kind
// that have the same switches. It is made by chance, and kept in the store. One
// that cannot be kept serves until the next start.
func (m savedNetwork) instance() (uint16, error) {
	kept, err := m.store.Get(context.Background(), store.Network, instanceRecord)
	if err != nil {
		return 0, fmt.Errorf("number of this daemon: %w", err)
	}
	n, err := decodeInstance(kept)
	if err == nil {
		return n, nil
	}
	if kept != nil {
		var out store.LeftOut
		out.Add(store.Network, instanceRecord, store.Unreadable(store.Network, instanceRecord, err))
		out.Warn(m.log)
	}
	for n = 0; !isInstance(n); {
		n = uint16(rand.N(1 << instanceBits))
	}
	op := store.Op{Bucket: store.Network, Key: instanceRecord, Value: []byte(strconv.Itoa(int(n)))}
	if err := m.commit([]store.Op{op}); err != nil {
		m.log.Warn("number of this daemon among those with the same switches could not be saved", "err", err)
	}
	return n, nil
}

// decodeInstance reads the record of this daemon's number.
func decodeInstance(value []byte) (uint16, error) {
	n, err := strconv.ParseUint(string(value), 10, instanceBits)
	if err == nil && !isInstance(uint16(n)) {
		err = fmt.Errorf("%d is no number of a daemon", n)
	}
	return uint16(n), err
}

func isInstance(n uint16) bool { return bits.OnesCount16(n) == instanceBits/2 }

package main

import (
	"log/slog"
	"testing"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
)

// TestInstance: the number is the same at every start, two daemons have
// different ones, and what is no number is replaced.
func TestInstance(t *testing.T) {
	numbers := map[uint16]int{}
	for range 20 {
		m := savedNetwork{store: storetest.NewMemory(), log: slog.New(slog.DiscardHandler)}
		first, err := m.instance()
		if err != nil || !isInstance(first) {
			t.Fatalf("number %d, error %v", first, err)
		}
		if again, err := m.instance(); err != nil || again != first {
			t.Errorf("%d, after a restart %d, error %v", first, again, err)
		}
		if saved, err := m.Load(); err != nil || len(saved.Links)+len(saved.Ports)+len(saved.Hosts)+len(saved.Switches) != 0 {
			t.Errorf("the number is read as a part of the network: %+v, %v", saved, err)
		}
		numbers[first]++
	}
	if len(numbers) < 15 {
		t.Errorf("20 daemons have numbers %v", numbers)
	}
	m := savedNetwork{store: storetest.NewMemory(), log: slog.New(slog.DiscardHandler)}
	for _, odd := range []string{"", "x", "0", "4095", "70000"} {
		if err := m.commit([]store.Op{{Bucket: store.Network, Key: instanceRecord, Value: []byte(odd)}}); err != nil {
			t.Fatal(err)
		}
		if n, err := m.instance(); err != nil || !isInstance(n) {
			t.Errorf("instead of %q it has %d, error %v", odd, n, err)
		}
	}
}

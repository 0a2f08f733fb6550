package allocator

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSortChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		span := rapid.SampledFrom([]uint64{1, 3, 1 << 11, 1<<22 + 5, 1 << 40, 1 << 63}).Draw(t, "span")
		list := make([]change, rapid.IntRange(0, 4*radixLeast).Draw(t, "changes"))
		var sum int64
		for i := range list {
			seed = seed*6364136223846793005 + 1442695040888963407
			list[i] = change{Seconds(seed>>1%span) - Seconds(span>>2), int64(i)}
			sum += int64(list[i].at) ^ list[i].by<<20
		}
		sortChanges(list, make([]change, len(list)))
		if !slices.IsSortedFunc(list, func(a, b change) int { return cmp.Compare(a.at, b.at) }) {
			t.Fatalf("not in order: %v", list)
		}
		for _, c := range list {
			sum -= int64(c.at) ^ c.by<<20
		}
		if sum != 0 {
			t.Fatal("they are not the same changes")
		}
	})
}

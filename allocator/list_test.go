package allocator

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestItemListAgainstSlice adds, restates and removes items in any order, and
// compares the list with a slice of them.
func TestItemListAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		none := newExtra()
		var l itemList
		var all []*item // in order
		next := rapid.Uint64().Draw(t, "seed")
		random := func(n int) int { // quicker than a draw each
			next = next*6364136223846793005 + 1442695040888963407
			return int(next >> 33 % uint64(n))
		}
		at := func(seq uint64) int {
			i, _ := slices.BinarySearchFunc(all, seq, func(it *item, seq uint64) int { return cmp.Compare(it.number, seq) })
			return i
		}
		states := []State{Pending, Active}
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			inOrder := rapid.Bool().Draw(t, "in order")
			for i := range random(3 * listBlock) {
				seq := uint64(1 + random(20*listBlock))
				if inOrder {
					seq = uint64(20*listBlock + i)
				}
				if l.get(seq) != nil {
					continue
				}
				it := none.newItem()
				it.number, it.code = seq, codeOf(states[random(2)])
				l.add(it)
				all = slices.Insert(all, at(seq), it)
			}
			for range random(len(all) + 1) {
				i := random(len(all))
				if it := all[i]; random(3) == 0 {
					was, is := it.state(), states[random(2)]
					it.code = codeOf(is)
					l.restate(it, was, is)
				} else {
					l.remove(it, it.state())
					l.remove(it, it.state()) // it is not there any more
					all = slices.Delete(all, i, i+1)
				}
			}
			checkList(t, &l, all, random)
		}
		for _, it := range all {
			l.remove(it, it.state())
		}
		if len(l.blocks) != 0 || l.size != 0 || l.active != 0 {
			t.Fatalf("left: %+v", l)
		}
	})
}

func checkList(t *rapid.T, l *itemList, all []*item, random func(int) int) {
	if got := slices.Collect(l.after(0)); !slices.Equal(got, all) {
		t.Fatalf("%d items are listed, want %d", len(got), len(all))
	}
	if most := 4*len(all)/listBlock + 2; len(l.blocks) > most {
		t.Fatalf("%d items are in %d blocks, more than %d", len(all), len(l.blocks), most)
	}
	for _, s := range []State{"", Pending, Active, Complete} {
		var want []*item
		for _, it := range all {
			if s == "" || it.state() == s {
				want = append(want, it)
			}
		}
		if got := l.inState(s); got != len(want) {
			t.Fatalf("%d are %q, want %d", got, s, len(want))
		}
		skip, most := random(len(want)+2), random(2*listBlock)
		if got, from := l.page(s, skip, most), min(skip, len(want)); !slices.Equal(got, want[from:min(from+most, len(want))]) {
			t.Fatalf("a page of %d that are %q from %d has %d of %d", most, s, skip, len(got), len(want))
		}
	}
	for range 20 {
		seq, seq2 := uint64(random(22*listBlock)), uint64(random(22*listBlock))
		from, _ := slices.BinarySearchFunc(all, seq, bySeq)
		to, _ := slices.BinarySearchFunc(all, seq2, bySeq)
		if got := l.rank(seq); got != from {
			t.Fatalf("%d are before %d, want %d", got, seq, from)
		}
		if it := l.get(seq); (it != nil) != (from < len(all) && all[from].number == seq) {
			t.Fatalf("number %d is %v", seq, it)
		}
		p := l.positionOf(seq)
		most := random(2 * listBlock)
		want := min(max(0, to-from), most)
		if got := p.advance(seq2, most); got != want {
			t.Fatalf("from %d to %d, but at most %d, are %d, want %d", seq, seq2, most, got, want)
		}
		for i := from + want; i < min(len(all), from+want+3); i++ {
			if p.peek() != all[i] {
				t.Fatalf("behind %d of %d comes %v", i, len(all), p.peek())
			}
			p.next()
		}
		if from+want >= len(all) && p.peek() != nil {
			t.Fatalf("behind the end comes %v", p.peek())
		}
	}
}

// A list to whose end items are added has full blocks.
func TestListIsCompact(t *testing.T) {
	var l itemList
	none := newExtra()
	for i := range 5 * listBlock {
		it := none.newItem()
		it.number, it.code = uint64(i+1), codeOf(Pending)
		l.add(it)
	}
	if len(l.blocks) != 5 {
		t.Errorf("%d items are in %d blocks", l.size, len(l.blocks))
	}
}

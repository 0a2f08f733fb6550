package allocator

import (
	"slices"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// threeWays returns a world with ways from switch 1 to switch 5 over 2, over 3
// and over 4, of which the last one costs most.
func threeWays(t *testing.T, last bitrate.Rate) (w *world, ways [5][2]topology.LinkID) {
	w = newWorld(t, 5, 100)
	for d := openflow.DPID(2); d <= 4; d++ {
		rate, metric := bitrate.Rate(10), uint32(1)
		if d == 4 {
			rate, metric = last, 3
		}
		ways[d] = [2]topology.LinkID{w.cable(1, d, rate), w.cable(d, 5, rate)}
		for _, id := range ways[d] {
			for _, id := range [...]topology.LinkID{id, id.Reverse()} {
				l := w.snap.Links[id.From]
				l.Metric = metric
				w.snap.Links[id.From] = l
			}
		}
	}
	w.cfg.Reservable = 1
	w.open()
	return w, ways
}

// over makes an allocation with constraints and expects where it goes.
func (w *world) over(way int, r Request, c Constraints) Allocation {
	w.Helper()
	r.Constraints = c
	v := w.create(r)
	w.work()
	w.goes(v.ID, way)
	return v
}

func (w *world) goes(id string, way int) {
	w.Helper()
	if v := w.get(id); !slices.Equal(via(v.Path), []int{1, way, 5}) || v.Reason != "" && v.State == Active {
		w.Fatalf("%s goes by %v, want %d: %s", id, v.Path, way, v.Reason)
	}
}

// TestWhatIsDisjointIsSpared has an allocation get another path while others
// are to be disjoint from it and have one way only: it leaves that to them, as
// long as there is another.
func TestWhatIsDisjointIsSpared(t *testing.T) {
	const two, three, four = "0000000000000002", "0000000000000003", "0000000000000004"
	t.Run("changed", func(t *testing.T) {
		w, _ := threeWays(t, 10)
		first := w.over(2, ask(1, 1, 5, 1, 3, 100), Constraints{Include: two})
		later := ask(1, 2, 5, 2, 3, 100)
		later.StartTime = w.now + 50
		second := w.over(3, later, Constraints{DisjointFrom: first.ID, Avoid: two + "," + four})
		none, avoid := Elements(""), Elements(two)
		w.update(first.ID, Change{Include: &none, Avoid: &avoid})
		w.work()
		w.goes(first.ID, 4)
		w.goes(second.ID, 3)
	})
	t.Run("failed", func(t *testing.T) {
		w, ways := threeWays(t, 10)
		first := w.over(2, ask(1, 1, 5, 1, 3, 100), Constraints{})
		second := w.over(3, ask(1, 2, 5, 2, 3, 100), Constraints{DisjointFrom: first.ID, Avoid: two + "," + four})
		w.change(cut(ways[2][0]))
		w.work()
		w.goes(first.ID, 4)
		w.goes(second.ID, 3)
	})
	t.Run("no other way", func(t *testing.T) {
		w, ways := threeWays(t, 1)
		first := w.over(2, ask(1, 1, 5, 1, 3, 100), Constraints{})
		w.over(3, ask(1, 2, 5, 2, 3, 100), Constraints{DisjointFrom: first.ID, Avoid: two + "," + four})
		w.change(cut(ways[2][0]))
		w.work()
		w.goes(first.ID, 3)
	})
	t.Run("changed without another way", func(t *testing.T) {
		w, _ := threeWays(t, 1)
		later := ask(1, 1, 5, 1, 3, 100)
		later.StartTime = w.now + 50
		first := w.over(2, later, Constraints{Include: two})
		later.Key.Src, later.Key.Dst = path.Host(host(1, 2)), path.Host(host(5, 2))
		w.over(3, later, Constraints{DisjointFrom: first.ID, Avoid: two + "," + four})
		none, avoid := Elements(""), Elements(two)
		w.update(first.ID, Change{Include: &none, Avoid: &avoid})
		w.goes(first.ID, 3)
	})
	t.Run("planned, without another way", func(t *testing.T) {
		w, ways := threeWays(t, 1)
		first := w.over(2, ask(1, 1, 5, 1, 3, 400), Constraints{})
		later := ask(1, 2, 5, 2, 3, 100)
		later.StartTime = w.now + 200
		second := w.over(3, later, Constraints{DisjointFrom: first.ID, Avoid: two + "," + four})
		w.change(cut(ways[2][0]))
		w.work()
		w.goes(first.ID, 3)
		const shares = "shares link 0000000000000001:"
		says := func(state State) {
			t.Helper()
			v := w.get(second.ID)
			if v.State != state || v.Window.Start != later.StartTime || !slices.Equal(via(v.Path), []int{1, 3, 5}) || !strings.Contains(v.Reason, shares) {
				t.Fatalf("%s in %v by %v: %s", v.State, v.Window, v.Path, v.Reason)
			}
		}
		for _, pass := range []Seconds{0, 150, 40} { // it keeps what it had, also shortly before
			w.pass(pass)
			w.work()
			says(Pending)
		}
		if _, err := w.a.Create(bg, ask(1, 3, 5, 3, 5, 300)); err != nil {
			t.Fatal(err)
		}
		w.work()
		says(Pending)
		w.pass(10)
		w.work()
		says(Active)
	})
	t.Run("planned earlier", func(t *testing.T) {
		w, _ := threeWays(t, 1)
		gives := w.over(2, ask(1, 1, 5, 1, 6, 1000), Constraints{Include: two})
		w.over(3, ask(1, 2, 5, 2, 6, 300), Constraints{Include: three})
		waits := w.over(3, ask(1, 3, 5, 3, 6, 100), Constraints{})
		second := w.over(2, ask(1, 1, 5, 3, 0, 1000), Constraints{DisjointFrom: waits.ID, Avoid: three + "," + four})
		if err := w.a.Release(bg, gives.ID, 0); err != nil {
			t.Fatal(err)
		}
		w.work()
		w.goes(second.ID, 2)
		w.expect(waits.ID, Pending, Window{w.now + 300, w.now + 400})
	})
}

// TestManyKeepApartFromOne: all that are to be disjoint from an allocation are
// known to be, also after a restart.
func TestManyKeepApartFromOne(t *testing.T) {
	w := newWorld(t, 2, 100)
	for range 3 {
		w.cable(1, 2, 10)
	}
	w.open()
	w.a.Settled()
	first := w.create(ask(1, 1, 2, 1, 1, 1000)).ID
	for host := 2; host <= 3; host++ {
		r := ask(1, host, 2, host, 1, 1000)
		r.DisjointFrom = first
		w.create(r)
	}
	w.work()
	for _, again := range []bool{false, true} {
		if again {
			w.open()
		}
		if n := len(w.a.followers[first]); n != 2 {
			t.Errorf("%d are to be disjoint from it, want 2; after a restart: %v", n, again)
		}
	}
}

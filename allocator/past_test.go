package allocator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/bitrate"
	"conga/controller/path"
)

// chronicle is what a history should look like, kept by hand.
type chronicle struct {
	*world
	all []Allocation // in order of creation
}

// ended makes an allocation of a project that has become complete at the time.
func (c *chronicle) ended(seq uint64, project string, done Seconds) Allocation {
	r := record{Version: recordVersion, Seq: seq, Done: done, Allocation: Allocation{Started: true,
		ID: fmt.Sprint("past", seq), Handle: uint32(seq), Revision: seq, Created: 1, State: Complete, Window: Window{2, 3},
		Request: Request{UserID: "u", ProjectID: project, Key: key(host(1, 1), host(2, 1)), Duration: 1},
	}}
	ops, err := r.intoHistory()
	if err == nil {
		err = c.store.Memory.Commit(context.Background(), ops...)
	}
	if err != nil {
		c.Fatal(err)
	}
	return r.Allocation
}

func sameIDs(a, b []Allocation) bool {
	return slices.EqualFunc(a, b, func(x, y Allocation) bool { return x.ID == y.ID && x.State == y.State && x.Revision == y.Revision })
}

// TestPagesOverHistory compares pages over what is live and what is complete,
// by project and state, with a list kept by hand, while both change.
func TestPagesOverHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := &chronicle{world: newWorld(rt, 2, bitrate.Tbps)}
		c.cable(1, 2, bitrate.Tbps)
		seq, step := uint64(0), rapid.SampledFrom([]uint64{1, 7, 300, 5000}).Draw(rt, "step")
		for range rapid.IntRange(0, 40).Draw(rt, "complete before") {
			seq += rapid.Uint64Range(1, step).Draw(rt, "gap")
			c.all = append(c.all, c.ended(seq, rapid.SampledFrom([]string{"p", "q"}).Draw(rt, "project"), 3))
		}
		c.open()
		if c.a.seq != seq {
			rt.Fatalf("the last sequence number is %d, not %d", c.a.seq, seq)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"create": c.create, "complete": c.complete, "delete": c.delete,
			"skip numbers": func(t *rapid.T) { c.a.seq += rapid.Uint64Range(0, step).Draw(t, "numbers") },
			"restart":      func(*rapid.T) { c.open() },
			"":             c.check,
		})
	})
}

func (c *chronicle) create(t *rapid.T) {
	r := ask(1, 1, 2, 1, 0, Seconds(rapid.IntRange(5, 9).Draw(t, "duration")))
	r.ProjectID = rapid.SampledFrom([]string{"p", "q"}).Draw(t, "project")
	r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = 6, path.Port(uint16(1+c.ids%60000)), path.Port(1)
	v, err := c.a.Create(bg, r)
	if err != nil {
		t.Fatal(err)
	}
	c.all = append(c.all, v)
	c.work()
	c.refresh()
}

func (c *chronicle) complete(t *rapid.T) {
	c.pass(secondsRange(1, 6).Draw(t, "seconds"))
	c.refresh()
}

func (c *chronicle) refresh() {
	for i := range c.all {
		c.all[i] = c.get(c.all[i].ID)
	}
}

func (c *chronicle) delete(t *rapid.T) {
	if len(c.all) == 0 {
		t.Skip("nothing there")
	}
	i := rapid.IntRange(0, len(c.all)-1).Draw(t, "which")
	if err := c.a.Release(bg, c.all[i].ID, c.all[i].Revision); err != nil {
		t.Fatal(err)
	}
	if c.all[i].State != Complete {
		if err := c.a.Release(bg, c.all[i].ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.a.Release(bg, c.all[i].ID, 0); refusedAs(err) != NotFound {
		t.Fatalf("deleted twice: %v", err)
	}
	c.all = slices.Delete(c.all, i, i+1)
	c.work()
}

func refusedAs(err error) Kind {
	e, _ := errors.AsType[*Error](err)
	if e == nil {
		return 0
	}
	return e.Kind
}

func (c *chronicle) check(t *rapid.T) {
	for _, f := range []Filter{{}, {Project: "p"}, {Project: "q"}, {State: Complete}, {State: Active}, {Project: "p", State: Complete},
		{Project: "q", State: Active}, {Project: "p", State: Pending}, {Project: "nobody's"}} {
		var want []Allocation
		for _, v := range c.all {
			if (f.Project == "" || v.ProjectID == f.Project) && (f.State == "" || v.State == f.State) {
				want = append(want, v)
			}
		}
		skip, most := rapid.IntRange(0, len(want)+2).Draw(t, "skip"), rapid.IntRange(0, len(want)+2).Draw(t, "most")
		page, total, err := c.a.Page(bg, f, skip, most)
		if part := want[min(skip, len(want)):min(skip+most, len(want))]; err != nil || total != len(want) || !sameIDs(page, part) {
			t.Fatalf("%+v, %d behind %d: %d of %d, error %v, want %d of %d\n%+v\n%+v", f, most, skip, len(page), total, err, len(part), len(want), page, part)
		}
	}
	for _, project := range []string{"", "p", "q"} {
		counts, past := map[State]int{Pending: 0, Active: 0, Complete: 0}, map[string]bool{}
		for _, v := range c.all {
			if project == "" || v.ProjectID == project {
				if counts[v.State]++; v.State == Complete {
					past[v.ID] = true
				}
			}
		}
		if got := c.a.Counts(project); got[Pending] != counts[Pending] || got[Active] != counts[Active] || got[Complete] != counts[Complete] {
			t.Fatalf("counts of %q are %v, want %v", project, got, counts)
		}
		err := c.a.Past(bg, project, func(id string) error {
			if !past[id] {
				return fmt.Errorf("%s is not complete, or twice", id)
			}
			delete(past, id)
			return nil
		})
		if err != nil || len(past) != 0 {
			t.Fatalf("%v; %v are missing", err, past)
		}
	}
	if n := c.store.Len(store.History); len(c.all) == 0 && n != 0 {
		t.Fatalf("%d records are left in the history", n)
	}
}

// TestMigration opens a store in which complete records are among the live
// ones, as they were before there was a history, and loses power on the way.
func TestMigration(t *testing.T) {
	w := newWorld(t, 2, bitrate.Gbps)
	w.cable(1, 2, bitrate.Gbps)
	w.open()
	var want []Allocation
	for i := range 7 {
		r := ask(1, i%3+1, 2, 1, 1, Seconds(5+5*(i%2)))
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = 17, path.Port(uint16(i+1)), path.Port(9)
		w.create(r)
	}
	w.work()
	w.pass(5)
	want = w.list("")
	past := w.store.Memory
	w.store.Memory = storetest.NewMemory()
	const more = 3 * pruneBatch
	for _, v := range want {
		w.store.put(store.Allocations, v.ID, old(v))
	}
	for i := range more { // complete, after all others
		v := want[0]
		v.ID, v.Handle, v.Revision = fmt.Sprintf("more%05d", i), uint32(100+i), uint64(1000+i)
		w.store.put(store.Allocations, v.ID, old(v))
		want = append(want, v)
	}
	live := w.store.Len(store.Allocations) - more - 4
	for round := range 3 {
		w.store.fail = nil
		if round < 2 {
			w.store.after = round + 1
		}
		a, err := Open(bg, w.cfg)
		if w.store.after = 0; round < 2 {
			if w.store.fail = nil; err == nil {
				t.Fatal("opened although the store failed")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		w.a = a
	}
	if n := w.store.Len(store.Allocations); n != live {
		t.Errorf("%d live records are left, want %d", n, live)
	}
	for range 2 {
		if got := w.list(""); !sameIDs(got, want) {
			t.Fatalf("%d allocations, want %d", len(got), len(want))
		}
		if n := w.a.Counts("p")[Complete]; n != more+4 {
			t.Errorf("%d are complete, want %d", n, more+4)
		}
		w.open()
	}
	if w.a.seq != 100+more-1 || w.a.revision < 1000+more-1 {
		t.Errorf("goes on from number %d, revision %d", w.a.seq, w.a.revision)
	}
	if past.Len(store.History) == 0 {
		t.Error("nothing had become complete")
	}
}

// old returns a record as it was written before there was a history.
func old(v Allocation) string {
	v.Started = v.State != Pending
	r := record{Version: 1, Seq: uint64(v.Handle), Allocation: v}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestPrune removes what is too old, in batches, without an event or a record
// along.
func TestPrune(t *testing.T) {
	w := newWorld(t, 1, bitrate.Gbps)
	var told []string
	w.cfg.Notify = func(v Allocation, deleted bool) { told = append(told, v.ID) }
	w.cfg.Along = func(_, _ *Allocation) ([]store.Op, error) { return nil, errors.New("nothing goes along") }
	w.cfg.History = time.Hour
	c := &chronicle{world: w}
	const aged = 2*pruneBatch + 7
	for i := range uint64(aged) {
		c.ended(1+i, "p", w.now-3600-Seconds(i%2))
	}
	young := c.ended(5000, "p", w.now-3599)
	a := w.open()
	if n, err := a.Prune(bg); n != aged || err != nil {
		t.Fatalf("%d removed, error %v, want %d", n, err, aged)
	}
	if got := w.list(""); !sameIDs(got, []Allocation{young}) || len(told) != 0 || len(a.byID) != 0 {
		t.Fatalf("%d are left, events about %v, %d in memory", len(got), told, len(a.byID))
	}
	w.now++
	w.store.fail = errors.New("disk full")
	if n, err := a.Prune(bg); n != 0 || refusedAs(err) != Internal {
		t.Errorf("%d removed, error %v", n, err)
	}
	if w.get(young.ID).ID != young.ID || !a.Known(young.ID) || a.Known("") || a.Known("nobody's") {
		t.Error("what could not be removed is gone, or what never was is known")
	}
	w.store.fail = nil
	if n, err := a.Prune(bg); n != 1 || err != nil || w.store.Len(store.History) != 0 || a.Known(young.ID) {
		t.Errorf("%d removed, error %v, %d records are left", n, err, w.store.Len(store.History))
	}
}

// TestPruneCountsFromCompletion: what is released long before its end is kept
// for as long after that as the configuration says.
func TestPruneCountsFromCompletion(t *testing.T) {
	w, _ := pair(t)
	w.cfg.History = time.Hour
	a := w.open()
	v := w.create(ask(1, 1, 2, 1, 3, 50_000))
	w.now += 100
	if err := a.Release(bg, v.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.plan()
	for _, x := range []struct {
		later Seconds
		gone  int
	}{{3599, 0}, {1, 1}} {
		w.now += x.later
		if n, err := a.Prune(bg); n != x.gone || err != nil {
			t.Errorf("%d seconds later %d removed, error %v, want %d", x.later, n, err, x.gone)
		}
	}
}

// TestRun prunes from time to time.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, bitrate.Gbps)
		w.cfg.Now = time.Now
		(&chronicle{world: w}).ended(1, "p", path.SecondsOf(time.Now().Add(-DefaultHistory+time.Minute)))
		a := w.open()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { a.Run(ctx); close(ended) }()
		time.Sleep(pruneEvery + time.Second)
		synctest.Wait()
		if n := a.Counts("")[Complete]; n != 0 {
			t.Errorf("%d are left", n)
		}
		stop()
		<-ended
	})
}

// TestHistoryRaces completes, deletes, prunes and lists at the same time:
// nothing is lost or counted twice.
func TestHistoryRaces(t *testing.T) {
	w := newWorld(t, 1, bitrate.Gbps)
	w.cfg.History = time.Hour
	c := &chronicle{world: w}
	const n = 400
	for i := range uint64(n) {
		c.ended(1+i, "p", w.now-3600*Seconds(i%2))
	}
	a := w.open()
	var wg sync.WaitGroup
	var mu sync.Mutex
	deleted := 0
	for g := range 4 {
		wg.Go(func() {
			order := rand.New(rand.NewPCG(uint64(g), 1)).Perm(n)
			for _, i := range order[:n/2] {
				switch err := a.Release(bg, fmt.Sprint("past", i+1), 0); {
				case err == nil:
					mu.Lock()
					deleted++
					mu.Unlock()
				case refusedAs(err) != NotFound:
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				page, _, err := a.Page(bg, Filter{}, 0, n)
				seen := map[string]bool{}
				for _, v := range page {
					if seen[v.ID] {
						t.Errorf("%s is listed twice", v.ID)
					}
					seen[v.ID] = true
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		pruned, err := a.Prune(bg)
		mu.Lock()
		defer mu.Unlock()
		if deleted += pruned; err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	if got := len(w.list("")); got+deleted != n || len(a.byID) != 0 || a.moving != 0 {
		t.Errorf("%d deleted and %d left of %d; %d in memory", deleted, got, n, len(a.byID))
	}
	if more, err := a.Prune(bg); err != nil || more > n {
		t.Error(more, err)
	}
	for _, v := range w.list("") {
		if err := a.Release(bg, v.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	if left := w.store.Len(store.History); left != 0 {
		t.Errorf("%d records are left in the history", left)
	}
}

func TestPage(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 100)
	w.open()
	var ids []string
	for i := range 5 {
		ids = append(ids, w.create(ask(1, i%3+1, 2, i/3+1, 1, 10)).ID)
	}
	project := w.get(ids[0]).ProjectID
	for _, c := range []struct{ skip, most, n int }{{0, 2, 2}, {1, 3, 3}, {4, 9, 1}, {5, 1, 0}, {9, 9, 0}, {0, 0, 0}} {
		page, total, err := w.a.Page(bg, Filter{Project: project}, c.skip, c.most)
		if err != nil || total != 5 || len(page) != c.n || c.n > 0 && page[0].ID != ids[c.skip] {
			t.Errorf("%d behind %d: %d of %d", c.most, c.skip, len(page), total)
		}
	}
	if page, total, err := w.a.Page(bg, Filter{Project: "nobody's"}, 0, 9); err != nil || len(page) != 0 || total != 0 {
		t.Errorf("of a project without any: %d of %d", len(page), total)
	}
}

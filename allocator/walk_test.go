package allocator

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/allocator/store"
	"conga/bitrate"
)

// TestWalk walks either way, with a filter or without, while allocations are
// made, become complete and are deleted at random: what was there all along is
// met once, and nothing is met twice.
func TestWalk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := &chronicle{world: newWorld(rt, 2, bitrate.Tbps)}
		c.cable(1, 2, bitrate.Tbps)
		for seq := range uint64(rapid.IntRange(0, 30).Draw(rt, "complete before")) {
			c.ended(2*seq+1, "p", 3)
		}
		c.open()
		for i := range rapid.IntRange(0, 30).Draw(rt, "live before") {
			c.world.create(ask(1, i%3+1, 2, i/3%3+1, 1, 10))
		}
		f := Filter{User: rapid.SampledFrom([]string{"", "u"}).Draw(rt, "user")}
		if f.User == "" {
			f.Project = rapid.SampledFrom([]string{"", "p"}).Draw(rt, "project")
		}
		chosen := func() (ids []string) {
			for _, v := range c.world.list("") {
				if (f.Project == "" || v.ProjectID == f.Project) && (f.User == "" || v.UserID == f.User) {
					ids = append(ids, v.ID)
				}
			}
			return ids
		}
		stays := chosen()
		w := Begin(rapid.Bool().Draw(rt, "newest first"))
		var met []string
		for more := true; more; {
			s, err := c.a.Step(bg, f, w, rapid.IntRange(1, 9).Draw(rt, "most"))
			if err != nil || len(s.List) != len(s.Numbers) {
				rt.Fatal(len(s.List), len(s.Numbers), err)
			}
			for _, v := range s.List {
				met = append(met, v.ID)
			}
			w.From, more = s.End, s.More
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				switch there := c.world.list(""); rapid.IntRange(0, 2).Draw(rt, "change") {
				case 0:
					c.world.create(ask(1, 1, 2, 1, 1, 10))
				default:
					if len(there) > 0 {
						v := rapid.SampledFrom(there).Draw(rt, "victim")
						if err := c.a.Release(bg, v.ID, 0); err != nil {
							rt.Fatal(err)
						}
					}
				}
			}
			stays = slices.DeleteFunc(stays, func(id string) bool { return !slices.Contains(chosen(), id) })
		}
		for _, id := range stays {
			if !slices.Contains(met, id) {
				rt.Errorf("%s was there all along, and is not met", id)
			}
		}
		if slices.Sort(met); len(slices.Compact(slices.Clone(met))) != len(met) {
			rt.Errorf("something is met twice: %v", met)
		}
	})
}

// TestWalkOverCompletion has allocations become complete between the look at
// memory and the look at the store, and behind the walk and before it.
func TestWalkOverCompletion(t *testing.T) {
	for _, newest := range []bool{false, true} {
		w := newWorld(t, 2, 100)
		w.cable(1, 2, 100)
		w.open()
		var want []string
		for i := range 9 {
			want = append(want, w.create(ask(1, i%3+1, 2, i/3+1, 1, Seconds(10+i))).ID)
		}
		at := Begin(newest)
		var met []string
		for more := true; more; {
			live := w.a.liveSight(Filter{}, at, 2)
			past, err := w.a.pastSight(bg, Filter{}, at, 2, live)
			if err != nil {
				t.Fatal(err)
			}
			w.pass(3)
			after, err := w.a.pastSight(bg, Filter{}, at, 2, live)
			if err != nil {
				t.Fatal(err)
			}
			past.found = append(past.found, after.found...)
			s, failed := w.a.join(bg, at, 2, live, past)
			if failed != nil {
				t.Fatal(failed)
			}
			for _, v := range s.List {
				met = append(met, v.ID)
			}
			at.From, more = s.End, s.More
		}
		if newest {
			slices.Reverse(met)
		}
		if !slices.Equal(met, want) {
			t.Errorf("newest first %v: %v are met of %v", newest, met, want)
		}
	}
}

// TestSkip goes on behind each number of allocations, as far as there are any.
func TestSkip(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 100)
	c := &chronicle{world: w}
	var past, live []string
	for seq := range uint64(4) {
		past = append(past, c.ended(seq+1, "p", 3).ID)
	}
	w.open()
	for i := range 5 {
		live = append(live, w.create(ask(1, i%3+1, 2, i/3+1, 1, 10)).ID)
	}
	both := slices.Concat(past, live)
	for f, all := range map[Filter][]string{
		{}: both, {Before: 1 << 40, After: 1}: both, {Address: netip.MustParsePrefix("0.0.0.0/0")}: both, {User: "u"}: both, {Project: "p"}: both,
		{State: Pending}: live, {State: Complete}: past, {User: "u", State: Pending}: live, {User: "u", State: Complete}: past,
		{State: Active}: nil, {User: "v"}: nil, {Project: "q"}: nil, {Project: "q", User: "u"}: nil, {After: 4}: live, {Before: 4}: past,
	} {
		for skip := range len(all) + 2 {
			for _, newest := range []bool{false, true} {
				from, err := w.a.Skip(bg, f, newest, skip)
				if err != nil {
					t.Fatal(err)
				}
				s, err := w.a.Step(bg, f, from, 3)
				if err != nil {
					t.Fatal(err)
				}
				var ids []string
				for _, v := range s.List {
					ids = append(ids, v.ID)
				}
				want := slices.Clone(all)
				if newest {
					slices.Reverse(want)
				}
				want = want[min(skip, len(want)):]
				if want = want[:min(3, len(want))]; !slices.Equal(ids, want) {
					t.Errorf("%+v, newest first %v, behind %d: %v, want %v", f, newest, skip, ids, want)
				}
			}
		}
	}
}

// TestStepIsBounded looks for what is not there among more than a step looks
// at.
func TestStepIsBounded(t *testing.T) {
	w := newWorld(t, 1, bitrate.Gbps)
	var ops []store.Op
	const n = walkBound + 500
	for seq := uint64(1); seq <= n; seq++ {
		r := record{Version: recordVersion, Seq: seq, Done: 3, Allocation: Allocation{
			ID: fmt.Sprint("past", seq), Handle: uint32(seq), Revision: seq, State: Complete, Window: Window{2, 3},
			Request: Request{UserID: "u", ProjectID: "p", Key: key(host(1, 1), host(2, 1)), Duration: 1},
		}}
		more, err := r.intoHistory()
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, more...)
	}
	if err := w.store.Memory.Commit(bg, ops...); err != nil {
		t.Fatal(err)
	}
	w.open()
	s, err := w.a.Step(bg, Filter{User: "v"}, Begin(false), 10_000)
	if err != nil || len(s.List) != 0 || !s.More || s.End < walkBound || s.End == n {
		t.Fatalf("%d found as far as %d, more %v: %v", len(s.List), s.End, s.More, err)
	}
	s, err = w.a.Step(bg, Filter{User: "v"}, Walk{From: s.End}, 10_000)
	if err != nil || len(s.List) != 0 || s.More {
		t.Errorf("%d found as far as %d, more %v: %v", len(s.List), s.End, s.More, err)
	}
}

package allocator

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller/path"
)

// chosenByHand reports whether a filter chooses an allocation.
func chosenByHand(f Filter, v Allocation) bool {
	said := func(given, same bool) bool { return !given || same }
	w := v.Window
	during := (f.After == 0 || w.End > f.After) && (f.Before == 0 || w.Start < f.Before)
	if none := (Window{}); w == none && (f.After != 0 || f.Before != 0) {
		during = f.Before == 0 && v.State != Complete // it will have one, some time
	}
	return said(f.Project != "", v.ProjectID == f.Project) && said(f.State != "", v.State == f.State) && said(f.User != "", v.UserID == f.User) &&
		said(f.Address.IsValid(), f.Address.Contains(v.Key.Src.Addr()) || f.Address.Contains(v.Key.Dst.Addr())) && during
}

// TestFilters has a walk meet just those allocations that a filter chooses, by
// any of what it can say: what runs, what waits with a window and without, and
// what is complete with a window and without.
func TestFilters(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	w.open()
	w.a.Settled()
	add := func(user, project string, r Request) Allocation {
		r.UserID, r.ProjectID = user, project
		return w.create(r)
	}
	nowhere := ask(1, 3, 2, 3, 1, 40)
	nowhere.Key.Dst, nowhere.Lease = path.Host(netip.MustParseAddr("192.0.2.9")), 20
	later := ask(1, 2, 2, 2, 1, 50)
	later.StartTime = w.now + 500
	add("u", "p", ask(1, 1, 2, 1, 1, 10))
	add("u", "p", nowhere) // is given up before it has a window
	w.work()
	w.pass(30)
	add("u", "q", ask(1, 1, 2, 1, 1, 100))
	add("v", "p", later)
	nowhere.Lease = 0
	add("v", "p", nowhere)
	w.work()
	all := w.list("")
	states := map[State]int{}
	moments := []Seconds{0}
	for _, v := range all {
		states[v.State]++
		moments = append(moments, v.Window.Start, v.Window.Start+1, v.Window.End-1, v.Window.End, v.Window.End+1)
	}
	if states[Complete] != 2 || states[Active] != 1 || states[Pending] != 2 {
		t.Fatalf("%+v", all)
	}
	slices.Sort(moments)
	moments = slices.DeleteFunc(slices.Compact(moments), func(m Seconds) bool { return m < 0 })
	var filters []Filter
	for _, prefix := range []netip.Prefix{{}, netip.PrefixFrom(host(1, 1), 32), netip.PrefixFrom(host(2, 2), 32), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.1.0/24"), netip.MustParsePrefix("2001:db8::/32")} {
		for _, state := range []State{"", Pending, Active, Complete} {
			for _, user := range []string{"", "u", "x"} {
				for _, project := range []string{"", "p"} {
					filters = append(filters, Filter{Project: project, State: state, User: user, Address: prefix})
				}
			}
			for _, at := range moments {
				filters = append(filters, Filter{State: state, Address: prefix, After: at}, Filter{State: state, Address: prefix, Before: at}, Filter{State: state, After: at, Before: at + 5})
			}
		}
	}
	for _, f := range filters {
		var want []string
		for _, v := range all {
			if chosenByHand(f, v) {
				want = append(want, v.ID)
			}
		}
		var met []string
		for at, more := Begin(false), true; more; {
			s, err := w.a.Step(bg, f, at, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range s.List {
				met = append(met, v.ID)
			}
			at.From, more = s.End, s.More
		}
		if !slices.Equal(met, want) {
			t.Errorf("%+v: %v are met, want %v", f, met, want)
		}
	}
}

// deleting is a store in which an allocation is deleted just before its number
// is looked up.
type deleting struct {
	*memory
	a      *Allocator
	victim string
}

func (d *deleting) Get(ctx context.Context, b store.Bucket, key string) ([]byte, error) {
	if victim := d.victim; victim != "" && key == indexKey(victim) {
		d.victim = ""
		if err := d.a.Release(ctx, victim, 0); err != nil {
			return nil, err
		}
	}
	return d.memory.Get(ctx, b, key)
}

// TestDeletedInTheMiddleOfASkip: a walk that is to go on behind what is deleted
// at that moment goes on behind what has its position then.
func TestDeletedInTheMiddleOfASkip(t *testing.T) {
	for _, x := range []struct {
		newest       bool
		victim, next string
	}{{false, "past2", "past4"}, {true, "past4", "past2"}} {
		w := newWorld(t, 2, bitrate.Gbps)
		c := &chronicle{world: w}
		for seq := range uint64(5) {
			c.ended(seq+1, "p", 3)
		}
		w.open()
		w.a.cfg.Store = &deleting{w.store, w.a, x.victim}
		from, err := w.a.Skip(bg, Filter{}, x.newest, 2)
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.a.Step(bg, Filter{}, from, 1)
		if err != nil || len(s.List) != 1 || s.List[0].ID != x.next || w.a.Known(x.victim) {
			t.Errorf("newest first %v: goes on with %+v (%v), want %s", x.newest, s.List, err, x.next)
		}
	}
}

// TestPageOfNothing: a page that begins before the first and has fewer than
// none is empty, and says how many there are.
func TestPageOfNothing(t *testing.T) {
	w, _ := pair(t)
	w.create(ask(1, 1, 2, 1, 1, 100))
	if err := w.a.Release(bg, w.create(ask(1, 2, 2, 2, 1, 100)).ID, 0); err != nil {
		t.Fatal(err)
	}
	for _, x := range [][3]int{{0, 0, 0}, {0, -1, 0}, {-3, -2, 0}, {-1, 1, 1}, {-5, 2, 2}, {1, 5, 1}, {2, 5, 0}, {7, 5, 0}} {
		for state, all := range map[State]int{"": 2, Pending: 1} {
			page, total, err := w.a.Page(bg, Filter{State: state}, x[0], x[1])
			if want := min(x[2], max(0, all-max(0, x[0]))); err != nil || total != all || len(page) != want {
				t.Errorf("%d from %d on of %q: %d of %d, want %d; %v", x[1], x[0], state, len(page), total, want, err)
			}
		}
	}
}

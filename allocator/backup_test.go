package allocator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// protected returns the world of quad, in which a protected allocation runs by
// 1-2-3, and 1-4-3 is its backup.
func protected(t *testing.T, change func(*Request)) (w *world, v Allocation, lower topology.LinkID) {
	t.Helper()
	w, r := quad(t)
	w.a.Settled()
	r.Protected, r.Duration = true, 1000
	if change != nil {
		change(&r)
	}
	v = w.create(r)
	w.work()
	if !slices.Equal(via(v.Path), []int{1, 2, 3}) || !slices.Equal(via(v.Backup), []int{1, 4, 3}) {
		t.Fatalf("%+v", v)
	}
	return w, v, v.Backup.Links()[1]
}

// TestBackupOverChanges: a change that fits on the backup leaves it as it is,
// also one that is cut or need not include what the path includes; one that
// does not is refused, or has another.
func TestBackupOverChanges(t *testing.T) {
	for name, x := range map[string]struct {
		before func(*Request)
		cut    bool // the backup
		change Change
		field  string // "": it is admitted
		backup []int
	}{
		"more, which fits":                {nil, false, Change{Bandwidth: new(bitrate.Rate(6))}, "", []int{1, 4, 3}},
		"more than the backup has":        {nil, false, Change{Bandwidth: new(bitrate.Rate(7))}, "bandwidth", []int{1, 4, 3}},
		"more back than the backup has":   {nil, false, Change{Reverse: &path.Reverse{Apart: true, Rate: 7}}, "reverse_bandwidth", []int{1, 4, 3}},
		"less back":                       {nil, false, Change{Reverse: &path.Reverse{Apart: true, Rate: 1}}, "", []int{1, 4, 3}},
		"more, with an element":           {func(r *Request) { r.Include = "0000000000000002" }, false, Change{Bandwidth: new(bitrate.Rate(6))}, "", []int{1, 4, 3}},
		"a latency that the backup has":   {nil, false, Change{MaxLatency: new(7 * time.Millisecond)}, "", []int{1, 4, 3}},
		"one that it does not have":       {nil, false, Change{MaxLatency: new(6 * time.Millisecond)}, "protection", []int{1, 4, 3}},
		"a switch that it crosses":        {nil, false, Change{Avoid: new(Elements("0000000000000004"))}, "protection", []int{1, 4, 3}},
		"more while the backup is cut":    {nil, true, Change{Bandwidth: new(bitrate.Rate(6))}, "", []int{1, 4, 3}},
		"longer while the backup is cut":  {nil, true, Change{Duration: new(Seconds(2000))}, "", []int{1, 4, 3}},
		"longer":                          {nil, false, Change{Duration: new(Seconds(2000))}, "", []int{1, 4, 3}},
		"a host of the same switches":     {nil, false, Change{Key: new(key(host(1, 2), host(3, 1)))}, "", []int{1, 4, 3}},
		"unprotected":                     {nil, false, Change{Protected: new(false)}, "", nil},
		"unprotected, and more than that": {nil, false, Change{Protected: new(false), Bandwidth: new(bitrate.Rate(10))}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w, v, lower := protected(t, x.before)
			if x.cut {
				w.change(cut(lower))
				w.work()
			}
			got, err := w.a.Update(bg, v.ID, 0, x.change)
			if x.field != "" {
				refused(t, err, Conflict, x.field)
				got = w.get(v.ID)
			} else if err != nil {
				t.Fatal(err)
			}
			w.work()
			now := w.get(v.ID)
			if now.State != Active || !slices.Equal(via(now.Path), []int{1, 2, 3}) || !slices.Equal(via(now.Backup), x.backup) || now.Request != got.Request || now.Swapped {
				t.Errorf("%+v", now)
			}
			most := now.Bandwidth
			if len(x.backup) == 0 {
				most = 0
			}
			if free := w.a.Reserved(lower, now.Window); free != most {
				t.Errorf("%s is held of the backup, want %s", free, most)
			}
			w.checkCalendars()
			w.checkIndexes()
		})
	}
}

// TestLateProtectedHasRoomOnBoth: what starts late has its whole duration only
// where its backup has room for that, too.
func TestLateProtectedHasRoomOnBoth(t *testing.T) {
	for _, taken := range []bool{false, true} {
		w, r := quad(t)
		w.a.Settled()
		r.Protected = true
		v := w.create(r)
		want := span(20, 120)
		if taken {
			next := at(ask(1, 2, 4, 2, 6, 50), 100)
			w.create(next)
			want = span(20, 100)
		}
		w.now += 20
		w.work()
		if got := w.expect(v.ID, Active, want); !slices.Equal(via(got.Backup), []int{1, 4, 3}) {
			t.Errorf("taken %v: %+v", taken, got)
		}
		w.checkCalendars()
	}
}

// TestBackupThatCarriesLess: what a backup's link does not carry any more it
// gives up; the allocation runs on without, says so, and has a backup again
// when there is room, because the link carries more or others have left it.
func TestBackupThatCarriesLess(t *testing.T) {
	w, v, lower := protected(t, nil)
	expect := func(when string, backup []int) {
		t.Helper()
		w.work()
		got := w.expect(v.ID, Active, v.Window)
		if !slices.Equal(via(got.Path), []int{1, 2, 3}) || !slices.Equal(via(got.Backup), backup) || strings.HasPrefix(got.Reason, "has no backup path") != (backup == nil) {
			t.Fatalf("%s: %+v", when, got)
		}
		w.checkPromises()
		w.checkCalendars()
		w.checkIndexes()
	}
	w.change(narrow(lower, 3))
	expect("with less than its rate", nil)
	w.change(narrow(lower, 4))
	expect("with its rate", []int{1, 4, 3})
	w.change(narrow(lower, 3))
	expect("with less again", nil)
	other := w.create(ask(1, 2, 4, 2, 3, 500)).ID
	w.change(narrow(lower, 6))
	expect("with its rate, of which another holds a part", nil)
	if err := w.a.Release(bg, other, 0); err != nil {
		t.Fatal(err)
	}
	expect("when the other has left", []int{1, 4, 3})
}

// TestFirstPathIsUsedAgainByAnyClock: the first path has to be whole for ten
// seconds of the clock, which begin anew where that is set back.
func TestFirstPathIsUsedAgainByAnyClock(t *testing.T) {
	w, v, _ := protected(t, nil)
	w.pass(20)
	upper := v.Path.Links()[1]
	w.change(cut(upper))
	w.work()
	w.change(mend(upper, 10))
	w.work()
	w.pass(6)
	w.now -= 8
	w.a.ClockSet(-8 * time.Second)
	w.work()
	for i := range 10 {
		if _, _, swapped, _ := w.shown(v.ID); !swapped {
			t.Fatalf("used again after %d s", i)
		}
		w.pass(1)
	}
	if used, _, swapped, reason := w.shown(v.ID); swapped || !slices.Equal(used, []int{1, 2, 3}) || reason != "" {
		t.Errorf("on %v, swapped %v: %q", used, swapped, reason)
	}
}

package allocator

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// pairs reports whether a path that fits has a backup that fits beside it.
func (s *sheet) pairs(r Request, p path.Path, win Window) bool {
	from, to := p.Ends()
	for _, b := range everyPath(s.w.snap, from, to) {
		c := r.Constraints
		if c.Include = ""; len(p) > 1 && metByHand(s.w.snap, c, b, p) && s.fits(b, win, r) {
			return true
		}
	}
	return false
}

// TestProtectionIsExact admits a protected request in the first window in which
// two paths without a link in common have room, holds the rate on both, and
// refuses nothing else.
func TestProtectionIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		w.giveLatencies()
		a, s := w.open(), newSheet(w)
		for range rapid.IntRange(1, 10).Draw(rt, "requests") {
			r := drawRequest(rt, w)
			if rapid.Bool().Draw(rt, "constrained") {
				r.Constraints = drawConstraints(rt, w.snap, nil)
			}
			r.Protected = rapid.Bool().Draw(rt, "protected")
			s.only, s.pair = func(p path.Path) bool { return metByHand(w.snap, r.Constraints, p, nil) }, nil
			if r.Protected {
				s.pair = s.pairs
			}
			v, err := a.Create(bg, r)
			s.judge(rt, r, v, err)
			if e, ok := errors.AsType[*Error](err); ok && e.Kind == Conflict {
				s.postAll(rt, e)
			}
			if err != nil || v.Window == (Window{}) {
				continue
			}
			_, shared := v.Path.Shares(v.Backup)
			if shared || r.Protected != (len(v.Backup) > 0) || r.Protected && !joins(v.Backup, endOf(v.Path, 0), endOf(v.Path, 1)) {
				rt.Fatalf("%+v: on %v, backed up by %v", r, v.Path, v.Backup)
			}
			if r.Protected && !s.fits(v.Backup, s.rel(v.Window), r) {
				rt.Fatalf("%+v: over-admitted on its backup %v", r, v.Backup)
			}
			s.enter(v)
		}
	})
}

// endOf returns the first or the last port of a path.
func endOf(p path.Path, i int) topology.PortID {
	from, to := p.Ends()
	return [...]topology.PortID{from, to}[i]
}

// shown returns how an allocation runs: by which paths, which is the first one,
// and what there is to be said.
func (w *world) shown(id string) (used, spare []int, swapped bool, reason string) {
	v := w.get(id)
	return via(v.Path), via(v.Backup), v.Swapped, v.Reason
}

// TestChangedWhileItsBackupIsUsed: what uses its backup can be changed as long
// as there is room on both of its paths, and stays on them.
func TestChangedWhileItsBackupIsUsed(t *testing.T) {
	for _, c := range []Constraints{{}, {Include: "0000000000000002"}} {
		w, ways := threeWays(t, 1)
		r := ask(1, 1, 5, 1, 3, 400)
		r.Protected = true
		v := w.over(2, r, c)
		w.change(cut(ways[2][0]))
		w.work()
		check := func(when string) {
			t.Helper()
			if used, spare, swapped, reason := w.shown(v.ID); !swapped || !slices.Equal(used, []int{1, 3, 5}) || !slices.Equal(spare, []int{1, 2, 5}) {
				t.Fatalf("%+v, %s: it uses %v beside %v: %s", c, when, used, spare, reason)
			}
		}
		check("cut")
		for _, rate := range []bitrate.Rate{10, 2} {
			w.update(v.ID, Change{Bandwidth: &rate})
			w.work()
			check("changed")
		}
		_, err := w.a.Update(bg, v.ID, 0, Change{Bandwidth: new(bitrate.Rate(11))})
		if refusedAs(err) != Conflict {
			t.Errorf("%+v: more than there is: %v", c, err)
		}
		w.update(v.ID, Change{Protected: new(false)})
		w.work()
		if got := w.get(v.ID); len(got.Backup) > 0 || got.Swapped || !slices.Equal(via(got.Path), []int{1, 3, 5}) || strings.Contains(got.Reason, "does not meet include") != (c.Include != "") {
			t.Errorf("%+v: unprotected by %v beside %v: %s", c, got.Path, got.Backup, got.Reason)
		}
		w.change(mend(ways[2][0], 10))
		w.work()
		if got := w.get(v.ID); (c.Include != "") != slices.Equal(via(got.Path), []int{1, 2, 5}) || got.Reason != "" {
			t.Errorf("%+v: in the end by %v: %s", c, got.Path, got.Reason)
		}
	}
}

// TestProtectedMoves: when its path is cut an allocation uses its backup, stays
// there until the path has been whole for ten seconds, and goes back; a backup
// that is cut is replaced, and where there is none the allocation runs on and
// says so.
func TestProtectedMoves(t *testing.T) {
	w, r := quad(t)
	r.Protected, r.Duration = true, 1000
	v, err := w.a.Create(bg, r)
	if err != nil || !slices.Equal(via(v.Path), []int{1, 2, 3}) || !slices.Equal(via(v.Backup), []int{1, 4, 3}) {
		t.Fatalf("%+v %v", v, err)
	}
	w.work()
	upper, lower := v.Path.Links()[1], v.Backup.Links()[1]
	if got := w.a.Reserved(lower, v.Window); got != 4 {
		t.Errorf("%s is held on the backup", got)
	}
	expect := func(when string, used, spare []int, swapped bool, reason string) {
		t.Helper()
		w.work()
		u, s, is, why := w.shown(v.ID)
		if v := w.get(v.ID); v.State != Active || !slices.Equal(u, used) || !slices.Equal(s, spare) || is != swapped || !strings.HasPrefix(why, reason) || (why == "") != (reason == "") {
			t.Fatalf("%s: %s on %v and %v, %v, %q", when, v.State, u, s, is, why)
		}
	}
	expect("at first", []int{1, 2, 3}, []int{1, 4, 3}, false, "")
	w.change(cut(upper))
	expect("cut", []int{1, 4, 3}, []int{1, 2, 3}, true, "uses its backup path, since link")
	w.a = w.open() // a restart
	w.a.Settled()
	expect("restarted", []int{1, 4, 3}, []int{1, 2, 3}, true, "uses its backup path, since link")
	w.pass(20)
	w.change(mend(upper, 10))
	expect("whole", []int{1, 4, 3}, []int{1, 2, 3}, true, "uses its backup path until the first one")
	w.pass(5)
	w.change(cut(upper))
	w.pass(2)
	w.change(mend(upper, 10))
	w.work()
	w.pass(9)
	expect("whole again", []int{1, 4, 3}, []int{1, 2, 3}, true, "uses its backup path until the first one")
	w.pass(1)
	expect("whole for long", []int{1, 2, 3}, []int{1, 4, 3}, false, "")
	w.change(cut(lower))
	expect("the backup is cut", []int{1, 2, 3}, []int{1, 4, 3}, false, "its backup path is cut: link")
	w.change(mend(lower, 6))
	expect("and whole", []int{1, 2, 3}, []int{1, 4, 3}, false, "")
	w.change(cut(lower))
	w.change(cut(upper))
	w.work()
	if v := w.get(v.ID); v.State != Pending {
		t.Errorf("%+v", v)
	}
	w.change(mend(lower, 6))
	expect("one of two", []int{1, 4, 3}, nil, false, "has no backup path")
	w.change(mend(upper, 10))
	expect("and the other", []int{1, 4, 3}, []int{1, 2, 3}, false, "")
}

// TestProtectionRefused: without two paths, or without room on both, a request
// is refused, and says why; a change may ask for protection, and take it back.
func TestProtectionRefused(t *testing.T) {
	w, r := quad(t)
	r.Protected = true
	for _, x := range []struct {
		change func(*Request)
		text   string
	}{
		{func(r *Request) { r.Avoid = "0000000000000004" }, "protection: no two paths from 10.0.1.1 to 10.0.3.3 that meet avoid are without a link in common; ask for it without protection, or without avoid"},
		{func(r *Request) { r.Key.Dst = path.Host(host(1, 3)) }, "protection: no two paths"},
		{func(r *Request) { r.Bandwidth = 7 }, "link 0000000000000001:104->0000000000000004:105 carries 6 for allocations"},
		{func(r *Request) { r.Bandwidth = 7 }, "no other path beside one that has it does"},
	} {
		r := r
		x.change(&r)
		if _, err := w.a.Create(bg, r); err == nil || refusedAs(err) != Conflict || !strings.Contains(err.Error(), x.text) {
			t.Errorf("%v, want %q", err, x.text)
		}
	}
	r.Protected = false
	v := w.create(r)
	w.work()
	yes, no := true, false
	if got := w.update(v.ID, Change{Protected: &yes}); len(got.Backup) == 0 || !got.Path.Equal(v.Path) {
		t.Errorf("%+v", got)
	}
	w.work()
	if got := w.update(v.ID, Change{Bandwidth: new(bitrate.Rate(5))}); len(got.Backup) == 0 {
		t.Errorf("%+v", got)
	}
	w.work()
	if _, err := w.a.Update(bg, v.ID, 0, Change{Bandwidth: new(bitrate.Rate(7))}); err == nil {
		t.Error("more than the backup has is admitted")
	}
	if got := w.update(v.ID, Change{Protected: &no}); len(got.Backup) > 0 {
		t.Errorf("%+v", got)
	}
	w.work()
	w.checkCalendars()
}

// TestMoreOfAProtectedPath: a running allocation that is changed to more than
// its own path has left moves to a pair of paths that has it.
func TestMoreOfAProtectedPath(t *testing.T) {
	w := newWorld(t, 2, 100)
	for range 3 {
		w.cable(1, 2, 10)
	}
	w.open()
	w.a.Settled()
	r := ask(1, 1, 2, 1, 2, 1000)
	r.Protected = true
	v := w.create(r)
	w.work()
	other := ask(1, 2, 2, 2, 7, 1000)
	other.Include = ElementsOf(path.Element{Cable: topology.LinkID{
		From: topology.PortID{DPID: 1, Port: v.Path[0].Out}, To: topology.PortID{DPID: 2, Port: v.Path[1].In},
	}})
	w.create(other)
	w.work()
	got := w.update(v.ID, Change{Bandwidth: new(bitrate.Rate(5))})
	if got.Path.Equal(v.Path) || len(got.Backup) != 2 || got.Backup.Equal(v.Path) {
		t.Errorf("%v with %v, on the path on which others have too much: %v", got.Path, got.Backup, v.Path)
	}
	w.work()
	w.expect(v.ID, Active, span(0, 1000))
	w.checkPromises()
}

// TestProtectedVolumeMovesUp: a volume that begins earlier than it was planned
// has a backup there, too.
func TestProtectedVolumeMovesUp(t *testing.T) {
	w, _, _ := ring(t)
	other := w.create(ask(1, 1, 2, 1, 10, 100))
	w.work()
	r := bulk(2, 25, 0, 0)
	r.Protected, r.MinBandwidth = true, 2
	v := w.create(r)
	if v.Window != span(100, 120) || len(v.Backup) == 0 {
		t.Fatalf("%+v", v)
	}
	if err := w.a.Release(bg, other.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	if got := w.expect(v.ID, Active, span(0, 20)); len(got.Backup) == 0 || got.Backup.Equal(got.Path) {
		t.Errorf("its backup is %v", got.Backup)
	}
}

// TestProtectedVolumeMovesSooner: a volume that moves to an earlier window has
// a backup there, too.
func TestProtectedVolumeMovesSooner(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 10)
	w.cable(1, 2, 10)
	w.open()
	w.a.Settled()
	other := ask(1, 2, 2, 2, 10, 100)
	other.Protected = true
	w.create(other)
	w.work()
	r := bulk(1, 100, 0, 0)
	r.Protected = true
	id := w.create(r).ID
	w.expect(id, Pending, span(100, 180))
	if err := w.a.Release(bg, "id1", 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	if v := w.expect(id, Active, span(0, 80)); len(v.Backup) != 2 || v.Backup[0].Out == v.Path[0].Out {
		t.Errorf("its backup is %v, beside %v", v.Backup, v.Path)
	}
}

// TestProtectedThatGrows: what asks for more than its path has left beside
// others takes another path, and another backup.
func TestProtectedThatGrows(t *testing.T) {
	w := newWorld(t, 2, 100)
	for range 3 {
		w.cable(1, 2, 20)
	}
	w.open()
	w.a.Settled()
	r := ask(1, 1, 2, 1, 5, 1000)
	r.Protected = true
	v := w.create(r)
	w.work()
	cable := cableOf(v.Path.Links()[1])
	other := ask(1, 2, 2, 2, 12, 1000)
	other.Include = ElementsOf(path.Element{Cable: cable})
	w.create(other)
	w.work()
	w.update(v.ID, Change{Bandwidth: new(bitrate.Rate(10))})
	w.work()
	if v = w.expect(v.ID, Active, span(0, 1000)); cableOf(v.Path.Links()[1]) == cable || len(v.Backup) == 0 {
		t.Errorf("its path is %v, its backup %v", v.Path, v.Backup)
	}
	if got := w.a.Reserved(cable, span(0, 1000)); got != 12 {
		t.Errorf("%s are reserved on its former path", got)
	}
}

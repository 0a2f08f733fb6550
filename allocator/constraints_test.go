package allocator

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// cablesOf returns the cables between switches, in order.
func cablesOf(s *topology.Snapshot) (list []path.Element) {
	for _, l := range s.Links {
		if id := l.ID.Cable(); id == l.ID {
			list = append(list, path.Element{Cable: id})
		}
	}
	slices.SortFunc(list, func(a, b path.Element) int { return topology.CompareLinks(a.Cable, b.Cable) })
	return list
}

// drawConstraints returns any constraints that a request in a world may have,
// with one of some IDs to be disjoint from.
func drawConstraints(t *rapid.T, s *topology.Snapshot, ids []string) (c Constraints) {
	elements := cablesOf(s)
	for d := range s.Switches {
		elements = append(elements, path.Element{Switch: d})
	}
	slices.SortStableFunc(elements, func(a, b path.Element) int { return int(a.Switch) - int(b.Switch) })
	some := func(label string) Elements {
		return ElementsOf(rapid.SliceOfNDistinct(rapid.SampledFrom(elements), 0, 2, func(e path.Element) path.Element { return e }).Draw(t, label)...)
	}
	switch rapid.IntRange(0, 5).Draw(t, "constraint") {
	case 0:
		c.Include = some("include")
	case 1:
		c.Avoid = some("avoid")
	case 2:
		c.MaxHops = rapid.IntRange(1, 4).Draw(t, "hops")
	case 3:
		c.MaxLatency = time.Duration(rapid.IntRange(1, 9).Draw(t, "latency")) * time.Millisecond
	case 4:
		if len(ids) > 0 {
			c.DisjointFrom = rapid.SampledFrom(ids).Draw(t, "disjoint from")
		}
		if rapid.Bool().Draw(t, "and") {
			c.MaxHops = rapid.IntRange(1, 4).Draw(t, "hops")
		}
	default:
		c.Include, c.MaxHops = some("include"), rapid.IntRange(2, 4).Draw(t, "hops")
	}
	return c
}

// giveLatencies gives most links of a world a latency.
func (w *world) giveLatencies() {
	for _, e := range cablesOf(w.snap) {
		for _, id := range [...]topology.LinkID{e.Cable, e.Cable.Reverse()} {
			l := w.snap.Links[id.From]
			l.Latency = time.Duration(e.Cable.From.Port%5) * time.Millisecond
			w.snap.Links[id.From] = l
		}
	}
}

// metByHand reports whether a path meets constraints.
func metByHand(s *topology.Snapshot, c Constraints, p, other path.Path) bool {
	names, latency, known := []string{}, time.Duration(0), true
	for i, h := range p {
		names = append(names, h.DPID.String())
		if i == 0 {
			continue
		}
		id := topology.LinkID{From: topology.PortID{DPID: p[i-1].DPID, Port: p[i-1].Out}, To: topology.PortID{DPID: h.DPID, Port: h.In}}
		names = append(names, id.String(), id.Reverse().String())
		latency += s.Links[id.From].Latency
		known = known && s.Links[id.From].Latency != 0
		for j := 1; j < len(other); j++ {
			for _, end := range [...]topology.PortID{{DPID: other[j].DPID, Port: other[j].In}, {DPID: other[j-1].DPID, Port: other[j-1].Out}} {
				if end == id.From || end == id.To {
					return false
				}
			}
		}
	}
	on := func(name string) bool { return slices.Contains(names, name) }
	for _, name := range c.Include.Names() {
		if !on(name) {
			return false
		}
	}
	return !slices.ContainsFunc(c.Avoid.Names(), on) && (c.MaxHops == 0 || len(p) <= c.MaxHops) &&
		(c.MaxLatency == 0 || known && latency <= c.MaxLatency)
}

// TestConstraintsAreExact admits what fits on a path that meets all
// constraints, in the first window in which there is such a one, and refuses
// nothing else.
func TestConstraintsAreExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		w.giveLatencies()
		a, s := w.open(), newSheet(w)
		var ids []string
		paths := map[string]path.Path{}
		for range rapid.IntRange(1, 10).Draw(rt, "requests") {
			r := drawRequest(rt, w)
			r.Constraints = drawConstraints(rt, w.snap, ids)
			s.only = func(p path.Path) bool { return metByHand(w.snap, r.Constraints, p, paths[r.DisjointFrom]) }
			v, err := a.Create(bg, r)
			s.judge(rt, r, v, err)
			if e, ok := errors.AsType[*Error](err); ok && e.Kind == Conflict {
				s.postAll(rt, e)
			}
			if err != nil || v.Window == (Window{}) {
				continue
			}
			if !s.only(v.Path) {
				rt.Fatalf("%+v: %v does not meet its constraints", r, v.Path)
			}
			s.enter(v)
			ids, paths[v.ID] = append(ids, v.ID), v.Path
		}
	})
}

// postAll asks for each of the alternatives of a refusal.
func (s *sheet) postAll(t *rapid.T, refusal *Error) {
	for _, r := range refusal.Alternatives {
		v, err := s.w.a.Create(bg, r)
		if err != nil {
			t.Fatalf("%+v is offered and refused: %v; %v", r, err, refusal)
		}
		if err := s.w.a.Release(bg, v.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFreeWithConstraints: what is said to be free is what the best path that
// meets the constraints has.
func TestFreeWithConstraints(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		w.giveLatencies()
		a, s := w.open(), newSheet(w)
		for range rapid.IntRange(0, 6).Draw(rt, "requests") {
			if v, err := a.Create(bg, drawRequest(rt, w)); err == nil && v.Window != (Window{}) {
				s.enter(v)
			}
		}
		r := drawRequest(rt, w)
		r.StartTime, r.Bandwidth, r.Reverse, r.Constraints = 0, 0, path.Reverse{}, drawConstraints(rt, w.snap, nil)
		got, err := a.Availability(r, 40)
		if err != nil {
			rt.Fatal(err)
		}
		from, to, _, _ := locate(w.snap, r.Key)
		for at := Seconds(0); at < 40 && from != to; at++ {
			best, some := bitrate.Rate(0), false
			for _, p := range everyPath(w.snap, from, to) {
				if !metByHand(w.snap, r.Constraints, p, nil) {
					continue
				}
				some = true
				for s.fits(p, Window{at, at + 1}, Request{Bandwidth: best + 1, Reverse: r.Reverse}) {
					best++
				}
			}
			free, told := bitrate.Rate(0), false
			for _, step := range got.Free {
				if step.Contains(1_000_000 + at) {
					free, told = step.Rate, true
				}
			}
			if told != some || free != best {
				rt.Fatalf("%+v at %d: %s is free, by hand %s, a path %v", r, at, free, best, some)
			}
		}
	})
}

// quad returns a world of four switches in a ring: 1-2-3 takes 3 ms, 1-4-3 has
// less room and takes 7 ms.
func quad(t *testing.T) (w *world, r Request) {
	w = newWorld(t, 4, 100)
	for _, x := range []struct {
		a, b    int
		rate    bitrate.Rate
		latency time.Duration
	}{{1, 2, 10, 1}, {2, 3, 10, 2}, {1, 4, 6, 3}, {4, 3, 6, 4}} {
		id := w.cable(openflow.DPID(x.a), openflow.DPID(x.b), x.rate)
		for _, id := range [...]topology.LinkID{id, id.Reverse()} {
			l := w.snap.Links[id.From]
			l.Latency = x.latency * time.Millisecond
			w.snap.Links[id.From] = l
		}
	}
	w.cfg.Reservable = 1
	w.open()
	return w, ask(1, 1, 3, 3, 4, 100)
}

func via(p path.Path) (list []int) {
	for _, h := range p {
		list = append(list, int(h.DPID))
	}
	return list
}

// TestRefusalNamesTheConstraint checks what a refusal says, and that the least
// limit is offered.
func TestRefusalNamesTheConstraint(t *testing.T) {
	w, _ := quad(t)
	other, err := w.a.Create(bg, ask(1, 2, 2, 3, 1, 100))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		c     Constraints
		field string
		text  string
		offer Constraints
	}{
		{Constraints{MaxHops: 2}, "max_hops", "has at most 2 switches; ask for 3 or more", Constraints{MaxHops: 3}},
		{Constraints{MaxLatency: 2999 * time.Microsecond}, "max_latency", "takes at most 2.999ms; ask for 3000 us or more", Constraints{MaxLatency: 3 * time.Millisecond}},
		{Constraints{Avoid: "0000000000000002", MaxLatency: 6 * time.Millisecond}, "avoid", "meets avoid and max_latency together; leave some of them out", Constraints{Avoid: "0000000000000002", MaxLatency: 7 * time.Millisecond}},
		{Constraints{Avoid: "0000000000000002,0000000000000004"}, "avoid", "does without 0000000000000002 or 0000000000000004; name fewer", Constraints{}},
		{Constraints{Include: "0000000000000002,0000000000000004"}, "include", "crosses 0000000000000002 and 0000000000000004; name others, or none", Constraints{}},
		{Constraints{DisjointFrom: other.ID, Avoid: "0000000000000004"}, "avoid", "meets avoid and disjoint_from together", Constraints{}},
		{Constraints{Include: "0000000000000004", MaxHops: 2}, "max_hops", "has at most 2 switches; ask for 3 or more", Constraints{Include: "0000000000000004", MaxHops: 3}},
		{Constraints{Include: "0000000000000002", DisjointFrom: other.ID}, "include", "meets include and disjoint_from together", Constraints{}},
		{Constraints{Include: "0000000000000002", DisjointFrom: other.ID, MaxHops: 2}, "max_hops", "has at most 2 switches; ask for 3 or more", Constraints{}},
	} {
		r := ask(1, 1, 3, 3, 4, 100)
		r.Constraints = x.c
		_, err := w.a.Create(bg, r)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != Conflict || e.Field != x.field || !strings.Contains(err.Error(), x.text) {
			t.Errorf("%+v: %v", x.c, err)
			continue
		}
		if want := (x.offer != Constraints{}); want != (len(e.Alternatives) == 1) || want && e.Alternatives[0].Constraints != x.offer {
			t.Errorf("%+v: offered %+v", x.c, e.Alternatives)
		}
	}
	r := ask(1, 1, 3, 3, 8, 100)
	r.Avoid = "0000000000000002"
	if _, err := w.a.Create(bg, r); err == nil || !strings.HasSuffix(err.Error(), "paths that have it do not meet avoid") {
		t.Errorf("%v", err)
	}
	for text, c := range map[string]Constraints{
		"include: names 9 switches and links; the most is 8": {Include: "1,2,3,4,5,6,7,8,9"},
		"include: \"x\" is neither a switch nor a link":      {Include: "x"},
		"avoid: 0000000000000002 is in include as well":      {Include: "0000000000000002", Avoid: "0000000000000002"},
		"max_hops: must be from 1 to 4096":                   {MaxHops: 4097},
		"max_latency: must be from 1 us to 10s":              {MaxLatency: 11 * time.Second},
		`disjoint_from: project p has no allocation "no"`:    {DisjointFrom: "no"},
	} {
		r := ask(1, 1, 3, 3, 4, 100)
		r.Constraints = c
		if _, err := w.a.Create(bg, r); err == nil || refusedAs(err) != Invalid || !strings.HasPrefix(err.Error(), text) {
			t.Errorf("%v, want %s", err, text)
		}
	}
}

// TestDisjointPathsStayApart: what is to be disjoint from another goes where
// that does not, follows its moves, keeps what it has where there is nothing
// better, and says so.
func TestDisjointPathsStayApart(t *testing.T) {
	w, r := quad(t)
	first, err := w.a.Create(bg, r)
	if err != nil || !slices.Equal(via(first.Path), []int{1, 2, 3}) {
		t.Fatalf("%v %v", first.Path, err)
	}
	r = ask(1, 2, 3, 3, 2, 100)
	r.DisjointFrom = first.ID
	second, err := w.a.Create(bg, r)
	if err != nil || !slices.Equal(via(second.Path), []int{1, 4, 3}) {
		t.Fatalf("%v %v", second.Path, err)
	}
	w.work()
	gone := first.Path.Links()[1]
	w.change(cut(gone))
	w.work()
	if v := w.get(first.ID); !slices.Equal(via(v.Path), []int{1, 4, 3}) || v.State != Active {
		t.Fatalf("%+v", v)
	}
	v := w.get(second.ID)
	if v.State != Active || !slices.Equal(via(v.Path), []int{1, 4, 3}) || !strings.Contains(v.Reason, "shares link") || !strings.Contains(v.Reason, first.ID) {
		t.Fatalf("%+v", v)
	}
	w.change(mend(gone, 10))
	w.work()
	if v := w.get(second.ID); v.State != Active || !slices.Equal(via(v.Path), []int{1, 2, 3}) || v.Reason != "" {
		t.Fatalf("%+v", v)
	}
	// A change is held against the other's path as well.
	bad := Elements("0000000000000002")
	if _, err := w.a.Update(bg, second.ID, 0, Change{Avoid: &bad}); err == nil || refusedAs(err) != Conflict {
		t.Errorf("%v", err)
	}
	if _, err := w.a.Update(bg, second.ID, 0, Change{Avoid: &bad, DisjointFrom: new(string)}); err != nil {
		t.Error(err)
	}
	own := second.ID
	if _, err := w.a.Update(bg, second.ID, 0, Change{DisjointFrom: &own}); err == nil || refusedAs(err) != Invalid {
		t.Errorf("%v", err)
	}
}

// TestDisjointFromWhatIsOver: once what an allocation is disjoint from is
// complete, the allocation can be changed as any other, whether it waits or
// runs.
func TestDisjointFromWhatIsOver(t *testing.T) {
	w, r := quad(t)
	first := w.create(r)
	r = ask(1, 2, 3, 3, 2, 100)
	r.DisjointFrom = first.ID
	runs := w.create(r)
	r.Key.Src, r.StartTime = ask(1, 4, 3, 3, 2, 100).Key.Src, w.now+1000
	waits := w.create(r)
	w.work()
	if err := w.a.Release(bg, first.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	for _, id := range [...]string{runs.ID, waits.ID} {
		for _, duration := range [...]Seconds{200, 50} {
			if v, err := w.a.Update(bg, id, 0, Change{Duration: &duration}); err != nil || v.Duration != duration || v.DisjointFrom != first.ID {
				t.Errorf("%+v: %v", v, err)
			}
		}
		if _, err := w.a.Update(bg, id, 0, Change{ProjectID: new("q")}); err == nil || refusedAs(err) != Invalid {
			t.Errorf("of another project: %v", err)
		}
	}
}

// TestSparesAllThatAreApart: where there is a choice, a path that has to move
// leaves those alone that are to be disjoint from it.
func TestSparesAllThatAreApart(t *testing.T) {
	w := newWorld(t, 2, 100)
	var cables []topology.LinkID
	for range 4 {
		cables = append(cables, w.cable(1, 2, 10))
	}
	w.open()
	w.a.Settled()
	avoid := func(i int) (list []path.Element) {
		for k, c := range cables {
			if k != i {
				list = append(list, path.Element{Cable: cableOf(c)})
			}
		}
		return list
	}
	first := w.create(ask(1, 1, 2, 1, 1, 1000))
	own := slices.IndexFunc(cables, func(c topology.LinkID) bool { return cableOf(first.Path.Links()[1]) == cableOf(c) })
	var others []Allocation
	for i := range cables {
		if i == own || len(others) == 2 {
			continue
		}
		r := ask(1, 2+len(others), 2, 2+len(others), 1, 1000)
		r.DisjointFrom, r.Avoid = first.ID, ElementsOf(avoid(i)...)
		others = append(others, w.create(r))
	}
	w.work()
	for _, o := range others { // they may go elsewhere
		w.update(o.ID, Change{Avoid: new(Elements)})
	}
	w.work()
	w.change(cut(cables[own]))
	w.work()
	used := map[topology.LinkID]bool{}
	for _, v := range []Allocation{w.get(first.ID), w.get(others[0].ID), w.get(others[1].ID)} {
		used[cableOf(v.Path.Links()[1])] = true
	}
	if len(used) != 3 {
		t.Errorf("they use %v", used)
	}
	for _, o := range others {
		if v := w.expect(o.ID, Active, span(0, 1000)); !v.Path.Equal(o.Path) {
			t.Errorf("%s has moved from %v to %v", o.ID, o.Path, v.Path)
		}
	}
}

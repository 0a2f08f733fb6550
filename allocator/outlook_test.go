package allocator

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// An outlook tells the path that a request would get, and what each link of it
// has left, by the direction that has less.
func TestOutlook(t *testing.T) {
	w, direct, _ := ring(t)
	now := Window{w.now, w.now + 50}
	k := key(host(1, 1), host(2, 1))
	v := w.create(ask(1, 2, 2, 2, 4, 100))
	w.change(func(s *topology.Snapshot) { // the way back carries less
		l := s.Links[direct.To]
		l.Capacity = 8
		s.Links[direct.To] = l
	})
	o, err := w.a.Outlook(Request{Key: k, Bandwidth: 3, Duration: 50})
	if err != nil {
		t.Fatal(err)
	}
	if !o.Fits || o.Window != now || o.From != (topology.PortID{DPID: 1, Port: 1}) || o.To != (topology.PortID{DPID: 2, Port: 1}) || o.Reason != "" || len(o.Path) != 2 {
		t.Errorf("%+v", o)
	}
	if len(o.Rooms) != 3 || o.Rooms[1] != (Room{Link: direct.Reverse(), Capacity: 8, Limit: 8, Held: 4}) || o.Rooms[0].Held != 0 {
		t.Errorf("rooms %+v", o.Rooms)
	}
	if least, ok := o.Bottleneck(); !ok || least.Link != direct.Reverse() || least.Free() != 4 {
		t.Errorf("bottleneck %+v", least)
	}
	if got := w.create(ask(1, 1, 2, 1, 3, 50)); !got.Path.Equal(o.Path) || got.Window != o.Window {
		t.Errorf("the outlook was %+v, and the request got %+v", o, got)
	}
	// Nothing that is asked so is held.
	if n := w.a.Reserved(direct, v.Window); n != 7 {
		t.Errorf("%d are held", n)
	}
}

func TestOutlookThatDoesNotFit(t *testing.T) {
	w, id := pair(t)
	w.create(ask(1, 2, 2, 2, 7, 100))
	o, err := w.a.Outlook(ask(1, 1, 2, 1, 4, 50))
	if err != nil {
		t.Fatal(err)
	}
	if o.Fits || len(o.Path) != 2 || o.Offer != (Offer{Slower: 3, Later: w.now + 100}) || !strings.HasPrefix(o.Reason, "4 does not fit") {
		t.Errorf("%+v", o)
	}
	if least, ok := o.Bottleneck(); !ok || cableOf(least.Link) != id || least.Free() != 3 {
		t.Errorf("bottleneck %+v", least)
	}
	w.change(cut(id))
	if o, err = w.a.Outlook(ask(1, 1, 2, 1, 0, 50)); err != nil || o.Fits || o.Path != nil || !strings.HasPrefix(o.Reason, "no path leads from 10.0.1.1") {
		t.Errorf("%+v (%v)", o, err)
	}
	if _, ok := o.Bottleneck(); ok {
		t.Error("a path that there is none of has a bottleneck")
	}
	o, err = w.a.Outlook(ask(1, 1, 9, 9, 0, 50))
	if err != nil || o.Fits || o.Reason == "" || o.From == (topology.PortID{}) || o.To != (topology.PortID{}) {
		t.Errorf("%+v (%v)", o, err)
	}
	_, err = w.a.Outlook(Request{Duration: 50})
	refused(t, err, Invalid, "src_ip")
	_, err = w.a.Outlook(ask(1, 1, 2, 1, 0, 0))
	refused(t, err, Invalid, "duration")
	if free := (Room{Limit: 3, Held: 5}).Free(); free != 0 {
		t.Errorf("%d free of a link that has become too small", free)
	}
}

// TestOutlookIsThatOfARequest: an outlook with constraints, a backup and a rate
// back is what a request with them gets.
func TestOutlookIsThatOfARequest(t *testing.T) {
	const two, three = "0000000000000002", "0000000000000003"
	w, _ := threeWays(t, 10)
	other := w.over(2, ask(1, 1, 5, 1, 3, 100), Constraints{})
	for name, tc := range map[string]struct {
		c         Constraints
		protected bool
		rate      bitrate.Rate
		via       int // 0: it does not fit
	}{
		"nothing": {Constraints{}, false, 8, 3}, "include": {Constraints{Include: two}, false, 7, 2}, "include, full": {Constraints{Include: two}, false, 8, 0},
		"avoid": {Constraints{Avoid: two + "," + three}, false, 1, 4}, "disjoint": {Constraints{DisjointFrom: other.ID}, false, 1, 3},
		"too short": {Constraints{MaxHops: 2}, false, 1, 0}, "unknown latency": {Constraints{MaxLatency: 1000}, false, 1, 0},
		"protected": {Constraints{}, true, 8, 3}, "protected, full": {Constraints{Include: two}, true, 8, 0},
		"protected, disjoint": {Constraints{DisjointFrom: other.ID, Include: three}, true, 1, 3},
	} {
		r := ask(1, 2, 5, 2, tc.rate, 50)
		r.Constraints, r.Protected = tc.c, tc.protected
		o, err := w.a.Outlook(r)
		if err != nil {
			t.Fatal(err)
		}
		r.StartTime = w.now // not later
		got, err := w.a.Create(bg, r)
		if o.Fits != (tc.via != 0) || o.Fits != (err == nil) {
			t.Errorf("%s: %+v, but %v", name, o, err)
		}
		if !o.Fits {
			if e := (*Error)(nil); !errors.As(err, &e) || o.Reason != e.Err.Error() {
				t.Errorf("%s: %q, but %v", name, o.Reason, err)
			}
			continue
		}
		if !slices.Equal(via(o.Path), []int{1, tc.via, 5}) || !o.Path.Equal(got.Path) || !o.Backup.Equal(got.Backup) || len(o.Rooms) != len(path.LinksOf(o.Path, o.Backup)) || tc.protected && len(o.Backup) == 0 {
			t.Errorf("%s: %+v, but %v, %v", name, o, got.Path, got.Backup)
		}
		if err := w.a.Release(bg, got.ID, 0); err != nil {
			t.Fatal(err)
		}
		w.work()
	}
	back := ask(1, 2, 5, 2, 1, 50)
	back.Reverse = path.Reverse{Apart: true, Rate: 11}
	if o, err := w.a.Outlook(back); err != nil || o.Fits || len(o.Path) != 3 || !strings.Contains(o.Reason, "11 back never fits") {
		t.Errorf("%+v (%v)", o, err)
	}
	back.Reverse.Rate, back.Bandwidth = 9, 2
	if o, err := w.a.Outlook(back); err != nil || !o.Fits || o.Rooms[1].Link.From.DPID != 1 {
		t.Errorf("%+v (%v)", o, err)
	}
	r := ask(1, 2, 5, 2, 1, 50)
	r.ProjectID, r.DisjointFrom = "q", other.ID
	_, err := w.a.Outlook(r)
	refused(t, err, Invalid, "disjoint_from")
	r.ProjectID = ""
	if _, err := w.a.Outlook(r); err != nil {
		t.Error(err)
	}
	r.DisjointFrom = "none such"
	_, err = w.a.Outlook(r)
	refused(t, err, Invalid, "disjoint_from")
}

// IDs of any form are told apart and come back as they were given.
func TestIDsOfAnyForm(t *testing.T) {
	w, _ := pair(t)
	ids := []string{
		"1", "01", "ABC", "abc",
		"00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeefF",
		"00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg", "001122334-455-6677-8899-aabbccddeeff",
		"00112233-44556-677-8899-aabbccddeeff", "00112233-4455-66778-899-aabbccddeeff", "00112233-4455-6677-88991-abbccddeeff",
		"ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000",
	}
	next := 0
	w.cfg.NewID = func() string { next++; return ids[next-1] }
	w.open()
	check := func() {
		t.Helper()
		var listed []string
		for i, v := range w.list("") {
			listed = append(listed, v.ID)
			if got := w.get(ids[i]); got.ID != ids[i] || got.Handle != v.Handle || got.Key != v.Key {
				t.Errorf("%q is found as %+v", ids[i], got)
			}
		}
		if !slices.Equal(listed, ids) {
			t.Errorf("listed are %q", listed)
		}
	}
	for i := range ids {
		r := ask(1, 1, 2, 1, 0, 100)
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(i+1)), path.Port(1)
		w.create(r)
	}
	check()
	w.open()
	check()
	w.work()
	w.pass(101)
	check()
}

// Lists of a project and of all follow a thousand that come, change and go.
func TestLongLists(t *testing.T) {
	w, _ := pair(t)
	r := rand.New(rand.NewPCG(1, 1))
	type kept struct {
		id, project string
		state       State
	}
	var all []kept
	check := func() {
		t.Helper()
		for _, project := range []string{"", "p", "q", "nobody"} {
			var ids []string
			counts := map[State]int{Pending: 0, Active: 0, Complete: 0}
			for _, k := range all {
				if project == "" || k.project == project {
					ids = append(ids, k.id)
					counts[k.state]++
				}
			}
			var live []string
			for _, v := range w.a.Live(project) {
				live = append(live, v.ID)
			}
			if !slices.Equal(live, ids) {
				t.Fatalf("live of %q are %d, want %d", project, len(live), len(ids))
			}
			if got := w.a.Counts(project); fmt.Sprint(got) != fmt.Sprint(counts) {
				t.Fatalf("counts of %q are %v, want %v", project, got, counts)
			}
			for _, state := range []State{Pending, Active} {
				var want []string
				for _, k := range all {
					if (project == "" || k.project == project) && k.state == state {
						want = append(want, k.id)
					}
				}
				skip, most := r.IntN(len(want)+2), 1+r.IntN(300)
				page, total, err := w.a.Page(bg, Filter{Project: project, State: state}, skip, most)
				var got []string
				for _, v := range page {
					got = append(got, v.ID)
				}
				if from := min(skip, len(want)); err != nil || total != len(want) || !slices.Equal(got, want[from:min(from+most, len(want))]) {
					t.Fatalf("page of %d %s of %q from %d: %d of %d (%v), want %d", most, state, project, skip, len(got), total, err, len(want))
				}
			}
		}
	}
	add := func(n int, later Seconds) {
		for range n {
			q := ask(1, 1, 2, 1, 0, 100_000)
			q.ProjectID = []string{"p", "q"}[r.IntN(2)]
			q.Key.Proto, q.Key.SrcPort, q.Key.DstPort = path.ProtoTCP, path.Port(uint16(w.ids+1)), path.Port(1)
			if later > 0 {
				q.StartTime = w.now + later
			}
			all = append(all, kept{w.create(q).ID, q.ProjectID, Pending})
		}
	}
	add(700, 0)
	check()
	w.work()
	for i := range all {
		all[i].state = Active
	}
	check()
	add(300, 5000)
	check()
	remove := func(i int) {
		if err := w.remove(all[i].id); err != nil {
			t.Fatal(err)
		}
		all = slices.Delete(all, i, i+1)
	}
	for range 400 {
		remove(r.IntN(len(all)))
	}
	check()
	for range 100 {
		i := r.IntN(len(all))
		all[i].project = []string{"p", "q"}[r.IntN(2)]
		w.update(all[i].id, Change{ProjectID: &all[i].project})
	}
	check()
	for len(all) > 0 {
		remove(len(all) - 1)
	}
	check()
	w.work()
	add(3, 0)
	check()
}

// The bottleneck is the first link that has least, wherever it is.
func TestBottleneck(t *testing.T) {
	for _, c := range []struct {
		free []bitrate.Rate
		want int
	}{{[]bitrate.Rate{1}, 0}, {[]bitrate.Rate{1, 2, 3}, 0}, {[]bitrate.Rate{3, 1, 2}, 1}, {[]bitrate.Rate{3, 2, 1}, 2}, {[]bitrate.Rate{2, 1, 1}, 1}, {[]bitrate.Rate{0, 0}, 0}} {
		var o Outlook
		for i, free := range c.free {
			o.Rooms = append(o.Rooms, Room{Link: topology.LinkID{To: topology.PortID{DPID: 1, Port: openflow.PortNo(i + 1)}}, Limit: free + 5, Held: 5})
		}
		if least, ok := o.Bottleneck(); !ok || least != o.Rooms[c.want] {
			t.Errorf("of %v the least is %+v", c.free, least)
		}
	}
}

// TestOutlookOfTrafficThatIsTaken: to a project it is said until when another
// allocation has the traffic, as its own request would wait for that.
func TestOutlookOfTrafficThatIsTaken(t *testing.T) {
	w, _ := pair(t)
	r := ask(1, 1, 2, 1, 3, 50)
	w.create(ask(1, 1, 2, 1, 3, 100))
	for project, x := range map[string]struct {
		fits   bool
		offer  Offer
		reason string
	}{
		"":  {true, Offer{}, ""},
		"p": {false, Offer{Later: w.now + 100}, "another allocation for the same traffic has part of that window, until " + clock(w.now+100)},
		"q": {false, Offer{Later: w.now + 100}, "an allocation of another project for this traffic"},
	} {
		r.ProjectID = project
		o, err := w.a.Outlook(r)
		if err != nil || o.Fits != x.fits || o.Offer != x.offer || !strings.HasPrefix(o.Reason, x.reason) || x.fits != (o.Reason == "") || len(o.Path) != 2 {
			t.Errorf("%q: %+v, %v", project, o, err)
		}
	}
	r.ProjectID, r.Key.Proto, r.Key.DstPort = "p", path.ProtoTCP, path.Port(80) // more precise: beside it
	if o, err := w.a.Outlook(r); err != nil || !o.Fits {
		t.Errorf("%+v, %v", o, err)
	}
	r = ask(1, 1, 2, 1, 3, 50)
	if v := w.create(r); v.Window.Start != 1_000_100 {
		t.Errorf("what was foretold for %d is planned for %d", 1_000_100, v.Window.Start)
	}
}

// TestOutlookOfTakenTrafficIsWhereThereIsRoom: the path that is shown is the
// one that it would have afterwards, not one without room.
func TestOutlookOfTakenTrafficIsWhereThereIsRoom(t *testing.T) {
	w, _, _ := ring(t)
	w.create(ask(1, 1, 2, 1, 3, 100))
	w.create(ask(1, 2, 2, 2, 5, 100))
	r := ask(1, 1, 2, 1, 3, 50)
	r.ProjectID = "p"
	if o, err := w.a.Outlook(r); err != nil || o.Fits || len(o.Path) != 3 {
		t.Errorf("%+v, %v", o, err)
	}
}

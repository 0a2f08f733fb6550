package audit

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
)

func TestPosition(t *testing.T) {
	for _, c := range []struct {
		r     Record
		class class
		owner owner
	}{
		{Record{Outcome: Done, User: "admin", Admin: true}, byAdmin, owner{}},
		{Record{Outcome: Done, User: "admin", Admin: true, Action: KeyIssued}, byAdmin, owner{}},
		{Record{Outcome: Done, User: "u", Project: "p", Action: KeyIssued}, keysIssued, owner{project: "p"}},
		{Record{Outcome: Done, User: "u", Project: "p", Action: "key.renew"}, changes, owner{project: "p"}},
		{Record{Outcome: Self, User: "u", Project: "p"}, selfMade, owner{project: "p"}},
		{Record{Outcome: Refused, User: "u", Project: "p", Status: 403}, refusals, owner{project: "p"}},
		{Record{Outcome: Refused, Project: "p", Status: 422}, refusals, owner{project: "p"}},
		{Record{Outcome: Refused, User: "watcher", Status: 403}, refusals, owner{operator: "watcher"}},
		{Record{Outcome: Refused, User: "admin", Admin: true, Status: 409}, refusals, owner{}},
		{Record{Outcome: Refused, Status: 401}, strangers, owner{}},
		{Record{Outcome: Refused, Status: 404}, strangers, owner{}},
		{Record{Outcome: Refused, User: "u", Project: "p", Status: 401}, strangers, owner{}},                    // says so
		{Record{Outcome: Refused, User: "u", Project: "p", Status: 429, Action: KeyIssued}, strangers, owner{}}, // without a password checked
	} {
		if class, owner := c.r.classify(); class != c.class || owner != c.owner {
			t.Errorf("%+v is in %d of %v, want %d of %v", c.r, class, owner, c.class, c.owner)
		}
	}
}

// TestNoise: whatever one project does over and over, and a stranger tries,
// what others did stays.
func TestNoise(t *testing.T) {
	m, now := storetest.NewMemory(), time.Unix(1000, 0)
	l := open(t, m, &now)
	for c := range l.sections {
		l.sections[c].most = 20
	}
	quiet := []Record{
		{Action: "operator.issue", Outcome: Done, User: "admin", Admin: true},
		{Action: KeyIssued, Outcome: Done, User: "u", Project: "quiet"},
		{Action: "allocation.create", Outcome: Done, User: "u", Project: "quiet"},
		{Action: "allocation.state", Outcome: Self, User: "u", Project: "quiet"},
	}
	for _, r := range quiet {
		add(t, l, m, r)
	}
	l.Refuse(t.Context(), Record{Action: "allocation.delete", User: "u", Project: "quiet", Status: 403})
	l.Refuse(t.Context(), Record{Action: "webhook.create", User: "watcher", Status: 403})
	for range 300 {
		for _, r := range quiet[1:] {
			r.Project = "loud"
			add(t, l, m, r)
		}
		now = now.Add(time.Second)
		l.Refuse(t.Context(), Record{Action: KeyIssued, User: "u", Project: "quiet", Status: 401})
		l.Refuse(t.Context(), Record{Action: "allocation.delete", User: "u", Project: "loud", Status: 404})
	}
	if got := actions(t, l, Filter{Actor: "admin"}, 0, 100); got != "operator.issue of 1" {
		t.Errorf("the admin's: %s", got)
	}
	if got := actions(t, l, Filter{Actor: "watcher"}, 0, 100); got != "webhook.create of 1" {
		t.Errorf("the operator's: %s", got)
	}
	page, _, err := l.List(t.Context(), Filter{Project: "quiet"}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, r := range page {
		if r.Status != 401 {
			left++
		}
	}
	if left != 4 {
		t.Errorf("%d of the quiet project's 4 are left", left)
	}
	// The admin's one, and five classes that are full.
	if n := m.Len(store.Audit); n != 1+5*20 {
		t.Errorf("%d records are stored", n)
	}
	again := open(t, m, &now)
	for c := range l.sections {
		if l.sections[c].total != again.sections[c].total || len(l.sections[c].byOwner) != len(again.sections[c].byOwner) {
			t.Errorf("class %d: %d records, after a restart %d", c, l.sections[c].total, again.sections[c].total)
		}
	}
}

// TestFloodOfStrangers: their refusals are counted by themselves, and leave
// those of others to be recorded.
func TestFloodOfStrangers(t *testing.T) {
	m, now := storetest.NewMemory(), time.Unix(1000, 0)
	l := open(t, m, &now)
	for range 1000 {
		l.Refuse(t.Context(), Record{Action: "guess", Status: 401})
	}
	l.Refuse(t.Context(), Record{Action: "try", User: "u", Project: "p", Status: 403})
	page, total, err := l.List(t.Context(), Filter{}, 0, 1)
	if err != nil || total != refusedBurst+1 || page[0].Action != "try" || page[0].Missed != 0 {
		t.Errorf("%v: %d records, the last %+v", err, total, page)
	}
}

// TestShares: however records come and are taken back, there are never too
// many, in the store neither, and of n owners each has an n-th of the section
// or all that is its own, the newest of it.
func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 12
		m := storetest.NewMemory()
		l, err := Open(context.Background(), Config{Store: m})
		if err != nil {
			t.Fatal(err)
		}
		l.sections[changes].most = most
		added := map[string][]uint64{}
		for range rapid.IntRange(1, 80).Draw(t, "records") {
			project := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "project")
			ops, undo, err := l.Ops(Record{Outcome: Done, User: "u", Project: project})
			if err != nil || len(ops) > 2 {
				t.Fatalf("%d operations, %v", len(ops), err)
			}
			if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
				undo()
				continue
			}
			if err := m.Commit(context.Background(), ops...); err != nil {
				t.Fatal(err)
			}
			added[project] = append(added[project], l.seq)
		}
		kept := map[string][]uint64{}
		page, total, err := l.List(context.Background(), Filter{}, 0, 100)
		for _, r := range page {
			kept[r.Project] = append([]uint64{r.Seq}, kept[r.Project]...)
		}
		if err != nil || total > most {
			t.Fatalf("%d records are kept, %v", total, err)
		}
		for project, all := range added {
			own := kept[project]
			if len(own) < min(len(all), most/len(added)) || fmt.Sprint(own) != fmt.Sprint(all[len(all)-len(own):]) {
				t.Errorf("of %s %v is kept, of %v", project, own, all)
			}
			if s := l.sections[changes].byOwner[owner{project: project}]; s != nil && fmt.Sprint(s.seqs) != fmt.Sprint(own) {
				t.Errorf("of %s %v is noted, and %v stored", project, s.seqs, own)
			}
		}
	})
}

// counted is a store that notes its largest commit.
type counted struct {
	store.Store
	largest int
}

func (c *counted) Commit(ctx context.Context, ops ...store.Op) error {
	c.largest = max(c.largest, len(ops))
	return c.Store.Commit(ctx, ops...)
}

// TestOldLog: one that was kept by another rule is read, and what is too much
// goes bit by bit.
func TestOldLog(t *testing.T) {
	c := &counted{Store: storetest.NewMemory()}
	var ops []store.Op
	for i := range 5000 {
		ops = append(ops, store.Op{Bucket: store.Audit, Key: keyOf(uint64(i + 1)), Value: []byte(`{"time":1429206574,"action":"key.issue","outcome":"refused","status":401}`)})
	}
	ops = append(ops, store.Op{Bucket: store.Audit, Key: keyOf(6000), Value: []byte(`{"time":1429206574,"action":"allocation.create","outcome":"done","status":201,"user":"u","project":"p","missed":7}`)})
	if err := c.Store.Commit(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
	l, err := Open(t.Context(), Config{Store: c})
	if err != nil {
		t.Fatal(err)
	}
	page, total, err := l.List(t.Context(), Filter{}, 0, 2)
	if err != nil || total != most[strangers]+1 || page[0].Seq != 6000 || page[0].Missed != 7 || page[1].Seq != 5000 {
		t.Errorf("%d records, %+v, %v", total, page, err)
	}
	if c.largest > maxBatch {
		t.Errorf("%d were removed at once", c.largest)
	}
}

// TestAgain: what repeats itself is recorded once a minute, with how often.
func TestAgain(t *testing.T) {
	m, now := storetest.NewMemory(), time.Unix(1000, 0)
	l := open(t, m, &now)
	again := func(name string, fails bool) {
		t.Helper()
		ops, undo, err := l.Again(name, Record{Outcome: Done, Action: name})
		if err == nil && fails {
			undo()
			return
		}
		if err == nil && len(ops) > 0 {
			err = m.Commit(t.Context(), ops...)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	again("x", true) // came to nothing, and so the next is the first
	for range 100 {
		again("x", false)
	}
	again("x", true)
	again("y", false)
	now = now.Add(quiet - time.Second)
	again("x", false)
	now = now.Add(time.Second)
	again("x", true) // its record would have had the count
	again("x", false)
	again("x", false)
	page, _, err := l.List(t.Context(), Filter{}, 0, 10)
	got := ""
	for _, r := range page {
		got += fmt.Sprint(r.Action, r.Missed, " ")
	}
	if err != nil || got != "x100 y0 x0 " {
		t.Errorf("recorded %s(%v)", got, err)
	}
	for i := range maxRepeats + 10 {
		again(fmt.Sprint(i), false)
	}
	if n := len(l.repeats.last); n != maxRepeats {
		t.Errorf("%d are remembered", n)
	}
	now = now.Add(quiet)
	again("z", false)
	if n := len(l.repeats.last); n != 1 {
		t.Errorf("%d are remembered after a minute", n)
	}
}

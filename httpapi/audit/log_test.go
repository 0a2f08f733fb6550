package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
)

// open opens a log on a store, with a clock that stands unless the test moves
// it.
func open(t *testing.T, m *storetest.Memory, now *time.Time) *Log {
	t.Helper()
	l, err := Open(t.Context(), Config{Store: m, Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func add(t *testing.T, l *Log, m *storetest.Memory, r Record) {
	t.Helper()
	ops, _, err := l.Ops(r)
	if err == nil {
		err = m.Commit(t.Context(), ops...)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// actions returns the actions of a page, and how many records there are.
func actions(t *testing.T, l *Log, f Filter, first, most int) string {
	t.Helper()
	page, total, err := l.List(t.Context(), f, first, most)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, r := range page {
		text += r.Action + " "
	}
	return fmt.Sprint(text, "of ", total)
}

func TestFilters(t *testing.T) {
	m, now := storetest.NewMemory(), time.Unix(1000, 0)
	l := open(t, m, &now)
	add(t, l, m, Record{Action: "a", Outcome: Done, User: "u", Allocation: "x"})
	add(t, l, m, Record{Action: "b", Outcome: Done, User: `v"`, Allocation: "x"})
	now = now.Add(time.Minute)
	add(t, l, m, Record{Action: "c", Outcome: Self, Allocation: "u"}) // a hint is not a match
	l.Refuse(t.Context(), Record{Action: "d", User: "u", Status: 403})
	for _, c := range []struct {
		filter      Filter
		first, most int
		want        string
	}{
		{Filter{}, 0, 10, "d c b a of 4"},
		{Filter{}, 1, 2, "c b of 4"},
		{Filter{}, 4, 2, "of 4"},
		{Filter{}, 9, 2, "of 4"},
		{Filter{Since: 1060}, 0, 10, "d c of 2"},
		{Filter{Since: 1061}, 0, 10, "of 0"},
		{Filter{Actor: "u"}, 0, 10, "d a of 2"},
		{Filter{Actor: `v"`}, 0, 10, "b of 1"},
		{Filter{Allocation: "x"}, 0, 1, "b of 2"},
		{Filter{Allocation: "x"}, 1, 1, "a of 2"},
		{Filter{Allocation: "x", Actor: "u", Since: 1}, 0, 10, "a of 1"},
	} {
		if got := actions(t, l, c.filter, c.first, c.most); got != c.want {
			t.Errorf("%+v from %d, %d: %s, want %s", c.filter, c.first, c.most, got, c.want)
		}
	}
	again := open(t, m, &now)
	add(t, again, m, Record{Action: "e", Outcome: Done})
	if got := actions(t, again, Filter{}, 0, 2); got != "e d of 5" {
		t.Errorf("after a restart: %s", got)
	}
}

// TestRetention: the oldest make room, and only for their own kind.
func TestRetention(t *testing.T) {
	m, now := storetest.NewMemory(), time.Unix(1000, 0)
	l := open(t, m, &now)
	l.sections[changes].most, l.sections[strangers].most, l.sections[selfMade].most = 3, 2, 1
	for i := range 5 {
		add(t, l, m, Record{Action: fmt.Sprint("done", i), Outcome: Done})
		add(t, l, m, Record{Action: fmt.Sprint("self", i), Outcome: Self})
		l.Refuse(t.Context(), Record{Action: fmt.Sprint("refused", i)})
	}
	if got := actions(t, l, Filter{}, 0, 10); got != "refused4 self4 done4 refused3 done3 done2 of 6" {
		t.Errorf("kept %s", got)
	}
	if n := m.Len(store.Audit); n != 6 {
		t.Errorf("%d records in the store", n)
	}
}

// TestFloodOfRefusals: what is too much is counted, and the count is recorded.
func TestFloodOfRefusals(t *testing.T) {
	m, now := storetest.NewMemory(), time.Unix(1000, 0)
	l := open(t, m, &now)
	for range 1000 {
		l.Refuse(t.Context(), Record{Action: "guess", Status: 401})
	}
	if n := m.Len(store.Audit); n != refusedBurst {
		t.Errorf("%d of 1000 are recorded", n)
	}
	now = now.Add(time.Second)
	m.Fail(errors.New("no space left"))
	l.Refuse(t.Context(), Record{Action: "lost"})
	m.Fail(nil)
	l.Refuse(t.Context(), Record{Action: "next"})
	page, _, err := l.List(t.Context(), Filter{}, 0, 1)
	if err != nil || page[0].Action != "next" || page[0].Missed != 1000-refusedBurst+1 {
		t.Errorf("%v: %+v", err, page)
	}
}

func TestDamage(t *testing.T) {
	for key, value := range map[string]string{
		"1": `{"outcome":"done"}`, "zzzzzzzzzzzzzzzz": `{"outcome":"done"}`,
		"0000000000000001": `{"outcome":"x"}`, "0000000000000002": `{`,
	} {
		m := storetest.NewMemory()
		if err := m.Commit(t.Context(), store.Op{Bucket: store.Audit, Key: key, Value: []byte(value)}); err != nil {
			t.Fatal(err)
		}
		good := store.Op{Bucket: store.Audit, Key: keyOf(1 << 20), Value: []byte(`{"outcome":"done"}`)}
		if err := m.Commit(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		l, err := Open(t.Context(), Config{Store: m, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil || l.Len() != 1 || m.Len(store.Audit) != 1 {
			t.Fatalf("%s: %s: %d records of %d, error %v", key, value, l.Len(), m.Len(store.Audit), err)
		}
		if said := log.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "bucket=audit records=1 ") {
			t.Errorf("%s: %s: the log says %s", key, value, said)
		}
	}
	l, err := Open(t.Context(), Config{Store: storetest.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Ops(Record{}); err == nil {
		t.Error("a record without an outcome is taken")
	}
}

func TestConcurrent(t *testing.T) {
	m, now := storetest.NewMemory(), time.Unix(1000, 0)
	l := open(t, m, &now)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				ops, _, err := l.Ops(Record{Outcome: Done})
				if err == nil {
					err = m.Commit(context.Background(), ops...)
				}
				l.Refuse(context.Background(), Record{})
				if _, _, listErr := l.List(context.Background(), Filter{}, 0, 5); err != nil || listErr != nil {
					t.Error(err, listErr)
				}
			}
		})
	}
	wg.Wait()
	if n := m.Len(store.Audit); n != 320 {
		t.Errorf("%d records", n)
	}
}

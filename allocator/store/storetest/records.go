package storetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conga/allocator/store"
)

func testEmpty(t *testing.T, open Open) {
	s := openNew(t, open)
	for _, b := range []store.Bucket{store.Allocations, store.Keys, store.Network, "never written"} {
		if got := records(t, s, b); len(got) != 0 {
			t.Errorf("bucket %s holds %v", b, got)
		}
	}
}

func testOrder(t *testing.T, open Open) {
	s := openNew(t, open)
	commit(t, s, put("b", "2"), put("a/b", "1"), put("a", "0"), put("é", "4"))
	commit(t, s, put("c", "3"), put("\x00", "-1"))
	want := []record{{"\x00", "-1"}, {"a", "0"}, {"a/b", "1"}, {"b", "2"}, {"c", "3"}, {"é", "4"}}
	if diff := cmp.Diff(want, records(t, s, bucket)); diff != "" {
		t.Error(diff)
	}
}

func testValues(t *testing.T, open Open) {
	s := openNew(t, open)
	want := []record{{"empty", ""}, {"large", strings.Repeat("x", 1<<20)}, {"zeros", "\x00\x00\xff"}}
	for _, r := range want {
		commit(t, s, store.Op{Bucket: bucket, Key: r.Key, Value: []byte(r.Value)})
	}
	if diff := cmp.Diff(want, records(t, s, bucket)); diff != "" {
		t.Error(diff)
	}
}

func testBuckets(t *testing.T, open Open) {
	s := openNew(t, open)
	commit(t, s,
		store.Op{Bucket: store.Allocations, Key: "k", Value: []byte("a")},
		store.Op{Bucket: store.Keys, Key: "k", Value: []byte("b")})
	commit(t, s, store.Op{Bucket: store.Keys, Key: "k"})
	if got := records(t, s, store.Allocations); !cmp.Equal(got, []record{{"k", "a"}}) {
		t.Errorf("allocations hold %v", got)
	}
	if got := records(t, s, store.Keys); len(got) != 0 {
		t.Errorf("keys hold %v", got)
	}
}

func testLastOpWins(t *testing.T, open Open) {
	s := openNew(t, open)
	commit(t, s, put("a", "1"), put("a", "2"), put("b", "1"), del("b"), del("c"), put("c", "1"))
	if diff := cmp.Diff([]record{{"a", "2"}, {"c", "1"}}, records(t, s, bucket)); diff != "" {
		t.Error(diff)
	}
}

func testDeleteAbsent(t *testing.T, open Open) {
	s := openNew(t, open)
	commit(t, s, del("a"), store.Op{Bucket: "never written", Key: "a"})
	if got := records(t, s, bucket); len(got) != 0 {
		t.Errorf("store holds %v", got)
	}
}

func testCommitNothing(t *testing.T, open Open) {
	commit(t, openNew(t, open))
}

func testBadOp(t *testing.T, open Open) {
	s := openNew(t, open)
	for _, bad := range []store.Op{
		{Bucket: bucket, Key: "", Value: []byte("v")},
		{Bucket: "", Key: "k", Value: []byte("v")},
		{Bucket: bucket, Key: strings.Repeat("k", 40_000), Value: []byte("v")},
	} {
		wantError(t, s.Commit(t.Context(), put("a", "1"), bad, put("b", "1")), store.ErrInvalid)
	}
	if got := records(t, s, bucket); len(got) != 0 {
		t.Errorf("store holds %v after failed commits", got)
	}
}

func testScanError(t *testing.T, open Open) {
	s := openNew(t, open)
	commit(t, s, put("a", "1"), put("b", "1"), put("c", "1"))
	stop, seen := errors.New("stop"), 0
	err := s.Scan(t.Context(), bucket, func(key string, _ []byte) error {
		if seen++; key == "b" {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || seen != 2 {
		t.Errorf("Scan saw %d records and returned %v", seen, err)
	}
}

func testCallerMemory(t *testing.T, open Open) {
	s := openNew(t, open)
	value := []byte("before")
	ops := []store.Op{{Bucket: bucket, Key: "a", Value: value}}
	commit(t, s, ops...)
	copy(value, "xxxxxx")
	ops[0] = store.Op{}
	if diff := cmp.Diff([]record{{"a", "before"}}, records(t, s, bucket)); diff != "" {
		t.Error(diff)
	}
}

func testDurable(t *testing.T, open Open) {
	dir := t.TempDir()
	want := []record{{"a", "1"}, {"c", "3"}}
	for range 3 {
		s := open(t, dir)
		commit(t, s, put("a", "1"), put("b", "2"), put("c", "3"))
		commit(t, s, del("b"))
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		s = open(t, dir)
		if diff := cmp.Diff(want, records(t, s, bucket)); diff != "" {
			t.Error(diff)
		}
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
}

func testGet(t *testing.T, open Open) {
	s := openNew(t, open)
	commit(t, s, put("a", "1"), put("empty", ""))
	for key, want := range map[string][]byte{"a": []byte("1"), "empty": {}, "b": nil, "": nil} {
		got, err := s.Get(t.Context(), bucket, key)
		if err != nil || (got == nil) != (want == nil) || string(got) != string(want) {
			t.Errorf("Get(%q) = %q, %v; want %q", key, got, err, want)
		}
	}
	if got, err := s.Get(t.Context(), "never written", "a"); got != nil || err != nil {
		t.Errorf("Get of a bucket that is not there = %q, %v", got, err)
	}
	got, _ := s.Get(t.Context(), bucket, "a")
	got[0] = 'x'
	if again, _ := s.Get(t.Context(), bucket, "a"); string(again) != "1" {
		t.Errorf("the caller changed the record to %q", again)
	}
}

func testRange(t *testing.T, open Open) {
	s := openNew(t, open)
	commit(t, s, put("a", ""), put("b", ""), put("b1", ""), put("c", ""))
	for _, c := range []struct {
		span store.Span
		most int
		want string
	}{
		{store.Span{}, 9, "a b b1 c"},
		{store.Span{Backward: true}, 9, "c b1 b a"},
		{store.Span{From: "b", To: "c"}, 9, "b b1"},
		{store.Span{From: "b", To: "c", Backward: true}, 9, "b1 b"},
		{store.Span{From: "aa", To: "x", Backward: true}, 2, "c b1"},
		{store.Span{From: "b0"}, 1, "b1"},
		{store.Span{From: "x"}, 9, ""},
		{store.Span{To: "a", Backward: true}, 9, ""},
		{store.Span{From: "c", To: "a"}, 9, ""},
	} {
		var got []string
		err := s.Range(t.Context(), bucket, c.span, func(k string, _ []byte) error {
			if got = append(got, k); len(got) == c.most {
				return store.ErrStop
			}
			return nil
		})
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("Range %+v = %q, %v; want %q", c.span, got, err, c.want)
		}
	}
	if err := s.Range(t.Context(), "never written", store.Span{Backward: true}, nil); err != nil {
		t.Errorf("Range of a bucket that is not there: %v", err)
	}
}

func testCounters(t *testing.T, open Open) {
	s := openNew(t, open)
	add := func(key string, n int64) store.Op { return store.Op{Bucket: bucket, Key: key, Add: n} }
	commit(t, s, add("a", 3), add("b", 1), add("a", -5), put("c", "no counter"))
	commit(t, s, add("b", -1), add("c", 2))
	counts := map[string]int64{}
	for _, r := range records(t, s, bucket) {
		counts[r.Key] = store.Count([]byte(r.Value))
	}
	if diff := cmp.Diff(map[string]int64{"a": -2, "c": 2}, counts); diff != "" {
		t.Error(diff)
	}
}

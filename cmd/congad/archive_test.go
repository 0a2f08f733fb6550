package main

import (
	"path/filepath"
	"slices"
	"testing"

	"conga/allocator/store"
	"conga/stats"
)

// The archive of the statistics keeps its rooms separate, reads a room from any
// key on, and deletes.
func TestArchive(t *testing.T) {
	disk, err := store.OpenBolt(filepath.Join(t.TempDir(), "conga.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	a, ctx := archive{disk}, t.Context()
	records := []stats.Record{{Bucket: stats.Accounts, Key: "a", Value: []byte("other")}, {Bucket: stats.Sums, Key: "=", Value: []byte("sum")}}
	for _, key := range []string{"a", "b", "b1", "c"} {
		records = append(records, stats.Record{Bucket: stats.Receipts, Key: key, Value: []byte("of " + key)})
	}
	if err := a.Save(ctx, records); err != nil {
		t.Fatal(err)
	}
	keys := func(after string, most int) (got []string) {
		t.Helper()
		err := a.Range(ctx, stats.Receipts, after, func(key string, value []byte) bool {
			if string(value) != "of "+key {
				t.Errorf("%s is %s", key, value)
			}
			got = append(got, key)
			return len(got) < most
		})
		if err != nil {
			t.Error(err)
		}
		return got
	}
	for _, c := range []struct {
		after string
		most  int
		want  []string
	}{{"", 9, []string{"a", "b", "b1", "c"}}, {"", 2, []string{"a", "b"}}, {"b", 9, []string{"b1", "c"}}, {"c", 9, nil}} {
		if got := keys(c.after, c.most); !slices.Equal(got, c.want) {
			t.Errorf("after %q at most %d: %v, want %v", c.after, c.most, got, c.want)
		}
	}
	if err := a.Save(ctx, []stats.Record{{Bucket: stats.Receipts, Key: "b"}}); err != nil {
		t.Fatal(err)
	}
	if v, err := a.Get(ctx, stats.Receipts, "b"); v != nil || err != nil {
		t.Errorf("what is deleted is %s, %v", v, err)
	}
	if v, err := a.Get(ctx, stats.Accounts, "a"); string(v) != "other" || err != nil {
		t.Errorf("the account is %s, %v", v, err)
	}
}

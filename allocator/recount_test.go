package allocator

import (
	"fmt"
	"maps"
	"testing"

	"conga/allocator/store"
	"conga/bitrate"
)

// A count of the history that cannot be read is made anew, with all others,
// and goes on.
func TestCountsAreMadeAnew(t *testing.T) {
	w := newWorld(t, 2, bitrate.Gbps)
	w.cable(1, 2, bitrate.Gbps)
	c := &chronicle{world: w}
	var last Allocation
	for i := range 30 {
		last = c.ended(uint64(1+i*200), fmt.Sprint("p", i%3), w.now-3600)
	}
	counts := func() map[string]string {
		held := map[string]string{}
		for _, part := range []store.Span{{From: "c", To: "d"}, {From: "t", To: "u"}} {
			if err := w.store.Range(bg, store.History, part, func(key string, value []byte) error {
				held[key] = string(value)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return held
	}
	before := counts()
	for key := range before {
		for _, harm := range []string{string(store.Broken()), "", "\xff\xff\xff\xff\xff\xff\xff\xff"} {
			w.store.put(store.History, key, harm)
			w.store.put(store.History, projectKey("c", "nothing")+number(7), harm)
			w.open()
			if after := counts(); !maps.Equal(after, before) {
				t.Fatalf("%q was %q: the counts are %q, want %q", key, harm, after, before)
			}
		}
	}
	if _, n, err := w.a.Page(bg, Filter{State: Complete}, 0, 10); err != nil || n != 30 {
		t.Errorf("%d are complete (%v)", n, err)
	}
	if _, n, err := w.a.Page(bg, Filter{State: Complete, Project: last.ProjectID}, 0, 10); err != nil || n != 10 {
		t.Errorf("%d of %s are complete (%v)", n, last.ProjectID, err)
	}
	if err := w.a.Release(bg, last.ID, 0); err != nil {
		t.Fatal(err)
	}
	if _, n, err := w.a.Page(bg, Filter{State: Complete}, 0, 10); err != nil || n != 29 {
		t.Errorf("%d are complete when one is deleted (%v)", n, err)
	}
}

package allocator

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"conga/allocator/store"
	"conga/bitrate"
)

// TestDamagedHistory: a record of the history that cannot be read is named in
// the log. The allocator is opened, and the others are listed, and removed in
// time.
func TestDamagedHistory(t *testing.T) {
	for name, damaged := range map[string]func(string) string{
		fmt.Sprint("it has version ", recordVersion+1): func(v string) string { return string(rune(recordVersion+1)) + v[1:] },
		"it has version 99":                            func(string) string { return `{"v":99}` },
		"unexpected end":                               func(v string) string { return v[:len(v)-3] },
		"it is number 7":                               func(v string) string { return v[:1] + "\x07" + v[2:] },
		"it has no number":                             func(v string) string { return v[:1] + "\x00" + v[2:] },
		"invalid character":                            func(string) string { return "{no" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1, bitrate.Gbps)
			var log bytes.Buffer
			w.cfg.Log, w.cfg.History = slog.New(slog.NewTextHandler(&log, nil)), time.Hour
			c := &chronicle{world: w}
			for seq := range uint64(3) {
				c.ended(1+seq, "p", w.now-3600)
			}
			young := c.ended(5, "p", w.now)
			w.open()
			bad := func(seq uint64) {
				key := recordKey(seq)
				w.store.put(store.History, key, damaged(w.store.get(store.History, key)))
			}
			bad(2)
			if n, err := w.a.Prune(bg); n != 2 || err != nil {
				t.Errorf("%d removed, error %v", n, err)
			}
			if text := log.String(); !strings.Contains(text, "number 2 of the history") || !strings.Contains(text, name) {
				t.Errorf("the log says %s", text)
			}
			if v, err := w.a.Get(young.ID); err != nil || v.ID != young.ID {
				t.Errorf("%v, error %v", v, err)
			}
			bad(5)
			if _, err := w.a.Get(young.ID); refusedAs(err) != Internal || !strings.Contains(err.Error(), "is damaged") {
				t.Errorf("error %v", err)
			}
			whole := c.ended(4, "p", w.now)
			log.Reset()
			w.open()
			if text := log.String(); !strings.Contains(text, "number 5 of the history") || !strings.Contains(text, name) || !strings.Contains(text, "records=1 ") {
				t.Errorf("the log says %s", text)
			}
			page, _, err := w.a.Page(bg, Filter{}, 0, 10)
			stretch, failed := w.a.Step(bg, Filter{State: Complete}, Walk{}, 10)
			if err != nil || failed != nil || !sameIDs(page, []Allocation{whole}) || !sameIDs(stretch.List, page) {
				t.Errorf("listed: %v and %v, errors %v, %v", page, stretch, err, failed)
			}
			if w.a.seq != 5 {
				t.Errorf("the last number is %d", w.a.seq)
			}
		})
	}
}

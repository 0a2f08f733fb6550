package allocator

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller/path"
)

// TestProblems has every record that cannot be one of ours found, and none that
// can.
func TestProblems(t *testing.T) {
	whole := record{Version: recordVersion, Seq: 1, Allocation: Allocation{
		ID: "a", Handle: 1, State: Active, Window: Window{10, 20},
		Path: path.Path{{DPID: 1, In: 1, Out: 2}}, Request: ask(1, 1, 2, 1, 1<<62-1, 10),
	}}
	for _, x := range []struct {
		change func(*record)
		text   string // "": it is whole
	}{
		{func(*record) {}, ""},
		{func(r *record) { r.ID = "b" }, `it is about allocation "b"`},
		{func(r *record) { r.Seq = 0 }, "it has no number"},
		{func(r *record) { r.Handle = 0 }, "it has no number"},
		{func(r *record) { r.State = "done" }, `"done" is no state`},
		{func(r *record) { r.State = Pending }, ""},
		{func(r *record) { r.Window = Window{21, 20} }, "[21, 20) is no window"},
		{func(r *record) { r.Window = Window{20, 20} }, "[20, 20) is no window"},
		{func(r *record) { r.Window, r.State = Window{20, 20}, Complete }, ""}, // it ended as it began
		{func(r *record) { r.Window = Window{-1, 20} }, "[-1, 20) is no window"},
		{func(r *record) { r.Window = Window{0, 20} }, ""},
		{func(r *record) { r.Window = Window{} }, "it is active without a path or a window"},
		{func(r *record) { r.Path = nil }, "it is active without a path or a window"},
		{func(r *record) { r.Path, r.Window, r.State = nil, Window{}, Pending }, ""},
		{func(r *record) { r.Key.Src = path.Prefix{} }, "its addresses are not valid"},
		{func(r *record) { r.MaxHops = -1 }, "its constraints are not valid"},
		{func(r *record) { r.Bandwidth = 1 << 62 }, "its bandwidth is impossible"},
		{func(r *record) { r.Reverse = path.Reverse{Apart: true, Rate: 1 << 62} }, "its bandwidth is impossible"},
		{func(r *record) { r.Profile = []Step{{Window{10, 15}, 2}, {Window{15, 20}, 1}} }, ""},
		{func(r *record) {
			r.Profile, r.State, r.Window, r.Path = []Step{{Window{10, 20}, 2}}, Pending, Window{}, nil
		}, "it has steps without a window"},
		{func(r *record) { r.Bandwidth, r.Path, r.State = 1<<62, nil, Pending }, ""}, // it holds nothing
	} {
		r := whole
		x.change(&r)
		if got := r.problem("a"); got != x.text {
			t.Errorf("%+v: %q, want %q", r, got, x.text)
		}
	}
	if got := whole.problem(""); got != "" {
		t.Errorf("%q of a record with any key", got)
	}
}

// TestHistoryThatContradictsItself: what is found under an ID is not given out,
// nor changed, where it is another allocation or one that is not complete.
func TestHistoryThatContradictsItself(t *testing.T) {
	for name, damage := range map[string]func(w *world){
		`it leads to allocation \"past2\"`: func(w *world) { w.store.put(store.History, indexKey("past1"), number(2)) },
		"it is pending": func(w *world) {
			r := record{Version: recordVersion, Seq: 1, Done: 3, Allocation: Allocation{
				ID: "past1", Handle: 1, State: Pending, Window: Window{2, 3}, Request: ask(1, 1, 2, 1, 0, 1),
			}}
			value, err := r.encode()
			if err != nil {
				w.Fatal(err)
			}
			w.store.put(store.History, recordKey(1), string(value))
		},
	} {
		w := newWorld(t, 1, bitrate.Gbps)
		var log bytes.Buffer
		w.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
		c := &chronicle{world: w}
		c.ended(1, "p", 3)
		c.ended(2, "p", 3)
		w.open()
		damage(w)
		log.Reset()
		_, get := w.a.Get("past1")
		_, update := w.a.Update(bg, "past1", 0, Change{Duration: new(Seconds(9))})
		for what, err := range map[string]error{"get": get, "update": update, "delete": w.a.Release(bg, "past1", 0)} {
			if refusedAs(err) != Internal || !strings.Contains(err.Error(), "is damaged") {
				t.Errorf("%s: %s of it: %v", name, what, err)
			}
		}
		if !strings.Contains(log.String(), name) {
			t.Errorf("%s: the log says %s", name, log.String())
		}
		if v := w.get("past2"); v.ID != "past2" {
			t.Errorf("%s: the other is %+v", name, v)
		}
	}
}

// TestUnsavedSaysWhy: users are told that nothing was changed, and a caller can
// tell why.
func TestUnsavedSaysWhy(t *testing.T) {
	w, _ := pair(t)
	full := errors.New("no space left")
	w.store.fail = full
	_, err := w.a.Create(bg, ask(1, 1, 2, 1, 1, 10))
	if refused(t, err, Internal, ""); !errors.Is(err, full) || !errors.Is(err, errInternal) || err.Error() != errInternal.Error() {
		t.Errorf("%v", err)
	}
}

// TestPrunedIsReported: what is removed because it is old is reported by its
// ID, once it is gone, and is no other event.
func TestPrunedIsReported(t *testing.T) {
	w := newWorld(t, 1, bitrate.Gbps)
	w.cfg.History = time.Hour
	var gone []string
	w.cfg.Pruned = func(id string) { gone = append(gone, id) }
	w.cfg.Notify = func(v Allocation, _ bool) { t.Errorf("an event about %s", v.ID) }
	c := &chronicle{world: w}
	c.ended(1, "p", w.now-3600)
	c.ended(2, "p", w.now-3599)
	w.open()
	w.store.fail = errors.New("disk full")
	if _, err := w.a.Prune(bg); err == nil || len(gone) != 0 {
		t.Errorf("%v is said to be gone although it is not saved: %v", gone, err)
	}
	w.store.fail = nil
	if n, err := w.a.Prune(bg); n != 1 || err != nil || len(gone) != 1 || gone[0] != "past1" {
		t.Errorf("%d removed (%v), %v is reported", n, err, gone)
	}
}

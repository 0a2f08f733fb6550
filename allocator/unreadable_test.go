package allocator

import (
	"context"
	"errors"
	"strings"
	"testing"

	"conga/allocator/store"
	"conga/bitrate"
)

// broken is a store of which some keys of the history cannot be read.
type broken struct {
	*memory
	keys string // how they begin: "r" of records, "i" of IDs, "c" of counts
}

var errBroken = errors.New("medium error")

func (b *broken) Get(ctx context.Context, bucket store.Bucket, key string) ([]byte, error) {
	if b.keys != "" && strings.HasPrefix(key, b.keys) {
		return nil, errBroken
	}
	return b.memory.Get(ctx, bucket, key)
}

func (b *broken) Range(ctx context.Context, bucket store.Bucket, s store.Span, f func(string, []byte) error) error {
	if b.keys != "" && strings.HasPrefix(s.From, b.keys) {
		return errBroken
	}
	return b.memory.Range(ctx, bucket, s, f)
}

// TestStoreThatCannotBeReadInPart: each question about what is complete fails
// where a part of the history that it needs cannot be read, and only then. What
// cannot be read does not count as missing.
func TestStoreThatCannotBeReadInPart(t *testing.T) {
	w := newWorld(t, 2, bitrate.Gbps)
	w.cable(1, 2, bitrate.Gbps)
	w.cfg.History = 1
	c := &chronicle{world: w}
	for seq := range uint64(3) {
		c.ended(seq+1, "p", 3)
	}
	w.open()
	live := w.create(ask(1, 1, 2, 1, 1, 60))
	part := &broken{memory: w.store}
	w.a.cfg.Store = part
	for name, x := range map[string]struct {
		needs string // the parts
		call  func() error
	}{
		"get":                {"ri", func() error { _, err := w.a.Get("past1"); return err }},
		"update":             {"ri", func() error { return unless(Conflict)(w.a.Update(bg, "past1", 0, Change{Duration: new(Seconds(1))})) }},
		"page":               {"rc", func() error { _, _, err := w.a.Page(bg, Filter{}, 0, 9); return err }},
		"page of a project":  {"rcp", func() error { _, _, err := w.a.Page(bg, Filter{Project: "p"}, 0, 9); return err }},
		"page of what lives": {"", func() error { _, _, err := w.a.Page(bg, Filter{State: Pending}, 0, 9); return err }},
		"past":               {"i", func() error { return w.a.Past(bg, "", func(string) error { return nil }) }},
		"past of a project":  {"p", func() error { return w.a.Past(bg, "p", func(string) error { return nil }) }},
		"step":               {"r", func() error { _, err := w.a.Step(bg, Filter{}, Begin(false), 9); return err }},
		"step of a project":  {"rp", func() error { _, err := w.a.Step(bg, Filter{Project: "p"}, Begin(false), 9); return err }},
		"step of a user":     {"r", func() error { _, err := w.a.Step(bg, Filter{User: "u"}, Begin(false), 9); return err }},
		"step of what lives": {"", func() error { _, err := w.a.Step(bg, Filter{State: Active}, Begin(false), 9); return err }},
		"skip":               {"rci", func() error { _, err := w.a.Skip(bg, Filter{}, false, 2); return err }},
		"skip from the end":  {"rci", func() error { _, err := w.a.Skip(bg, Filter{}, true, 3); return err }},
		"skip to the live":   {"c", func() error { _, err := w.a.Skip(bg, Filter{State: Pending}, true, 1); return err }},
	} {
		for _, keys := range []string{"r", "i", "c", "p"} {
			part.keys = keys
			err := x.call()
			fails := strings.Contains(x.needs, keys)
			if name == "skip to the live" {
				fails = false
			}
			if fails != (err != nil) || fails && (refusedAs(err) != Internal || err.Error() != errUnread.Error()) {
				t.Errorf("%s without %q: error %v", name, keys, err)
			}
		}
	}
	part.keys = "i"
	if !w.a.Known("past1") || !w.a.Known(live.ID) {
		t.Error("what cannot be looked for is said not to be")
	}
	for _, keys := range []string{"r", "e"} {
		part.keys = keys
		if n, err := w.a.Prune(bg); n != 0 || refusedAs(err) != Internal {
			t.Errorf("without %q: %d are removed, error %v", keys, n, err)
		}
	}
	part.keys = ""
	if n, err := w.a.Prune(bg); n != 3 || err != nil {
		t.Errorf("%d are removed, error %v", n, err)
	}
}

// unless returns a function that returns the error of an update if it is of
// another kind.
func unless(kind Kind) func(Allocation, error) error {
	return func(_ Allocation, err error) error {
		if refusedAs(err) == kind {
			return nil
		}
		return err
	}
}

// TestAskedInVain: what is called with a context that has ended does nothing.
func TestAskedInVain(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 4, 100))
	over, end := context.WithCancel(bg)
	end()
	_, create := w.a.Create(over, ask(1, 2, 2, 2, 4, 100))
	_, update := w.a.Update(over, v.ID, 0, Change{Duration: new(Seconds(9))})
	_, prune := w.a.Prune(over)
	for what, err := range map[string]error{"create": create, "update": update, "release": w.a.Release(over, v.ID, 0), "prune": prune} {
		if refusedAs(err) != Internal || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := w.list(""); len(got) != 1 || got[0].Request != v.Request {
		t.Errorf("%+v", got)
	}
}

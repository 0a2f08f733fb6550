package allocator

import (
	"errors"
	"strings"
	"testing"

	"conga/allocator/store"
)

// A record of what lives is checked as it is read: by itself, and against those
// that came before it.
func TestCheckLive(t *testing.T) {
	made := func(id string, seq uint64, handle uint32, state State) string {
		r := record{Seq: seq, Allocation: Allocation{ID: id, Handle: handle, Request: ask(1, 1, 2, 1, 1, 100), State: state}}
		value, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(value)
	}
	first := made("first", 1, 1, Pending)
	check := CheckLive()
	for _, c := range []struct{ key, value, says string }{
		{"first", first, ""},
		{"second", made("second", 2, 2, Pending), ""},
		{"third", made("third", 1, 3, Pending), "the same number 1 as \"first\""},
		{"fourth", made("fourth", 4, 2, Pending), "the same handle 2 as \"second\""},
		{"fifth", made("fifth", 4, 3, Pending), ""},
		{"sixth", first, "it is about allocation \"first\""},
		{"seventh", "{no", "invalid character"},
		{"first", first[:len(first)-1], "unexpected end"},
		{"done", made("done", 1, 1, Complete), ""}, // it is about to be moved, and its handle may come again
	} {
		err := check(c.key, []byte(c.value))
		if e, ok := errors.AsType[*store.RecordError](err); (c.says != "") != ok || ok && !strings.Contains(e.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.key, err, c.says)
		}
	}
}

// Each kind of record of the history has a form of its own.
func TestCheckHistory(t *testing.T) {
	w, _ := pair(t)
	c := &chronicle{world: w}
	c.ended(3, "p", w.now)
	good := w.store.get(store.History, recordKey(3))
	for name, c := range map[string]struct {
		key   string
		value string
		bad   bool
	}{
		"a record":              {recordKey(3), good, false},
		"of another number":     {recordKey(4), good, true},
		"cut":                   {recordKey(3), good[:len(good)-2], true},
		"an ID":                 {"iabc", number(3), false},
		"no number":             {"iabc", "1234567", true},
		"a count":               {"c\x00\x00\x00\x01x", number(7), false},
		"of nothing":            {"c123", number(7), true},
		"below zero":            {"c\x00\x00\x00\x01x", number(1<<64 - 1), true},
		"of too many":           {"t\x00\x00\x00\x01x", number(1 << 31), true},
		"the most":              {"t\x00\x00\x00\x01x", number(1<<31 - 1), false},
		"a position":            {"pp", "id", false},
		"of nothing known":      {"pp", "", true},
		"a moment":              {doneKey(w.now, 3), "", false},
		"a moment with content": {doneKey(w.now, 3), "x", true},
		"no moment":             {"e1234567", "", true},
		"no kind":               {"x", "", true},
		"no key":                {"", "", true},
	} {
		if err := CheckHistory(c.key, []byte(c.value)); (err != nil) != c.bad {
			t.Errorf("%s: %v", name, err)
		}
	}
}

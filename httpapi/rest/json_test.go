package rest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParseObject compares the decoder with encoding/json: what ours takes,
// encoding/json takes too and understands in the same way; what ours refuses is
// invalid, ambiguous, or no object. Every sentence stays short.
func FuzzParseObject(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { } `, `{"a":1}`, `{"a":1,"a":2}`, `{"a":{"a":1,"a":2},"b":[1,"]",{"}":"{"}]}`,
		`{"\u0061":1,"a":2}`, `{"a":"\"","b":"\\"}`, `{"a" : -1.5e+3 , "b":true,"c":null}`, `{"a":1}x`, `[]`, `"x"`, ``,
		"{\"a\":\"\xff\"}", `{"\ud800":1,"\ud801":2}`, `{"a":1,}`, `{"duration":3600,"src_ip":"1.2.3.4","x":[[[]]]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := ParseObject(bytes.Clone(raw))
		var want map[string]json.RawMessage
		valid := utf8.Valid(raw) && json.Unmarshal(raw, &want) == nil && want != nil
		if err != nil {
			e, ok := err.(*Fault)
			if !ok || e.Status != 400 || len(e.Reasons) != 1 || len(e.Reasons[0]) > 300 {
				t.Fatalf("error is %v", err)
			}
			if valid && len(want) <= maxMembers && !strings.Contains(e.Reasons[0], "given twice") {
				t.Fatalf("%q was refused: %v", raw, err)
			}
			return
		}
		if !valid {
			t.Fatalf("%q was taken", raw)
		}
		names := map[string]bool{}
		for _, m := range got.members {
			names[m.name] = true
			if !bytes.Equal(m.raw, want[m.name]) {
				t.Fatalf("%q: %s is %q, want %q", raw, m.name, m.raw, want[m.name])
			}
		}
		if len(names) != len(got.members) || !slices.Equal(slices.Sorted(maps.Keys(names)), slices.Sorted(maps.Keys(want))) {
			t.Fatalf("%q: members %v", raw, names)
		}
		// Whatever the members are, taking them must not panic.
		takeAll(got)
		if err := got.Done(); err != nil && len(err.Error()) > 100*maxMembers {
			t.Fatalf("error of %d bytes", len(err.Error()))
		}
	})
}

// takeAll takes every field in every way.
func takeAll(f *Fields) {
	for name := range f.All() {
		f.Text(name)
		f.Integer(name, 1, 10)
		f.LooseInteger(name, 1, 10)
		f.Address(name)
		f.Choices(name, []string{"a", "b"})
		f.Object(name, takeAll)
	}
	f.Require("duration", "a")
	f.wrongType, f.invalid = nil, nil // they add up
	f.Ignore("a")
}

package acceptance

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A values holds what the names in an example stand for: whatever is there
// where the name occurs first.
type values map[string]any

// like compares an answer with an example of a document: it must have the same
// members with the same values, $name standing for one value of the type that
// $name:type says (text if it says none), and nothing else except ours.
func like(t *testing.T, example, got string, v values) {
	t.Helper()
	var want, have any
	for text, into := range map[string]*any{example: &want, got: &have} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	compare(t, "", want, have, v)
	if t.Failed() {
		t.Logf("the answer is %s", got)
	}
}

// ours are the members that CONGA adds to the objects of the document.
var ours = []string{"protocol", "lease", "active_lease", "hold", "earliest", "deadline", "volume", "min_bandwidth", "max_bandwidth", "reverse_bandwidth", "include", "avoid", "disjoint_from", "max_hops", "max_latency", "protection", "class", "series", "recurrence", "changed_by", "reason", "degraded", "profile", "path", "backup_path", "carried_by", "connections", "in_use", "receipt", "_links"}

func compare(t *testing.T, at string, want, got any, v values) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s is %v, want an object", at, got)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(g)) {
			if _, documented := want[name]; !documented && !slices.Contains(ours, name) {
				t.Errorf("%s.%s is neither in the document nor ours", at, name)
			}
		}
		for name, w := range want {
			if value, present := g[name]; present {
				compare(t, at+"."+name, w, value, v)
			} else {
				t.Errorf("%s.%s is missing", at, name)
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			t.Errorf("%s is %v, want %d elements", at, got, len(want))
			return
		}
		for i := range want {
			compare(t, fmt.Sprintf("%s[%d]", at, i), want[i], g[i], v)
		}
	case string:
		if !strings.HasPrefix(want, "$") {
			if got != want {
				t.Errorf("%s is %v, want %s", at, got, want)
			}
			return
		}
		v.check(t, at, want, got)
	default:
		if got != want {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	}
}

// check gives a name its value, or compares a value with the one it has.
func (v values) check(t *testing.T, at, want string, got any) {
	t.Helper()
	name, kind, _ := strings.Cut(want, ":")
	if is := typeOf(got); is != kind && (is != "string" || kind != "") {
		t.Errorf("%s is %v, want a value of type %s", at, got, kind)
	}
	if known, ok := v[name]; ok && known != got {
		t.Errorf("%s is %v, want %s, which is %v", at, got, name, known)
	}
	v[name] = got
}

// typeOf returns the type of a JSON value in the documents' words.
func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "boolean"
}

// number returns the integer that a name stands for.
func (v values) number(t *testing.T, name string) int64 {
	t.Helper()
	f, ok := v[name].(float64)
	if !ok {
		t.Fatalf("%s is %v", name, v[name])
	}
	return int64(f)
}

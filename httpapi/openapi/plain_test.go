package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"conga/httpapi/openapi"
)

type object = map[string]any

func load(t *testing.T, form func() ([]byte, error)) object {
	t.Helper()
	text, err := form()
	doc := object{}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		err = d.Decode(&doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// each calls f with every object below v, and where it is.
func each(v any, at string, f func(o object, at string)) {
	switch v := v.(type) {
	case object:
		f(v, at)
		for name, in := range v {
			each(in, at+"/"+name, f)
		}
	case []any:
		for i, in := range v {
			each(in, fmt.Sprint(at, "/", i), f)
		}
	}
}

// TestPlainWords: the served form has none of the words that a generator of
// clients is known to stumble over, and every result has a type.
func TestPlainWords(t *testing.T) {
	doc := load(t, openapi.Document)
	each(doc, "", func(o object, at string) {
		if strings.HasSuffix(at, "/properties") {
			return // its names are not words
		}
		for _, word := range []string{"allOf", "anyOf", "const", "exclusiveMinimum", "exclusiveMaximum", "not", "if"} {
			if o[word] != nil {
				t.Errorf("%s has %s", at, word)
			}
		}
		if types, _ := o["type"].([]any); len(types) > 2 || len(types) == 2 && !slices.Contains(types, any("null")) {
			t.Errorf("%s is of %v", at, types)
		}
		if o["enum"] != nil && o["type"] == nil {
			t.Errorf("%s has values without a type", at)
		}
		if most, ok := o["maximum"].(json.Number); ok {
			if _, err := most.Int64(); err != nil {
				t.Errorf("%s is up to %s", at, most)
			}
		}
		if o["type"] == "array" && o["items"] == nil {
			t.Errorf("%s is an array of anything", at)
		}
	})
	answers := 0
	each(doc["paths"], "", func(o object, at string) {
		if !strings.HasSuffix(at, "/application/json/schema/properties/results") {
			return
		}
		answers++
		if items := o["items"].(object); items["$ref"] == nil && items["properties"] == nil && !strings.HasPrefix(at, "//session/delete/") { // which has none
			t.Errorf("%s is of %v", at, items)
		}
	})
	if answers < 50 {
		t.Errorf("%d answers have results", answers)
	}
}

// TestPlainIsTheContract in other words: it has the same addresses and methods
// but for what the contract has twice.
func TestPlainIsTheContract(t *testing.T) {
	plain, contract := load(t, openapi.Document)["paths"].(object), load(t, openapi.Contract)["paths"].(object)
	for at, item := range contract {
		if rest, ok := strings.CutPrefix(at, "/api/"); ok && contract["/api/v1/"+rest] != nil {
			continue
		}
		for method := range item.(object) {
			if mine, _ := plain[at].(object); mine[method] == nil && method != "head" {
				t.Errorf("%s %s is in the contract only", method, at)
			}
		}
	}
	for at, item := range plain {
		for method := range item.(object) {
			if theirs, _ := contract[at].(object); theirs[method] == nil {
				t.Errorf("%s %s is served only", method, at)
			}
		}
	}
}

// TestPlainSchemas has what one schema of each kind becomes.
func TestPlainSchemas(t *testing.T) {
	schemas := load(t, openapi.Document)["components"].(object)["schemas"].(object)
	is := func(at, want string) {
		t.Helper()
		v := any(schemas)
		for name := range strings.SplitSeq(at, ".") {
			v = v.(object)[name]
		}
		if got, err := json.Marshal(v); string(got) != want || err != nil {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
	is("Deadline.oneOf", `[{"maximum":253402300799,"minimum":1,"type":"integer"},{"pattern":"^(now|[+][0-9]{1,8})$","type":"string"},{"type":"null"}]`)
	is("Created.required", `["_links"]`)
	is("Created.properties.series.type", `["string","null"]`)
	is("AllocationCreation.required", `["project_id"]`)
	is("Alternatives.items", `{"$ref":"#/components/schemas/AllocationCreation"}`)
	is("Bandwidth.minimum", `1`)
	is("Bandwidth.maximum", `9223372036854775807`)
	is("Key.properties.api_key.type", `"string"`)
	is("AllocationRequest", `null`) // a part of AllocationCreation
	is("Allocation.properties.carried_by.type", `["string","null"]`)
	is("Allocation.x-ogen-properties._links.name", `"Relations"`)
}

package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// schemas says the schemas of a document, which may have all of JSON Schema, in
// the words that generators of clients know: each has a type, what may be one
// of several objects is one object with the properties of all, and a bound that
// they cannot express is left to the description.
type schemas struct {
	named object // by name; the components
}

// within replaces the schemas of parameters, headers and bodies below v.
func (s schemas) within(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, in := range v {
			if name == "schema" {
				v[name] = map[string]any(s.plain(asObject(in)))
			} else if name != "schemas" {
				s.within(in)
			}
		}
	case []any:
		for _, in := range v {
			s.within(in)
		}
	}
}

// plain returns what a schema is in the words of generators. It leaves out the
// key that a request may have in its body.
func (s schemas) plain(o object) object {
	o = s.extended(s.inner(maps.Clone(o)))
	typed(o)
	bounded(o)
	severalTypes(o)
	o = s.merged(o)
	if o["type"] == "array" && o["items"] == nil {
		o["items"] = map[string]any{"type": "string"} // errors of a success, of which there are none
	}
	if asObject(o["properties"])["_links"] != nil { // beside a property "links"
		o["x-ogen-properties"] = map[string]any{"_links": map[string]any{"name": "Relations"}}
	}
	return o
}

// inner replaces the schemas in o.
func (s schemas) inner(o object) object {
	if o["properties"] != nil {
		o["properties"] = map[string]any(s.properties(asObject(o["properties"])))
	}
	for _, name := range []string{"items", "additionalProperties"} {
		if in := asObject(o[name]); in != nil {
			o[name] = map[string]any(s.plain(in))
		}
	}
	for _, name := range []string{"oneOf", "allOf"} {
		list, ok := o[name].([]any)
		if !ok {
			continue
		}
		list = slices.Clone(list)
		for i, v := range list {
			list[i] = map[string]any(s.plain(asObject(v)))
		}
		o[name] = list
	}
	return o
}

// properties returns the schemas of properties, without those that are read
// over and without the key.
func (s schemas) properties(all object) object {
	properties := object{}
	for name, v := range all {
		p := s.plain(asObject(v))
		if asked := name == "api_key" && p["type"] != "string"; !asked && !saysNothing(p) {
			properties[name] = map[string]any(p)
		}
	}
	return properties
}

// saysNothing reports whether a schema takes any value, as that of a property
// does that is read over.
func saysNothing(o object) bool {
	for name := range o {
		if name != "description" {
			return false
		}
	}
	return true
}

// resolve returns the schema that o refers to, or o.
func (s schemas) resolve(o object) object {
	for {
		ref, ok := o["$ref"].(string)
		if !ok {
			return o
		}
		o = asObject(s.named[strings.TrimPrefix(ref, "#/components/schemas/")])
	}
}

// extended returns a schema that is all of another and something more: with
// the properties and required names of both.
func (s schemas) extended(o object) object {
	all, _ := o["allOf"].([]any)
	if len(all) != 1 {
		return o
	}
	delete(o, "allOf")
	base := asObject(all[0])
	if o["properties"] == nil && o["required"] == nil {
		maps.Copy(o, base) // a description only
		return o
	}
	both := s.plain(s.resolve(base))
	properties := maps.Clone(asObject(both["properties"]))
	for name, v := range asObject(o["properties"]) {
		p := maps.Clone(asObject(properties[name]))
		if p == nil {
			p = object{}
		}
		maps.Copy(p, asObject(v))
		properties[name] = map[string]any(p)
	}
	both["properties"] = map[string]any(properties)
	mine, _ := o["required"].([]any)
	theirs, _ := both["required"].([]any)
	both["required"] = append(slices.Clone(theirs), mine...)
	if o["description"] != nil {
		both["description"] = o["description"]
	}
	return both
}

// typed gives a schema that lists its values their type.
func typed(o object) {
	if v, ok := o["const"]; ok {
		delete(o, "const")
		o["enum"] = []any{v}
	}
	values, _ := o["enum"].([]any)
	if o["type"] != nil || values == nil {
		return
	}
	var types []any
	for _, v := range values {
		if t := typeOf(v); !slices.Contains(types, any(t)) {
			types = append(types, t)
		}
	}
	if o["type"] = types; len(types) == 1 {
		o["type"] = types[0]
	}
}

// typeOf returns the type of a value that is no object and no array.
func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		return "integer"
	}
	return "null"
}

// bounded leaves out what generators take for something else, or have no room
// for.
func bounded(o object) {
	if most, ok := o["maximum"].(json.Number); ok {
		if _, err := strconv.ParseInt(most.String(), 10, 64); err != nil {
			delete(o, "maximum")
		}
	}
	for exclusive, inclusive := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		if v, ok := o[exclusive].(json.Number); ok {
			delete(o, exclusive)
			o[inclusive] = v
		}
	}
	if v, ok := o["anyOf"].([]any); ok && !slices.ContainsFunc(v, func(v any) bool { return asObject(v)["required"] == nil }) {
		delete(o, "anyOf")
	}
}

// ofType are the words that say something of values of one type only.
var ofType = map[string][]string{
	"integer": {"minimum", "maximum", "format"}, "number": {"minimum", "maximum", "format"},
	"string": {"pattern", "minLength", "maxLength"},
}

// severalTypes says that a value is of one of several types, beside null, as
// several schemas.
func severalTypes(o object) {
	types, _ := o["type"].([]any)
	if len(types) < 2 || len(types) == 2 && slices.Contains(types, any("null")) {
		return
	}
	var one []any
	for _, t := range types {
		schema := map[string]any{"type": t}
		for _, word := range ofType[fmt.Sprint(t)] {
			if v, ok := o[word]; ok {
				schema[word] = v
			}
		}
		one = append(one, schema)
	}
	for _, words := range ofType {
		for _, word := range words {
			delete(o, word)
		}
	}
	delete(o, "type")
	o["oneOf"] = one
}

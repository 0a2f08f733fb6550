package rest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Choices takes a list of some of known, each at most once; nil if it is absent
// or null.
func (f *Fields) Choices(name string, known []string) (out []string) {
	raw := f.take(name)
	if raw == nil || raw[0] == 'n' {
		return nil
	}
	if raw[0] != '[' {
		f.mistype(name, "an array of strings", raw)
		return nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || len(items) == 0 || len(items) > len(known) {
		f.Reject(name, "must name 1 to %d of %s", len(known), strings.Join(known, ", "))
		return nil
	}
	for i, item := range items {
		if item[0] != '"' {
			f.mistype(fmt.Sprintf("%s[%d]", name, i), "a string", item)
			return nil
		}
		text, err := unquote(item)
		if err != nil || !slices.Contains(known, text) || slices.Contains(out, text) {
			f.Reject(name, "must name some of %s, each once", strings.Join(known, ", "))
			return nil
		}
		out = append(out, text)
	}
	return out
}

// Texts takes a list of strings, at most so many.
func (f *Fields) Texts(name string, most int) (out Value[[]string]) {
	raw := f.take(name)
	switch {
	case raw == nil:
		return out
	case raw[0] == 'n':
		out.Null = true
		return out
	case raw[0] != '[':
		f.mistype(name, "an array of strings", raw)
		return out
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || len(items) > most {
		f.Reject(name, "must have at most %d elements", most)
		return out
	}
	for i, item := range items {
		text, err := "", error(nil)
		if item[0] == '"' {
			text, err = unquote(item)
		}
		if item[0] != '"' || err != nil {
			f.mistype(fmt.Sprintf("%s[%d]", name, i), "a string", item)
			return Value[[]string]{}
		}
		out.V = append(out.V, text)
	}
	out.Set = true
	return out
}

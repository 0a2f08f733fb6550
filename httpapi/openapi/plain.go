package openapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"conga/httpapi/rest"
)

// plain returns the form of a document that generators of clients can read. It
// has one way to do each thing: JSON without a version, the address with one,
// the key in the header, one schema for all that is refused. Schemas are those
// of the files in other words; see [schemas].
func plain(doc object) (object, error) {
	for at, item := range asObject(doc["paths"]) {
		for method, v := range asObject(item) {
			if operation := asObject(v); operation != nil && !operation.oneWay(method) {
				return nil, fmt.Errorf("%s %s has no responses", method, at)
			}
		}
	}
	doc["security"] = []any{map[string]any{"bearer": []any{}}, map[string]any{}}
	components := asObject(doc["components"])
	// Generators put schemas, bodies and responses into one space of names.
	suffix(doc, components, "responses", "Response")
	suffix(doc, components, "requestBodies", "Body")
	onlyJSON(doc)
	s := schemas{asObject(components["schemas"])}
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		s.named[name] = map[string]any(s.plain(asObject(s.named[name])))
	}
	s.within(map[string]any(doc))
	unused(doc, components)
	return doc, s.missing(doc)
}

// oneWay leaves an operation one way to be asked and one to refuse. It reports
// whether it has responses.
func (o object) oneWay(method string) bool {
	if method == "get" || method == "delete" {
		delete(o, "requestBody") // it has a key only
	}
	responses := asObject(o["responses"])
	if refused, ok := responses["4XX"]; ok {
		delete(responses, "4XX")
		delete(responses, "5XX")
		responses["default"] = refused
	}
	return responses != nil
}

// suffix adds an end to the names of all components of a kind, and to what
// refers to them.
func suffix(doc, components object, kind, end string) {
	renamed := map[string]any{}
	for name, v := range asObject(components[kind]) {
		renamed[name+end] = v
	}
	components[kind] = renamed
	refs(map[string]any(doc), func(ref string) string {
		if strings.HasPrefix(ref, "#/components/"+kind+"/") {
			return ref + end
		}
		return ref
	})
}

// refs replaces each reference below v by what to returns for it.
func refs(v any, to func(string) string) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			v["$ref"] = to(ref)
		}
		for _, in := range v {
			refs(in, to)
		}
	case []any:
		for _, in := range v {
			refs(in, to)
		}
	}
}

// onlyJSON removes the media types beside plain JSON where that is one of them.
func onlyJSON(o object) {
	if content := asObject(o["content"]); content[rest.TypeJSON] != nil {
		maps.DeleteFunc(content, func(kind string, _ any) bool { return kind != rest.TypeJSON })
	}
	for _, v := range o {
		if in := asObject(v); in != nil {
			onlyJSON(in)
		}
	}
}

// unused removes components that nothing refers to, as long as there are any.
func unused(doc, components object) {
	for {
		used := map[string]bool{}
		refs(map[string]any(doc), func(ref string) string { used[ref] = true; return ref })
		removed := false
		for kind, all := range components {
			if kind == "securitySchemes" {
				continue
			}
			maps.DeleteFunc(asObject(all), func(name string, _ any) bool {
				gone := !used["#/components/"+kind+"/"+name]
				removed = removed || gone
				return gone
			})
		}
		if !removed {
			return
		}
	}
}

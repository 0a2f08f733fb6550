package openapi

import (
	"fmt"
	"slices"
	"strings"
)

// merged returns a schema of one of several objects as that of one object: it
// has the properties of all, and requires those that all require.
func (s schemas) merged(o object) object {
	one, _ := o["oneOf"].([]any)
	var objects []object
	null := false
	for _, v := range one {
		of := s.resolve(asObject(v))
		switch of["type"] {
		case "object":
			objects = append(objects, s.plain(of))
		case "null":
			null = true
		case "array": // a short form of one of the objects
		default:
			return o
		}
	}
	if len(objects) < 2 {
		return o
	}
	union := object{"type": "object", "additionalProperties": false, "properties": map[string]any(propertiesOf(objects))}
	if null {
		union["type"] = []any{"object", "null"}
	}
	if required := requiredByAll(objects); len(required) > 0 {
		union["required"] = required
	}
	if o["description"] != nil {
		union["description"] = o["description"]
	}
	return union
}

// propertiesOf returns the properties of all objects. The first that has one
// says what it is.
func propertiesOf(objects []object) object {
	properties := object{}
	for _, o := range objects {
		for name, v := range asObject(o["properties"]) {
			if properties[name] == nil {
				properties[name] = v
			}
		}
	}
	return properties
}

// requiredByAll returns the names that every object requires.
func requiredByAll(objects []object) []any {
	first, _ := objects[0]["required"].([]any)
	return slices.DeleteFunc(slices.Clone(first), func(name any) bool {
		return slices.ContainsFunc(objects[1:], func(o object) bool {
			required, _ := o["required"].([]any)
			return !slices.Contains(required, name)
		})
	})
}

// missing returns an error if something is referred to that is not there.
func (s schemas) missing(doc object) error {
	var lost []string
	refs(map[string]any(doc), func(ref string) string {
		v := any(map[string]any(doc))
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			v = asObject(v)[name]
		}
		if v == nil {
			lost = append(lost, ref)
		}
		return ref
	})
	if lost != nil {
		slices.Sort(lost)
		return fmt.Errorf("there is no %s", strings.Join(slices.Compact(lost), ", "))
	}
	return nil
}

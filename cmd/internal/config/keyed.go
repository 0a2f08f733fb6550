package config

import (
	"reflect"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// keyed is implemented by lists that may also be written as a mapping, such as
// {"0000000000000001": [120, 40]} for
// [{dpid: "0000000000000001", x: 120, y: 40}].
type keyed interface {
	// fields returns which field of an element the mapping's keys are, which
	// the list is that stands for an element, and what to write instead of
	// another value.
	fields() (key string, listed []string, remedy string)
}

func (Positions) fields() (key string, listed []string, remedy string) {
	return "dpid", []string{"x", "y"}, "write [120, 40] for x and y, or {latitude: 40.42, longitude: -86.92}"
}

// asList returns a mapping as the list that it stands for, and other nodes, and
// those of lists that have no such form, themselves.
func (r *resolver) asList(n ast.Node, t reflect.Type) (ast.Node, error) {
	form, ok := reflect.Zero(t).Interface().(keyed)
	own, _, mapping := entries(n)
	if !ok || !mapping {
		return n, nil
	}
	key, listed, remedy := form.fields()
	list := ast.Sequence(n.GetToken(), false)
	for _, e := range own {
		value, anchor, err := r.target(e.Value)
		if err != nil {
			return nil, err
		}
		if anchor != "" {
			r.anchors[anchor] = value
		}
		element := ast.Mapping(e.Key.GetToken(), false, entry(key, e.Key))
		if more, _, ok := entries(value); ok {
			element.Values = append(element.Values, more...)
		} else if values, ok := value.(*ast.SequenceNode); ok && len(values.Values) == len(listed) {
			for i, name := range listed {
				element.Values = append(element.Values, entry(name, values.Values[i]))
			}
		} else {
			return nil, problemAt(e.Key, "%s", remedy)
		}
		list.Values = append(list.Values, element)
	}
	return list, nil
}

// entry returns the entry of a mapping.
func entry(key string, value ast.Node) *ast.MappingValueNode {
	at := value.GetToken()
	return ast.MappingValue(at, ast.String(token.String(key, key, at.Position)), value)
}

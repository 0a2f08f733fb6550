package config

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A resolver prepares a document for the decoder: anchors, aliases and merge
// keys are replaced by what they stand for, and a scalar is text where the
// configuration has text. YAML itself takes 0042 for a number, which the
// decoder would write anew as 34.
type resolver struct {
	anchors map[string]ast.Node // that ended before what is being resolved
	unread  map[string]ast.Node // the unknown keys under which other anchors are
}

// newResolver returns a resolver for one document.
func newResolver() *resolver {
	return &resolver{anchors: map[string]ast.Node{}, unread: map[string]ast.Node{}}
}

// resolve returns the node as the decoder is to read it for a value of type t.
// It changes no node, since aliases share them.
func (r *resolver) resolve(n ast.Node, t reflect.Type) (ast.Node, error) {
	n, name, err := r.target(n)
	if err != nil || n == nil {
		return n, err
	}
	if name != "" {
		written := n // another alias may be in the position of another type
		defer func() { r.anchors[name] = written }()
	}
	kind := kindOf(&t)
	tag, tagged := n.(*ast.TagNode)
	switch {
	case kind == reflect.String:
		n, err = text(n)
	case tagged && (kind == reflect.Slice || kind == reflect.Struct):
		n, err = r.tagged(tag, t, kind)
	case kind == reflect.Slice:
		n, err = r.list(n, t)
	case kind == reflect.Struct:
		n, err = r.mapping(n, t)
	}
	return n, err
}

// kindOf returns the kind of a type, behind a pointer, as far as the resolver
// looks into it, and Invalid for types that read nodes themselves.
func kindOf(t *reflect.Type) reflect.Kind {
	if (*t).Kind() == reflect.Pointer {
		*t = (*t).Elem()
	}
	if reflect.PointerTo(*t).Implements(reflect.TypeFor[yaml.NodeUnmarshaler]()) {
		return reflect.Invalid
	}
	return (*t).Kind()
}

// target returns what an alias stands for or an anchor is written before, with
// the anchor's name, and other nodes themselves.
func (r *resolver) target(n ast.Node) (target ast.Node, anchor string, err error) {
	switch n := n.(type) {
	case *ast.AnchorNode:
		return n.Value, n.Name.GetToken().Value, nil
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		target, ok := r.anchors[name]
		if key, under := r.unread[name]; !ok && under {
			return nil, "", problemAt(key, "unknown key %q; remove it or correct its spelling, and mark &%s where it is needed first", key.GetToken().Value, name)
		}
		if !ok {
			return nil, "", problemAt(n, "nothing is marked &%s before this; mark what *%s stands for, or write it out", name, name)
		}
		return target, "", nil
	}
	return n, "", nil
}

// text returns a scalar as the text that it was written as.
func text(n ast.Node) (ast.Node, error) {
	tk := n.GetToken()
	switch n := n.(type) {
	case *ast.NullNode:
		if tk.Type == token.ImplicitNullType {
			return n, nil
		}
		return nil, problemAt(n, `%s without quotes could mean nothing, or a name; write "%s" in quotes for the text, or "" for none`, tk.Value, tk.Value)
	case *ast.TagNode:
		if tk.Value == string(token.StringTag) && n.Value != nil {
			return text(n.Value)
		}
		return nil, problemAt(n, "the tag %s makes something else of a text; remove it, and write the text in quotes", tk.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return ast.String(token.String(tk.Value, tk.Origin, tk.Position)), nil
	case *ast.MappingNode, *ast.MappingValueNode:
		return nil, problemAt(n, "a mapping stands where text is needed; if it is a text with a colon in it, write it in quotes")
	}
	return n, nil
}

// tagged returns what a tag that is superfluous stands before, resolved. Behind
// a tag the decoder would read text by itself.
func (r *resolver) tagged(n *ast.TagNode, t reflect.Type, kind reflect.Kind) (ast.Node, error) {
	plain := token.SequenceTag
	if kind == reflect.Struct {
		plain = token.MappingTag
	}
	if tag := n.GetToken().Value; tag != string(plain) || n.Value == nil {
		return nil, problemAt(n, "the tag %s is not needed here; remove it", tag)
	}
	return r.resolve(n.Value, t)
}

func (r *resolver) list(n ast.Node, t reflect.Type) (ast.Node, error) {
	n, err := r.asList(n, t)
	if err != nil {
		return nil, err
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		return n, nil // the decoder says what is needed
	}
	whole := *list
	whole.Values = slices.Clone(list.Values)
	for i, value := range whole.Values {
		if whole.Values[i], err = r.resolve(value, t.Elem()); err != nil {
			return nil, err
		}
	}
	return &whole, nil
}

func (r *resolver) mapping(n ast.Node, t reflect.Type) (ast.Node, error) {
	own, whole, ok := entries(n)
	if !ok {
		return n, nil
	}
	fields, given := fieldsOf(t), map[string]bool{}
	var merged []ast.Node
	for _, e := range own {
		if e.Key.IsMergeKey() {
			merged = append(merged, e.Value)
			continue
		}
		key, value := e.Key.GetToken().Value, *e
		if field, known := fields[key]; known {
			var err error
			if value.Value, err = r.resolve(e.Value, field); err != nil {
				return nil, err
			}
		} else {
			ast.Walk(anchorsUnder{r, e.Key}, e.Value)
		}
		given[key] = true
		whole.Values = append(whole.Values, &value)
	}
	for _, source := range merged {
		more, err := r.merge(source, t)
		if err != nil {
			return nil, err
		}
		for _, e := range more {
			if key := e.Key.GetToken().Value; !given[key] {
				given[key] = true
				whole.Values = append(whole.Values, e)
			}
		}
	}
	return whole, nil
}

// anchorsUnder notes the anchors in what an unknown key has, which is not read.
type anchorsUnder struct {
	*resolver
	key ast.Node
}

// Visit notes a node if it is an anchor, and goes on to what is in it.
func (u anchorsUnder) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		u.unread[a.Name.GetToken().Value] = u.key
	}
	return u
}

// merge returns the entries that a merge key stands for: those of a mapping, or
// of several, of which the first that has a key wins.
func (r *resolver) merge(source ast.Node, t reflect.Type) (all []*ast.MappingValueNode, err error) {
	n, _, err := r.target(source)
	if err != nil {
		return nil, err
	}
	if list, ok := n.(*ast.SequenceNode); ok {
		for _, one := range list.Values {
			more, err := r.merge(one, t)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	}
	if _, _, ok := entries(n); !ok {
		return nil, problemAt(source, "<< takes a mapping or a list of mappings; write << with an alias such as *name, or write the keys out")
	}
	if n, err = r.mapping(n, t); err != nil {
		return nil, err
	}
	all, _, _ = entries(n)
	return all, nil
}

// entries returns those of a mapping, and an empty mapping like it.
func entries(n ast.Node) (own []*ast.MappingValueNode, empty *ast.MappingNode, ok bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		like := *n
		like.Values = nil
		return n.Values, &like, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, ast.Mapping(n.GetToken(), false), true
	}
	return nil, nil, false
}

// fieldsOf returns the types of a struct's fields by their keys.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		fields[f.Tag.Get("yaml")] = f.Type
	}
	return fields
}

func problemAt(n ast.Node, format string, args ...any) error {
	at := n.GetToken().Position
	return Problem{Line: at.Line, Column: at.Column, Text: fmt.Sprintf(format, args...)}
}

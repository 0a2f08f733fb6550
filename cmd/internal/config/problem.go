package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// A Problem is one thing wrong with a configuration.
type Problem struct {
	Source string // file name, flag or environment variable; "" for a default
	Line   int    // 1-based; 0 where unknown
	Column int
	Key    string // such as network.links[0].capacity; "" where the text says it
	Text   string // what is wrong and what to do
}

// Error returns "conga.yaml:12:7: key: text", without what is not known.
func (p Problem) Error() string {
	var b strings.Builder
	if p.Source != "" {
		b.WriteString(p.Source)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	return b.String() + p.Text
}

// An Error is everything found wrong, in the order of the file.
type Error []Problem

// Error returns one problem a line.
func (e Error) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

func (e Error) sorted() Error {
	slices.SortStableFunc(e, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}

// decodeError turns an error of the YAML decoder into a Problem with its
// position, and its key if a value begins there.
func (v *validator) decodeError(err error) error {
	p := Problem{Source: v.file, Text: err.Error()}
	if own, ok := errors.AsType[Problem](err); ok {
		p.Line, p.Column, p.Text = own.Line, own.Column, own.Text
	} else if e, ok := errors.AsType[yaml.Error](err); ok && e.GetToken() != nil {
		at := e.GetToken().Position
		p.Line, p.Column, p.Text = at.Line, at.Column, explain(e)
	}
	for key, at := range v.positions {
		// A list and its first item begin at the same position; the item is
		// meant.
		if at == (position{p.Line, p.Column}) && len(key) > len(p.Key) {
			p.Key = key
		}
	}
	return Error{p}
}

// explain returns the decoder's message in words for an operator, without Go
// types.
func explain(e yaml.Error) string {
	switch e := e.(type) {
	case *yaml.UnknownFieldError:
		return fmt.Sprintf("unknown key %q; remove it or correct its spelling", e.GetToken().Value)
	case *yaml.DuplicateKeyError:
		return fmt.Sprintf("key %q is given twice; keep one", e.GetToken().Value)
	case *yaml.TypeError:
		return fmt.Sprintf("%q is of the wrong type; %s is needed here", e.GetToken().Value, kindName(e.DstType.Kind().String()))
	case *yaml.OverflowError:
		return fmt.Sprintf("%s is out of this key's range", e.SrcNum)
	case *yaml.UnexpectedNodeTypeError:
		return fmt.Sprintf("this is a %s; a %s is needed here", nodeName(e.Actual), nodeName(e.Expected))
	}
	return malformed(e.GetMessage())
}

// nodeName returns what the documents call a kind of node.
func nodeName(t ast.NodeType) string {
	if t == ast.SequenceType {
		return "list"
	}
	return strings.ToLower(t.YAMLName())
}

func kindName(kind string) string {
	switch {
	case kind == "bool":
		return "true or false"
	case kind == "struct" || kind == "map":
		return "a mapping"
	case kind == "slice":
		return "a list"
	case strings.HasPrefix(kind, "uint"):
		return "a whole number that is not negative"
	case strings.HasPrefix(kind, "int"):
		return "a whole number"
	case strings.HasPrefix(kind, "float"):
		return "a number"
	}
	return "text"
}

// position is where a key was written.
type position struct{ line, column int }

// positions maps every key of the document, such as network.links[0].a, to
// where its value stands.
func positions(n ast.Node) map[string]position {
	found := map[string]position{}
	var walk func(prefix string, n ast.Node)
	walk = func(prefix string, n ast.Node) {
		if n == nil {
			return
		}
		_, seen := found[prefix]
		if tk := n.GetToken(); prefix != "" && tk != nil && !seen {
			found[prefix] = position{tk.Position.Line, tk.Position.Column}
		}
		switch n := n.(type) {
		case *ast.MappingNode:
			for _, v := range n.Values {
				walk(prefix, v)
			}
		case *ast.MappingValueNode:
			key := strings.TrimPrefix(prefix+"."+n.Key.GetToken().Value, ".")
			walk(key, n.Value)
			at := n.Key.GetToken().Position
			if _, isMap := n.Value.(*ast.MappingNode); isMap || n.Value == nil {
				found[key] = position{at.Line, at.Column}
			}
		case *ast.SequenceNode:
			for i, v := range n.Values {
				walk(fmt.Sprintf("%s[%d]", prefix, i), v)
			}
		case *ast.AnchorNode:
			walk(prefix, n.Value)
		}
	}
	walk("", n)
	return found
}

package httpapitest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// An Operation is one request that the document has.
type Operation struct {
	Method   string  // GET, …
	Template string  // of its path, such as /allocations/{allocation_id}
	At       Pointer // the operation
	Body     Pointer // schema of its body; "": it has none

	c     *Contract
	bases []string
}

// Operations returns all that the document has, in order.
func (c *Contract) Operations() (out []Operation) {
	paths, at := c.Members("/paths")
	for template := range paths {
		item, p := c.Members(at.At(template))
		for method := range item {
			if method == "parameters" || method == "servers" {
				continue
			}
			o := Operation{Method: strings.ToUpper(method), Template: template, At: p.At(method), c: c, bases: Bases(item)}
			if body, b := c.Members(o.At.At("requestBody")); body != nil {
				_, o.Body = c.Get(b.At("content", "application/json", "schema"))
			}
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b Operation) int {
		return cmp.Or(strings.Compare(a.Template, b.Template), strings.Compare(a.Method, b.Method))
	})
	return out
}

// Bases returns what is before the template in the addresses of the operation.
func (o Operation) Bases() []string { return o.bases }

// Stream reports whether its answer has no end.
func (o Operation) Stream() bool { return strings.HasSuffix(o.Template, "/events") }

// Open reports whether it asks for no key.
func (o Operation) Open() bool {
	security, _ := o.c.Get(o.At.At("security"))
	return fmt.Sprint(security) == "[map[]]"
}

// Pages reports whether it is a list in pages.
func (o Operation) Pages() bool {
	parameters, _ := o.c.Get(o.At.At("parameters"))
	return strings.Contains(fmt.Sprint(parameters), "/PerPage")
}

// Parameters reports whether it has any of its own.
func (o Operation) Parameters() bool {
	parameters, _ := o.c.Get(o.At.At("parameters"))
	return parameters != nil
}

// ForOperators reports whether it is for operators' keys.
func (o Operation) ForOperators() bool {
	text, _ := o.c.Get(o.At.At("description"))
	return strings.Contains(fmt.Sprint(text), "For the operator's key.")
}

// NeedsBody reports whether it is refused without a body.
func (o Operation) NeedsBody() bool {
	body, _ := o.c.Members(o.At.At("requestBody"))
	return body["required"] == true
}

// Forms returns the schemas of which a body must fulfil one; none if it has no
// body.
func (o Operation) Forms() (out []Pointer) {
	if o.Body == "" {
		return nil
	}
	list, at := o.c.Get(o.Body.At("oneOf"))
	forms, ok := list.([]any)
	if !ok {
		return []Pointer{o.Body}
	}
	for i := range forms {
		_, p := o.c.Get(at.At(fmt.Sprint(i)))
		out = append(out, p)
	}
	return out
}

var parameter = regexp.MustCompile(`\{[a-z_]+\}`)

// Path returns where the operation is below a base, with names in place of what
// the template leaves open. Named is the same with {} in place of the first of
// them, or "".
func (o Operation) Path(base string, names map[string]string) (path, named string) {
	fill := func(path string) string {
		return parameter.ReplaceAllStringFunc(path, func(p string) string { return names[p] })
	}
	path = base + o.Template
	if at := parameter.FindStringIndex(path); at != nil {
		named = fill(path[:at[0]]) + "{}" + fill(path[at[1]:])
	}
	return fill(path), named
}

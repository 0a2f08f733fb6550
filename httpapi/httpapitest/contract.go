package httpapitest

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"conga/httpapi/openapi"
)

// A Contract is the OpenAPI document, to hold answers against. Its schemas are
// JSON Schema 2020-12 and refer to each other within the document, so that it
// is one schema resource. It may be used by many goroutines at once.
type Contract struct {
	doc      any
	answered sync.Map // bool, by question

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

// Load is the contract of the API as it is built. It fails if the document
// cannot be read.
var Load = sync.OnceValues(func() (*Contract, error) {
	text, err := openapi.Contract()
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := &Contract{doc: doc, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	return c, c.compiler.AddResource("openapi.json", doc)
})

// A Pointer is a place in the document (RFC 6901); "" is the whole.
type Pointer string

var escaper, unescaper = strings.NewReplacer("~", "~0", "/", "~1"), strings.NewReplacer("~1", "/", "~0", "~")

// At returns the place below p that the names lead to.
func (p Pointer) At(names ...string) Pointer {
	for _, name := range names {
		p += Pointer("/" + escaper.Replace(name))
	}
	return p
}

// Get returns what is at a place, and where it really is if that is a
// reference; nil if there is nothing.
func (c *Contract) Get(p Pointer) (any, Pointer) {
	v := c.doc
	for name := range strings.SplitSeq(strings.TrimPrefix(string(p), "/"), "/") {
		name = unescaper.Replace(name)
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(in) {
				return nil, p
			}
			v = in[i]
		default:
			return nil, p
		}
	}
	if m, ok := v.(map[string]any); ok {
		if ref, ok := m["$ref"].(string); ok && len(m) == 1 {
			return c.Get(Pointer(strings.TrimPrefix(ref, "#")))
		}
	}
	return v, p
}

// Members returns those of the object at a place, and where it really is.
func (c *Contract) Members(p Pointer) (map[string]any, Pointer) {
	v, p := c.Get(p)
	m, _ := v.(map[string]any)
	return m, p
}

// Valid checks a value against the schema at a place.
func (c *Contract) Valid(p Pointer, v any) error {
	s, err := c.schema(p)
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// ValidText checks JSON text against the schema at a place.
func (c *Contract) ValidText(p Pointer, text string) error {
	d := decode(text)
	if d.err != nil {
		return d.err
	}
	return c.Valid(p, d.value)
}

// A decoded is what JSON text says, or why it is none.
type decoded struct {
	value any
	err   error
	never Pointer // a schema by which it is known not to be valid, or ""
}

func decode(text string) decoded {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	return decoded{value: v, err: err}
}

var decodedOnce sync.Map // decoded, by text

// decodeOnce returns decode of the text, which it keeps: it is for the few
// texts that very many attacks have in common.
func decodeOnce(text string) decoded {
	if d, ok := decodedOnce.Load(text); ok {
		return d.(decoded)
	}
	d := decode(text)
	decodedOnce.Store(text, d)
	return d
}

// A question is whether a text is valid by the schema at a place.
type question struct {
	at   Pointer
	text string
}

// validOnce reports whether the text is valid, as ValidText does; what it has
// found it keeps, as decodeOnce does.
func (c *Contract) validOnce(p Pointer, text string) bool {
	if valid, ok := c.answered.Load(question{p, text}); ok {
		return valid.(bool)
	}
	d := decodeOnce(text)
	valid := d.err == nil && c.Valid(p, d.value) == nil
	c.answered.Store(question{p, text}, valid)
	return valid
}

func (c *Contract) schema(p Pointer) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.compiled[string(p)]; s != nil {
		return s, nil
	}
	s, err := c.compiler.Compile("openapi.json#" + (&url.URL{Fragment: string(p)}).EscapedFragment())
	if err == nil {
		c.compiled[string(p)] = s
	}
	return s, err
}

// Bases returns what is before a path of the document in addresses.
func Bases(item map[string]any) []string {
	if _, root := item["servers"]; root {
		return []string{""}
	}
	return []string{"/api/v1", "/api"}
}

// item returns the path item for an address.
func (c *Contract) item(path string) (map[string]any, Pointer) {
	paths, at := c.Members("/paths")
	for template := range paths {
		item, p := c.Members(at.At(template))
		for _, base := range Bases(item) {
			if rest, ok := strings.CutPrefix(path, base); ok && matches(template, rest) {
				return item, p
			}
		}
	}
	return nil, ""
}

// matches reports whether a path has the form of a template.
func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && (!strings.HasPrefix(want[i], "{") || got[i] == "") {
			return false
		}
	}
	return true
}

package httpapi_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"conga/httpapi"
)

// contract is the OpenAPI document, to hold answers against. Its schemas are
// JSON Schema 2020-12 and refer to each other within the document, so that it is
// one schema resource.
type contract struct {
	doc any

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

var theContract = sync.OnceValues(func() (*contract, error) {
	text, err := httpapi.OpenAPI()
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := &contract{doc: doc, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	return c, c.compiler.AddResource("openapi.json", doc)
})

// pointer is a place in the document.
type pointer string

func (p pointer) at(names ...string) pointer {
	for _, name := range names {
		p += pointer("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	return p
}

// get finds what is at a place, and where it really is if that is a reference;
// nil if there is nothing.
func (c *contract) get(p pointer) (any, pointer) {
	v := c.doc
	for name := range strings.SplitSeq(strings.TrimPrefix(string(p), "/"), "/") {
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
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
			return c.get(pointer(strings.TrimPrefix(ref, "#")))
		}
	}
	return v, p
}

// members are those of the object at a place.
func (c *contract) members(p pointer) (map[string]any, pointer) {
	v, p := c.get(p)
	m, _ := v.(map[string]any)
	return m, p
}

// valid checks a value against the schema at a place.
func (c *contract) valid(p pointer, v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.compiled[string(p)]
	if s == nil {
		var err error
		if s, err = c.compiler.Compile("openapi.json#" + (&url.URL{Fragment: string(p)}).EscapedFragment()); err != nil {
			return err
		}
		c.compiled[string(p)] = s
	}
	return s.Validate(v)
}

// validText checks JSON text against the schema at a place.
func (c *contract) validText(p pointer, text string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return c.valid(p, v)
}

// base is the servers entry below which a path of the document lies.
func bases(item map[string]any) []string {
	if _, root := item["servers"]; root {
		return []string{""}
	}
	return []string{"/api/v1", "/api"}
}

// item finds the path item for an address.
func (c *contract) item(path string) (map[string]any, pointer) {
	paths, at := c.members("/paths")
	for template := range paths {
		item, p := c.members(at.at(template))
		for _, base := range bases(item) {
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

// check holds an answer against the document.
func (c *contract) check(method, path string, code int, header http.Header, body string) error {
	item, at := c.item(path)
	operation, _ := c.members(at.at(strings.ToLower(method)))
	if item == nil || operation == nil {
		if code < 400 {
			return fmt.Errorf("%d from what is not in the document", code)
		}
		if path == "/connections" {
			return c.validText("/components/schemas/ReportErrors", body)
		}
		return c.validText("/components/schemas/Errors", envelopeOf(header, body))
	}
	if method == http.MethodHead {
		if body != "" {
			return fmt.Errorf("HEAD has a body of %d bytes", len(body))
		}
		return nil
	}
	responses := at.at(strings.ToLower(method), "responses")
	for _, name := range []string{strconv.Itoa(code), fmt.Sprint(code/100, "XX"), "default"} {
		if response, p := c.members(responses.at(name)); response != nil {
			return c.checkResponse(p, header, body)
		}
	}
	return fmt.Errorf("status %d is not in the document", code)
}

func (c *contract) checkResponse(at pointer, header http.Header, body string) error {
	documented, p := c.members(at.at("headers"))
	for name := range documented {
		if value := header.Get(name); value != "" {
			_, h := c.get(p.at(name))
			if _, schema := c.get(h.at("schema")); c.valid(schema, value) != nil {
				return fmt.Errorf("header %s: %s is not as documented", name, value)
			}
		}
	}
	kind := header.Get("Content-Type")
	content, p := c.members(at.at("content"))
	if content[kind] == nil {
		kind, _, _ = strings.Cut(kind, ";")
	}
	if content[kind] == nil {
		return fmt.Errorf("media type %q is not in the document", header.Get("Content-Type"))
	}
	_, schema := c.get(p.at(kind, "schema"))
	if !strings.HasSuffix(kind, "json") {
		return nil
	}
	return c.validText(schema, body)
}

// envelopeOf is an error answer as an envelope, whatever form was asked for.
func envelopeOf(header http.Header, body string) string {
	if header.Get("Content-Type") == "application/problem+json" || body == "" {
		return `{"status":404,"results":[],"errors":["x"]}`
	}
	return body
}

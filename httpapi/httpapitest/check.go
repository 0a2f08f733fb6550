package httpapitest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Check compares one answer with the document: its status, its headers, its
// media type and its body must be as the operation says. The path is that of
// the request, without query.
func (c *Contract) Check(method, path string, code int, header http.Header, body string) error {
	item, at := c.item(path)
	operation, _ := c.Members(at.At(strings.ToLower(method)))
	if method == http.MethodHead && body != "" {
		return fmt.Errorf("HEAD has a body of %d bytes", len(body))
	}
	switch {
	case item == nil || operation == nil:
		return c.checkStranger(method, path, code, header, body)
	case method == http.MethodHead:
		return nil
	}
	responses := at.At(strings.ToLower(method), "responses")
	for _, name := range []string{strconv.Itoa(code), fmt.Sprint(code/100, "XX"), "default"} {
		if response, p := c.Members(responses.At(name)); response != nil {
			return c.checkResponse(p, header, body)
		}
	}
	return fmt.Errorf("status %d is not in the document", code)
}

// checkStranger does what Check does for a request that the document does not
// have: it must be refused, in the form of every refusal.
func (c *Contract) checkStranger(method, path string, code int, header http.Header, body string) error {
	switch {
	case code < 400:
		return fmt.Errorf("%d from what is not in the document", code)
	case method == http.MethodHead:
		return nil
	case path == "/connections":
		return c.ValidText("/components/schemas/ReportErrors", body)
	case header.Get("Content-Type") == "application/problem+json":
		return c.ValidText("/components/schemas/Problem", body)
	}
	return c.ValidText("/components/schemas/Errors", body)
}

func (c *Contract) checkResponse(at Pointer, header http.Header, body string) error {
	documented, p := c.Members(at.At("headers"))
	for name := range documented {
		h, at := c.Members(p.At(name))
		if h["required"] == true && header.Get(name) == "" {
			return fmt.Errorf("there is no header %s", name)
		}
		if value := header.Get(name); value != "" {
			if _, schema := c.Get(at.At("schema")); c.Valid(schema, value) != nil {
				return fmt.Errorf("header %s: %s is not as documented", name, value)
			}
		}
	}
	content, p := c.Members(at.At("content"))
	if content == nil && body == "" {
		return nil
	}
	kind := header.Get("Content-Type")
	if content[kind] == nil {
		kind, _, _ = strings.Cut(kind, ";")
	}
	if content[kind] == nil {
		return fmt.Errorf("media type %q is not in the document", header.Get("Content-Type"))
	}
	_, schema := c.Get(p.At(kind, "schema"))
	switch {
	case strings.HasSuffix(kind, "json"):
		return c.ValidText(schema, body)
	case kind == eventStream:
		return c.checkEvents(body)
	}
	return nil
}

const eventStream = "text/event-stream"

// checkEvents checks the data of every whole event against its schema. What is
// behind the last empty line was cut off with the connection.
func (c *Contract) checkEvents(stream string) error {
	events := strings.Split(stream, "\n\n")
	for _, event := range events[:len(events)-1] {
		for line := range strings.Lines(event) {
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				if err := c.ValidText("/components/schemas/Event", data); err != nil {
					return fmt.Errorf("%s: %w", data, err)
				}
			}
		}
	}
	return nil
}

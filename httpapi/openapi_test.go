package httpapi_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"

	"conga/httpapi"
	"conga/httpapi/httpapitest"
	"conga/httpapi/openapi"
)

func TestOpenAPIDocumentIsValid(t *testing.T) {
	h := newHarness(t)
	a := h.do("GET", "/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(a.body))
	if a.code != 200 || err != nil {
		t.Fatalf("%d, %v", a.code, err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("it is OpenAPI %s", doc.OpenAPI)
	}
	ids := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			switch {
			case op.OperationID == "" || ids[op.OperationID]:
				t.Errorf("%s %s: operationId %q", method, path, op.OperationID)
			case op.Summary == "" || len(op.Tags) == 0:
				t.Errorf("%s %s has no summary or no tag", method, path)
			}
			ids[op.OperationID] = true
		}
	}
	if head := h.do("HEAD", "/openapi.json", ""); head.body != "" || head.header.Get("Content-Length") != a.header.Get("Content-Length") {
		t.Errorf("HEAD: %v", head.header)
	}
}

var paramPattern = regexp.MustCompile(`[:*][a-z_]+|\{[a-z_]+\}`)

// TestOpenAPIHasEveryRoute, and there is every route that it has.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) {
		c.Metrics, c.Statistics, c.Backup = http.NotFoundHandler(), cannedStats{}, backupOf("")
	})
	var served, documented []string
	for _, r := range h.bare.(*gin.Engine).Routes() {
		served = append(served, r.Method+" "+paramPattern.ReplaceAllString(r.Path, "{}"))
	}
	c, err := httpapitest.Load()
	h.must(err)
	paths, at := c.Members("/paths")
	for template := range paths {
		item, _ := c.Members(at.At(template))
		for _, base := range httpapitest.Bases(item) {
			for method := range item {
				if method != "parameters" && method != "servers" {
					documented = append(documented, strings.ToUpper(method)+" "+paramPattern.ReplaceAllString(base+template, "{}"))
				}
			}
		}
	}
	for _, r := range served {
		if !slices.Contains(documented, r) {
			t.Errorf("%s is not in the document", r)
		}
	}
	for _, r := range documented {
		if !slices.Contains(served, r) {
			t.Errorf("%s is in the document only", r)
		}
	}
}

// TestOpenAPIIsStrict: what the document says of our objects leaves nothing
// out, so that an answer with a member more than documented is found.
func TestOpenAPIIsStrict(t *testing.T) {
	c, err := httpapitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	schemas, at := c.Members("/components/schemas")
	for name := range schemas {
		m, _ := c.Members(at.At(name))
		if _, closed := m["additionalProperties"]; m["type"] == "object" && !closed {
			t.Errorf("%s is open to any member", name)
		}
	}
	for _, bad := range []string{
		`{"status":0,"results":[{"allocation_id":"x","state":"pending","_links":{"self":{"href":"/x"}},"more":1}],"errors":[]}`,
		`{"status":0,"results":[],"errors":[]}`,
		`{"status":0,"results":[{"allocation_id":"x","state":"gone","_links":{"self":{"href":"/x"}}}],"errors":[]}`,
	} {
		header := http.Header{"Content-Type": {"application/json"}}
		if err := c.Check("POST", "/api/allocations", 201, header, bad); err == nil {
			t.Errorf("%s is taken for an answer", bad)
		}
		if err := c.Check("POST", "/api/allocations", 418, header, bad); err == nil {
			t.Errorf("%s is taken for an error", bad)
		}
	}
	var all map[string]any
	text, err := openapi.Contract()
	if err != nil || json.Unmarshal(text, &all) != nil {
		t.Error("the document cannot be read")
	}
}

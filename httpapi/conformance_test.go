package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// The bodies below are the examples of the CONGA API document, its malformed
// ones (results without braces, a lost closing brace) mended.
const (
	docCreateRequest = `{"api_key":"[key]","project_id":"project1","src_ip":"192.127.1.10","src_port":4321,"dst_ip":"192.127.1.11","dst_port":3030,"duration":3600}`
	docCreated       = `{"status":0,"results":[{"allocation_id":"[id]","state":"pending"}],"errors":[]}`

	docShowRequest = `{"api_key":"[key]"}`
	docShown       = `{"status":0,"results":[{"allocation_id":"[id]","start_time":1429206574,"end_time":1429210174,"state":"active","bandwidth":null,"user_id":"abc123","project_id":"projectB","src_ip":"192.127.1.10","src_port":null,"dst_ip":"192.127.1.11","dst_port":null,"duration":3600}],"errors":[]}`

	docUpdateRequest = `{"api_key":"[key]","dst_ip":"192.127.1.22","duration":7200}`
	docUpdated       = `{"status":0,"results":[{"allocation_id":"[id]","start_time":1429206574,"end_time":1429213774,"state":"active","bandwidth":null,"user_id":"abc123","project_id":"projectB","src_ip":"192.127.1.10","src_port":null,"dst_ip":"192.127.1.22","dst_port":null,"duration":7200}],"errors":[]}`

	docDeleteRequest = `{"api_key":"[key]"}`
	docDeleted       = `{"status":0,"results":[{"allocation_id":"[id]"}],"errors":[]}`

	docListRequest = `{"api_key":"[key]","project_id":"projectB"}`
	docListed      = `{"status":0,"results":[
		{"allocation_id":"[id]","start_time":1429206574,"end_time":1429213774,"state":"active","bandwidth":null,"user_id":"abc123","project_id":"projectB","src_ip":"192.127.1.10","src_port":null,"dst_ip":"192.127.1.22","dst_port":null,"duration":7200},
		{"allocation_id":"[id]","start_time":1429214774,"end_time":1429218374,"state":"pending","bandwidth":null,"user_id":"xyz987","project_id":"projectB","src_ip":"192.127.1.40","src_port":null,"dst_ip":"192.127.1.45","dst_port":null,"duration":3600}],"errors":[]}`

	docKeyRequest = `{"user_id":"abc123","project_id":"projectB"}`
	docKeyMade    = `{"status":0,"results":[{"api_key":"[key]","start_time":1429206574,"end_time":1429292974,"user_id":"abc123","project_id":"projectB"}],"errors":[]}`
	docKeyDeleted = `{"status":0,"results":[{"api_key":"[key]"}],"errors":[]}`
)

// ours are the members that we add to the document's objects.
var ours = []string{"protocol", "lease", "reason", "path", "connections", "in_use", "_links"}

// conforms checks an answer against an example of the document: the same
// members with the same values, [id] and [key] standing for any string, and
// nothing else but ours.
func conforms(t *testing.T, a answer, example string) {
	t.Helper()
	var want, got map[string]any
	for text, into := range map[string]*map[string]any{example: &want, a.body: &got} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	compare(t, "", want, got)
}

func compare(t *testing.T, at string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s is %T, want an object", at, got)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(g)) {
			if _, documented := want[name]; !documented && !slices.Contains(ours, name) {
				t.Errorf("%s.%s is neither in the document nor ours", at, name)
			}
		}
		for name, w := range want {
			v, present := g[name]
			if !present {
				t.Errorf("%s.%s is missing", at, name)
				continue
			}
			compare(t, at+"."+name, w, v)
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			t.Errorf("%s is %v, want %d elements", at, got, len(want))
			return
		}
		for i := range want {
			compare(t, fmt.Sprintf("%s[%d]", at, i), want[i], g[i])
		}
	case string:
		if g, ok := got.(string); !ok || g == "" || g != want && !strings.HasPrefix(want, "[") {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	default:
		if got != want {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	}
}

// fill puts a real key into an example's request.
func fill(example, key string) string { return strings.ReplaceAll(example, "[key]", key) }

// TestDocumentExamples plays the document from top to bottom, at both addresses.
func TestDocumentExamples(t *testing.T) {
	for _, base := range []string{"/api", "/api/v1"} {
		t.Run(base, func(t *testing.T) {
			h := newHarness(t)
			made := h.want(200, "POST", base+"/auth", `{"user_id":"abc123","project_id":"projectB","password":"`+password+`"}`)
			conforms(t, made, docKeyMade)
			key := made.Results[0]["api_key"].(string)

			create := strings.ReplaceAll(fill(docCreateRequest, key), "project1", "projectB")
			created := h.want(201, "POST", base+"/allocations", create)
			conforms(t, created, docCreated)
			h.want(200, "DELETE", base+"/allocations/"+created.Results[0]["allocation_id"].(string), fill(docDeleteRequest, key))

			// The examples from here on are of an allocation without ports.
			created = h.want(201, "POST", base+"/allocations", fill(
				`{"api_key":"[key]","project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.11","duration":3600}`, key))
			id := created.Results[0]["allocation_id"].(string)
			h.settle()
			conforms(t, h.want(200, "GET", base+"/allocations/"+id, fill(docShowRequest, key)), docShown)
			conforms(t, h.want(200, "POST", base+"/allocations/"+id, fill(docUpdateRequest, key)), docUpdated)
			h.settle()

			second := h.issue("xyz987", "projectB")
			h.want(201, "POST", base+"/allocations", fill(
				`{"api_key":"[key]","project_id":"projectB","src_ip":"192.127.1.40","dst_ip":"192.127.1.45","duration":3600,"start_time":1429214774}`, second))
			conforms(t, h.want(200, "GET", base+"/allocations", fill(docListRequest, key)), docListed)
			conforms(t, h.want(200, "DELETE", base+"/allocations/"+id, fill(docDeleteRequest, key)), docDeleted)
			h.want(404, "GET", base+"/allocations/"+id, fill(docShowRequest, key))

			conforms(t, h.want(200, "GET", base+"/auth/"+key, ""), docKeyMade)
			h.advance(time.Hour)
			renewed := h.want(200, "POST", base+"/auth/"+key, docKeyRequest)
			conforms(t, renewed, strings.ReplaceAll(docKeyMade, "1429292974", "1429296574"))
			conforms(t, h.want(200, "DELETE", base+"/auth/"+key, docKeyRequest), docKeyDeleted)
			h.want(404, "GET", base+"/auth/"+key, "")
			h.want(401, "GET", base+"/allocations", fill(docListRequest, key))
		})
	}
}

// TestPasswordlessKey is the document's own example of asking for a key, which
// has no password.
func TestPasswordlessKey(t *testing.T) {
	h := newHarness(t)
	a := h.want(200, "POST", "/api/auth", `{"user_id":"xyz987","project_id":"projectB"}`)
	if key := a.Results[0]["api_key"].(string); !strings.HasPrefix(key, "conga_") {
		t.Error("no key came back")
	}
	h.want(401, "POST", "/api/auth", docKeyRequest) // abc123 has a password
}

// TestOurMembers is what details hold beyond the document.
func TestOurMembers(t *testing.T) {
	h := newHarness(t)
	id := h.create(`,"src_port":4321,"dst_port":3030,"protocol":"tcp","bandwidth":100000000`)
	h.settle()
	for _, base := range []string{"/api", "/api/v1"} {
		d := h.want(200, "GET", base+"/allocations/"+id, "", bearer(h.key)).Results[0]
		want := map[string]any{
			"src_port": 4321.0, "dst_port": 3030.0, "protocol": "tcp", "bandwidth": 1e8, "reason": nil,
			"path":        []any{map[string]any{"dpid": "0000000000000001", "in_port": 1.0, "out_port": 2.0}},
			"connections": nil, "in_use": nil, // nobody reports, nobody counts
			"_links": map[string]any{
				"self":        map[string]any{"href": base + "/allocations/" + id},
				"connections": map[string]any{"href": base + "/connections?allocation=" + id},
			},
		}
		for name, w := range want {
			if fmt.Sprint(d[name]) != fmt.Sprint(w) {
				t.Errorf("%s is %v, want %v", name, d[name], w)
			}
		}
	}
	// A host that nobody has seen: no window, no path, and the reason why.
	d := h.want(201, "POST", "/api/allocations", `{"project_id":"projectB","src_ip":"10.9.9.9","dst_ip":"192.127.1.11","duration":60}`, bearer(h.key))
	d = h.want(200, "GET", d.header.Get("Location"), "", bearer(h.key))
	one := d.Results[0]
	if one["start_time"] != nil || one["end_time"] != nil || one["path"] != nil || one["reason"] == nil || one["state"] != "pending" {
		t.Errorf("an allocation without a place is %s", d.body)
	}
}

package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
)

// docKeyRequest is what the CONGA document has a client ask for a key with, and
// say when it renews or deletes one.
const docKeyRequest = `{"user_id":"abc123","project_id":"projectB"}`

// TestPasswordlessKey runs the document's own example of asking for a key,
// which has no password.
func TestPasswordlessKey(t *testing.T) {
	h := newHarness(t)
	a := h.want(200, "POST", "/api/auth", `{"user_id":"xyz987","project_id":"projectB"}`)
	if key := a.Results[0]["api_key"].(string); !strings.HasPrefix(key, "conga_") {
		t.Error("no key came back")
	}
	h.want(401, "POST", "/api/auth", docKeyRequest) // abc123 has a password
}

// TestOurMembers checks what details hold beyond the document.
func TestOurMembers(t *testing.T) {
	h := newHarness(t)
	id := h.create(`,"src_port":4321,"dst_port":3030,"protocol":"tcp","bandwidth":100000000`)
	h.settle()
	for _, base := range []string{"/api", "/api/v1"} {
		d := h.want(200, "GET", base+"/allocations/"+id, "", bearer(h.key)).Results[0]
		want := map[string]any{
			"src_port": 4321.0, "dst_port": 3030.0, "protocol": "tcp", "bandwidth": 1e8, "reason": nil,
			"path":        []any{map[string]any{"dpid": "0000000000000001", "in_port": 1.0, "out_port": 2.0}},
			"connections": nil, "in_use": nil, // not reported, not counted
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
	// A host that has not been seen: no window, no path, and the reason why.
	d := h.want(201, "POST", "/api/allocations", `{"project_id":"projectB","src_ip":"10.9.9.9","dst_ip":"192.127.1.11","duration":60}`, bearer(h.key))
	d = h.want(200, "GET", d.header.Get("Location"), "", bearer(h.key))
	one := d.Results[0]
	if one["start_time"] != nil || one["end_time"] != nil || one["path"] != nil || one["reason"] == nil || one["state"] != "pending" {
		t.Errorf("an allocation without a place is %s", d.body)
	}
}

package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"conga/allocator/store"
)

// TestStoreThatTakesNoChanges: a change that could not be saved gets 503, when
// to try again, and that nothing was changed; reading goes on.
func TestStoreThatTakesNoChanges(t *testing.T) {
	for _, c := range []struct {
		cause error
		after string
		says  string
	}{
		{store.ErrUnwritable, "10", "nothing was changed"},
		{store.ErrDamaged, "60", "nothing was changed"},
		{store.ErrFailed, "10", "look again"},
	} {
		h := newHarness(t, withAll)
		const body = `{"project_id": "projectB", "user_id": "abc123", "src_ip": "192.127.1.10", "dst_ip": "192.127.1.11", "duration": 60, "bandwidth": 1000000}`
		const user = `{"user_id": "abc123", "project_id": "projectB"}`
		made := h.do("POST", "/api/allocations", body, bearer(h.key))
		if made.code != 201 {
			t.Fatalf("%d %s", made.code, made.body)
		}
		id := h.do("GET", "/api/allocations", "", bearer(h.key)).Results[0]["allocation_id"].(string)
		before := h.do("GET", "/api/allocations/"+id, "", bearer(h.key)).body
		h.disk.Fail(fmt.Errorf("store: commit: %w: no space left on device", c.cause))
		for _, r := range []struct{ method, target, body string }{
			{"POST", "/api/allocations", body},
			{"PATCH", "/api/allocations/" + id, `{"bandwidth": 2000000}`},
			{"DELETE", "/api/allocations/" + id, ""},
			{"POST", "/api/auth", `{"user_id": "abc123", "project_id": "projectB", "password": "` + password + `"}`},
			{"POST", "/api/auth/" + h.key, user},
			{"DELETE", "/api/auth/" + h.key, user},
			{"POST", "/api/webhooks", `{"url": "https://hooks.example/a"}`},
			{"POST", "/api/connections", `{"source":{"ip":"192.127.1.10","port":1,"user":"abc123"},"destination":{"ip":"192.127.1.11","port":2}}`},
		} {
			a := h.do(r.method, r.target, r.body, bearer(h.key))
			if a.code != 503 || a.header.Get("Retry-After") != c.after || !strings.Contains(a.body, c.says) || strings.Contains(a.body, "device") {
				t.Errorf("%v: %s %s: %d %v %s", c.cause, r.method, r.target, a.code, a.header, a.body)
			}
		}
		if after := h.do("GET", "/api/allocations/"+id, "", bearer(h.key)); after.code != 200 || after.body != before {
			t.Errorf("%v: it was %s and is %d %s", c.cause, before, after.code, after.body)
		}
		h.disk.Fail(nil)
		if a := h.do("DELETE", "/api/allocations/"+id, "", bearer(h.key)); a.code >= 300 {
			t.Errorf("once the disk is well: %d %s", a.code, a.body)
		}
	}
}

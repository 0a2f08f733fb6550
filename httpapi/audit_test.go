package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"conga/allocator/store"
	"conga/httpapi/auth"
)

// trail returns the audit log as an operator reads it, oldest first, in short.
func (h *harness) trail(query string) (lines []string) {
	h.t.Helper()
	for _, r := range h.want(200, "GET", "/api/v1/audit"+query, "", bearer(h.admin)).Results {
		who := fmt.Sprintf("%v/%v", r["user_id"], r["project_id"])
		if r["admin"] == true {
			who = "admin"
		}
		lines = append([]string{fmt.Sprintf("%v %v %v by %s: %v", r["action"], r["outcome"], r["status"], who, r["detail"])}, lines...)
	}
	return lines
}

// TestAudit plays every sort of change and reads what the log has of it.
func TestAudit(t *testing.T) {
	h := newHarness(t)
	made := h.want(200, "POST", "/api/auth", `{"user_id":"abc123","project_id":"projectB","password":"`+password+`"}`)
	key := made.Results[0]["api_key"].(string)
	h.want(401, "POST", "/api/auth", `{"user_id":"abc123","project_id":"projectB","password":"hunter2"}`)
	h.want(401, "POST", "/api/auth", `{"user_id":"hunter2","project_id":"projectB","password":"abc123"}`)
	h.want(200, "POST", "/api/auth/"+key, docKeyRequest)
	id := h.create("")
	h.settle()
	one := "/api/allocations/" + id
	h.want(200, "PATCH", one, `{"duration":7200,"src_port":80}`, bearer(h.key))
	h.want(200, "PATCH", one, `{"duration":7200}`, bearer(h.admin)) // changes nothing
	h.want(409, "PATCH", one, `{"bandwidth":900000000}`, bearer(h.admin))
	h.want(404, "DELETE", one, "", bearer(h.foreign))
	h.want(401, "DELETE", one, "")
	h.want(200, "GET", one, "", bearer(h.key))
	h.want(401, "GET", one, "")
	h.settle()
	h.want(200, "PUT", one, "{"+good+"}", bearer(h.key))
	h.want(200, "DELETE", one, "", bearer(h.admin), header{"X-Request-Id", "req-7"})
	h.want(200, "DELETE", "/api/auth/"+key, docKeyRequest)
	want := []string{
		"key.issue done 200 by abc123/projectB: <nil>",
		"key.issue refused 401 by abc123/projectB: unauthorized",
		"key.issue refused 401 by <nil>/<nil>: unauthorized",
		"key.renew done 200 by abc123/projectB: <nil>",
		"allocation.create done 201 by abc123/projectB: 192.127.1.10 to 192.127.1.11, 3600 s",
		"allocation.state self <nil> by abc123/projectB: state pending -> active",
		"allocation.update done 200 by abc123/projectB: src_port 0 -> 80, duration 3600 -> 7200",
		"allocation.update refused 409 by admin: conflict (bandwidth)",
		"allocation.delete refused 404 by xyz987/project B: not found (allocation_id)",
		"allocation.delete refused 401 by <nil>/<nil>: unauthorized (api_key)",
		"allocation.replace done 200 by abc123/projectB: src_port 80 -> 0, duration 7200 -> 3600",
		"allocation.delete done 200 by admin: state active -> complete",
		"key.delete done 200 by abc123/projectB: <nil>",
	}
	got := h.trail("")
	for i := range max(len(got), len(want)) {
		g, w := append(got, make([]string, len(want))...)[i], append(want, make([]string, len(got))...)[i]
		if g != w {
			t.Errorf("record %d is\n%s, want\n%s", i+1, g, w)
		}
	}
	last := h.want(200, "GET", "/api/v1/audit?actor=admin&per_page=1", "", bearer(h.admin)).Results[0]
	if last["request_id"] != "req-7" || last["address"] != "192.0.2.1" || last["allocation_id"] != id || last["time"] != 1429206574.0 {
		t.Errorf("the record is %v", last)
	}
	text := h.dump(store.Audit)
	for _, secret := range []string{key[6:], password, "hunter2", h.admin[6:]} {
		if strings.Contains(text, secret) {
			t.Errorf("a secret is in the audit log: %s", text)
		}
	}
}

func TestAuditList(t *testing.T) {
	h := newHarness(t)
	id := h.create("")
	h.advance(time.Minute)
	for i := range 4 {
		h.want(200, "PATCH", "/api/allocations/"+id, fmt.Sprintf(`{"duration":%d}`, 10+i), bearer(h.key))
	}
	h.want(201, "POST", "/api/allocations", strings.ReplaceAll(strings.ReplaceAll("{"+good+"}", "1.10", "1.22"), "projectB", "project B"), bearer(h.foreign))
	for query, n := range map[string]int{
		"": 6, "?allocation=" + id: 5, "?actor=xyz987": 1, "?since=1429206634": 5, "?since=1429206635": 0,
		"?project_id=project+B": 1, "?actor=nobody": 0, "?actor=abc123&since=1429206634": 4,
	} {
		if got := len(h.trail(query)); got != n {
			t.Errorf("%s: %d records, want %d", query, got, n)
		}
	}
	page := h.want(200, "GET", "/api/v1/audit?actor=abc123&per_page=2", "", bearer(h.admin))
	seen := 0
	for range 5 {
		seen += len(page.Results)
		for _, r := range page.Results {
			self := r["_links"].(map[string]any)["self"].(map[string]any)["href"].(string)
			if again := h.want(200, "GET", self, "", bearer(h.admin)).Results; len(again) != 1 || fmt.Sprint(again[0]) != fmt.Sprint(r) {
				t.Errorf("%s leads to %v", self, again)
			}
		}
		next := linksOf(page)["next"]
		if next == "" {
			break
		}
		page = h.want(200, "GET", next, "", bearer(h.admin))
	}
	if seen != 5 {
		t.Errorf("%d records came by the pages", seen)
	}
	for _, query := range []string{"since=x", "since=-1", "since=1&since=2", "actor=", "allocation=", "audit_id=0", "colour=red", "allocation=" + strings.Repeat("x", 65)} {
		h.want(422, "GET", "/api/v1/audit?"+query, "", bearer(h.admin))
	}
	h.want(403, "GET", "/api/v1/audit", "", bearer(h.key))
	h.want(401, "GET", "/api/v1/audit", "")
	h.want(401, "GET", "/api/v1/audit", "", bearer(auth.NewSecret()))
	h.want(405, "DELETE", "/api/v1/audit", "", bearer(h.admin))
	if a := h.want(200, "HEAD", "/api/v1/audit", "", bearer(h.admin)); a.body != "" || a.header.Get("Link") == "" {
		t.Errorf("HEAD: %v %s", a.header, a.body)
	}
}

// TestAuditSaysOfWhat: the log names the operator or the webhook, and of what
// was refused the fields at fault; never a value that a client has sent.
func TestAuditSaysOfWhat(t *testing.T) {
	h := newHarness(t)
	admin, user := bearer(h.admin), bearer(h.key)
	h.want(201, "POST", "/api/operators", `{"name":"grafana"}`, admin)
	h.want(409, "POST", "/api/operators", `{"name":"grafana"}`, admin)
	h.want(422, "POST", "/api/operators", `{"name":"hunter2 hunter2"}`, admin)
	h.want(200, "PATCH", "/api/operators/grafana", `{"duration":60}`, admin)
	h.want(404, "PATCH", "/api/operators/hunter2", `{"duration":60}`, admin)
	h.want(200, "DELETE", "/api/operators/grafana", "", admin)
	h.want(404, "DELETE", "/api/operators/hunter2", "", admin)

	hook := h.want(201, "POST", "/api/webhooks", `{"url":"https://example.org/hunter2"}`, user).Results[0]["webhook_id"].(string)
	h.want(200, "PATCH", "/api/webhooks/"+hook, `{"url":"https://example.org/hunter2/again"}`, user)
	h.want(422, "PATCH", "/api/webhooks/"+hook, `{"url":"https://hunter2@example.org/"}`, user)
	h.want(200, "DELETE", "/api/webhooks/"+hook, "", user)
	h.want(404, "DELETE", "/api/webhooks/hunter2", "", user)

	h.want(422, "POST", "/api/allocations", `{`+strings.Replace(good, `"192.127.1.10"`, `"hunter2"`, 1)+`,"hunter_two":"hunter2","state":"active"}`, user)
	h.want(422, "POST", "/api/connections", `[{"source":{"ip":"hunter2"}}]`, user)
	h.want(400, "POST", "/api/allocations", `hunter2`, user)
	want := []string{
		"operator.issue done 201 by admin: grafana",
		"operator.issue refused 409 by admin: conflict (name), grafana",
		"operator.issue refused 422 by admin: unprocessable entity (name)",
		"operator.renew done 200 by admin: grafana",
		"operator.renew refused 404 by admin: not found (name)",
		"operator.delete done 200 by admin: grafana",
		"operator.delete refused 404 by admin: not found (name)",
		"webhook.create done 201 by abc123/projectB: " + hook,
		"webhook.update done 200 by abc123/projectB: " + hook,
		"webhook.update refused 422 by abc123/projectB: unprocessable entity (url), " + hook,
		"webhook.delete done 200 by abc123/projectB: " + hook,
		"webhook.delete refused 404 by abc123/projectB: not found (webhook_id)",
		"allocation.create refused 422 by abc123/projectB: unprocessable entity (src_ip, state)",
		"connection.report refused 422 by abc123/projectB: unprocessable entity ([0].source.ip, [0].source.port, [0].destination)",
		"allocation.create refused 400 by abc123/projectB: bad request (body)",
	}
	got := h.trail("")
	if text := strings.Join(got, "\n"); text != strings.Join(want, "\n") {
		t.Errorf("the log is\n%s\nwant\n%s", text, strings.Join(want, "\n"))
	}
	if text := h.dump(store.Audit); strings.Contains(text, "hunter") || strings.Contains(text, "example.org") {
		t.Errorf("the log holds what somebody has sent: %s", text)
	}
}

// TestAuditIsSavedWithTheChange: where the store refuses one it has neither.
func TestAuditIsSavedWithTheChange(t *testing.T) {
	h := newHarness(t)
	h.disk.Fail(fmt.Errorf("no space left"))
	h.want(500, "POST", "/api/allocations", "{"+good+"}", bearer(h.key))
	h.disk.Fail(nil)
	if n := h.disk.Len(store.Audit) + h.stored(); n != 0 {
		t.Errorf("%d records are stored", n)
	}
	h.want(422, "POST", "/api/allocations", with("duration", "0"), bearer(h.key))
	var r struct{ Missed int }
	h.must(json.Unmarshal([]byte(strings.SplitN(h.dump(store.Audit), " ", 3)[2]), &r))
	if r.Missed != 1 {
		t.Errorf("%d refusals were missed, want the one that could not be saved", r.Missed)
	}
}

// TestTrailOfReports: a refused report is recorded under its name, whichever
// address it came to; one that is taken over is not.
func TestTrailOfReports(t *testing.T) {
	h := newHarness(t)
	for _, target := range []string{"/connections", "/api/connections", "/api/v1/connections"} {
		h.do("POST", target, sound["connections"], bearer(h.key))
		h.do("POST", target, `[{}]`, bearer(h.key))
	}
	records := h.want(200, "GET", "/api/audit", "", bearer(h.admin)).Results
	n := 0
	for _, r := range records {
		if r["action"] != "connection.report" {
			continue
		}
		n++
		if r["outcome"] != "refused" || r["status"] != 422.0 || r["user_id"] != "abc123" {
			t.Errorf("the record is %v", r)
		}
	}
	if n != 3 {
		t.Errorf("%d records of reports in %v", n, records)
	}
}

// TestTrailOfRenewals: a key can be renewed over and over without writing the
// log full, and each renewal counts.
func TestTrailOfRenewals(t *testing.T) {
	h := newHarness(t)
	renewals := func() (records, missed int) {
		for _, r := range h.want(200, "GET", "/api/audit?per_page=1000", "", bearer(h.admin)).Results {
			if r["action"] == "key.renew" && r["outcome"] == "done" {
				records, missed = records+1, missed+int(r["missed"].(float64))
			}
		}
		return records, missed
	}
	h.want(403, "POST", "/api/auth/"+h.key, `{"user_id":"xyz987","project_id":"projectB"}`) // no renewal, and none that is noted
	for range 200 {
		h.want(200, "POST", "/api/auth/"+h.key, docKeyRequest)
	}
	if n, missed := renewals(); n != 1 || missed != 0 {
		t.Errorf("%d records of 200 renewals, %d counted", n, missed)
	}
	h.advance(30 * time.Second)
	a := h.want(200, "POST", "/api/auth/"+h.key, docKeyRequest)
	if end := int64(a.Results[0]["end_time"].(float64)); end != h.clock().Add(auth.TTL).Unix() {
		t.Errorf("a renewal that is only counted ends at %d", end)
	}
	h.advance(30 * time.Second)
	h.want(200, "POST", "/api/auth/"+h.key, docKeyRequest)
	if n, missed := renewals(); n != 2 || missed != 200 {
		t.Errorf("%d records, %d counted, want 2 and 200", n, missed)
	}
	other := h.issue("abc123", "projectB")
	h.want(200, "POST", "/api/auth/"+other, docKeyRequest)
	if n, _ := renewals(); n != 3 {
		t.Errorf("%d records, want one of the other key too", n)
	}
	if text := h.dump(store.Audit); strings.Contains(text, h.key[6:]) || strings.Contains(text, other[6:]) {
		t.Error("a key is in the log")
	}
}

// TestRefusedIsNotDone: a request that is refused when its record had been made
// pushes no other record out of the log.
func TestRefusedIsNotDone(t *testing.T) {
	h := newHarness(t)
	h.want(201, "POST", "/api/operators", `{"name":"watcher"}`, bearer(h.admin))
	hook := `{"url":"https://example.org/hook"}`
	for range 16 {
		h.want(201, "POST", "/api/webhooks", hook, bearer(h.key))
	}
	before := h.dump(store.Audit)
	for range 10 {
		h.want(409, "POST", "/api/operators", `{"name":"watcher"}`, bearer(h.admin))
		h.want(404, "DELETE", "/api/operators/nobody", "", bearer(h.admin))
		h.want(409, "POST", "/api/webhooks", hook, bearer(h.key))
		h.want(422, "POST", "/api/webhooks", `{"url":"https://10.0.0.1/"}`, bearer(h.key))
		h.want(403, "DELETE", "/api/auth/"+h.foreign, docKeyRequest)
		h.disk.Fail(fmt.Errorf("no space left"))
		h.want(500, "POST", "/api/allocations", "{"+good+"}", bearer(h.key))
		h.want(500, "POST", "/api/auth/"+h.key, docKeyRequest)
		h.disk.Fail(nil)
	}
	stored := strings.Count(h.dump(store.Audit), "\n") - strings.Count(before, "\n")
	if stored != 50 {
		t.Errorf("%d records of 50 refusals that could be saved", stored)
	}
	if noted := h.audit.Len(); noted != h.disk.Len(store.Audit) {
		t.Errorf("%d records are noted, and %d stored", noted, h.disk.Len(store.Audit))
	}
}

package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestConditionalRequests: each method with each precondition, as RFC 9110,
// section 13.2.2 has it.
func TestConditionalRequests(t *testing.T) {
	h := newHarness(t)
	id := h.create("")
	target := "/api/allocations/" + id
	etag := h.want(200, "GET", target, "", bearer(h.key)).header.Get("ETag")
	const old = `"99"`
	for _, c := range []struct {
		method, name, value string
		want                int
	}{
		{"GET", "If-None-Match", etag, 304}, {"HEAD", "If-None-Match", etag, 304}, {"GET", "If-None-Match", "W/" + etag, 304},
		{"GET", "If-None-Match", `"7", ` + etag, 304}, {"GET", "If-None-Match", "*", 304}, {"GET", "If-None-Match", old, 200},
		{"GET", "If-Match", etag, 200}, {"GET", "If-Match", "*", 200}, {"GET", "If-Match", old, 412},
		{"PATCH", "If-None-Match", "*", 412}, {"PATCH", "If-None-Match", etag, 412}, {"PATCH", "If-None-Match", old, 200},
		{"PATCH", "If-Match", old, 412}, {"PATCH", "If-Match", "W/" + etag, 412}, {"PATCH", "If-Match", etag[1 : len(etag)-1], 412},
		{"DELETE", "If-Match", old, 412}, {"DELETE", "If-None-Match", "*", 412}, {"POST", "If-Match", old, 412},
	} {
		body := map[string]string{"PATCH": "{}", "POST": "{}"}[c.method]
		a := h.do(c.method, target, body, bearer(h.key), header{c.name, c.value})
		if a.code != c.want {
			t.Errorf("%s with %s: %s: %d, want %d", c.method, c.name, c.value, a.code, c.want)
		}
		if a.code == 304 && (a.body != "" || a.header.Get("ETag") != etag) {
			t.Errorf("304 with %q, %v", a.body, a.header)
		}
	}
}

// TestETagFollowsUse: the use of an allocation is shown, and so part of what a
// reader has; a client that changes the allocation need not know it.
func TestETagFollowsUse(t *testing.T) {
	h := newHarness(t)
	target := "/api/allocations/" + h.create("")
	before := h.want(200, "GET", target, "", bearer(h.key)).header.Get("ETag")
	h.report(between("192.127.1.10", 40001, "192.127.1.11", 443))
	seen := h.want(200, "GET", target, "", bearer(h.key), header{"If-None-Match", before})
	if after := seen.header.Get("ETag"); after == before || seen.Results[0]["connections"] != 1.0 {
		t.Errorf("%s became %s with %v connections", before, after, seen.Results[0]["connections"])
	}
	changed := h.want(200, "PATCH", target, `{"duration":60}`, bearer(h.key), header{"If-Match", before})
	h.want(412, "PATCH", target, `{"duration":61}`, bearer(h.key), header{"If-Match", seen.header.Get("ETag")})
	h.want(200, "PATCH", target, `{"duration":61}`, bearer(h.key), header{"If-Match", changed.header.Get("ETag")})
}

// TestWhatIsShownMayBeSentBack: GET, change one field, PUT.
func TestWhatIsShownMayBeSentBack(t *testing.T) {
	h := newHarness(t)
	for name, settle := range map[string]bool{"pending": false, "active": true} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			target := "/api/allocations/" + h.create(`,"bandwidth":1000,"protocol":"tcp","dst_port":`+map[bool]string{false: "1", true: "2"}[settle])
			if settle {
				h.settle()
			}
			one := h.want(200, "GET", target, "", bearer(h.key)).Results[0]
			send := func(change string, value any) answer {
				object := map[string]any{}
				for name, v := range one {
					object[name] = v
				}
				if change != "" {
					object[change] = value
				}
				text, err := json.Marshal(object)
				h.must(err)
				return h.do("PUT", target, string(text), bearer(h.key))
			}
			if same := send("", nil); same.code != 200 || strings.Join(changedMembers(one, same.Results[0]), " ") != "" {
				t.Errorf("sent back it is %d %s", same.code, same.body)
			}
			longer := send("duration", 7200)
			if longer.code != 200 || strings.Join(changedMembers(one, longer.Results[0]), " ") != "duration end_time" {
				t.Errorf("with another duration it is %d %s", longer.code, longer.body)
			}
			one = longer.Results[0]
			for name, value := range map[string]any{"state": "complete", "end_time": 5, "allocation_id": "other"} {
				if a := send(name, value); a.code != 422 || !strings.HasPrefix(a.Errors[0], name+": is set by CONGA") {
					t.Errorf("with another %s: %d %s", name, a.code, a.body)
				}
			}
		})
	}
}

// TestUnknownParameters: a request that changes something does not overlook
// what was asked for in its query.
func TestUnknownParameters(t *testing.T) {
	h := newHarness(t)
	target := "/api/allocations/" + h.create("")
	before := h.dump(lasting...)
	for _, c := range []struct{ method, target, body string }{
		{"POST", "/api/allocations", "{" + good + "}"}, {"GET", target, ""}, {"POST", target, `{"duration":7}`},
		{"PATCH", target, `{"duration":7}`}, {"PUT", target, "{" + good + "}"}, {"DELETE", target, ""},
		{"POST", "/api/auth", docKeyRequest}, {"GET", "/api/auth/" + h.key, ""}, {"POST", "/api/auth/" + h.key, docKeyRequest},
		{"DELETE", "/api/auth/" + h.key, docKeyRequest}, {"GET", "/api/projects/projectB", ""}, {"GET", "/api", ""},
	} {
		a := h.want(422, c.method, c.target+"?dry_run=true", c.body, bearer(h.key))
		if !strings.HasPrefix(a.Errors[0], "dry_run: is not a parameter") {
			t.Errorf("%s %s: %s", c.method, c.target, a.body)
		}
	}
	if h.dump(lasting...) != before {
		t.Error("something has changed")
	}
}

// TestPagesKeepTheProject: what was named in the body is in the links to other
// pages, which have none.
func TestPagesKeepTheProject(t *testing.T) {
	h := newHarness(t)
	for _, port := range []string{"1", "2"} {
		h.create(`,"dst_port":` + port)
		h.report(between("192.127.1.10", 4321, "192.127.1.11", 80+len(port)), between("192.127.1.10", 4322, "192.127.1.11", 80))
	}
	h.want(201, "POST", "/api/allocations", strings.ReplaceAll("{"+good+`,"dst_port":3}`, "projectB", "project B"), bearer(h.foreign))
	for _, list := range []string{"/api/allocations", "/api/v1/connections"} {
		page := h.want(200, "GET", list+"?per_page=1", `{"project_id":"projectB"}`, bearer(h.admin))
		next := linksOf(page)["next"]
		again := h.want(200, "GET", next, "", bearer(h.admin))
		if !strings.Contains(next, "project_id=projectB") || again.Results[0]["project_id"] != "projectB" {
			t.Errorf("%s leads to %s", next, again.body)
		}
	}
}

// changedMembers returns the names of members that differ.
func changedMembers(before, after map[string]any) (names []string) {
	for _, name := range strings.Fields(members(after)) {
		a, _ := json.Marshal(before[name])
		b, _ := json.Marshal(after[name])
		if string(a) != string(b) {
			names = append(names, name)
		}
	}
	return names
}

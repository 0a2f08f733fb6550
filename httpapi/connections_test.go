package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"conga/httpapi/auth"
	"conga/httpapi/connections"
)

// report makes the harness's own key report connections below /api/v1.
func (h *harness) report(conns ...string) []string {
	h.t.Helper()
	a := h.do("POST", "/api/v1/connections", "["+strings.Join(conns, ",")+"]", bearer(h.key))
	if a.code != 200 && a.code != 201 {
		h.t.Fatal(a.code, a.body)
	}
	ids := []string{}
	for _, r := range a.Results {
		ids = append(ids, r["connection_uuid"].(string))
	}
	return ids
}

// between returns a connection between two of the harness's hosts.
func between(src string, srcPort int, dst string, dstPort int) string {
	return fmt.Sprintf(`{"source":{"ip":%q,"port":%d,"user":"abc123","pid":7,"process_name":"gridftp"},"destination":{"ip":%q,"port":%d}}`,
		src, srcPort, dst, dstPort)
}

// TestConnectionsInTheEnvelope: the same data below /api, at both addresses.
func TestConnectionsInTheEnvelope(t *testing.T) {
	for _, base := range []string{"/api", "/api/v1"} {
		h := newHarness(t)
		now := float64(h.clock().Unix())
		body := "[" + docConnections()[0] + "]"
		made := h.want(201, "POST", base+"/connections", body, bearer(h.key))
		h.advance(time.Minute)
		again := h.want(200, "POST", base+"/connections", body, bearer(h.key))
		if made.body != again.body {
			t.Errorf("first %s, then %s", made.body, again.body)
		}
		id := made.Results[0]["connection_uuid"].(string)
		self := fmt.Sprint(map[string]any{"self": map[string]any{"href": base + "/connections/" + id}})
		if fmt.Sprint(made.Results[0]["_links"]) != self {
			t.Errorf("answer is %s", made.body)
		}
		one := h.want(200, "GET", base+"/connections/"+id, "", bearer(h.key))
		list := h.want(200, "GET", base+"/connections", "", bearer(h.key))
		if one.body != list.body {
			t.Errorf("alone %s, listed %s", one.body, list.body)
		}
		got := list.Results[0]
		root := h.covalenceList("/connections", bearer(h.key))[0]
		if got["connection_uuid"] != id || fmt.Sprint(got["connection"]) != fmt.Sprint(root.Connection) || root.UUID != id ||
			got["project_id"] != "projectB" || got["first_seen"] != now || got["last_seen"] != now+60 || fmt.Sprint(got["_links"]) != self || len(got) != 6 {
			t.Errorf("listed is %s", list.body)
		}
		for _, target := range []string{base + "/connections", base + "/connections/" + id} {
			if a := h.want(200, "HEAD", target, "", bearer(h.key)); a.body != "" || a.header.Get("Content-Length") == "0" {
				t.Errorf("HEAD %s: %v %q", target, a.header, a.body)
			}
			h.want(405, "DELETE", target, "", bearer(h.key))
		}
		h.want(404, "GET", base+"/connections/nonsense", "", bearer(h.key))
		h.want(405, "POST", base+"/connections/"+id, body, bearer(h.key))
		h.advance(connections.DefaultKeep)
		h.want(404, "GET", base+"/connections/"+id, "", bearer(h.key))
		if n := len(h.want(200, "GET", base+"/connections", "", bearer(h.key)).Results); n != 0 {
			t.Errorf("%d listed after their time", n)
		}
	}
}

func TestConnectionPages(t *testing.T) {
	h := newHarness(t)
	var conns []string
	for i := range 300 {
		conns = append(conns, between("192.127.1.10", i+1, "192.127.1.11", 443))
	}
	ids := h.report(conns...)
	next, seen := "/api/v1/connections?after=1&before=99999999999", []string{}
	for pages := 0; next != ""; pages++ {
		a := h.want(200, "GET", next, "", bearer(h.key))
		for _, r := range a.Results {
			seen = append(seen, r["connection_uuid"].(string))
		}
		link := a.header.Get("Link")
		if !strings.Contains(link, `page=3&per_page=128>; rel="last"`) || !strings.Contains(link, "after=1&before=99999999999&page=1") || pages > 2 {
			t.Fatalf("page %d: Link is %s", pages, link)
		}
		before, _, found := strings.Cut(link, `>; rel="next"`)
		if next = ""; found {
			next = before[strings.LastIndex(before, "<")+1:]
		}
	}
	if fmt.Sprint(seen) != fmt.Sprint(ids) {
		t.Errorf("the pages show %d of %d, or in another order", len(seen), len(ids))
	}
	a := h.do("GET", "/connections?page=2&per_page=100", "", bearer(h.key))
	if n := strings.Count(a.body, "connection_uuid"); n != 100 || !strings.Contains(a.header.Get("Link"), `&page=3&per_page=100>; rel="next"`) {
		t.Errorf("%d on a page; Link is %s", n, a.header.Get("Link"))
	}
	a = h.do("GET", "/connections", "", bearer(h.key))
	if n := strings.Count(a.body, "connection_uuid"); n != 300 || a.header.Get("Link") != "" {
		t.Errorf("%d without a page; Link is %s", n, a.header.Get("Link"))
	}
	h.want(422, "POST", "/api/connections?page=1", "[]", bearer(h.key))
}

// TestConnectionKeys asks for every resource with every sort of key. The same
// answers, in the other shape, come at the document's own address.
func TestConnectionKeys(t *testing.T) {
	h := newHarness(t)
	expired := h.issue("abc123", "projectB")
	h.advance(auth.TTL)
	deleted := h.issue("abc123", "projectB")
	h.must(h.keys.Delete(t.Context(), deleted, "abc123", "projectB"))
	h.key = h.issue("abc123", "projectB")
	colleague, foreign := h.issue("xyz987", "projectB"), h.issue("xyz987", "project B")
	id := h.report(between("192.127.1.10", 1, "192.127.1.11", 2))[0]
	allocation := h.create("")
	body := "[" + between("192.127.1.10", 5, "192.127.1.11", 2) + "]"
	requests := []struct{ method, target, body string }{
		{"GET", "/connections", ""},
		{"HEAD", "/connections", ""},
		{"GET", "/connections?project_id=projectB", ""},
		{"GET", "/connections?allocation=" + allocation, ""},
		{"POST", "/connections?project_id=projectB", body},
		{"POST", "/connections", body},
		{"GET", "/connections/" + id, ""},
	}
	for _, c := range []struct {
		name, key string
		want      []int // in the order of requests
	}{
		{"none", "", []int{401, 401, 401, 401, 401, 401, 401}},
		{"nonsense", "conga_x", []int{401, 401, 401, 401, 401, 401, 401}},
		{"unknown", auth.NewSecret(), []int{401, 401, 401, 401, 401, 401, 401}},
		{"expired", expired, []int{401, 401, 401, 401, 401, 401, 401}},
		{"deleted", deleted, []int{401, 401, 401, 401, 401, 401, 401}},
		{"other project", foreign, []int{200, 200, 403, 404, 403, 200, 404}},
		{"own", h.key, []int{200, 200, 200, 200, 200, 200, 200}},
		{"colleague's", colleague, []int{200, 200, 200, 200, 200, 200, 200}},
		{"operator", h.admin, []int{200, 200, 200, 200, 200, 422, 200}},
	} {
		for i, r := range requests {
			for _, base := range []string{"", "/api", "/api/v1"} {
				if base == "" && strings.Contains(r.target, id) {
					continue // no address of the document
				}
				a := h.do(r.method, base+r.target, r.body, bearer(c.key))
				if a.code == 201 {
					a.code = 200
				}
				if a.code != c.want[i] {
					t.Errorf("%s: %s %s: %d, want %d: %s", c.name, r.method, base+r.target, a.code, c.want[i], a.body)
				}
				if c.name == "other project" && strings.Contains(a.body, "projectB") || a.code >= 400 && strings.Contains(a.body, "192.127") {
					t.Errorf("%s: %s %s tells of it: %s", c.name, r.method, base+r.target, a.body)
				}
			}
		}
	}
	if _, n := h.reports.List(connections.Query{}, 0, 0); n != 3 { // the first; and the other, of two projects
		t.Errorf("%d connections, want 3", n)
	}
	h.must(h.dir.Update(auth.StaticConfig{Projects: []auth.Project{{ID: "projectB", Members: []string{"xyz987"}}}}))
	h.want(403, "GET", "/api/connections", "", bearer(h.key))
	h.covalence(403, body, bearer(h.key))
}

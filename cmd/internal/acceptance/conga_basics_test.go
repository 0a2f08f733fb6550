package acceptance

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// congaBasics checks what the CONGA document says of every request.
var congaBasics = checks{
	"conga: HTTP Methods: GET": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		id := u.create(with(sound(), "duration", 60))
		before := u.details(id)
		u.want(200, "GET", "/api/allocations/"+id, "")
		if after := u.details(id); before["duration"] != after["duration"] {
			t.Error("reading has changed something")
		}
	},
	"conga: HTTP Methods: POST": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		id := u.create(with(sound(), "duration", 60))
		u.want(200, "POST", "/api/allocations/"+id, `{"duration":61}`)
	},
	"conga: HTTP Methods: PUT": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		id := u.create(with(sound(), "bandwidth", 1000000))
		u.want(200, "PUT", "/api/allocations/"+id, with(sound(), "duration", 61))
		if d := u.details(id); d["duration"] != 61.0 || d["bandwidth"] != nil {
			t.Errorf("replaced, it is %v", d)
		}
	},
	"conga: HTTP Methods: DELETE": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		id := u.create(with(sound(), "duration", 60))
		u.want(200, "DELETE", "/api/allocations/"+id, "")
		if one := u.details(id); one["state"] != "complete" || one["reason"] != "released by abc123" {
			t.Errorf("released: %v", one)
		}
		u.want(200, "DELETE", "/api/allocations/"+id, "") // out of the history
		u.want(404, "GET", "/api/allocations/"+id, "")
	},

	"conga: Response: status (integer)": func(t *testing.T, w *world) {
		good, bad := w.operator(t).want(200, "GET", "/api/allocations", ""), w.keyless(t).want(401, "GET", "/api/allocations", "")
		if !strings.Contains(good.body, `"status":0`) || !strings.Contains(bad.body, `"status":401`) {
			t.Errorf("%s and %s", good.body, bad.body)
		}
	},
	"conga: Response: results (array)": func(t *testing.T, w *world) {
		good, bad := w.operator(t).want(200, "GET", "/api/projects", ""), w.keyless(t).want(404, "GET", "/api/nothing", "")
		if !strings.Contains(good.body, `"results":[{`) || !strings.Contains(bad.body, `"results":[]`) {
			t.Errorf("%s and %s", good.body, bad.body)
		}
	},
	"conga: Response: errors (array)": func(t *testing.T, w *world) {
		good, bad := w.operator(t).want(200, "GET", "/api/projects", ""), w.keyless(t).want(404, "GET", "/api/nothing", "")
		if !strings.Contains(good.body, `"errors":[]`) || len(bad.Errors) != 1 || bad.Errors[0] == "" {
			t.Errorf("%s and %s", good.body, bad.body)
		}
	},

	"conga: Service Types: /allocations": func(t *testing.T, w *world) { w.isService(t, "/allocations") },
	"conga: Service Types: /stats":       func(t *testing.T, w *world) { w.isService(t, "/stats") },
	"conga: Service Types: /auth": func(t *testing.T, w *world) {
		for _, base := range []string{"/api", "/api/v1"} {
			w.keyless(t).want(200, "POST", base+"/auth", `{"user_id":"abc123","project_id":"projectB"}`)
		}
	},

	"conga: Getting Started: only HTTPS": func(t *testing.T, w *world) {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(w.url, "https://"), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET /api/allocations HTTP/1.1\r\nHost: conga\r\n\r\n")
		text, _ := io.ReadAll(conn)
		if !strings.HasPrefix(string(text), "HTTP/1.0 400 ") || strings.Contains(string(text), "results") {
			t.Errorf("without TLS it answers %s", text)
		}
		old := w.transport(false)
		defer old.CloseIdleConnections()
		old.TLSClientConfig = &tls.Config{RootCAs: w.trust, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		if _, err := (&http.Client{Transport: old}).Get(w.url + "/healthz"); err == nil {
			t.Error("TLS 1.1 will do")
		}
	},
	"conga: Getting Started: the payload is JSON": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		if kind := u.want(200, "GET", "/api/allocations", "").header.Get("Content-Type"); kind != "application/json" {
			t.Errorf("the answer is %s", kind)
		}
		u.refused(415, "Content-Type", "POST", "/api/allocations", with(sound(), "duration", 60), "Content-Type", "text/xml")
	},
	"conga: Request: /api/[service-name]": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		id := u.create(with(sound(), "duration", 60))
		for _, base := range []string{"/api", "/api/v1"} {
			self := u.want(200, "GET", base+"/allocations/"+id, "").Results[0]["_links"].(map[string]any)["self"]
			if href := self.(map[string]any)["href"]; href != base+"/allocations/"+id {
				t.Errorf("below %s it links to %v", base, href)
			}
		}
		for _, strange := range []string{"/", "/api/", "/api/nothing", "/nothing"} {
			u.want(404, "GET", strange, "")
		}
	},
	"conga: Authentication: a key is needed for all other requests": func(t *testing.T, w *world) {
		for _, c := range w.resources(t).operations(t) {
			if c.Open() || !takesBody(c) || strings.HasPrefix(c.path, "/api/auth") {
				continue // monitoring is open to the daemon's own machine, where tests run
			}
			u := w.keyless(t)
			u.want(401, c.Method, c.path, c.body)
			u.key = "conga_" + strings.Repeat("x", 43)
			u.want(401, c.Method, c.path, c.body)
		}
	},

	"conga: Network Statistics: totals": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		id := u.active(with(sound(), "bandwidth", 1_000_000))
		v := values{}
		like(t, `{"status":0,"results":[{"project_id":"projectB","allocations":{"active":1,"pending":"$p:integer","complete":"$c:integer"},
			"entered":"$e:object","delivered":"$d:object","dropped":"$x:object","network":null,"interval":1}],"errors":[]}`,
			u.want(200, "GET", "/api/stats", "").body, v)
		one := u.want(200, "GET", "/api/stats/allocations/"+id, "").Results[0]
		if one["allocation_id"] != id || one["bandwidth"] != 1e6 || one["final"] != false {
			t.Errorf("of the allocation: %v", one)
		}
		for _, list := range []string{"switches", "links", "switches/0000000000000001/ports", "switches/0000000000000001/flows",
			"switches/0000000000000001/tables", "switches/0000000000000001/meters"} {
			if all := w.operator(t).want(200, "GET", "/api/stats/"+list, ""); len(all.Results) == 0 {
				t.Errorf("/stats/%s: %s", list, all.body)
			}
		}
	},
}

// isService asks for a service at both its addresses.
func (w *world) isService(t *testing.T, path string) {
	t.Helper()
	u := w.user(t, "abc123", "projectB")
	for _, base := range []string{"/api", "/api/v1"} {
		u.want(200, "GET", base+path, "")
	}
}

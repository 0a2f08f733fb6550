package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"conga/httpapi"
	"conga/httpapi/connections"
	"conga/stats"
)

// TestWhoIsOnThePath: an allocation says whether it is used, and leads to the
// connections that use it.
func TestWhoIsOnThePath(t *testing.T) {
	h := newHarness(t)
	id := h.create(`,"dst_port":443`)
	other := h.want(201, "POST", "/api/v1/allocations", with("dst_ip", `"192.127.1.22"`), bearer(h.key)).Results[0]["allocation_id"].(string)
	h.report(
		between("192.127.1.10", 40001, "192.127.1.11", 443),
		between("192.127.1.11", 443, "192.127.1.10", 40002), // as its other end sees it
		between("192.127.1.10", 40003, "192.127.1.11", 80),  // another port
		between("192.127.1.22", 5, "192.127.1.45", 6),       // other hosts
	)
	// What another project reports of the same hosts does not count.
	h.want(201, "POST", "/api/connections", "["+between("192.127.1.10", 40004, "192.127.1.11", 443)+"]", bearer(h.foreign))
	usage := func(id string) string {
		t.Helper()
		one := h.want(200, "GET", "/api/v1/allocations/"+id, "", bearer(h.key)).Results[0]
		for _, listed := range h.want(200, "GET", "/api/v1/allocations", "", bearer(h.key)).Results {
			if listed["allocation_id"] == id && fmt.Sprint(listed) != fmt.Sprint(one) {
				t.Errorf("listed as %v, alone %v", listed, one)
			}
		}
		href := one["_links"].(map[string]any)["connections"].(map[string]any)["href"].(string)
		on := h.want(200, "GET", href, "", bearer(h.key))
		if n := one["connections"]; n != nil && fmt.Sprint(len(on.Results)) != fmt.Sprint(n) || !strings.Contains(on.header.Get("Link"), "allocation="+id) {
			t.Errorf("%v of %s: %s", one["connections"], href, on.body)
		}
		return fmt.Sprint(one["connections"], " ", one["in_use"])
	}
	if got := usage(id); got != "2 false" {
		t.Errorf("pending: %s, want 2 connections and not in use", got)
	}
	h.settle()
	if got := usage(id); got != "2 true" {
		t.Errorf("active: %s, want 2 connections and in use", got)
	}
	if got := usage(other); got != "0 false" {
		t.Errorf("unused: %s", got)
	}
	on := h.want(200, "GET", "/api/v1/connections?allocation="+id, "", bearer(h.admin))
	if len(on.Results) != 2 || !strings.Contains(on.body, `"user":"abc123"`) || !strings.Contains(on.body, `"process_name":"gridftp"`) {
		t.Errorf("the operator sees %s", on.body)
	}
	if list := h.covalenceList("/connections?allocation="+id, bearer(h.key)); len(list) != 2 {
		t.Errorf("at the document's address there are %d", len(list))
	}
	a := h.want(404, "GET", "/api/connections?allocation="+id, "", bearer(h.foreign))
	b := h.want(404, "GET", "/api/connections?allocation=00000000-0000-0000-0000-000000000000", "", bearer(h.foreign))
	if a.body != b.body {
		t.Errorf("%s and %s", a.body, b.body)
	}
	if n := len(h.want(200, "GET", "/api/connections?project_id=project+B&allocation="+id, "", bearer(h.admin)).Results); n != 0 {
		t.Errorf("the other project has %d connections on it", n)
	}
	h.advance(connections.DefaultKeep)
	if got := usage(id); got != "<nil> <nil>" {
		t.Errorf("after the reports: %s", got)
	}
}

// flowing are the statistics of a network in which every allocation carries
// this much.
type flowing struct {
	httpapi.Statistics
	rate *stats.Rate
}

func (f flowing) Allocation(string) stats.Allocation {
	return stats.Allocation{Reverse: stats.Direction{DeliveredRate: f.rate}}
}

func (f flowing) Losing(string) string   { return "" }
func (f flowing) Idle(string) stats.Idle { return stats.Idle{} }

func (f flowing) Receipt(string) stats.Receipt { return stats.Receipt{} }

// TestInUseByTraffic: traffic that is seen is use, reported or not; where
// nothing is seen and nothing reported, use is not known.
func TestInUseByTraffic(t *testing.T) {
	for name, c := range map[string]struct {
		rate          *stats.Rate
		report        string // the destination of what the project reports; "": nothing
		pending, then string
	}{
		"traffic":                      {&stats.Rate{Bits: 1}, "", "<nil> false", "<nil> true"},
		"none":                         {&stats.Rate{}, "", "<nil> false", "<nil> false"},
		"not counted":                  {nil, "", "<nil> false", "<nil> <nil>"},
		"not counted, other reports":   {nil, "192.127.1.45", "0 false", "0 false"},
		"traffic, and other reports":   {&stats.Rate{Bits: 1}, "192.127.1.45", "0 false", "0 true"},
		"none yet, but it is reported": {&stats.Rate{}, "192.127.1.11", "1 false", "1 true"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(cfg *httpapi.Config) { cfg.Statistics = flowing{rate: c.rate} })
			if c.report != "" {
				h.report(between("192.127.1.10", 40001, c.report, 443))
			}
			id := h.create("")
			usage := func() string {
				d := h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).Results[0]
				return fmt.Sprint(d["connections"], " ", d["in_use"])
			}
			pending := usage()
			if h.settle(); pending != c.pending || usage() != c.then {
				t.Errorf("pending %s, want %s; active %s, want %s", pending, c.pending, usage(), c.then)
			}
		})
	}
}

// TestAllocateForAConnection: connection_uuid in place of addresses and ports.
func TestAllocateForAConnection(t *testing.T) {
	h := newHarness(t)
	conn := h.report(between("192.127.1.10", 40001, "192.127.1.11", 443))[0]
	request := func(project, conn, more string) string {
		return fmt.Sprintf(`{"project_id":%q,"duration":3600,"connection_uuid":%q%s}`, project, conn, more)
	}
	for _, c := range []struct {
		name, body, key string
		code            int
		says            string
	}{
		{"unknown", request("projectB", "00000000-0000-0000-0000-000000000000", ""), h.key, 422, "connection_uuid: the project has reported no such"},
		{"nonsense", request("projectB", "x", ""), h.key, 422, "connection_uuid: the project has reported no such"},
		{"empty", request("projectB", "", ""), h.key, 422, "connection_uuid: the project has reported no such"},
		{"another project's", request("project B", conn, ""), h.foreign, 422, "connection_uuid: the project has reported no such"},
		{"another project's, by the operator", request("project B", conn, ""), h.admin, 422, "connection_uuid: the project has reported no such"},
		{"and an address", request("projectB", conn, `,"src_ip":"192.127.1.10"`), h.key, 422, "src_ip: is what connection_uuid says already"},
		{"and a port", request("projectB", conn, `,"dst_port":443`), h.key, 422, "dst_port: is what connection_uuid says already"},
		{"and a protocol", request("projectB", conn, `,"protocol":"tcp"`), h.key, 422, "protocol: is what connection_uuid says already"},
		{"no duration", `{"project_id":"projectB","connection_uuid":"` + conn + `"}`, h.key, 422, "duration: is required"},
		{"a number", `{"project_id":"projectB","duration":60,"connection_uuid":7}`, h.key, 400, "connection_uuid: must be a string"},
		{"null", `{"project_id":"projectB","duration":60,"connection_uuid":null}`, h.key, 422, "src_ip: is required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			a := h.want(c.code, "POST", "/api/v1/allocations", c.body, bearer(c.key))
			if !strings.Contains(strings.Join(a.Errors, "\n"), c.says) {
				t.Errorf("errors are %q, want %q", a.Errors, c.says)
			}
			if n := h.stored(); n != 0 {
				t.Errorf("%d allocations", n)
			}
		})
	}
	h.t = t
	made := h.want(201, "POST", "/api/v1/allocations", request("projectB", conn, `,"bandwidth":1000000`), bearer(h.key))
	h.settle()
	got := h.want(200, "GET", made.header.Get("Location"), "", bearer(h.key)).Results[0]
	want := map[string]any{
		"src_ip": "192.127.1.10", "src_port": 40001.0, "dst_ip": "192.127.1.11", "dst_port": 443.0,
		"protocol": "tcp", "connections": 1.0, "in_use": true, "bandwidth": 1e6,
	}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s is %v, want %v", name, got[name], w)
		}
	}
	for _, method := range []string{"PATCH", "PUT"} { // what is there is not moved by a connection
		a := h.want(422, method, made.header.Get("Location"), request("projectB", conn, ""), bearer(h.key))
		if !strings.Contains(strings.Join(a.Errors, "\n"), "connection_uuid: is not a field") {
			t.Errorf("%s: errors are %q", method, a.Errors)
		}
	}
	h.want(422, "PATCH", made.header.Get("Location"), `{"in_use":true}`, bearer(h.key))
}

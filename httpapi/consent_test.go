package httpapi_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"conga/controller/topology"
	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/openflow"
)

// owners returns those of a network in which abc123's project has two hosts and
// the other project more.
func owners(consent auth.Consent) *auth.Owners {
	prefix := func(s string) auth.Owned { return auth.Owned{Prefix: netip.MustParsePrefix(s)} }
	return auth.NewOwners(consent, []auth.Project{
		{ID: "projectB", Addresses: []auth.Owned{prefix("192.127.1.10/32"), {MAC: openflow.MAC{2, 0, 0, 0, 0, 9}}}},
		{ID: "project B", Addresses: []auth.Owned{prefix("192.127.1.0/28"), prefix("192.127.1.22/32")}},
	})
}

// A path needs the word of the project that owns an end, when it is asked for
// and when it is changed. Only the admin may do without.
func TestConsentOfAddresses(t *testing.T) {
	now := owners(auth.ConsentEither)
	h := newHarness(t, func(c *httpapi.Config) {
		c.Owners = func() *auth.Owners { return now }
		snap := c.Snapshot()
		mac := openflow.MAC{2, 0, 0, 0, 0, 9}
		snap.Hosts = snap.Hosts.With(topology.HostID{MAC: mac}, topology.Host{MAC: mac, Addrs: []netip.Addr{netip.MustParseAddr("192.127.1.45")}})
	})
	post := func(target, body, key string) answer {
		t.Helper()
		return h.do("POST", target, body, bearer(key))
	}
	port := 1000
	body := func(project, src, dst string) string {
		port++
		return fmt.Sprintf(`{"project_id":%q,"src_ip":%q,"dst_ip":%q,"protocol":"udp","src_port":%d,"dst_port":9,"duration":60}`, project, src, dst, port)
	}
	refused := func(a answer, field string) {
		t.Helper()
		if a.code != http.StatusForbidden || len(a.Errors) != 1 || !strings.HasPrefix(a.Errors[0], field+": ") ||
			!strings.Contains(a.Errors[0], "belongs to another project") || strings.Contains(a.Errors[0], "project B") {
			t.Errorf("%d %v, want a refusal of %s", a.code, a.Errors, field)
		}
	}
	const own, foreign, open, byMAC = "192.127.1.10", "192.127.1.11", "192.127.1.40", "192.127.1.45"
	for _, ends := range [][2]string{{own, foreign}, {foreign, own}, {byMAC, foreign}, {open, own}} {
		if a := post("/api/allocations", body("projectB", ends[0], ends[1]), h.key); a.code != http.StatusCreated {
			t.Errorf("%v: %d %v", ends, a.code, a.Errors)
		}
	}
	refused(post("/api/allocations", body("projectB", foreign, "192.127.1.22"), h.key), "src_ip")
	refused(post("/api/allocations", body("projectB", open, foreign), h.key), "dst_ip")
	refused(post("/api/allocations", body("project B", open, byMAC), h.foreign), "dst_ip")
	path := func(src, dst, key string) answer {
		t.Helper()
		return h.do("GET", "/api/paths?src="+src+"&dst="+dst, "", bearer(key))
	}
	refused(path(foreign, "192.127.1.22", h.key), "src")
	refused(path(open, foreign, h.key), "dst")
	for _, key := range []string{h.foreign, h.admin} {
		if a := path(foreign, "192.127.1.22", key); a.code != http.StatusOK {
			t.Errorf("the path of one's own: %d %v", a.code, a.Errors)
		}
	}
	if a := post("/api/allocations", body("projectB", foreign, "192.127.1.22"), h.admin); a.code != http.StatusCreated {
		t.Errorf("the admin: %d %v", a.code, a.Errors)
	}

	made := post("/api/allocations", body("projectB", own, foreign), h.key)
	at := "/api/allocations/" + made.Results[0]["allocation_id"].(string)
	refused(post(at, `{"src_ip":"192.127.1.22"}`, h.key), "src_ip")
	now = owners(auth.ConsentBoth) // the configuration is read again
	if a := post(at, `{"duration":30}`, h.key); a.code != http.StatusOK {
		t.Errorf("less of what was admitted: %d %v", a.code, a.Errors)
	}
	for _, more := range []string{`{"duration":90}`, `{"bandwidth":1000000}`, `{"dst_port":10}`, `{"start_time":1429209999}`} {
		refused(post(at, more, h.key), "dst_ip")
	}
	if a := h.do("DELETE", at, "", bearer(h.key)); a.code != http.StatusOK {
		t.Errorf("release: %d %v", a.code, a.Errors)
	}
}

// What was admitted before its addresses became another's becomes no more by
// any attribute, and less by each.
func TestConsentOfMore(t *testing.T) {
	for _, tc := range []struct{ asked, more, less string }{
		{`"volume":1000000`, `{"volume":2000000}`, `{"volume":900000}`},
		{`"volume":1000000,"max_bandwidth":2000000`, `{"max_bandwidth":3000000}`, `{"max_bandwidth":1000000}`},
		{`"volume":1000000,"max_bandwidth":2000000`, `{"max_bandwidth":null}`, `{"max_bandwidth":1900000,"volume":990000}`},
		{`"volume":1000000,"min_bandwidth":200000`, `{"min_bandwidth":300000}`, `{"min_bandwidth":null}`},
		{`"volume":1000000,"bandwidth":1000000`, `{"bandwidth":null}`, `{"volume":900000}`},
		{`"volume":1000000,"bandwidth":1000000`, `{"bandwidth":null,"max_bandwidth":1000000,"volume":2000000}`, `{"lease":600}`},
		{`"volume":1000000,"earliest":1429203000`, `{"earliest":1429203600}`, `{"avoid":["0000000000000003"]}`},
		{`"volume":1000000,"deadline":1429299000`, `{"deadline":1429299600}`, `{"volume":1}`},
		{`"duration":60`, `{"protection":"path"}`, `{"avoid":["0000000000000003"]}`},
		{`"duration":60,"bandwidth":2000000`, `{"reverse_bandwidth":2100000}`, `{"reverse_bandwidth":1000000}`},
		{`"duration":60,"bandwidth":2000000,"reverse_bandwidth":1000000`, `{"reverse_bandwidth":null}`, `{"bandwidth":900000,"reverse_bandwidth":null}`},
		{`"duration":60,"bandwidth":2000000`, `{"volume":15000000}`, `{"bandwidth":null}`},
	} {
		now := owners(auth.ConsentEither)
		h := newHarness(t, func(c *httpapi.Config) { c.Owners = func() *auth.Owners { return now } })
		made := h.want(http.StatusCreated, "POST", "/api/allocations", `{"project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.11",`+tc.asked+`}`, bearer(h.key))
		at := "/api/allocations/" + made.Results[0]["allocation_id"].(string)
		now = owners(auth.ConsentBoth)
		if a := h.do("PATCH", at, tc.more, bearer(h.key)); a.code != http.StatusForbidden {
			t.Errorf("%s becomes %s: %d %v", tc.asked, tc.more, a.code, a.Errors)
		}
		if a := h.do("PATCH", at, tc.less, bearer(h.key)); a.code != http.StatusOK {
			t.Errorf("%s does not become %s: %d %v", tc.asked, tc.less, a.code, a.Errors)
		}
	}
}

// A path carries both directions, so consent of the source cannot be got around
// by calling one's own host the source: not in a request, not in a change, and
// not for a protocol or a port alone.
func TestConsentOfTheSource(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) {
		now := owners(auth.ConsentSource)
		c.Owners = func() *auth.Owners { return now }
	})
	const own, foreign, open = "192.127.1.10", "192.127.1.11", "192.127.1.40"
	body := func(src, dst, more string) string {
		return fmt.Sprintf(`{"project_id":"projectB","src_ip":%q,"dst_ip":%q,"duration":60%s}`, src, dst, more)
	}
	refused := func(a answer, field string) {
		t.Helper()
		if a.code != http.StatusForbidden || len(a.Errors) != 1 || !strings.HasPrefix(a.Errors[0], field+": "+foreign+" belongs to another project") ||
			!strings.Contains(a.Errors[0], "whichever end is src_ip") {
			t.Errorf("%d %v, want a refusal of %s", a.code, a.Errors, field)
		}
	}
	for _, more := range []string{"", `,"protocol":"udp"`, `,"protocol":"tcp","dst_port":9`, `,"protocol":"udp","src_port":9`, `,"bandwidth":1000000`} {
		refused(h.do("POST", "/api/allocations", body(own, foreign, more), bearer(h.key)), "dst_ip")
		refused(h.do("POST", "/api/allocations", body(foreign, own, more), bearer(h.key)), "src_ip")
	}
	made := h.want(http.StatusCreated, "POST", "/api/allocations", body(own, open, ""), bearer(h.key))
	at := "/api/allocations/" + made.Results[0]["allocation_id"].(string)
	refused(h.do("PATCH", at, `{"dst_ip":"`+foreign+`"}`, bearer(h.key)), "dst_ip")
	refused(h.do("PATCH", at, `{"dst_ip":"`+foreign+`","protocol":"udp","dst_port":9}`, bearer(h.key)), "dst_ip")
	refused(h.do("PATCH", at, `{"src_ip":"`+foreign+`","dst_ip":"`+own+`"}`, bearer(h.key)), "src_ip")
	h.want(http.StatusOK, "PATCH", at, `{"src_ip":"`+open+`","dst_ip":"`+own+`"}`, bearer(h.key))
	h.want(http.StatusCreated, "POST", "/api/allocations", body(foreign, open, ""), bearer(h.admin))
}

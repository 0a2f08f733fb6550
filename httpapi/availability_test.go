package httpapi_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestAvailability asks what there is: before, beside and after what is held,
// in part, and with keys of each sort.
func TestAvailability(t *testing.T) {
	h := newHarness(t)
	h.want(201, "POST", "/api/allocations", `{`+strings.ReplaceAll(good, "1.11", "1.22")+`,"bandwidth":700000000}`, bearer(h.key))
	const hosts = `"src_ip":"192.127.1.10","dst_ip":"192.127.1.11"`
	ask := func(key, more string) map[string]any {
		t.Helper()
		return h.want(200, "POST", "/api/v1/availability", `{`+hosts+more+`}`, bearer(key)).Results[0]
	}
	const now, later, horizon = 1429206574, 1429210174, 1429206574 + 30*24*3600
	steps := fmt.Sprint([]any{
		map[string]any{"start_time": float64(now), "end_time": float64(later), "bandwidth": 1e8},
		map[string]any{"start_time": float64(later), "end_time": float64(horizon), "bandwidth": 8e8},
	})
	for _, key := range []string{h.key, h.admin} {
		if got := ask(key, ""); got["fits"] != true || fmt.Sprint(got["free"]) != steps || got["free_until"] != float64(horizon) || got["end_time"] != nil || got["start_time"] != float64(now) {
			t.Errorf("%v", got)
		}
	}
	got := ask(h.key, `,"duration":60,"bandwidth":200000000,"horizon":10`)
	alt := got["alternatives"].([]any)
	if got["fits"] != true || got["start_time"] != float64(later) || got["end_time"] != float64(later+60) || len(alt) != 1 ||
		alt[0].(map[string]any)["bandwidth"] != 1e8 || len(got["free"].([]any)) != 1 || got["request"].(map[string]any)["project_id"] != "projectB" {
		t.Errorf("%v", got)
	}
	got = ask(h.key, `,"duration":60,"bandwidth":200000000,"start_time":"now"`)
	if got["fits"] != false || got["start_time"] != nil || got["bottleneck"] == nil || len(got["alternatives"].([]any)) != 3 ||
		fmt.Sprint(got["interval"]) != fmt.Sprint(map[string]any{"start_time": float64(now), "end_time": float64(later)}) {
		t.Errorf("%v", got)
	}
	for body, code := range map[string]int{
		`{` + hosts + `,"horizon":0}`:                      422,
		`{` + hosts + `,"horizon":63072001}`:               422,
		`{"src_ip":"192.127.1.10"}`:                        422,
		`{` + hosts + `,"project_id":"project B"}`:         403,
		`{` + hosts + `,"colour":1}`:                       422,
		`{"connection_uuid":"x"}`:                          422,
		`{"src_ip":"192.127.1.10","dst_ip":"10.9.9.9"}`:    200,
		`{` + hosts + `,"duration":31536001}`:              422,
		`{"src_ip":"192.127.1.10","dst_ip":"2001:db8::1"}`: 422,
	} {
		h.want(code, "POST", "/api/availability", body, bearer(h.key))
	}
	if n := len(h.all()); n != 1 {
		t.Errorf("%d allocations", n)
	}
}

// TestAvailabilityRepeatsTheRequest asks with what counts from now and with
// what is left out, and reads what was asked about as it was understood: a body
// that may be posted.
func TestAvailabilityRepeatsTheRequest(t *testing.T) {
	h := newHarness(t)
	const hosts = `"src_ip":"192.127.1.10","dst_ip":"192.127.1.11"`
	for more, want := range map[string]string{
		`,"start_time":"now"`:                               `"start_time":1429206574`,
		`,"start_time":"+60","duration":60`:                 `"start_time":1429206634,"duration":60`,
		`,"start_time":1429206573`:                          `"start_time":1429206574`,
		`,"earliest":"+60"`:                                 `"earliest":1429206634`,
		`,"earliest":"now","deadline":"+600","duration":60`: `"duration":60,"earliest":1429206574,"deadline":1429207174`,
	} {
		var sent, got map[string]any
		if err := json.Unmarshal([]byte(`{"project_id":"projectB","protocol":"any",`+hosts+`,`+want+`}`), &sent); err != nil {
			t.Fatal(err)
		}
		got = h.want(200, "POST", "/api/v1/availability", `{`+hosts+more+`}`, bearer(h.key)).Results[0]["request"].(map[string]any)
		if !reflect.DeepEqual(got, sent) {
			t.Errorf("%s: %v, want %v", more, got, sent)
		}
	}
}

// TestValidate has requests checked that would be carried out, and some that
// would not, and nothing kept.
func TestValidate(t *testing.T) {
	h := newHarness(t)
	const address = "/api/v1/allocations?validate=true"
	got := h.want(200, "POST", address, `{`+good+`,"bandwidth":700000000,"lease":60}`, bearer(h.key), idempotent("k")).Results[0]
	if got["allocation_id"] != nil || got["state"] != "pending" || got["start_time"] != 1429206574.0 || got["path"] == nil || got["user_id"] != "abc123" {
		t.Errorf("%v", got)
	}
	h.want(409, "POST", address, `{`+good+`,"bandwidth":900000000}`, bearer(h.key))
	h.want(422, "POST", address, `{`+good+`,"bandwidth":-1}`, bearer(h.key))
	h.want(403, "POST", address, `{`+strings.ReplaceAll(good, "projectB", "project B")+`}`, bearer(h.key))
	for _, value := range []string{"=maybe", "=TRUE", "=", ""} {
		h.want(422, "POST", "/api/allocations?validate"+value, `{`+good+`}`, bearer(h.key))
	}
	if records := h.want(200, "GET", "/api/audit?per_page=1000", "", bearer(h.admin)).body; len(h.all()) != 0 || strings.Count(records, `"outcome":"refused"`) != 4 {
		t.Errorf("%d allocations; recorded is %s", len(h.all()), records) // those that do not say that they only ask
	}
	h.want(201, "POST", "/api/allocations?validate=false", `{`+good+`}`, bearer(h.key), idempotent("k"))
	if len(h.all()) != 1 {
		t.Error("the Idempotency-Key was used up")
	}
}

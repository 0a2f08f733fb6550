package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"conga/allocator"
	"conga/allocator/store"
	"conga/controller/path"
	"conga/httpapi"
)

// maintain enters a maintenance and returns its ID.
func (h *harness) maintain(body string) string {
	h.t.Helper()
	return h.want(201, "POST", "/api/v1/maintenance", "{"+body+"}", bearer(h.admin)).Results[0]["maintenance_id"].(string)
}

// TestMaintenance: a maintenance is rehearsed without a trace, entered once,
// listed, and ended; it says what becomes of allocations, and so do they.
func TestMaintenance(t *testing.T) {
	h := newHarness(t, withAll)
	id := h.create("")
	body := `{"switch":"1","start_time":1429210000,"end_time":1429211000,"note":"new fans"}`
	before := h.dump(store.Allocations, store.Maintenances, store.Audit)
	rehearsed := h.want(200, "POST", "/api/v1/maintenance?dry_run=true", body, bearer(h.admin)).Results[0]
	if h.dump(store.Allocations, store.Maintenances, store.Audit) != before || rehearsed["maintenance_id"] != nil {
		t.Errorf("the rehearsal %v left something", rehearsed)
	}
	made := h.want(201, "POST", "/api/v1/maintenance", body, bearer(h.admin), header{"Idempotency-Key", "m1"})
	again := h.want(201, "POST", "/api/v1/maintenance", body, bearer(h.admin), header{"Idempotency-Key", "m1"})
	one := made.Results[0]
	if jsonOf(t, one) != jsonOf(t, again.Results[0]) || jsonOf(t, one["allocations"]) != jsonOf(t, rehearsed["allocations"]) {
		t.Errorf("rehearsed %v, made %v, again %v", rehearsed, one, again.Results[0])
	}
	outcome := one["allocations"].([]any)[0].(map[string]any)
	if outcome["allocation_id"] != id || outcome["outcome"] != "stays" || !strings.Contains(outcome["reason"].(string), "switch 0000000000000001 is under maintenance from 2015-04-16T18:46:40Z to 2015-04-16T19:03:20Z") {
		t.Errorf("it becomes of the allocation %v", outcome)
	}
	if text := h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).Results[0]["reason"]; !strings.Contains(jsonOf(t, text), "is under maintenance") {
		t.Errorf("the allocation says %v", text)
	}
	self := "/api/v1/maintenance/" + one["maintenance_id"].(string)
	if got := h.want(200, "GET", self, "", bearer(h.admin)).Results[0]; got["state"] != "planned" || got["note"] != "new fans" || got["link"] != nil {
		t.Errorf("shown as %v", got)
	}
	if list := h.want(200, "GET", "/api/v1/maintenance?state=planned", "", bearer(h.admin)).Results; len(list) != 1 {
		t.Errorf("listed %v", list)
	}
	if got := h.want(200, "DELETE", self, "", bearer(h.admin)).Results[0]; got["state"] != "ended" || got["ended"] == nil {
		t.Errorf("ended as %v", got)
	}
	h.want(409, "DELETE", self, "", bearer(h.admin))
	if list := h.want(200, "GET", "/api/v1/maintenance?state=planned", "", bearer(h.admin)).Results; len(list) != 0 {
		t.Errorf("listed %v", list)
	}
	trail := strings.Join(h.trail(""), "\n")
	for _, text := range []string{"maintenance.create", "maintenance.end", "of 0000000000000001"} {
		if !strings.Contains(trail, text) {
			t.Errorf("the audit log does not have %q: %s", text, trail)
		}
	}
}

// TestMaintenanceIsRefused: what is wrong is named, and users' keys may
// neither read nor change.
func TestMaintenanceIsRefused(t *testing.T) {
	h := newHarness(t, withAll)
	for _, x := range []struct{ body, says string }{
		{`{"end_time":1429211000}`, "switch: say either switch or link"},
		{`{"switch":"1","link":"1:1->2:1","end_time":1429211000}`, "switch: say either switch or link"},
		{`{"switch":"zz","end_time":1429211000}`, "switch: \"zz\" is no switch"},
		{`{"link":"1","end_time":1429211000}`, "link: \"1\" is no link"},
		{`{"switch":"77","end_time":1429211000}`, "switch: there is no switch 000000000000004d in the network"},
		{`{"switch":"1"}`, "end_time"},
		{`{"switch":"1","end_time":5}`, "end_time"},
		{`{"switch":"1","end_time":1429211000,"spare":1}`, "spare"},
	} {
		for _, query := range []string{"", "?dry_run=true"} {
			if got := h.want(422, "POST", "/api/v1/maintenance"+query, x.body, bearer(h.admin)); !strings.Contains(strings.Join(got.Errors, " "), x.says) {
				t.Errorf("%s is refused with %v", x.body, got.Errors)
			}
		}
	}
	h.want(422, "POST", "/api/v1/maintenance?dry_run=perhaps", `{"switch":"1","end_time":1429211000}`, bearer(h.admin))
	h.want(422, "GET", "/api/v1/maintenance?state=perhaps", "", bearer(h.admin))
	h.want(404, "GET", "/api/v1/maintenance/none", "", bearer(h.admin))
	h.want(404, "DELETE", "/api/v1/maintenance/none", "", bearer(h.admin))
	h.want(403, "POST", "/api/v1/maintenance?dry_run=true", `{"switch":"1","end_time":1429211000}`, bearer(h.key))
}

// TestMaintenanceEvents: operators have one event, and each project one with
// its own allocations.
func TestMaintenanceEvents(t *testing.T) {
	h := newHarness(t)
	publish := httpapi.MaintenanceNotifier(h.events)
	reader := func(project string) func() string {
		r, err := h.events.Read(project, func(of string) bool { return of == project })
		h.must(err)
		t.Cleanup(r.Close)
		return func() (text string) {
			for _, e := range r.Take().Events {
				one, err := e.JSON()
				h.must(err)
				text += fmt.Sprintf("%s %s\n", e.Type, one)
			}
			return text
		}
	}
	all, b, c := reader(""), reader("projectB"), reader("project C")
	change := allocator.MaintenanceChange{
		Maintenance: allocator.Maintenance{ID: "m1", Element: path.Element{Switch: 1}, Window: allocator.Window{Start: 5, End: 9}, Projects: []string{"project C", "projectB"}},
		Phase:       allocator.PhasePlanned,
		Outcomes: []allocator.Outcome{
			{Allocation: allocator.Allocation{ID: "of-b", Request: allocator.Request{ProjectID: "projectB"}}, Fate: allocator.FateStays, Reason: "why"},
			{Allocation: allocator.Allocation{ID: "of-c", Request: allocator.Request{ProjectID: "project C"}}, Fate: allocator.FateMoves},
		},
	}
	publish(change)
	change.Phase, change.Outcomes = allocator.PhaseEnded, nil
	publish(change)
	for _, x := range []struct {
		text string
		b, c bool
	}{{all(), true, true}, {b(), true, false}, {c(), false, true}} {
		for _, part := range []string{"maintenance.planned {", "maintenance.ended {", `"maintenance_id":"m1"`, `"state":"ended"`} {
			if !strings.Contains(x.text, part) {
				t.Errorf("%s does not have %s", x.text, part)
			}
		}
		if strings.Contains(x.text, "of-b") != x.b || strings.Contains(x.text, "of-c") != x.c {
			t.Errorf("it has %s", x.text)
		}
	}
}

package acceptance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"conga/httpapi/auth"
	"conga/httpapi/httpapitest"
)

// A resources is one of everything that the API can show.
type resources struct {
	*asker                   // of projectB
	names  map[string]string // of the resources, by what templates call them
}

// sets counts the sets of resources that were made, since each needs traffic of
// its own.
var sets atomic.Int32

const reportOfOne = `{"source":{"ip":"192.127.1.10","port":"40001"},"destination":{"ip":"192.127.1.11","port":"443"}}`

// resources makes one of everything, for one test.
func (w *world) resources(t *testing.T) *resources {
	t.Helper()
	u, admin := w.user(t, "abc123", "projectB"), w.operator(t)
	id := u.active(with(sound(), "src_port", 1000+sets.Add(1)))
	hook := u.want(201, "POST", "/api/webhooks", `{"url":"https://127.0.0.1:9/hook"}`).text("webhook_id")
	t.Cleanup(func() { w.operator(t).ask("DELETE", "/api/webhooks/"+hook, "") })
	name := "watcher-" + strings.ToLower(id[:8])
	admin.want(201, "POST", "/api/operators", fmt.Sprintf(`{"name":%q}`, name))
	t.Cleanup(func() { w.operator(t).ask("DELETE", "/api/operators/"+name, "") })
	made := u.want(201, "POST", "/api/allocations", fmt.Sprintf(`{"project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.11","dst_port":%d,"protocol":"udp",
		"duration":60,"start_time":"+86400","recurrence":{"rrule":"FREQ=DAILY;COUNT=2"}}`, 1000+sets.Load()))
	series := made.text("series")
	for _, one := range made.Results[0]["occurrences"].([]any) {
		u.cleared(one.(map[string]any)["allocation_id"].(string))
	}
	connection := u.ask("POST", "/api/connections", "["+reportOfOne+"]").text("connection_uuid")
	maintenance := admin.ask("POST", "/api/v1/maintenance", farMaintenance).text("maintenance_id")
	other := w.user(t, "abc123", "projectB") // whose key may end without this one's
	return &resources{u, map[string]string{
		"{key_id}":        auth.KeyID(other.key),
		"{allocation_id}": id, "{webhook_id}": hook, "{name}": name, "{series_id}": series, "{maintenance_id}": maintenance,
		"{connection_uuid}": connection, "{api_key}": u.key, "{project_id}": "projectB", "{dpid}": "0000000000000001",
		"{from}": "0000000000000001:2", "{to}": "0000000000000002:1", "{port}": "1",
	}}
}

// An operation is one request of the OpenAPI document, with existing names in
// its path.
type operation struct {
	httpapitest.Operation
	path, named string // named: the path with {} for the name in it, or ""
	body        string
}

// farMaintenance asks for a maintenance when nothing is planned any more.
var farMaintenance = fmt.Sprintf(`{"switch":"1","start_time":%d,"end_time":%d}`, time.Now().Unix()+600*24*3600, time.Now().Unix()+600*24*3600+60)

// bodies are what requests hold that need something, by method and template.
var bodies = map[string]string{
	"PATCH /operators/{name}":            `{"duration":86400}`,
	"POST /auth":                         ownerExample,
	"POST /session":                      ownerExample,
	"POST /session/oidc":                 `{"project_id":"projectB"}`,
	"POST /auth/{api_key}":               ownerExample,
	"DELETE /auth/{api_key}":             ownerExample,
	"POST /allocations":                  `{"project_id":"projectB","src_ip":"192.127.1.40","dst_ip":"192.127.1.45","duration":60}`,
	"PUT /allocations/{allocation_id}":   `{"project_id":"projectB","src_ip":"192.127.1.40","dst_ip":"192.127.1.45","duration":60}`,
	"POST /availability":                 `{"src_ip":"192.127.1.40","dst_ip":"192.127.1.45"}`,
	"POST /connections":                  "[" + reportOfOne + "]",
	"POST /api/v1/connections":           "[" + reportOfOne + "]",
	"POST /api/connections":              "[" + reportOfOne + "]",
	"POST /operators":                    `{"name":"one-more"}`,
	"POST /maintenance":                  farMaintenance,
	"POST /webhooks":                     `{"url":"https://127.0.0.1:9/hook"}`,
	"PUT /webhooks/{webhook_id}":         `{"url":"https://127.0.0.1:9/hook"}`,
	"POST /allocations/{allocation_id}":  `{"duration":61}`,
	"PATCH /allocations/{allocation_id}": `{"duration":61}`,
	"PATCH /webhooks/{webhook_id}":       `{"events":["allocation.deleted"]}`,
}

// operations returns all operations of the document, at both addresses of each,
// except the stream of events, which does not end.
func (r *resources) operations(t *testing.T) (out []operation) {
	t.Helper()
	for _, o := range r.contract.Operations() {
		if o.Stream() {
			continue
		}
		op := operation{Operation: o, body: bodies[o.Method+" "+o.Template]}
		if o.NeedsBody() && op.body == "" {
			t.Errorf("no body for %s %s is known here", o.Method, o.Template)
		}
		for _, base := range o.Bases() {
			op.path, op.named = o.Path(base, r.names)
			if op.Template == "/paths" {
				op.path += "?src=192.127.1.10&dst=192.127.1.11"
			}
			out = append(out, op)
		}
	}
	if len(out) < 80 {
		t.Errorf("only %d operations", len(out))
	}
	return out
}

// envelope reports whether the operation's answers are envelopes.
func (o operation) envelope() bool { return strings.HasPrefix(o.path, "/api") }

// of returns the operations that have the method and are answered by envelopes.
func of(list []operation, method string) []operation {
	return slices.DeleteFunc(slices.Clone(list), func(o operation) bool { return o.Method != method || !o.envelope() })
}

// methods returns the methods that the document has at the path.
func methods(list []operation, path string) (out []string) {
	for _, o := range list {
		if o.path == path {
			out = append(out, o.Method)
		}
	}
	return out
}

var allMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

package httpapi_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"conga/allocator/store"
	"conga/httpapi"
	"conga/httpapi/auth"
)

// column is one sort of key.
type column int

const (
	noKey     column = iota
	expired          // yesterday's
	deleted          // given back
	foreign          // another project's
	colleague        // another user's of the same project
	own
	operator
	admin
	columns
)

var columnNames = [columns]string{"no key", "expired", "deleted", "other project", "other user of the project", "own", "operator", "admin"}

// row is one request, and its answer to each sort of key.
type row struct {
	method, address, body string
	want                  [columns]int
}

// Rows that many routes share.
var (
	openToAll  = [columns]int{200, 200, 200, 200, 200, 200, 200, 200}
	everyKey   = [columns]int{401, 401, 401, 200, 200, 200, 200, 200}
	ofProject  = [columns]int{401, 401, 401, 404, 200, 200, 200, 200} // a key that must not see it does not learn that it exists
	changes    = [columns]int{401, 401, 401, 404, 200, 200, 403, 200}
	ofOwner    = [columns]int{401, 401, 401, 404, 403, 200, 403, 200} // and of managers
	operators  = [columns]int{401, 401, 401, 403, 403, 403, 200, 200}
	adminsOnly = [columns]int{401, 401, 401, 403, 403, 403, 403, 200}
)

// matrix is every route, with the answer to each sort of key. In addresses {id}
// is an allocation of projectB, {series} a series of its, {conn} a connection
// that it reported, {hook} a webhook of its, {keyid} the own key, {dpid} a
// switch, {name} an operator's key, and {key} the key in question. GET stands
// for HEAD too, and /api for /api/v1.
var matrix = []row{
	{"GET", "/healthz", "", openToAll},
	{"GET", "/readyz", "", openToAll},
	{"GET", "/metrics", "", operators},
	{"GET", "/backup", "", adminsOnly},
	{"GET", "/api", "", openToAll},

	{"POST", "/api/auth", `{"user_id":"abc123","project_id":"projectB","password":"` + password + `"}`, openToAll},
	{"GET", "/api/auth/{key}", "", [columns]int{404, 404, 404, 200, 200, 200, 404, 404}},
	{"POST", "/api/auth/{key}", docKeyRequest, [columns]int{404, 404, 404, 403, 403, 200, 404, 404}},
	{"DELETE", "/api/auth/{key}", docKeyRequest, [columns]int{404, 404, 404, 403, 403, 200, 404, 404}},

	{"POST", "/api/session", `{"user_id":"abc123","project_id":"projectB","password":"` + password + `"}`, openToAll},
	{"GET", "/api/session", "", [columns]int{200, 401, 401, 200, 200, 200, 200, 200}},
	{"DELETE", "/api/session", "", openToAll},
	{"GET", "/api/session/oidc", "", openToAll},
	{"POST", "/api/session/oidc", `{"project_id":"projectB"}`, [columns]int{422, 422, 422, 422, 422, 422, 422, 422}}, // there is no issuer
	{"GET", "/api/keys", "", everyKey},
	{"GET", "/api/keys/{keyid}", "", [columns]int{401, 401, 401, 404, 404, 200, 200, 200}},
	{"DELETE", "/api/keys/{keyid}", "", [columns]int{401, 401, 401, 404, 404, 200, 403, 200}},
	{"GET", "/api/operators", "", adminsOnly},
	{"POST", "/api/operators", `{"name":"another"}`, [columns]int{401, 401, 401, 403, 403, 403, 403, 201}},
	{"GET", "/api/operators/{name}", "", adminsOnly},
	{"PATCH", "/api/operators/{name}", `{"duration":3600}`, adminsOnly},
	{"DELETE", "/api/operators/{name}", "", adminsOnly},

	{"GET", "/api/allocations", "", everyKey},
	{"POST", "/api/allocations", "{" + good + "}", [columns]int{401, 401, 401, 403, 201, 201, 403, 201}},
	{"GET", "/api/allocations/{id}", "", ofProject},
	{"POST", "/api/allocations/{id}", `{"duration":7100}`, ofOwner},
	{"PATCH", "/api/allocations/{id}", `{"duration":7100}`, ofOwner},
	// A replacement names a project, which is judged before the address is.
	{"PUT", "/api/allocations/{id}", "{" + good + "}", [columns]int{401, 401, 401, 403, 403, 200, 403, 200}},
	{"DELETE", "/api/allocations/{id}", "", ofOwner},
	{"GET", "/api/series/{series}", "", ofProject},
	{"DELETE", "/api/series/{series}", "", ofOwner},

	// A report names no project; the admin's key has none of its own.
	{"GET", "/connections", "", everyKey},
	{"POST", "/connections", reportOfOne, [columns]int{401, 401, 401, 200, 200, 200, 403, 422}},
	{"GET", "/api/connections", "", everyKey},
	{"POST", "/api/connections", reportOfOne, [columns]int{401, 401, 401, 201, 200, 200, 403, 422}},
	{"GET", "/api/connections/{conn}", "", ofProject},

	{"GET", "/openapi.json", "", openToAll},
	{"GET", "/api/events", "", everyKey},
	{"GET", "/api/audit", "", operators},
	{"GET", "/api/projects", "", everyKey},
	{"GET", "/api/projects/projectB", "", ofProject},
	{"GET", "/api/projects/projectB/calendar", "", ofProject},
	{"GET", "/api/webhooks", "", everyKey},
	{"POST", "/api/webhooks", `{"url":"https://example.org/hook"}`, [columns]int{401, 401, 401, 201, 201, 201, 403, 201}},
	{"GET", "/api/webhooks/{hook}", "", ofProject},
	{"PATCH", "/api/webhooks/{hook}", `{"url":"https://example.org/other"}`, changes},
	{"PUT", "/api/webhooks/{hook}", `{"url":"https://example.org/other"}`, changes},
	{"DELETE", "/api/webhooks/{hook}", "", changes},

	{"GET", "/api/switches", "", operators},
	{"GET", "/api/switches/{dpid}", "", operators},
	{"GET", "/api/links", "", operators},
	{"GET", "/api/links/{from}/{to}/calendar", "", operators},
	{"GET", "/api/hosts", "", operators},
	{"GET", "/api/attachments", "", operators},
	{"GET", "/api/maintenance", "", operators},
	{"POST", "/api/maintenance", `{"switch":"0000000000000001","end_time":1429300000}`, [columns]int{401, 401, 401, 403, 403, 403, 201, 201}},
	{"GET", "/api/maintenance/{maintenance}", "", operators},
	{"DELETE", "/api/maintenance/{maintenance}", "", operators},
	{"GET", "/api/paths?src=192.127.1.10&dst=192.127.1.11", "", everyKey},
	{"POST", "/api/availability", `{"src_ip":"192.127.1.10","dst_ip":"192.127.1.11"}`, everyKey},

	{"GET", "/api/stats", "", everyKey},
	{"GET", "/api/stats/allocations", "", everyKey},
	{"GET", "/api/stats/allocations/{id}", "", ofProject},
	{"GET", "/api/stats/allocations/{id}/history", "", ofProject},
	{"GET", "/api/stats/links", "", operators},
	{"GET", "/api/stats/links/{from}/{to}/history", "", operators},
	{"GET", "/api/stats/switches/{dpid}/ports/{port}/history", "", operators},
	{"GET", "/api/stats/switches", "", operators},
	{"GET", "/api/stats/switches/{dpid}", "", operators},
	{"GET", "/api/stats/switches/{dpid}/ports", "", operators},
	{"GET", "/api/stats/switches/{dpid}/flows", "", operators},
	{"GET", "/api/stats/switches/{dpid}/tables", "", operators},
	{"GET", "/api/stats/switches/{dpid}/meters", "", operators},
}

// versioned returns the other address of what is below /api.
func versioned(address string) string { return strings.Replace(address, "/api", "/api/v1", 1) }

const reportOfOne = `[{"source":{"ip":"192.127.1.10","port":"40001"},"destination":{"ip":"192.127.1.11","port":"443"}}]`

// keyring is a harness with one key of each sort.
type keyring struct {
	*harness
	keys [columns]string
	id   string // an allocation of projectB
	conn string // a connection of projectB

	webhook string // a webhook of projectB
	series  string // a series of projectB

	maintenance string
}

// withAll serves what is served only where there is something to serve.
func withAll(c *httpapi.Config) {
	c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/plain") })
	c.Backup = backupOf("a store")
	c.Planner = c.Allocations.(httpapi.Planner)
	c.Maintenance = c.Allocations.(httpapi.Maintenances)
	c.Statistics = cannedStats{time.Unix(1429206570, 0)}
}

func newKeyring(t *testing.T) *keyring {
	t.Helper()
	h := newHarness(t, withAll)
	k := &keyring{harness: h}
	k.keys[expired] = h.issue("abc123", "projectB")
	h.advance(auth.TTL)
	k.keys[deleted] = h.issue("abc123", "projectB")
	h.must(h.keys.Delete(t.Context(), k.keys[deleted], "abc123", "projectB"))
	k.keys[foreign], k.keys[colleague] = h.issue("xyz987", "project B"), h.issue("xyz987", "projectB")
	k.keys[own], k.keys[admin] = h.issue("abc123", "projectB"), h.admin
	var err error
	k.keys[operator], _, err = h.keys.IssueOperator(t.Context(), "watcher", time.Hour)
	h.must(err)
	h.key = k.keys[own]
	k.id = h.create(`,"dst_port":9`)
	w := k.ask("POST", "/connections", reportOfOne, own)
	var reported struct {
		UUIDs []string `json:"connection_uuids"`
	}
	h.must(json.Unmarshal(w.Body.Bytes(), &reported))
	k.conn, k.webhook = reported.UUIDs[0], h.hook()
	k.series, _ = h.makeSeries(`,"dst_port":8`)
	k.maintenance = h.maintain(`"switch":"0000000000000001","end_time":1429300000`)
	return k
}

// everything returns all that is in the store, as text.
func (k *keyring) everything() string {
	var all strings.Builder
	for _, b := range []store.Bucket{store.Allocations, store.History, store.Keys, store.Network, store.Connections, store.Statistics, store.Webhooks, store.Maintenances} {
		k.must(k.disk.Scan(k.t.Context(), b, func(key string, value []byte) error {
			fmt.Fprintf(&all, "%s %s %s\n", b, key, value)
			return nil
		}))
	}
	return all.String()
}

// ask makes the row's request with one key and says what came.
func (k *keyring) ask(method, address, body string, c column) *httptest.ResponseRecorder {
	target := strings.NewReplacer("{id}", k.id, "{conn}", k.conn, "{hook}", k.webhook, "{series}", k.series, "{maintenance}", k.maintenance, "{dpid}", "0000000000000001", "{from}", "0000000000000001:1", "{to}", "outside", "{port}", "1", "{name}", "watcher", "{key}", cmp.Or(k.keys[c], "none"), "{keyid}", auth.KeyID(k.keys[own])).Replace(address)
	ctx := k.t.Context()
	if strings.HasSuffix(address, "/events") { // a stream has no end of its own
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
	}
	r := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if k.keys[c] != "" {
		r.Header.Set("Authorization", "Bearer "+k.keys[c])
	}
	w := httptest.NewRecorder()
	k.api.ServeHTTP(w, r)
	return w
}

// TestMatrix asks for everything that there is with every sort of key. What is
// refused changes nothing and tells nothing.
func TestMatrix(t *testing.T) {
	for _, row := range matrix {
		t.Run(row.method+" "+row.address, func(t *testing.T) {
			for c := range columns {
				for _, address := range []string{row.address, versioned(row.address)} {
					k := newKeyring(t) // each cell starts from the same
					methods := []string{row.method}
					if row.method == http.MethodGet {
						methods = append(methods, http.MethodHead)
					}
					for _, method := range methods {
						before := k.everything()
						w := k.ask(method, address, row.body, c)
						if w.Code != row.want[c] {
							t.Errorf("%s: %s %s: %d, want %d: %s", columnNames[c], method, address, w.Code, row.want[c], w.Body)
						}
						changed := k.everything() != before
						if refused := w.Code >= 400; changed && (refused || row.method == http.MethodGet) {
							t.Errorf("%s: %s %s changed something", columnNames[c], method, address)
						} else if refused && strings.Contains(w.Body.String(), "192.127") {
							t.Errorf("%s: %s %s tells of what it refuses: %s", columnNames[c], method, address, w.Body)
						}
						if w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
							t.Errorf("%s: %s %s has no WWW-Authenticate", columnNames[c], method, address)
						}
					}
				}
			}
		})
	}
}

// TestMatrixIsWhole: every route has its row, at both its addresses, and every
// row its route.
func TestMatrixIsWhole(t *testing.T) {
	h := newHarness(t, withAll)
	routes := map[string]bool{}
	for _, r := range h.bare.(*gin.Engine).Routes() {
		routes[r.Method+" "+r.Path] = true
	}
	params := strings.NewReplacer("{id}", ":id", "{keyid}", ":id", "{conn}", ":id", "{hook}", ":id", "{series}", ":id", "{maintenance}", ":id", "projectB", ":id", "{dpid}", ":dpid", "{from}", ":from", "{to}", ":to", "{port}", ":port", "{name}", ":name", "{key}", ":key")
	for _, row := range matrix {
		address, _, _ := strings.Cut(params.Replace(row.address), "?")
		wanted := []string{row.method + " " + address}
		if strings.HasPrefix(address, "/api") {
			wanted = append(wanted, row.method+" "+versioned(address))
		}
		for _, w := range wanted {
			if !routes[w] {
				t.Errorf("the matrix has %s, the router has not", w)
			}
			delete(routes, w)
			delete(routes, strings.Replace(w, "GET ", "HEAD ", 1))
		}
	}
	for r := range routes {
		t.Errorf("%s is not in the matrix: who may use it?", r)
	}
}

// TestNewResourcesAreClosed: a resource that is not in the table of roles is
// for the admin's key alone.
func TestNewResourcesAreClosed(t *testing.T) {
	h := newHarness(t)
	for _, r := range h.bare.(*gin.Engine).Routes() {
		if strings.HasPrefix(r.Path, "/api/") && !httpapi.HasRole(r.Path) {
			t.Errorf("%s has no row in the table of roles", r.Path)
		}
	}
	for _, template := range []string{"/api/secrets", "/api/v1/secrets/:id", "/api/allocationsx", "/api/v2", "/secrets"} {
		if httpapi.HasRole(template) {
			t.Errorf("%s has a role", template)
		}
		for _, key := range []auth.Key{{User: "u", Project: "p"}, {User: "o", Operator: true}} {
			if httpapi.MayCall(key, "GET", template) == nil || httpapi.MayCall(key, "POST", template) == nil {
				t.Errorf("%s is open to %+v", template, key)
			}
		}
		if httpapi.MayCall(auth.Key{Admin: true}, "POST", template) != nil {
			t.Errorf("%s is closed to the admin", template)
		}
	}
}

package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"conga/allocator"
	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/bitrate"
	"conga/controller/topology"
	"conga/httpapi"
	"conga/httpapi/audit"
	"conga/httpapi/auth"
	"conga/httpapi/connections"
	"conga/httpapi/events"
	"conga/httpapi/httpapitest"
	"conga/httpapi/replay"
	"conga/httpapi/webhook"
	"conga/openflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(noSecretIsLeft)) }

// harness is the whole API over a real allocator, key directory and a network
// of one switch, with a clock that tests move.
type harness struct {
	t       testing.TB
	api     http.Handler // holds every answer against the OpenAPI document
	bare    http.Handler // does not
	cfg     httpapi.Config
	alloc   *allocator.Allocator
	keys    *auth.Keys
	dir     *auth.Static
	disk    *storetest.Memory
	reports *connections.Registry
	events  *events.Hub
	hooks   *webhook.Hooks
	audit   *audit.Log
	seen    []httpapi.Observation
	log     *bytes.Buffer
	admin   string                 // the operator's key
	key     string                 // abc123 in projectB
	foreign string                 // xyz987 in "project B"
	tried   int                    // how many alternatives were posted
	proven  func(body string) bool // nothing can be offered instead, in this network; nil: it is told by the refusal

	mu  sync.Mutex
	now time.Time
}

func (h *harness) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.IsZero() {
		return time.Now() // of a bubble
	}
	return h.now
}

func (h *harness) observe(o httpapi.Observation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, o)
}

func (h *harness) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// password is that of abc123, whose hash has the least cost there is.
const (
	password     = "correct horse"
	passwordHash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$x59UGLuAwBDnzRfVUBQJ7zA6GJrOY5gZkOVPda70TuA"
)

func newHarness(t testing.TB, adjust ...func(*httpapi.Config)) *harness {
	t.Helper()
	return newHarnessOf(t, network(), adjust...)
}

// newHarnessOf returns the harness of a network.
func newHarnessOf(t testing.TB, snap *topology.Snapshot, adjust ...func(*httpapi.Config)) *harness {
	t.Helper()
	h := &harness{
		t: t, disk: storetest.NewMemory(), log: new(bytes.Buffer),
		admin: auth.NewSecret(), now: time.Unix(1429206574, 0),
	}
	h.events = events.NewHub(h.clock)
	var err error
	h.hooks, err = webhook.Open(t.Context(), webhook.Config{
		Store: h.disk, Hub: h.events, Now: h.clock, Admit: func(ctx context.Context, u, p string) error { return h.dir.Admit(ctx, u, p) },
	})
	h.must(err)
	trail, err := audit.Open(t.Context(), audit.Config{Store: h.disk, Now: h.clock})
	h.must(err)
	h.audit = trail
	replays, err := replay.Open(t.Context(), h.disk, h.clock, nil)
	h.must(err)
	h.alloc, err = allocator.Open(t.Context(), allocator.Config{
		Store: h.disk, Network: func() *topology.Snapshot { return snap }, Now: h.clock,
		Along: httpapi.AuditChanges(trail), Notify: httpapi.Notifier(h.events, nil),
	})
	h.must(err)
	h.alloc.Settled()
	h.keys, err = auth.OpenKeys(t.Context(), auth.KeysConfig{Store: h.disk, Admin: auth.HashSecret(h.admin), Now: h.clock})
	h.must(err)
	h.reports, err = connections.Open(t.Context(), connections.Config{Store: h.disk, Now: h.clock})
	h.must(err)
	h.dir, err = auth.NewStatic(auth.StaticConfig{
		Projects: []auth.Project{
			{ID: "projectB", Members: []string{"abc123", "xyz987"}},
			{ID: "project B", Members: []string{"xyz987"}},
		},
		Users:             []auth.User{{ID: "abc123", Password: passwordHash}},
		AllowPasswordless: true,
	})
	h.must(err)
	cfg := httpapi.Config{
		Allocations: h.alloc, Planner: h.alloc, Keys: h.keys, Directory: h.dir, Connections: h.reports,
		Audit: trail, Replays: replays, Events: h.events, Webhooks: h.hooks,
		Projects: func() []httpapi.Project {
			return []httpapi.Project{
				{ID: "projectB", Members: []string{"xyz987", "abc123"}, Bandwidth: new(bitrate.Rate(bitrate.Gbps)), Active: new(20), Duration: new(int64(30 * 24 * 3600)), RunAhead: 24 * time.Hour},
				{ID: "project B", Members: []string{"xyz987"}},
			}
		},
		Snapshot: func() *topology.Snapshot { return snap },
		Observe:  h.observe,
		Log:      slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:      h.clock,
	}
	for _, f := range adjust {
		f(&cfg)
	}
	h.cfg = cfg
	h.bare, err = httpapi.New(cfg)
	h.must(err)
	h.api = h.bare
	if _, benchmark := t.(*testing.B); !benchmark {
		c, err := httpapitest.Load()
		h.must(err)
		h.api = c.Handler(h.bare, func(err error) { h.t.Error(err) })
	}
	suite.add(h)
	h.key = h.issue("abc123", "projectB")
	h.foreign = h.issue("xyz987", "project B")
	return h
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) issue(user, project string) string {
	h.t.Helper()
	secret, _, err := h.keys.Issue(h.t.Context(), user, project)
	h.must(err)
	suite.secret(secret)
	return secret
}

// network returns one switch with a host of 192.127.1.0/24 or 2001:db8::/32
// behind each of its ports.
func network() *topology.Snapshot {
	snap := &topology.Snapshot{
		Revision: 1,
		Switches: map[openflow.DPID]topology.Switch{1: {DPID: 1, Connected: true, Ports: map[openflow.PortNo]topology.Port{}}},
	}
	for i, prefix := range []string{
		"192.127.1.10/32", "192.127.1.11/32", "192.127.1.22/32", "192.127.1.40/32", "192.127.1.45/32",
		"2001:db8::1/128", "2001:db8::2/128",
	} {
		id := topology.PortID{DPID: 1, Port: openflow.PortNo(i + 1)}
		snap.Switches[1].Ports[id.Port] = topology.Port{ID: id, Up: true, Role: topology.Edge, Capacity: bitrate.Gbps}
		snap.Attachments = append(snap.Attachments, topology.Attachment{Prefix: netip.MustParsePrefix(prefix), At: id, VLAN: []uint16{100, topology.Untagged, 0}[i%3]})
	}
	return snap
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string

	Status  int              `json:"status"`
	Results []map[string]any `json:"results"`
	Errors  []string         `json:"errors"`

	Alternatives []json.RawMessage `json:"alternatives"`
}

// header sets one header of a request.
type header [2]string

// host is what requests without one are sent to; whole addresses begin with it.
const host = "http://example.com"

// do sends a request with body, which is JSON unless a header says otherwise.
func (h *harness) do(method, target, body string, headers ...header) answer {
	h.t.Helper()
	target = strings.TrimPrefix(target, host)
	r := httptest.NewRequestWithContext(h.t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, kv := range headers {
		if kv[0] == "Content-Type" {
			r.Header.Del(kv[0])
		}
		if kv[1] == "" {
			r.Header.Del(kv[0])
		} else {
			r.Header.Add(kv[0], kv[1])
		}
	}
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	a := answer{code: w.Code, header: w.Header(), body: w.Body.String()}
	if method != http.MethodHead && strings.HasPrefix(w.Header().Get("Content-Type"), "application/") && strings.HasPrefix(target, "/api") {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			h.t.Fatalf("%s %s: %v in %s", method, target, err, a.body)
		}
	}
	switch at := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api"), "/v1"); {
	case method == http.MethodPost && at == "/allocations":
		h.tryAlternatives(r, a, body)
	case method != http.MethodDelete && strings.HasPrefix(at, "/allocations/"):
		h.hasAlternatives(a, body)
	}
	return a
}

// want sends a request and checks the status of its answer, in both places.
func (h *harness) want(code int, method, target, body string, headers ...header) answer {
	h.t.Helper()
	a := h.do(method, target, body, headers...)
	if a.code != code {
		h.t.Fatalf("%s %s: %d, want %d: %s", method, target, a.code, code, a.body)
	}
	if method == http.MethodHead {
		return a
	}
	if status := max(code, 299); status == 299 && a.Status != 0 || status > 299 && a.Status != code {
		h.t.Errorf("%s %s: %d with status %d in the body", method, target, code, a.Status)
	}
	return a
}

// bearer shows a key.
func bearer(key string) header { return header{"Authorization", "Bearer " + key} }

// create makes an allocation of the harness's own key and returns its ID.
func (h *harness) create(more string) string {
	h.t.Helper()
	a := h.want(201, "POST", "/api/allocations", `{"project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.11","duration":3600`+more+`}`, bearer(h.key))
	return a.Results[0]["allocation_id"].(string)
}

// settle reports everything that is due as done.
func (h *harness) settle() {
	h.t.Helper()
	for {
		tasks, _ := h.alloc.Due(100)
		if len(tasks) == 0 {
			return
		}
		for _, task := range tasks {
			if task.Do == allocator.Install {
				h.must(h.alloc.Installed(task))
			} else {
				h.must(h.alloc.Removed(task))
			}
		}
	}
}

// stored returns how many allocations there are.
func (h *harness) stored() int {
	h.t.Helper()
	n := len(h.all())
	live, past := h.disk.Len(store.Allocations), h.alloc.Counts("")[allocator.Complete]
	if live+past != n {
		h.t.Errorf("%d allocations stored and %d complete, %d listed", live, past, n)
	}
	return n
}

// all returns every allocation.
func (h *harness) all() []allocator.Allocation {
	h.t.Helper()
	list, total, err := h.alloc.Page(context.Background(), allocator.Filter{}, 0, math.MaxInt32)
	h.must(err)
	if len(list) != total {
		h.t.Errorf("%d of %d allocations listed", len(list), total)
	}
	return list
}

// allocations stands before the allocator and fails as it is told.
type failing struct {
	httpapi.Allocations
	err error
}

func (f *failing) Create(ctx context.Context, r allocator.Request, along ...allocator.Along) (allocator.Allocation, error) {
	if f.err != nil {
		return allocator.Allocation{}, f.err
	}
	return f.Allocations.Create(ctx, r, along...)
}

var slogDiscard = slog.New(slog.DiscardHandler)

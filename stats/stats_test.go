package stats_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"conga/controller/topology"
	"conga/openflow"
	"conga/stats"
)

// scrape returns what Prometheus would read.
func scrape(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	var log bytes.Buffer
	w := httptest.NewRecorder()
	stats.Handler(r, slog.New(slog.NewTextHandler(&log, nil))).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 || log.Len() > 0 {
		t.Errorf("scrape: %d, log %s", w.Code, log.String())
	}
	return w.Body.String()
}

// wantLines checks that each line is in a scrape of r.
func wantLines(t *testing.T, r *prometheus.Registry, lines ...string) {
	t.Helper()
	text := "\n" + scrape(t, r)
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("%s is not in%s", line, text)
		}
	}
}

func TestNetwork(t *testing.T) {
	snap := &topology.Snapshot{
		Revision:    7,
		Switches:    map[openflow.DPID]topology.Switch{1: {Connected: true}, 2: {DPID: 2, Connected: true, Limitations: []string{"a", "b"}}, 3: {Role: openflow.RoleSlave}},
		Links:       map[topology.PortID]topology.Link{{DPID: 1, Port: 1}: {}, {DPID: 2, Port: 1}: {}},
		Hosts:       topology.MapOf(map[topology.HostID]topology.Host{{MAC: openflow.MAC{1}}: {}}),
		Attachments: make([]topology.Attachment, 4),
	}
	r := prometheus.NewRegistry()
	if err := stats.RegisterNetwork(r, func() *topology.Snapshot { return snap }); err != nil {
		t.Fatal(err)
	}
	wantLines(t, r, "conga_switches_connected 2", "conga_switches_known 3", "conga_links 2", `conga_switch_up{dpid="0000000000000001"} 1`,
		"conga_hosts 1", `conga_switch_limitations{dpid="0000000000000001"} 0`, `conga_switch_limitations{dpid="0000000000000002"} 2`, "conga_switches_withheld 1", "conga_attachments 4", "conga_topology_revision 7")
	snap = nil
	if n, err := testutil.GatherAndCount(r); n != 0 || err != nil {
		t.Errorf("%d numbers of no network, error %v", n, err)
	}
}

func TestHosts(t *testing.T) {
	r := prometheus.NewRegistry()
	err := stats.RegisterHosts(r, func() stats.Hosts {
		return stats.Hosts{Claims: map[string]uint64{"kept": 3}, Unlearned: map[string]uint64{"port": 4}, Displaced: 5, Storming: 1, Crowded: 2}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, r, `conga_host_claims_total{outcome="kept"} 3`, `conga_hosts_unlearned_total{bound="port"} 4`, "conga_hosts_displaced_total 5", "conga_ports_storming 1", "conga_ports_crowded 2")
}

func TestAllocations(t *testing.T) {
	r := prometheus.NewRegistry()
	err := stats.RegisterAllocations(r, func() map[string]int { return map[string]int{"active": 2, "someone's": 9} })
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, r, `conga_allocations{state="active"} 2`, `conga_allocations{state="complete"} 0`, `conga_allocations{state="pending"} 0`)
	if n, err := testutil.GatherAndCount(r); n != 3 || err != nil {
		t.Errorf("%d series, want 3, error %v", n, err)
	}
}

func TestRequests(t *testing.T) {
	r := prometheus.NewRegistry()
	q, err := stats.RegisterRequests(r)
	if err != nil {
		t.Fatal(err)
	}
	q.Observe("/api/allocations", "POST", 201, 300*time.Microsecond)
	q.Observe("/api/allocations", "POST", 201, time.Minute)
	q.Observe("none", "OTHER", 404, 0)
	wantLines(t, r,
		`conga_http_request_duration_seconds_bucket{code="201",method="POST",route="/api/allocations",le="0.00025"} 0`,
		`conga_http_request_duration_seconds_bucket{code="201",method="POST",route="/api/allocations",le="0.0005"} 1`,
		`conga_http_request_duration_seconds_bucket{code="201",method="POST",route="/api/allocations",le="+Inf"} 2`,
		`conga_http_request_duration_seconds_sum{code="201",method="POST",route="/api/allocations"} 60.0003`,
		`conga_http_request_duration_seconds_count{code="404",method="OTHER",route="none"} 1`)
	if _, err := stats.RegisterRequests(r); err == nil {
		t.Error("registered twice")
	}
}

// TestMetricsAreWellFormed runs the linter of Prometheus over all of ours.
func TestMetricsAreWellFormed(t *testing.T) {
	r := stats.NewRegistry("1.2.3", "abcdef", "2030-01-02")
	if err := stats.RegisterNetwork(r, func() *topology.Snapshot { return &topology.Snapshot{} }); err != nil {
		t.Fatal(err)
	}
	if err := stats.RegisterHosts(r, func() stats.Hosts { return stats.Hosts{Claims: map[string]uint64{"kept": 1}} }); err != nil {
		t.Fatal(err)
	}
	if err := stats.RegisterAllocations(r, func() map[string]int { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := stats.RegisterMaintenances(r, func() map[string]int { return map[string]int{"begun": 1} }); err != nil {
		t.Fatal(err)
	}
	if _, err := stats.RegisterCommits(r, func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	if err := stats.RegisterQueues(r, func() map[string]stats.Queue { return map[string]stats.Queue{"core": {Length: 1, Capacity: 2}} }); err != nil {
		t.Fatal(err)
	}
	expiries := map[string]time.Time{"api": time.Unix(0, 0)}
	if err := stats.RegisterConfiguration(r, func() stats.Configuration { return stats.Configuration{Expiries: expiries} }); err != nil {
		t.Fatal(err)
	}
	p, err := stats.New(t.Context(), stats.Config{Source: empty{}})
	if err == nil {
		err = errors.Join(p.RegisterDegraded(r), p.RegisterIdle(r, func() uint64 { return 2 }))
	}
	if err != nil {
		t.Fatal(err)
	}
	q, err := stats.RegisterRequests(r)
	if err != nil {
		t.Fatal(err)
	}
	q.Observe("/healthz", "GET", 200, time.Millisecond)
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	wantLines(t, r, `conga_build_info{commit="abcdef",date="2030-01-02",go_version="`+runtime.Version()+`",version="1.2.3"} 1`, "conga_links 0")
	for _, name := range []string{"\ngo_goroutines ", "\nprocess_open_fds "} {
		if !strings.Contains(scrape(t, r), name) {
			t.Errorf("no%s in the scrape", name)
		}
	}
}

func TestMaintenances(t *testing.T) {
	r := prometheus.NewRegistry()
	if err := stats.RegisterMaintenances(r, func() map[string]int { return map[string]int{"planned": 2, "begun": 1} }); err != nil {
		t.Fatal(err)
	}
	wantLines(t, r, `conga_maintenances{state="planned"} 2`, `conga_maintenances{state="begun"} 1`)
}

func TestClients(t *testing.T) {
	r := prometheus.NewRegistry()
	err := stats.RegisterClients(r, func() stats.Clients {
		return stats.Clients{Connections: 7, BodyBytes: 4096, Refused: map[string]uint64{"total": 2, "address": 3}}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, r, "conga_http_connections 7", "conga_http_body_bytes 4096",
		`conga_http_connections_refused_total{limit="total"} 2`, `conga_http_connections_refused_total{limit="address"} 3`)
}

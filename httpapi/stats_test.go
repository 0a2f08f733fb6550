package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/httpapi"
	"conga/openflow"
	"conga/stats"
)

// cannedStats are statistics that tests make up: switch 1 has answered, switch
// 2 is away.
type cannedStats struct{ at time.Time }

func (t cannedStats) Interval() time.Duration { return 5 * time.Second }

func (t cannedStats) Allocation(string) stats.Allocation {
	return stats.Allocation{
		Forward: stats.Direction{
			Entered: stats.Volume{Packets: 10, Bytes: 10000}, EnteredRate: &stats.Rate{Bits: 60e6, Packets: 7500},
			Delivered: stats.Volume{Packets: 8, Bytes: 8000}, DeliveredRate: &stats.Rate{Bits: 50e6, Packets: 6000.12345},
			Dropped: stats.Volume{Packets: 2, Bytes: 2000},
		},
		At: t.at,
	}
}

func (t cannedStats) Losing(string) string   { return "" }
func (t cannedStats) Idle(string) stats.Idle { return stats.Idle{} }

func (t cannedStats) Receipt(string) stats.Receipt {
	return stats.Receipt{
		Allocation: stats.Allocation{Forward: stats.Direction{Entered: stats.Volume{Packets: 10, Bytes: 10000}, Delivered: stats.Volume{Packets: 9, Bytes: 9000}}, Final: true},
		Moves:      2, Moved: []stats.Move{{At: t.at, Why: "cut"}, {At: t.at}}, Degraded: 1500 * time.Millisecond, Planned: stats.Span{Start: 1429206574, End: 1429210174},
		ForwardRates: &stats.Rates{Low: 1, Median: 2},
		Spells:       []stats.Spell{{From: t.at, To: t.at.Add(1500 * time.Millisecond), Cause: stats.Loss, Why: "lost"}},
	}
}

func (t cannedStats) Switch(sw topology.Switch) (stats.Reading, bool) {
	rate := 3.0
	s := &stats.Sample{
		DPID: sw.DPID, At: t.at, TablesAt: t.at,
		Ports: []stats.Port{
			{No: openflow.PortLocal, Received: stats.Volume{Packets: stats.Unkept, Bytes: stats.Unkept}},
			{No: 2, Received: stats.Volume{Packets: 1, Bytes: 100}},
			{No: 1, Received: stats.Volume{Packets: 2, Bytes: 200}, Sent: stats.Volume{Packets: 3, Bytes: 300}, SendRate: &stats.Rate{Bits: 800, Packets: 1}, ReceiveErrors: stats.Unkept, Age: 1500 * time.Millisecond},
		},
		Tables: []stats.Table{{ID: 0, Entries: 3, Lookups: 9, Matched: 8, LookupRate: &rate}, {ID: 1}},
		Meters: []stats.Meter{
			{ID: 0xc2000007, Kind: purpose.MeterPolicer, Of: 7, Allocation: "some-id", Dropped: stats.Volume{Packets: 5, Bytes: 500}},
			{ID: 0xc1000001, Kind: purpose.MeterBestEffort, Of: 1},
		},
	}
	return stats.Reading{Sample: s, Stale: !sw.Connected}, sw.DPID != 3
}

func (t cannedStats) Flows(_ context.Context, sw topology.Switch) (stats.Listing, bool) {
	return stats.Listing{
		At: t.at, Stale: !sw.Connected,
		Flows: []stats.Flow{
			{FlowStats: openflow.FlowStats{Table: 1, Priority: 5}, Kind: purpose.Foreign},
			{FlowStats: openflow.FlowStats{Priority: 1, Cookie: 0xc09a030000000007, PacketCount: 4, ByteCount: 400, DurationSec: 3,
				Match:        openflow.Match{openflow.InPort(1), openflow.EthType(0x800), openflow.IPv4Src(netip.MustParseAddr("10.0.0.1"))},
				Instructions: []openflow.Instruction{openflow.ApplyActions(openflow.Output(2, 0))}},
				Kind: purpose.Allocation, Allocation: "some-id", Rate: &stats.Rate{Bits: 8, Packets: 1}},
			{FlowStats: openflow.FlowStats{Priority: 9}, Kind: purpose.Control},
		},
	}, sw.DPID != 3
}

// Totals implements [httpapi.Statistics] for the one allocation that tests
// make, which is projectB's.
func (t cannedStats) Totals(project string) stats.Direction {
	if project != "" && project != "projectB" {
		return stats.Direction{}
	}
	return t.Allocation("").Forward
}

func (t cannedStats) Link(_ *topology.Snapshot, id topology.LinkID) stats.Load {
	return stats.Load{Rate: &stats.Rate{Bits: 250e6, Packets: 1}, At: t.at, Stale: id.From.DPID == 2}
}

// wide returns the harness's network and two more switches, one that is away
// and one that has never told anything, with a cable between 1 and 2 and a
// learned host.
func wide() *topology.Snapshot {
	s := network()
	a, b := topology.PortID{DPID: 1, Port: 90}, topology.PortID{DPID: 2, Port: 90}
	s.Switches[1].Ports[90] = topology.Port{ID: a, Name: "s1-eth90", Up: true, Role: topology.Trunk, Capacity: bitrate.Gbps}
	s.Switches[2] = topology.Switch{DPID: 2, Since: time.Unix(1429200000, 0), Addr: "192.0.2.7:40000", Desc: "Nicira Open vSwitch", Tables: 254, Meters: 9,
		Ports: map[openflow.PortNo]topology.Port{90: {ID: b, Up: true, Role: topology.Trunk, Capacity: bitrate.Gbps}}}
	s.Switches[3] = topology.Switch{DPID: 3}
	s.Links = map[topology.PortID]topology.Link{
		a: {ID: topology.LinkID{From: a, To: b}, Capacity: bitrate.Gbps, Metric: 10, Latency: 4 * time.Millisecond},
		b: {ID: topology.LinkID{From: b, To: a}, Capacity: bitrate.Gbps},
	}
	mac := openflow.MAC{2, 0, 0, 0, 0, 1}
	s.Hosts = topology.MapOf(map[topology.HostID]topology.Host{{MAC: mac}: {MAC: mac, At: topology.PortID{DPID: 1, Port: 1}, Seen: time.Unix(1429206000, 0),
		Addrs: []netip.Addr{netip.MustParseAddr("192.127.1.10"), netip.MustParseAddr("2001:db8::a")}}})
	s.Hosts = s.Hosts.With(topology.InVLAN(mac, 20), topology.Host{MAC: mac, VLAN: 20, At: topology.PortID{DPID: 2, Port: 1}})
	s.Hosts = s.Hosts.With(topology.InVLAN(mac, 0), topology.Host{MAC: mac, VLAN: topology.Untagged, At: topology.PortID{DPID: 2, Port: 2}})
	return s
}

// watched returns a harness with the wide network and statistics of it.
func watched(t *testing.T) *harness {
	snap := wide()
	return newHarness(t, func(c *httpapi.Config) {
		c.Planner = c.Allocations.(httpapi.Planner)
		c.Maintenance = c.Allocations.(httpapi.Maintenances)
		c.Statistics = cannedStats{time.Unix(1429206570, 0)}
		c.Snapshot = func() *topology.Snapshot { return snap }
	})
}

// members returns the names in an object, in order.
func members(o map[string]any) string { return strings.Join(slices.Sorted(maps.Keys(o)), " ") }

const fresh = "sampled_at stale"

// shapes are all our read resources and what the objects in their results hold.
var shapes = []struct {
	target   string
	project  int // what a project's key gets
	results  int // how many objects the operator gets
	members  string
	contains string // in the answer
}{
	{"/switches", 403, 3, "_links address connected description dpid limitations meters ports position role since tables", `"dpid":"0000000000000002","connected":false,"role":null,"since":1429200000,"address":"192.0.2.7:40000","description":"Nicira Open vSwitch","tables":254,"meters":9`},
	{"/switches/0000000000000001", 403, 1, "_links address connected description dpid limitations meters ports position role since tables", `{"port":90,"name":"s1-eth90","mac":"00:00:00:00:00:00","up":true,"role":"trunk","capacity":1000000000,"queue":null,"limitation":null}`},
	{"/switches/of:0000000000000003", 403, 1, "_links address connected description dpid limitations meters ports position role since tables", `"since":null,"address":null`},
	{"/links", 403, 2, "_links capacity from kind latency link_id metric to", `"link_id":"0000000000000001:90->0000000000000002:90","from":{"dpid":"0000000000000001","port":90}`},
	{"/links?kind=access", 403, 14, "_links capacity from kind latency link_id metric to", `"link_id":"outside->0000000000000001:1","from":null`},
	{"/links?kind=all&to=outside", 403, 7, "_links capacity from kind latency link_id metric to", `"to":null,"kind":"access"`},
	{"/links?from=1:90", 403, 1, "_links capacity from kind latency link_id metric to", `"metric":10,"latency":4000`},
	{"/links/1:90/2:90/calendar?window=1h", 403, 1, "_links capacity end_time from link_id reservable resolution start_time steps to", `"start_time":1429206574,"end_time":1429210174`},
	{"/links/outside/1:1/calendar", 403, 1, "_links capacity end_time from link_id reservable resolution start_time steps to", `"bandwidth":100000000}`},
	{"/projects/projectB/calendar?window=730d", 200, 1, "_links end_time project_id reservable resolution start_time steps", `"project_id":"projectB","start_time":`},
	{"/hosts", 403, 3, "_links addresses at mac second seen vlan", `"addresses":["192.127.1.10","2001:db8::a"],"at":{"dpid":"0000000000000001","port":1},"second":null,"seen":1429206000`},
	{"/hosts?address=192.127.1.10", 403, 1, "_links addresses at mac second seen vlan", `02:00:00:00:00:01`},
	{"/hosts?address=192.127.1.11", 403, 0, "", `"results":[]`},
	{"/hosts?mac=02-00-00-00-00-01", 403, 1, "_links addresses at mac second seen vlan", `"mac":"02:00:00:00:00:01","vlan":null`},
	{"/hosts?mac=02-00-00-00-00-01&vlan=20", 403, 1, "_links addresses at mac second seen vlan", `"vlan":20`},
	{"/hosts?vlan=0", 403, 1, "_links addresses at mac second seen vlan", `"vlan":0,"addresses":[],"at":{"dpid":"0000000000000002","port":2}`},
	{"/hosts?vlan=21", 403, 0, "", `"results":[]`},
	{"/hosts?mac=02:00:00:00:00:02", 403, 0, "", `"results":[]`},
	{"/attachments", 403, 7, "_links at prefix present vlan", `"prefix":"2001:db8::1/128","at":{"dpid":"0000000000000001","port":6},"vlan":null,"present":true`},
	{"/attachments?address=192.127.1.45", 403, 1, "_links at prefix present vlan", `"port":5},"vlan":0,`},
	{"/attachments?prefix=192.127.1.10%2F32", 403, 1, "_links at prefix present vlan", `"vlan":100,"present":true,"_links":{"self":{"href":`},
	{"/paths?src=192.127.1.10&dst=192.127.1.11", 200, 1, "_links backup_path bandwidth bottleneck dst duration fits free from links offer path reason src to", `"fits":true,"path":[{"dpid":"0000000000000001","in_port":1,"out_port":2}],"backup_path":null,"free":700000000`},
	{"/stats", 200, 1, "_links allocations delivered dropped entered interval network project_id", `"allocations":{"active":1,"complete":0,"pending":0},"entered":{"packets":10,"bytes":10000,"rate":60000000,"packet_rate":7500}`},
	{"/stats/allocations?state=active", 200, 1, "_links allocation_id bandwidth degraded end_time final forward project_id promised_bytes reverse " + fresh + " start_time state", `"state":"active"`},
	{"/stats/allocations?state=complete", 200, 0, "", `"results":[]`},
	{"/stats/allocations", 200, 1, "_links allocation_id bandwidth degraded end_time final forward project_id promised_bytes reverse " + fresh + " start_time state", `"dropped":{"packets":2,"bytes":2000,"rate":null,"packet_rate":null}`},
	{"/stats/allocations/[id]", 200, 1, "_links allocation_id bandwidth degraded end_time final forward project_id promised_bytes reverse " + fresh + " start_time state", `"delivered":{"packets":8,"bytes":8000,"rate":50000000,"packet_rate":6000.123},"dropped":{"packets":2,"bytes":2000,"rate":null,"packet_rate":null},"utilisation":0.5`},
	{"/stats/allocations/[id]/history", 200, 1, "_links allocation_id forward layer project_id reverse step times unit window", `"unit":"bit/s"`},
	{"/stats/links/1:90/2:90/history?window=3m&step=60", 403, 1, "_links from layer link_id rate step times to unit window", `"rate":{"mean":[5,5,null],"max":[10,10,null]}`},
	{"/stats/links/outside/1:1/history?window=2h&step=1h", 403, 1, "_links from layer link_id rate step times to unit window", `"from":null`},
	{"/stats/switches/2/ports/90/history?window=2s", 403, 1, "_links dpid dropped_unit layer name port received received_dropped sent sent_dropped step times unit window", `"received":{"mean":[1.5,null],"max":[3,null]}`},
	{"/stats/links", 403, 2, "_links capacity from kind link_id packet_rate rate reservation reserved " + fresh + " to utilisation", `"capacity":1000000000,"rate":250000000,"packet_rate":1,"utilisation":0.25,"reserved":0,"reservation":0,"sampled_at":1429206570,"stale":false`},
	{"/stats/links?kind=access&from=outside&to=1:1", 403, 1, "_links capacity from kind link_id packet_rate rate reservation reserved " + fresh + " to utilisation", `"reserved":100000000,"reservation":0.1`},
	{"/stats/switches", 403, 3, "_links connected dpid flows meters ports received sampled_at sent stale tables", `"received":{"packets":3,"bytes":300,"rate":null,"packet_rate":null}`},
	{"/stats/switches/2", 403, 1, "_links connected dpid flows meters ports received sampled_at sent stale tables", `"connected":false,"ports":3,"flows":3,"tables":2,"meters":2`},
	{"/stats/switches/2", 403, 1, "_links connected dpid flows meters ports received sampled_at sent stale tables", `"sampled_at":1429206570,"stale":true`},
	{"/stats/switches/3", 403, 1, "_links connected dpid flows meters ports received sampled_at sent stale tables", `"ports":null,"flows":null,"tables":null,"meters":null,"received":{"packets":null,"bytes":null`},
	{"/stats/switches/1/ports", 403, 3, "_links age name port received sampled_at sent stale", `"sent":{"packets":3,"bytes":300,"rate":800,"packet_rate":1,"dropped":0,"errors":0},"age":1.5`},
	{"/stats/switches/1/ports?port=1", 403, 1, "_links age name port received sampled_at sent stale", `"errors":null`},
	{"/stats/switches/3/ports", 403, 0, "", `"results":[]`},
	{"/stats/switches/1/flows", 403, 3, "_links age allocation_id bytes cookie hard_timeout idle_timeout instructions kind match packet_rate packets priority rate " + fresh + " table", `"cookie":"c09a030000000007","kind":"allocation","allocation_id":"some-id","match":"ip,in_port=1,nw_src=10.0.0.1","instructions":["output:2"],"packets":4,"bytes":400,"rate":8`},
	{"/stats/switches/1/flows?table=1", 403, 1, "_links age allocation_id bytes cookie hard_timeout idle_timeout instructions kind match packet_rate packets priority rate " + fresh + " table", `"kind":"foreign","allocation_id":null`},
	{"/stats/switches/1/tables", 403, 2, "_links entries lookup_rate lookups matched " + fresh + " table", `"entries":3,"lookups":9,"matched":8,"lookup_rate":3`},
	{"/stats/switches/1/meters", 403, 2, "_links age allocation_id dropped entered entries kind meter passed port " + fresh, `"kind":"best-effort","port":1,"allocation_id":null`},
	{"/stats/switches/1/meters?meter=3254779911", 403, 1, "_links age allocation_id dropped entered entries kind meter passed port " + fresh, `"kind":"policer","port":null,"allocation_id":"some-id"`},
}

// TestShapes asks for every resource at both addresses with every sort of key:
// the members of its objects, self links that lead back to the same object,
// HEAD like GET, the vendor's media type, unknown parameters refused.
func TestShapes(t *testing.T) {
	for _, base := range []string{"/api", "/api/v1"} {
		h := watched(t)
		id := h.create(`,"bandwidth":100000000`)
		h.settle()
		for _, s := range shapes {
			target := base + strings.ReplaceAll(s.target, "[id]", id)
			t.Run(target, func(t *testing.T) {
				h.t = t
				h.want(401, "GET", target, "")
				h.want(401, "GET", target, "", bearer("conga_x"))
				h.want(s.project, "GET", target, "", bearer(h.key))
				a := h.want(200, "GET", target, "", bearer(h.admin))
				if len(a.Results) != s.results || !strings.Contains(a.body, s.contains) {
					t.Errorf("%d results, want %d with %s: %s", len(a.Results), s.results, s.contains, a.body)
				}
				for _, o := range a.Results {
					if members(o) != s.members {
						t.Errorf("members are %s, want %s", members(o), s.members)
					}
					checkSelf(h, base, o)
				}
				head := h.want(200, "HEAD", target, "", bearer(h.admin))
				if head.body != "" || head.header.Get("Content-Length") != a.header.Get("Content-Length") || head.header.Get("Link") != a.header.Get("Link") {
					t.Errorf("HEAD: %v, %q", head.header, head.body)
				}
				vendor := h.want(200, "GET", target, "", bearer(h.admin), header{"Accept", "application/vnd.conga+json; version=1.0"})
				if got := vendor.header.Get("Content-Type"); got != "application/vnd.conga+json; version=1.0" {
					t.Errorf("Content-Type is %s", got)
				}
				sep := "?&"[min(1, strings.Count(target, "?"))]
				for _, bad := range []string{"nonsense=1", "api_key=" + h.admin, "src=1&src=2"} {
					h.want(422, "GET", target+string(sep)+bad, "", bearer(h.admin))
				}
				h.want(422, "GET", target, `{"nonsense":1}`, bearer(h.admin))
				h.want(400, "GET", target+string(sep)+"%zz", "", bearer(h.admin))
				if a := h.want(405, "DELETE", target, "", bearer(h.admin)); a.header.Get("Allow") == "" {
					t.Error("no Allow")
				}
			})
		}
	}
}

// checkSelf follows the link to self of an object; it leads to the same object,
// alone or among its like.
func checkSelf(h *harness, base string, o map[string]any) {
	h.t.Helper()
	for rel, l := range o["_links"].(map[string]any) {
		href := l.(map[string]any)["href"].(string)
		if !strings.HasPrefix(href, base+"/") || base == "/api" && strings.HasPrefix(href, "/api/v1") {
			h.t.Errorf("%s leads to %s from %s", rel, href, base)
		}
		if strings.Contains(href, "some-id") {
			continue
		}
		a := h.want(200, "GET", href, "", bearer(h.admin))
		if rel == "self" && !slices.ContainsFunc(a.Results, func(r map[string]any) bool { return fmt.Sprint(r) == fmt.Sprint(o) }) {
			h.t.Errorf("self of %v is %s", o, a.body)
		}
	}
}

// A project sees totals and allocations of its own, and nothing of the network.
func TestAProjectSeesItsOwn(t *testing.T) {
	h := watched(t)
	id := h.create("")
	h.settle()
	if a := h.want(200, "GET", "/api/stats", "", bearer(h.key)); a.Results[0]["network"] != nil || a.Results[0]["project_id"] != "projectB" {
		t.Errorf("a project gets %s", a.body)
	}
	a := h.want(200, "GET", "/api/stats", "", bearer(h.foreign))
	if o := a.Results[0]; fmt.Sprint(o["allocations"]) != "map[active:0 complete:0 pending:0]" || o["entered"].(map[string]any)["bytes"] != 0.0 {
		t.Errorf("another project gets %s", a.body)
	}
	if a := h.want(200, "GET", "/api/stats/allocations", "", bearer(h.foreign)); len(a.Results) != 0 {
		t.Errorf("another project gets %s", a.body)
	}
	h.want(404, "GET", "/api/stats/allocations/"+id, "", bearer(h.foreign))
	h.want(422, "GET", "/api/stats/allocations?state=over", "", bearer(h.key))
	a = h.want(200, "GET", "/api/stats", "", bearer(h.admin))
	n := a.Results[0]["network"].(map[string]any)
	want := map[string]any{"switches": 3.0, "connected": 1.0, "stale": 2.0, "links": 2.0, "hosts": 3.0, "flows": 3.0, "sampled_at": 1429206570.0}
	for name, w := range want {
		if n[name] != w {
			t.Errorf("network.%s is %v, want %v", name, n[name], w)
		}
	}
	if a.Results[0]["project_id"] != nil || n["received"].(map[string]any)["bytes"] != 300.0 {
		t.Errorf("the operator gets %s", a.body)
	}
}

// What was promised grows with the time that the allocation has run, and stops
// growing at its end.
func TestPromisedBytes(t *testing.T) {
	h := watched(t)
	id := h.create(`,"bandwidth":80000000`)
	h.settle()
	for _, c := range []struct {
		after time.Duration
		want  float64
	}{{0, 0}, {10 * time.Second, 1e8}, {2 * time.Hour, 3.6e10}} {
		h.advance(c.after)
		if got := h.want(200, "GET", "/api/stats/allocations/"+id, "", bearer(h.key)).Results[0]["promised_bytes"]; got != c.want {
			t.Errorf("promised %v, want %v", got, c.want)
		}
	}
	free := h.create(`,"dst_port":5`)
	if o := h.want(200, "GET", "/api/stats/allocations/"+free, "", bearer(h.key)).Results[0]; o["promised_bytes"] != nil || o["forward"].(map[string]any)["utilisation"] != nil {
		t.Errorf("without a bandwidth: %v", o)
	}
}

func TestPathsAsAdmissionSeesThem(t *testing.T) {
	h := watched(t)
	ask := func(query string) map[string]any {
		t.Helper()
		return h.want(200, "GET", "/api/v1/paths?"+query, "", bearer(h.key)).Results[0]
	}
	h.create(`,"bandwidth":700000000`)
	h.settle()
	o := ask("src=192.127.1.10&dst=192.127.1.22&bandwidth=200000000")
	b := o["bottleneck"].(map[string]any)
	if o["fits"] != false || o["free"] != 1e8 || b["reserved"] != 7e8 || b["reservable"] != 8e8 || b["capacity"] != 1e9 || b["free"] != 1e8 {
		t.Errorf("beside 700M of 800M: %v", o)
	}
	if offer := o["offer"].(map[string]any); offer["bandwidth"] != 1e8 || offer["start_time"] != 1429206574.0+3600 {
		t.Errorf("offered %v", offer)
	}
	if !strings.Contains(o["reason"].(string), "does not fit") || len(o["links"].([]any)) != 2 || o["path"] == nil {
		t.Errorf("without room: %v", o)
	}
	if o := ask("src=192.127.1.10&dst=192.127.1.22&bandwidth=100000000&duration=60"); o["fits"] != true || o["reason"] != nil || o["bandwidth"] != 1e8 || o["duration"] != 60.0 {
		t.Errorf("what fits: %v", o)
	}
	if o := ask("src=192.127.1.11&dst=192.127.1.10"); o["fits"] != false || o["path"] == nil || o["offer"].(map[string]any)["start_time"] != 1429206574.0+3600 || !strings.Contains(o["reason"].(string), "another allocation for the same traffic has part of that window, until") {
		t.Errorf("what waits for the same traffic: %v", o)
	}
	if o := ask("src=10.9.9.9&dst=192.127.1.22"); o["fits"] != false || o["from"] != nil || o["path"] != nil || o["free"] != nil || !strings.Contains(o["reason"].(string), "10.9.9.9 has not been seen") {
		t.Errorf("a host that nobody knows: %v", o)
	}
	const free = "src=192.127.1.10&dst=192.127.1.22&"
	for query, fits := range map[string]bool{
		"bandwidth=1000&reverse_bandwidth=0": true, "bandwidth=1000&reverse_bandwidth=100000001": false, "include=0000000000000001": true,
		"include=1,2": false, "avoid=0000000000000001": false, "avoid=7,8": true, "max_hops=1": true, "max_latency=1": true, "protection=path": false, "protection=none": true,
	} {
		o := ask(free + query)
		if self := o["_links"].(map[string]any)["self"].(map[string]any)["href"].(string); o["fits"] != fits || (o["reason"] == nil) != fits || !strings.Contains(self, "&"+query[:strings.Index(query, "=")+1]) {
			t.Errorf("%s: %v", query, o)
		}
	}
	other := h.create(`,"bandwidth":1000,"dst_port":443`)
	if o := ask(free + "disjoint_from=" + other); o["fits"] != true {
		t.Errorf("%v", o)
	}
	h.want(422, "GET", "/api/v1/paths?"+free+"disjoint_from="+other, "", bearer(h.foreign))
	h.want(200, "GET", "/api/v1/paths?"+free+"disjoint_from="+other, "", bearer(h.admin))
	for query, says := range map[string]string{
		free + "include=1,2,3,4,5,6,7,8,9":                "include: must have at most 8 elements",
		free + "avoid=x":                                  `avoid: "x" is neither a switch nor a link`,
		free + "max_hops=0":                               "max_hops: must be an integer from 1 to 4096",
		free + "max_latency=1ms":                          "max_latency: must be an integer from 1 to 10000000",
		free + "protection=yes":                           `protection: must be none or path, not "yes"`,
		free + "include=1&avoid=1":                        "avoid: 0000000000000001 is in include as well",
		free + "reverse_bandwidth=-1":                     "reverse_bandwidth: must be an integer from 0",
		"":                                                "dst: is required, an IP address or prefix\nsrc: is required, an IP address or prefix",
		"src=192.127.1.10":                                "dst: is required, an IP address or prefix",
		"src=here&dst=192.127.1.22":                       `src: "here" is not an IP address`,
		"src=fe80::1%25eth0&dst=192.127.1.22":             "has a zone",
		"src=192.127.1.10&dst=192.127.1.10":               "dst: is the same as src, 192.127.1.10",
		"src=192.127.1.10&dst=2001:db8::1":                "different families",
		"src=192.127.1.10&dst=224.0.0.1":                  "address of a group",
		"src=192.127.1.10&dst=192.127.1.22&bandwidth=40M": "bandwidth: must be an integer from 1 to " + fmt.Sprint(math.MaxInt64),
		"src=192.127.1.10&dst=192.127.1.22&bandwidth=-1&duration=0": "bandwidth: must be an integer from 1 to " + fmt.Sprint(math.MaxInt64) + "\nduration: must be an integer",
		"src=192.127.1.10&dst=192.127.1.22&src=192.127.1.11":        "src: given twice",
		"src=192.127.1.10&dst=192.127.1.22&page=2":                  "page: is not a parameter of this resource",
	} {
		a := h.want(422, "GET", "/api/v1/paths?"+query, "", bearer(h.key))
		if !strings.Contains(strings.Join(a.Errors, "\n"), says) {
			t.Errorf("%s: errors are %q, want %s", query, a.Errors, says)
		}
	}
}

func TestBadParameters(t *testing.T) {
	h := watched(t)
	for target, says := range map[string]string{
		"/links?kind=virtual":             `kind: "virtual" is none`,
		"/links?from=3":                   `from: "3" is no port`,
		"/links?project_id=projectB":      "project_id: is not a parameter",
		"/links?kind=all&kind=all":        "kind: given twice",
		"/hosts?mac=nonsense":             "is not an Ethernet address",
		"/hosts?address=nonsense":         "is not an IP address",
		"/attachments?prefix=192.127.1.1": "is not an IP prefix",
		"/switches?page=0":                "page: must be an integer from 1",
		"/switches?per_page=1001":         "per_page: must be an integer from 1 to 1000",
		"/stats/switches/1/ports?port=0":  "port: must be an integer from 1",
		"/stats/switches/1/flows?table=x": "table: must be an integer from 0",
	} {
		a := h.want(422, "GET", "/api"+target, "", bearer(h.admin))
		if !strings.Contains(strings.Join(a.Errors, " "), says) {
			t.Errorf("%s: errors are %q, want %s", target, a.Errors, says)
		}
	}
	for _, target := range []string{"/switches/9", "/switches/nonsense", "/stats/switches/9", "/stats/switches/9/flows", "/stats/allocations/none", "/stats/nonsense"} {
		h.want(404, "GET", "/api"+target, "", bearer(h.admin))
	}
}

// Lists come in pages of 128, and their filters are in the links to the others.
func TestPagesOfTheInventory(t *testing.T) {
	h := watched(t)
	a := h.want(200, "GET", "/api/v1/links?kind=access&per_page=5&page=2", "", bearer(h.admin))
	if len(a.Results) != 5 {
		t.Errorf("%d results", len(a.Results))
	}
	next := `&kind=access&page=3&per_page=5>; rel="next"`
	if got := a.header.Get("Link"); !strings.Contains(got, next) || !strings.Contains(got, `page=1&per_page=5>; rel="prev"`) {
		t.Errorf("Link is %s", got)
	}
	a = h.want(200, "GET", "/api/stats/switches/1/flows?page=9", "", bearer(h.admin))
	if len(a.Results) != 0 || !strings.Contains(a.header.Get("Link"), `page=1&per_page=128>; rel="last"`) {
		t.Errorf("%d results, Link %s", len(a.Results), a.header.Get("Link"))
	}
}

func TestWithoutSnapshotOrParts(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) { c.Snapshot, c.Planner = func() *topology.Snapshot { return nil }, nil })
	if a := h.want(503, "GET", "/api/switches", "", bearer(h.admin)); a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.want(404, "GET", "/api/stats", "", bearer(h.admin))
	h.want(404, "GET", "/api/paths?src=192.127.1.10&dst=192.127.1.11", "", bearer(h.admin))
}

// No number of ours is one that JSON cannot say.
func TestTrafficIsAlwaysJSON(t *testing.T) {
	h := watched(t)
	h.create("")
	for _, s := range shapes {
		if !json.Valid([]byte(h.do("GET", "/api"+s.target, "", bearer(h.admin)).body)) {
			t.Errorf("%s is not JSON", s.target)
		}
	}
}

// canned returns how fast anything went: known in all steps but the last, and
// in the second one only for a half.
func canned(s stats.Steps, mean float64) []stats.Level {
	out := make([]stats.Level, s.Count)
	for i := range out[:s.Count-1] {
		out[i] = stats.Level{Mean: mean, Max: 2 * mean, Known: s.Step}
	}
	out[min(1, s.Count-1)].Known /= 2
	return out
}

func (t cannedStats) AllocationHistory(_ string, s stats.Steps) stats.AllocationHistory {
	direction := func(n float64) stats.DirectionHistory {
		return stats.DirectionHistory{Promised: canned(s, n), Entered: canned(s, n+1), Delivered: canned(s, n+2), Dropped: canned(s, n+3)}
	}
	return stats.AllocationHistory{Forward: direction(100), Reverse: direction(200)}
}

func (t cannedStats) PortHistory(_ topology.PortID, s stats.Steps) stats.PortHistory {
	return stats.PortHistory{Received: canned(s, 1.5), Sent: canned(s, 2), ReceiveDropped: canned(s, 3), SendDropped: canned(s, 4)}
}

func (t cannedStats) LinkHistory(_ topology.LinkID, s stats.Steps) []stats.Level { return canned(s, 5) }

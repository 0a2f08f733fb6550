package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadEvents(t *testing.T) {
	type event = [3]string
	for name, test := range map[string]struct {
		in   string
		want []event
	}{
		"nothing":            {"", nil},
		"a comment":          {": hello\n\n", nil},
		"plain":              {"data: x\n\n", []event{{"", "message", "x"}}},
		"all fields":         {"id: 7\nevent: allocation\ndata: {}\nretry: 5\n\n", []event{{"7", "allocation", "{}"}}},
		"several lines":      {"data: a\ndata:b\ndata\n\n", []event{{"", "message", "a\nb\n"}}},
		"the ID stays":       {"id: 7\ndata: a\n\ndata: b\n\n", []event{{"7", "message", "a"}, {"7", "message", "b"}}},
		"CR LF":              {"id: 7\r\ndata: a\r\n\r\n", []event{{"7", "message", "a"}}},
		"empty data":         {"data:\n\n", []event{{"", "message", ""}}},
		"none without data":  {"event: x\n\n", nil},
		"cut off":            {"data: a\n\ndata: b\n", []event{{"", "message", "a"}}},
		"fields of no event": {"x: y\ndata: a\n\n", []event{{"", "message", "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []event
			err := readEvents(strings.NewReader(test.in), func() {}, func(e Event) error {
				got = append(got, event{e.ID, e.Type, string(e.Data)})
				return nil
			})
			if diff := cmp.Diff(test.want, got); diff != "" || !errors.Is(err, io.EOF) {
				t.Error(err, diff)
			}
		})
	}
	endless := io.MultiReader(strings.NewReader("data: "), strings.NewReader(strings.Repeat("x", 2<<20)))
	if err := readEvents(endless, func() {}, func(Event) error { return nil }); err == nil || errors.Is(err, io.EOF) {
		t.Error("an endless line:", err)
	}
	many := strings.NewReader(strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 2000))
	if err := readEvents(many, func() {}, func(Event) error { return nil }); err == nil || errors.Is(err, io.EOF) {
		t.Error("endless lines:", err)
	}
}

func TestEvents(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+testKey || r.Header.Get("Accept") != "text/event-stream" {
			t.Errorf("asked with %v", r.Header)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 1\ndata: a\n\nid: 2\ndata: b\n\n")
	})
	var got []string
	err := c.Events(t.Context(), func(e Event) error { got = append(got, e.Type+e.ID); return nil })
	if fmt.Sprint(got) != "[open message1 message2]" || err == nil || !strings.Contains(err.Error(), "the stream has ended") {
		t.Errorf("%v, %v", got, err)
	}
	stop := errors.New("enough")
	if err := c.Events(t.Context(), func(e Event) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	refusing := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, 404, "[]", "there is nothing") })
	refused, ok := errors.AsType[*Error](refusing.Events(t.Context(), func(Event) error { return nil }))
	if !ok || refused.Status != 404 {
		t.Error(refused)
	}
	release := make(chan struct{})
	silent := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-release:
		}
	})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	if err := silent.Events(ctx, func(Event) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestReport(t *testing.T) {
	status, body := 200, `{"success":"True","error":"","connection_uuids":["u1"]}`
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		want := `[{"protocol":"tcp","source":{"ip":"192.127.1.10","port":5893,"deployment":"","job":"","index":0,"user":"","group":"","pid":205,"process_name":"ruby","age":2345},"destination":{"ip":"192.127.1.11","port":6009}}]`
		if r.Method != "POST" || r.RequestURI != "/connections" || string(got) != want || r.Header.Get("Authorization") != "Bearer "+testKey {
			t.Errorf("got %s %s %s", r.Method, r.RequestURI, got)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
	report := func() ([]string, error) {
		return c.Report(t.Context(), []Connection{{
			Protocol: "tcp", Source: Reporter{IP: "192.127.1.10", Port: 5893, PID: 205, Process: "ruby", Age: 2345},
			Destination: Destination{IP: "192.127.1.11", Port: 6009},
		}})
	}
	if ids, err := report(); err != nil || fmt.Sprint(ids) != "[u1]" {
		t.Errorf("%v, %v", ids, err)
	}
	for _, test := range []struct {
		status int
		body   string
		want   string
	}{
		{422, `{"success":"False","error":"source.ip: is none","connection_uuids":[]}`, "source.ip: is none"},
		{200, `{"success":"False","error":"source.ip: is none","connection_uuids":[]}`, "source.ip: is none"},
		{404, `{"status":404,"results":[],"errors":["there is nothing"]}`, "there is nothing"},
		{502, `<html>`, "502 Bad Gateway"},
		{200, `<html>`, "not one of CONGA's"},
	} {
		status, body = test.status, test.body
		if _, err := report(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d %s: %v", test.status, test.body, err)
		}
	}
}

// TestKeepKey renews a key that ends soon, and no other.
func TestKeepKey(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		left   time.Duration
		renew  bool
	}{
		"fresh": {200, 23 * time.Hour, false}, "old": {200, 11 * time.Hour, true}, "not a user's": {404, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			renewed := false
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.URL.Path != "/api/v1/auth/"+testKey {
					t.Errorf("asked for %s", r.URL.Path)
				}
				if r.Method == "POST" {
					renewed = string(body) == `{"user_id":"u","project_id":"p"}`
				}
				answer(w, test.status, fmt.Sprintf(`[{"api_key":"k","start_time":1,"end_time":%d,"user_id":"u","project_id":"p"}]`, time.Now().Add(test.left).Unix()), "none")
			})
			if err := c.KeepKey(t.Context()); err != nil || renewed != test.renew {
				t.Errorf("renewed: %t, %v", renewed, err)
			}
		})
	}
	refusing := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, "[]", "an error") })
	refusing.retries = 0
	if err := refusing.KeepKey(t.Context()); err == nil {
		t.Error("no error")
	}
}

// TestNetworkCalls: each asks for what it says, and the pages are put together.
func TestNetworkCalls(t *testing.T) {
	results := map[string]string{
		"/api/v1/switches":                                     `[{"dpid":"1"}]`,
		"/api/v1/switches?page=2":                              `[{"dpid":"2"}]`,
		"/api/v1/links?per_page=1000":                          `[{"link_id":"l"}]`,
		"/api/v1/hosts?per_page=1000":                          `[{"mac":"m"}]`,
		"/api/v1/stats":                                        `[{"interval":5}]`,
		"/api/v1/stats/allocations?per_page=1000&state=active": `[{"allocation_id":"a1"}]`,
		"/api/v1/stats/links?per_page=1000":                    `[{"link_id":"l","rate":5}]`,
		"/api/v1/stats/allocations/a%2Fb":                      `[{"allocation_id":"a/b"}]`,
		"/api/v1/paths?dst=192.127.1.11&src=192.127.1.10":      `[{"fits":true}]`,
		"/api/v1/paths?avoid=3&bandwidth=7&disjoint_from=a1&dst=192.127.1.11&duration=60&include=1%2C2&max_hops=4&max_latency=5&protection=path&reverse_bandwidth=0&src=192.127.1.10": `[{"fits":false}]`,
	}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == "/api/v1/switches" {
			w.Header().Set("Link", `</api/v1/switches?page=2>; rel="next"`)
		}
		body, ok := results[r.RequestURI]
		if !ok || r.Method != "GET" {
			t.Errorf("asked %s %s", r.Method, r.RequestURI)
		}
		answer(w, 200, body)
	})
	ctx := t.Context()
	switches, err1 := c.Switches(ctx)
	links, err2 := c.Links(ctx)
	hosts, err3 := c.Hosts(ctx)
	totals, err4 := c.Totals(ctx)
	st, err5 := c.AllocationStats(ctx, "a/b")
	open, err6 := c.Outlook(ctx, Request{SrcIP: "192.127.1.10", DstIP: "192.127.1.11"})
	full, err7 := c.Outlook(ctx, Request{
		SrcIP: "192.127.1.10", DstIP: "192.127.1.11", Bandwidth: 7, Duration: 60, ReverseBandwidth: new(uint64),
		Include: []string{"1", "2"}, Avoid: []string{"3"}, DisjointFrom: "a1", MaxHops: 4, MaxLatency: 5, Protection: "path",
	})
	carried, err8 := c.AllocationsStats(ctx, Active)
	loads, err9 := c.LinkStats(ctx)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9); err != nil {
		t.Fatal(err)
	}
	if len(carried) != 1 || carried[0].ID != "a1" || len(loads) != 1 || *loads[0].Rate != 5 {
		t.Error(carried, loads)
	}
	if len(switches) != 2 || switches[1].DPID != "2" || links[0].ID != "l" || hosts[0].MAC != "m" || totals.Interval != 5 || st.ID != "a/b" || !open.Fits || full.Fits {
		t.Error(switches, links, hosts, totals, st, open, full)
	}
}

// wholeReceipt is a receipt as the interface shows it.
const wholeReceipt = `{"asked":{"start_time":null,"duration":3600,"bandwidth":1000,"reverse_bandwidth":3,"volume":4,"earliest":5,"deadline":6},"planned":{"start_time":1,"end_time":2},"had":null,` +
	`"forward":{"entered":{"packets":3,"bytes":300},"delivered":{"packets":2,"bytes":200},"dropped":{"packets":1,"bytes":null},"mean_rate":5,"p5_rate":null,"p50_rate":6},` +
	`"reverse":{"entered":{"packets":null,"bytes":null},"delivered":{"packets":null,"bytes":null},"dropped":{"packets":null,"bytes":null},"mean_rate":null,"p5_rate":null,"p50_rate":null},` +
	`"moves":1,"moved":[{"time":4,"reason":"cut"},{"time":5,"reason":null}],"degraded_seconds":2,"degraded":[{"start_time":3,"end_time":5,"reason":"lost"}],"final":true}`

// TestAllocationIsWhole: whatever the interface shows of an allocation, but for
// the links, comes through in the same words, what is null included.
func TestAllocationIsWhole(t *testing.T) {
	for _, values := range [][]any{{"120", "60", "30", "1429206574", "1429210174", "40", "1", "2", "0", `["1"]`, `["2","3"]`, `"a0"`, "4", "5000", `"path"`, `"scavenger"`, `"s0"`, `{"rrule":"FREQ=DAILY;COUNT=2","timezone":"UTC"}`, "true", `[{"start_time":1,"end_time":2,"bandwidth":3}]`, "3", "true", wholeReceipt}, {"null", "null", "null", "null", "null", "null", "null", "null", "7", "null", "null", "null", "null", "null", `"none"`, `"normal"`, "null", "null", "false", "null", "0", "false", "null"}, {"null", "null", "null", "null", "null", "null", "null", "null", "null", "null", "null", "null", "null", "null", `"none"`, `"normal"`, "null", "null", "false", "null", "null", "null", "null"}} {
		shown := fmt.Sprintf(`{"allocation_id":"a1","start_time":1429206574,"end_time":1429210174,"state":"active","bandwidth":null,`+
			`"user_id":"abc123","project_id":"projectB","src_ip":"192.127.1.10","src_port":null,"dst_ip":"192.127.1.11","dst_port":null,`+
			`"protocol":"any","duration":3600,"lease":%s,"active_lease":%s,"hold":%s,"earliest":%s,"deadline":%s,"volume":%s,"min_bandwidth":%s,"max_bandwidth":%s,"reverse_bandwidth":%s,"include":%s,"avoid":%s,"disjoint_from":%s,"max_hops":%s,"max_latency":%s,"protection":%s,"class":%s,"series":%s,"recurrence":%s,"changed_by":null,"reason":null,"degraded":%s,"profile":%s,"path":[{"dpid":"0000000000000001","in_port":1,"out_port":2}],"backup_path":null,"carried_by":null,`+
			`"connections":%s,"in_use":%s,"receipt":%s}`, values...)
		var al Allocation
		if err := json.Unmarshal([]byte(shown), &al); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(al); err != nil || string(got) != shown {
			t.Errorf("%v: got %s, want %s", err, got, shown)
		}
	}
}

// TestWhatThereIs: a request is asked about as it is made, without what is
// missing, and a refusal brings requests that can be made.
func TestWhatThereIs(t *testing.T) {
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.RequestURI+" "+string(body))
		switch r.URL.Path {
		case "/api/v1/availability":
			answer(w, 200, `[{"fits":true,"free":[{"start_time":1,"end_time":2,"bandwidth":3}],"free_until":2}]`)
		default:
			w.WriteHeader(409)
			fmt.Fprint(w, `{"status":409,"results":[],"errors":["no"],"alternatives":[{"project_id":"p","src_ip":"a","dst_ip":"b","duration":9007199254740993,"bandwidth":7}]}`)
		}
	})
	got, err := c.Availability(t.Context(), Request{SrcIP: "a", DstIP: "b", Bandwidth: 9007199254740993, StartIn: new(int64(0))}, 60)
	if err != nil || !got.Fits || len(got.Free) != 1 || got.Free[0] != (Step{Interval{1, 2}, 3}) {
		t.Errorf("%+v, %v", got, err)
	}
	r := Request{ProjectID: "p", SrcIP: "a", DstIP: "b", Duration: 9007199254740993, Bandwidth: 8}
	_, err1 := c.Validate(t.Context(), r)
	_, err2 := c.Allocate(t.Context(), r)
	r.Bandwidth = 7
	for _, err := range []error{err1, err2} {
		if e, ok := errors.AsType[*Error](err); !ok || len(e.Alternatives) != 1 || !cmp.Equal(e.Alternatives[0], r) {
			t.Errorf("%+v", err)
		}
	}
	if want := `/api/v1/availability {"bandwidth":9007199254740993,"dst_ip":"b","horizon":60,"src_ip":"a","start_time":"now"}`; asked[0] != want {
		t.Errorf("asked %s, want %s", asked[0], want)
	}
	if !strings.HasPrefix(asked[1], "/api/v1/allocations?validate=true {") {
		t.Errorf("asked %s", asked[1])
	}
}

// TestDurationIsOpen: a duration that is not planned yet stays null.
func TestDurationIsOpen(t *testing.T) {
	var al Allocation
	if err := json.Unmarshal([]byte(`{"duration":null,"volume":5}`), &al); err != nil || al.Duration != nil {
		t.Fatalf("%v, %v", al.Duration, err)
	}
	if text, err := json.Marshal(al); err != nil || !strings.Contains(string(text), `"duration":null`) {
		t.Errorf("%s, %v", text, err)
	}
}

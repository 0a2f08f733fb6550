package acceptance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// reportExample are the two whole connections of the Covalence document's
// example, with quotes around the identifiers that have none there.
const reportExample = `[
	{"protocol": "tcp",
	 "source": {"ip": "10.80.76.9", "port": "5893", "deployment": "asv-sb-cf-postgres", "job": "secret-agent", "index": 1,
		"user": "vcap", "group": "vcap", "pid": 205, "process_name": "ruby", "age": 2345},
	 "destination": {"ip": "10.80.79.34", "port": "6009"}},
	{"source": {"ip": "10.80.76.9", "port": "5893", "deployment": "asv-sb-cf-postgres", "job": "secret-agent", "index": 1,
		"user": "vcap", "group": "vcap", "pid": 205, "process_name": "ruby", "age": 2345},
	 "destination": {"ip": "10.80.79.34", "port": "6009"}}]`

// reportedAnswer answers POST /connections.
type reportedAnswer struct {
	Success string   `json:"success"`
	Error   string   `json:"error"`
	IDs     []string `json:"connection_uuids"`
}

// listedConnection is an element of GET /connections.
type listedConnection struct {
	ID         string         `json:"connection_uuid"`
	Connection map[string]any `json:"connection"`
}

func strictly[T any](t testing.TB, text string) (v T) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// report reports at the document's own address.
func (a *asker) report(code int, body string) reportedAnswer {
	a.t.Helper()
	return strictly[reportedAnswer](a.t, a.want(code, "POST", "/connections", body).body)
}

// reported returns all connections, by UUID.
func (a *asker) reported(query string) map[string]map[string]any {
	a.t.Helper()
	all := map[string]map[string]any{}
	for _, c := range strictly[[]listedConnection](a.t, a.want(200, "GET", "/connections"+query, "").body) {
		all[c.ID] = c.Connection
	}
	return all
}

// roundTrip reports connections and shows the first of them.
func (a *asker) roundTrip(body string) map[string]any {
	a.t.Helper()
	id := a.report(200, body).IDs[0]
	return a.reported("")[id]
}

// forms checks a member of a connection in every form that agents send it in.
// Ends are "", "source" and "destination"; shown maps the JSON that is sent
// to what is shown, "" standing for no member.
func forms(name string, shown map[string]any, ends ...string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		for _, end := range ends {
			for sent, want := range shown {
				body := strictly[[]map[string]any](t, reportExample)[0]
				in := body
				if end != "" {
					in = body[end].(map[string]any)
				}
				if delete(in, name); sent != "" {
					in[name] = json.RawMessage(sent)
				}
				text, err := json.Marshal([]any{body})
				if err != nil {
					t.Fatal(err)
				}
				got := u.roundTrip(string(text))
				if end != "" {
					got, _ = got[end].(map[string]any)
				}
				if got[name] != want {
					t.Errorf("%s.%s sent as %s is shown as %v, want %v", end, name, sent, got[name], want)
				}
			}
		}
	}
}

var covalenceChecks = checks{
	"covalence: POST => /connections: protocol": forms("protocol", map[string]any{`"tcp"`: "tcp", `"TCP"`: "tcp", `"udp"`: "udp", `""`: nil, ``: nil}, ""),
	"covalence: POST => /connections: source": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		for sent, code := range map[string]int{`{"destination":{"ip":"10.80.79.34","port":"6009"}}`: 422, `{"source":7}`: 400, `{"source":null}`: 422} {
			if got := u.report(code, "["+sent+"]"); !strings.Contains(got.Error, "source") {
				t.Errorf("%s: %q", sent, got.Error)
			}
		}
	},
	"covalence: POST => /connections: destination": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		for sent, code := range map[string]int{`{"source":{"ip":"10.80.76.9","port":"5893"}}`: 422, `{"destination":"x"}`: 400} {
			if got := u.report(code, "["+sent+"]"); !strings.Contains(got.Error, "destination") {
				t.Errorf("%s: %q", sent, got.Error)
			}
		}
	},
	"covalence: POST => /connections: ip":           forms("ip", map[string]any{`"10.80.76.10"`: "10.80.76.10", `"::ffff:10.80.76.9"`: "10.80.76.9"}, "source", "destination"),
	"covalence: POST => /connections: port":         forms("port", map[string]any{`"5893"`: "5893", `5893`: "5893", `65535`: "65535"}, "source", "destination"),
	"covalence: POST => /connections: deployment":   forms("deployment", map[string]any{`"asv-sb-cf-postgres"`: "asv-sb-cf-postgres", `""`: "", ``: ""}, "source"),
	"covalence: POST => /connections: job":          forms("job", map[string]any{`"secret-agent"`: "secret-agent", `""`: "", ``: ""}, "source"),
	"covalence: POST => /connections: index":        forms("index", map[string]any{`1`: 1.0, `"1"`: 1.0, `0`: 0.0, ``: nil}, "source"),
	"covalence: POST => /connections: user":         forms("user", map[string]any{`"vcap"`: "vcap", `""`: "", ``: ""}, "source"),
	"covalence: POST => /connections: group":        forms("group", map[string]any{`"vcap"`: "vcap", `""`: "", ``: ""}, "source"),
	"covalence: POST => /connections: pid":          forms("pid", map[string]any{`205`: 205.0, `"205"`: 205.0, `"-"`: nil, ``: nil}, "source"),
	"covalence: POST => /connections: process_name": forms("process_name", map[string]any{`"ruby"`: "ruby", `""`: "", ``: ""}, "source"),
	"covalence: POST => /connections: age":          forms("age", map[string]any{`2345`: 2345.0, `0`: 0.0, `"0"`: 0.0, ``: nil}, "source"),

	"covalence: POST => /connections: success": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		if good, bad := u.report(200, reportExample), u.report(400, "["); good.Success != "True" || bad.Success != "False" {
			t.Errorf("%+v and %+v", good, bad)
		}
	},
	"covalence: POST => /connections: error": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		if good, bad := u.report(200, reportExample), u.report(400, "["); good.Error != "" || bad.Error == "" {
			t.Errorf("%+v and %+v", good, bad)
		}
	},
	"covalence: POST => /connections: connection_uuids": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		got := u.report(200, reportExample)
		// The example says the same connection twice.
		if len(got.IDs) != 2 || got.IDs[0] != got.IDs[1] || len(got.IDs[0]) != 36 {
			t.Errorf("%v", got.IDs)
		}
		if bad := u.report(422, `[{}]`); bad.IDs == nil || len(bad.IDs) != 0 {
			t.Errorf("%v", bad.IDs)
		}
	},
	"covalence: POST => /connections: all or nothing": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		before := len(u.reported(""))
		good := strings.Replace(reportOfOne, "40001", "40777", 1)
		u.report(422, "["+good+`,{"source":{"ip":"10.80.76.9"}}]`)
		if after := len(u.reported("")); after != before {
			t.Errorf("%d connections became %d", before, after)
		}
	},
	"covalence: POST => /connections: reported again": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		first := u.report(200, "["+reportOfOne+"]").IDs[0]
		seen := u.want(200, "GET", "/api/connections/"+first, "").Results[0]
		second := u.report(200, "["+reportOfOne+"]").IDs[0]
		again := u.want(200, "GET", "/api/connections/"+second, "").Results[0]
		if first != second || again["first_seen"] != seen["first_seen"] || again["last_seen"].(float64) < seen["last_seen"].(float64) {
			t.Errorf("%v, reported again, is %v", seen, again)
		}
	},

	"covalence: GET => /connections: connection_uuid": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		id := u.report(200, reportExample).IDs[0]
		if _, there := u.reported("")[id]; !there {
			t.Errorf("%s is not listed", id)
		}
	},
	"covalence: GET => /connections: connection": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		for _, one := range strictly[[]map[string]any](t, reportExample) {
			text, err := json.Marshal([]any{one})
			if err != nil {
				t.Fatal(err)
			}
			if got := u.roundTrip(string(text)); fmt.Sprint(got) != fmt.Sprint(one) {
				t.Errorf("%v is shown as %v", one, got)
			}
		}
	},
	"covalence: GET => /connections: source": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		got := u.roundTrip(reportExample)["source"].(map[string]any)
		if want := strictly[[]map[string]any](t, reportExample)[0]["source"]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
	},
	"covalence: GET => /connections: destination": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		got := u.roundTrip(reportExample)["destination"].(map[string]any)
		if fmt.Sprint(got) != "map[ip:10.80.79.34 port:6009]" {
			t.Errorf("%v", got)
		}
	},
	"covalence: GET => /connections: no parameters": func(t *testing.T, w *world) {
		u := w.many(t)
		if all := u.reported(""); len(all) < 300 {
			t.Errorf("only %d, and no page was asked for", len(all))
		}
	},
	"covalence: GET => /connections: before and after": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "project B")
		id := u.report(200, reportExample).IDs[0]
		// A connection exists from its first report to its last.
		seen := u.want(200, "GET", "/api/connections/"+id, "").Results[0]
		first, last := int64(seen["first_seen"].(float64)), int64(seen["last_seen"].(float64))
		for query, want := range map[string]bool{
			fmt.Sprintf("?after=%d", last): true, fmt.Sprintf("?after=%d", last+1): false, "?after=0": true,
			fmt.Sprintf("?before=%d", first): true, fmt.Sprintf("?before=%d", first-1): false,
		} {
			if _, there := u.reported(query)[id]; there != want {
				t.Errorf("%s: %t, want %t", query, there, want)
			}
		}
	},
}

package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"conga/allocator/store"
	"conga/httpapi/connections"
)

// docReported is the example of POST /connections in the Covalence document, as
// it stands: identifiers without quotes, and an end that is no JSON.
const docReported = `[
	{
		"protocol": "tcp",
		"source":{
			"ip": "10.80.76.9",
			"port": "5893",
			"deployment": "asv-sb-cf-postgres",
			"job": "secret-agent",
			"index": 1,
			"user": vcap,
			"group": vcap,
			"pid": 205,
			"process_name": "ruby",
			"age": 2345
		},
		"destination":{
			"ip":"10.80.79.34",
			"port":"6009"
		}
	},
	{
		"source":{
			"ip": "10.80.76.9",
			"port": "5893",
			"deployment": "asv-sb-cf-postgres",
			"job": "secret-agent",
			"index": 1,
			"user": vcap,
			"group": vcap,
			"pid": 205,
			"process_name": "ruby",
			"age": 2345
		},
		"destination":{
			"ip":"10.80.79.34",
			"port":"6009"
		}
	}, },
	{
		"source": { ... },
		"destination": { ... }
	},...
]`

// docConnections returns the two whole connections of that example, with
// quotes.
func docConnections() []string {
	text := strings.ReplaceAll(docReported, ": vcap", `: "vcap"`)
	first, rest, _ := strings.Cut(strings.TrimPrefix(text, "["), "},\n\t{\n\t\t\"source\":{\n\t\t\t\"ip\"")
	second, _, _ := strings.Cut(rest, "}, },")
	return []string{first + "}", `{"source":{"ip"` + second + "}"}
}

// reported is the answer to POST /connections.
type reported struct {
	Success string
	Error   string
	UUIDs   []string `json:"connection_uuids"`
}

// listed is an element of GET /connections.
type listed struct {
	UUID       string         `json:"connection_uuid"`
	Connection map[string]any `json:"connection"`
}

// strictly decodes what holds nothing but the members of v.
func (h *harness) strictly(text string, v any) {
	h.t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		h.t.Fatalf("%v in %s", err, text)
	}
}

// covalence reports at the document's address and checks the answer's shape.
func (h *harness) covalence(code int, body string, headers ...header) reported {
	h.t.Helper()
	a := h.do("POST", "/connections", body, headers...)
	if a.code != code {
		h.t.Fatalf("%d, want %d: %s", a.code, code, a.body)
	}
	return h.checkReported(a)
}

func (h *harness) checkReported(a answer) (out reported) {
	h.t.Helper()
	h.strictly(a.body, &out)
	if success := map[bool]string{true: "True", false: "False"}[a.code < 400]; out.Success != success || (out.Error == "") != (a.code < 400) ||
		out.UUIDs == nil || a.code >= 400 && len(out.UUIDs) > 0 || a.header.Get("Content-Type") != "application/json" {
		h.t.Errorf("%d with %s", a.code, a.body)
	}
	return out
}

func (h *harness) covalenceList(target string, headers ...header) (out []listed) {
	h.t.Helper()
	a := h.do("GET", target, "", headers...)
	if a.code != 200 || a.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(a.body, "[") {
		h.t.Fatalf("%d %s", a.code, a.body)
	}
	h.strictly(a.body, &out)
	return out
}

// TestCovalenceDocument plays the document.
func TestCovalenceDocument(t *testing.T) {
	h := newHarness(t)
	if a := h.covalence(400, docReported, bearer(h.key)); !strings.Contains(a.Error, "not valid JSON") {
		t.Errorf("error is %q", a.Error)
	}
	if text := h.do("GET", "/connections", "", bearer(h.key)).body; text != "[]\n" {
		t.Errorf("an empty list is %q", text)
	}
	with, without := docConnections()[0], docConnections()[1]
	t.Run("POST", func(t *testing.T) {
		a := h.covalence(200, "["+with+","+without+"]", bearer(h.key))
		if len(a.UUIDs) != 2 || a.UUIDs[0] != a.UUIDs[1] { // the example says the same connection twice
			t.Errorf("UUIDs are %v", a.UUIDs)
		}
		if id, err := uuid.Parse(a.UUIDs[0]); err != nil || id.String() != a.UUIDs[0] {
			t.Errorf("%q is no UUID: %v", a.UUIDs[0], err)
		}
	})
	for name, body := range map[string]string{"GET with a protocol": with, "GET without a protocol": without} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			id := h.covalence(200, "["+body+"]", bearer(h.key)).UUIDs[0]
			list := h.covalenceList("/connections", bearer(h.key))
			var want map[string]any // what was said, member for member and type for type
			h.must(json.Unmarshal([]byte(body), &want))
			if diff := cmp.Diff([]listed{{id, want}}, list); diff != "" {
				t.Error(diff)
			}
		})
	}
	h.t = t
	if n := h.disk.Len(store.Connections); n != 1 {
		t.Errorf("%d are stored", n)
	}
}

// TestCovalenceAttributes: one sub-test for each attribute of the document,
// each in every form that reporters send it in.
func TestCovalenceAttributes(t *testing.T) {
	for _, test := range []struct {
		place, name string
		forms       map[string]any // JSON sent, value shown
	}{
		{"", "protocol", map[string]any{`"tcp"`: "tcp", `"TCP"`: "tcp", `"tcp6"`: "tcp", `"udp"`: "udp", `""`: nil, `null`: nil, ``: nil}},
		{"source", "ip", map[string]any{`"10.80.76.9"`: "10.80.76.9", `"::ffff:10.80.76.9"`: "10.80.76.9"}},
		{"source", "port", map[string]any{`"5893"`: "5893", `5893`: "5893", `" 5893 "`: "5893", `1`: "1", `"65535"`: "65535"}},
		{"source", "deployment", map[string]any{`"asv-sb-cf-postgres"`: "asv-sb-cf-postgres", `""`: "", `null`: "", ``: ""}},
		{"source", "job", map[string]any{`"secret-agent"`: "secret-agent", `""`: "", ``: ""}},
		{"source", "index", map[string]any{`1`: 1.0, `"1"`: 1.0, `0`: 0.0, `""`: nil, `null`: nil, ``: nil}},
		{"source", "user", map[string]any{`"vcap"`: "vcap", `""`: "", ``: "", `"w\u001b[2Jx"`: "w\ufffd[2Jx"}},
		{"source", "group", map[string]any{`"vcap"`: "vcap", `""`: "", ``: ""}},
		{"source", "pid", map[string]any{`205`: 205.0, `"205"`: 205.0, `0`: 0.0, `"-"`: nil, `""`: nil, ``: nil}},
		{"source", "process_name", map[string]any{`"ruby"`: "ruby", `"größe ✓"`: "größe ✓", `""`: "", ``: ""}},
		{"source", "age", map[string]any{`2345`: 2345.0, `"2345"`: 2345.0, `0`: 0.0, `"0"`: 0.0, ``: nil}},
		{"destination", "ip", map[string]any{`"10.80.79.34"`: "10.80.79.34"}},
		{"destination", "port", map[string]any{`"6009"`: "6009", `6009`: "6009"}},
	} {
		t.Run(test.place+" "+test.name, func(t *testing.T) {
			for form, want := range test.forms {
				h := newHarness(t)
				h.covalence(200, "["+conn(test.place, test.name, form)+"]", bearer(h.key))
				got := h.covalenceList("/connections", bearer(h.key))[0].Connection
				if test.place != "" {
					got = got[test.place].(map[string]any)
				}
				shown, present := got[test.name]
				if shown != want || !present && test.name != "protocol" {
					t.Errorf("%s is shown as %v, want %v", form, shown, want)
				}
			}
		})
	}
}

// conn returns the document's connection with one member in another form; "":
// left out.
func conn(place, name, form string) string {
	parts := map[string]map[string]string{
		"": {"protocol": `"tcp"`},
		"source": {
			"ip": `"10.80.76.9"`, "port": `"5893"`, "deployment": `"asv-sb-cf-postgres"`, "job": `"secret-agent"`, "index": `1`,
			"user": `"vcap"`, "group": `"vcap"`, "pid": `205`, "process_name": `"ruby"`, "age": `2345`,
		},
		"destination": {"ip": `"10.80.79.34"`, "port": `"6009"`},
	}
	parts[place][name] = form
	object := func(members map[string]string) string {
		var out []string
		for _, n := range slices.Sorted(maps.Keys(members)) {
			if members[n] != "" {
				out = append(out, fmt.Sprintf("%q:%s", n, members[n]))
			}
		}
		return "{" + strings.Join(out, ",") + "}"
	}
	for _, end := range []string{"source", "destination"} {
		if place != "" || name != end {
			parts[""][end] = object(parts[end])
		}
	}
	return object(parts[""])
}

// TestCovalenceAgents: what the original agents send, byte for byte.
func TestCovalenceAgents(t *testing.T) {
	h := newHarness(t)
	// In Go: its own record of a connection, an unknown process, never a group.
	a := h.covalence(200, `[{"uuid":"","source":{"ip":"10.244.0.6","port":"37182","deployment":"cf","job":"router","index":0,
		"user":"vcap","group":"","pid":"-","process_name":"","age":0},"destination":{"ip":"10.244.0.10","port":"4222"},
		"created_at":"0001-01-01 00:00:00"}]`+"\n", bearer(h.key), header{"Content-Type", "application/json; charset=utf-8"})
	if len(a.UUIDs) != 1 {
		t.Errorf("UUIDs are %v", a.UUIDs)
	}
	// A host without connections.
	if a := h.covalence(200, "[]\n", bearer(h.key)); len(a.UUIDs) != 0 {
		t.Errorf("UUIDs are %v", a.UUIDs)
	}
	// In Python: one connection, and no array around it.
	a = h.covalence(200, `{"protocol": "tcp", "source": {"ip": "10.0.2.15", "port": "22", "deployment": "", "job": "", "index": 0,
		"user": "root", "group": "", "pid": "1042", "process_name": "", "age": 0}, "destination": {"ip": "10.0.2.2", "port": "51234"}}`, bearer(h.key))
	if len(a.UUIDs) != 1 || len(h.covalenceList("/connections", bearer(h.key))) != 2 {
		t.Errorf("UUIDs are %v", a.UUIDs)
	}
	// With a key inside, for those who cannot set headers.
	h.covalence(200, `{"api_key":"`+h.key+`","connections":[`+conn("", "protocol", "")+`]}`)
	h.covalence(200, `{"api_key":"`+h.key+`",`+conn("", "protocol", "")[1:])
	if n := len(h.covalenceList("/connections", bearer(h.key))); n != 3 {
		t.Errorf("%d are listed", n)
	}
}

// TestCovalenceTimes: before and after, as the original had them.
func TestCovalenceTimes(t *testing.T) {
	h := newHarness(t)
	start := h.clock().Unix()
	first := h.covalence(200, "["+conn("source", "port", "1")+"]", bearer(h.key)).UUIDs[0]
	h.advance(time.Minute)
	second := h.covalence(200, "["+conn("source", "port", "2")+"]", bearer(h.key)).UUIDs[0]
	for query, want := range map[string][]string{
		"":                                    {first, second},
		fmt.Sprint("?after=", start):          {first, second},
		fmt.Sprint("?after=", start+1):        {second},
		fmt.Sprint("?after=", start+61):       nil,
		fmt.Sprint("?before=", start):         {first},
		fmt.Sprint("?before=", start+60):      {first, second},
		fmt.Sprint("?before=", start-1):       nil,
		"?per_page=1":                         {first},
		"?page=2&per_page=1":                  {second},
		"?project_id=projectB":                {first, second},
		fmt.Sprint("?after=1&before=", 1<<33): {first, second},
		"?after=1&before=2&page=1":            nil,
	} {
		var got []string
		for _, l := range h.covalenceList("/connections"+query, bearer(h.key)) {
			got = append(got, l.UUID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	h.advance(connections.DefaultKeep - time.Minute)
	if list := h.covalenceList("/connections", bearer(h.key)); len(list) != 1 || list[0].UUID != second {
		t.Errorf("after the first has expired: %v", list)
	}
}

// TestCovalenceErrors come in the document's shape whatever is wrong, with the
// status that says what.
func TestCovalenceErrors(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		method, query, body string
		code                int
		says                string
		headers             []header
	}{
		{"GET", "", "", 401, "api_key: is required", nil},
		{"HEAD", "", "", 401, "", nil},
		{"POST", "", "[]", 401, "api_key: is required", nil},
		{"GET", "?api_key=" + h.key, "", 401, "not taken from the query", nil},
		{"POST", "?api_key=" + h.key, "[]", 401, "not taken from the query", nil},
		{"POST", "?api_key=x", "[]", 422, "not taken from the query", []header{bearer(h.key)}},
		{"GET", "", "", 401, "no such key", []header{bearer("conga_x")}},
		{"DELETE", "", "", 405, "not possible here", []header{bearer(h.key)}},
		{"PUT", "", "[]", 405, "not possible here", []header{bearer(h.key)}},
		{"GET", "?since=1", "", 422, "since: is not a parameter", []header{bearer(h.key)}},
		{"GET", "?before=yesterday", "", 422, "before: must be a time in UNIX seconds", []header{bearer(h.key)}},
		{"GET", "?after=-1", "", 422, "after: must be a time", []header{bearer(h.key)}},
		{"GET", "?after=1&after=2", "", 422, "after: given twice", []header{bearer(h.key)}},
		{"GET", "?after=x&page=0", "", 422, "page: must be", []header{bearer(h.key)}},
		{"GET", "?allocation=x", "", 404, "allocation: no such allocation", []header{bearer(h.key)}},
		{"GET", "?project_id=project+B", "", 403, "project_id: the key is for another project", []header{bearer(h.key)}},
		{"POST", "?project_id=project+B", "[]", 403, "project_id: the key is for another project", []header{bearer(h.key)}},
		{"POST", "", "[]", 422, "project_id: is required with an operator's key", []header{bearer(h.admin)}},
		{"POST", "?project_id=nowhere", "[]", 422, "no such project", []header{bearer(h.admin)}},
		{"POST", "", "[]", 415, "Content-Type: ", []header{bearer(h.key), {"Content-Type", "text/plain"}}},
		{"POST", "", "", 400, "an array of connections is needed", []header{bearer(h.key)}},
		{"POST", "", "[" + strings.Repeat(" ", 5<<20) + "]", 413, "larger than 4194304 bytes", []header{bearer(h.key)}},
	} {
		before := h.disk.Len(store.Connections)
		a := h.do(c.method, "/connections"+c.query, c.body, c.headers...)
		if a.code != c.code {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.query, a.code, c.code, a.body)
		}
		if c.method == "HEAD" {
			continue
		}
		if got := h.checkReported(a); !strings.Contains(got.Error, c.says) || strings.Contains(a.body, h.key) {
			t.Errorf("%s %s: %q, want %q", c.method, c.query, got.Error, c.says)
		}
		if h.disk.Len(store.Connections) != before {
			t.Errorf("%s %s changed something", c.method, c.query)
		}
		if c.code == 401 && a.header.Get("WWW-Authenticate") == "" || c.code == 405 && a.header.Get("Allow") == "" {
			t.Errorf("%s %s: headers %v", c.method, c.query, a.header)
		}
	}
	a := h.do("HEAD", "/connections", "", bearer(h.key))
	if a.code != 200 || a.body != "" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %v %q", a.code, a.header, a.body)
	}
}

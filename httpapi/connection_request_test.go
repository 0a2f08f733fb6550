package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"unicode/utf8"

	"conga/httpapi/connections"
	"conga/httpapi/rest"
)

// FuzzParseReport: whatever the body, the answer is reports that are what a
// registry relies on, or few and short sentences with a 400, a 413 or a 422.
func FuzzParseReport(f *testing.F) {
	for _, s := range []string{
		`[]`, ` [ ] `, `{}`, `null`, ``, `[1,"]",{"a":"}"}]`, `{"connections":[],"api_key":"k"}`, `[{"source":{},"source":{}}]`,
		`[{"protocol":"tcp6","source":{"ip":"10.80.76.9","port":"5893","index":1,"user":"v","pid":"-","age":0},"destination":{"ip":"10.80.79.34","port":6009}}]`,
		`{"uuid":"","created_at":0,"source":{"ip":"::ffff:1.2.3.4","port":"1"},"destination":{"ip":"::1","port":"65536"}}`,
		`[{"source":{"ip":"1.2.3.4","port":" 7 ","user":"\u001b\ud800"},"destination":{"ip":"1.2.3.5","port":1e3}}]`,
		`{"connections":[{"source":null,"destination":[]},{"source":{"ip":"fe80::1%1"}}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		valid := utf8.Valid(raw) && json.Valid(raw)
		body, err := readReport(nil, bytes.Clone(raw))
		if err != nil {
			checkFault(t, err)
			return
		}
		if !valid {
			t.Fatalf("%q was taken", raw)
		}
		body.Text("api_key")
		takeName(body, "project_id")
		reports := takeReports(body)
		if err := body.Done(); err != nil {
			checkFault(t, err)
			return
		}
		if n := reported(raw); len(reports) != n {
			t.Fatalf("%d reports of %d", len(reports), n)
		}
		for _, r := range reports {
			checkReport(t, &r)
		}
	})
}

// reported returns how many connections a body holds that was taken.
func reported(raw []byte) int {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return len(list)
	}
	var object map[string]json.RawMessage
	_ = json.Unmarshal(raw, &object)
	if json.Unmarshal(object["connections"], &list) == nil {
		return len(list)
	}
	return 1
}

func checkFault(t *testing.T, err error) {
	t.Helper()
	e, ok := err.(*rest.Fault)
	if !ok || e.Status != http.StatusBadRequest && e.Status != http.StatusRequestEntityTooLarge && e.Status != http.StatusUnprocessableEntity {
		t.Fatalf("error is %v", err)
	}
	if len(e.Reasons) == 0 || len(e.Reasons) > 300 {
		t.Fatalf("%d sentences", len(e.Reasons))
	}
	for _, s := range e.Reasons {
		if len(s) > 400 {
			t.Fatalf("a sentence of %d bytes", len(s))
		}
	}
}

func checkReport(t *testing.T, r *connections.Report) {
	t.Helper()
	src, dst := r.Source.Addr, r.Destination
	if !src.IsValid() || !dst.IsValid() || src.Port() == 0 || dst.Port() == 0 || src.Addr().Is4() != dst.Addr().Is4() ||
		src.Addr().Is4In6() || dst.Addr().Is4In6() || src.Addr().Zone() != "" || dst.Addr().Zone() != "" || src.Addr().IsUnspecified() {
		t.Fatalf("%v to %v", src, dst)
	}
	for _, n := range []int64{r.Source.Index, r.Source.PID, r.Source.Age} {
		if n < connections.None {
			t.Fatalf("a number is %d", n)
		}
	}
	for _, s := range []string{r.Source.Deployment, r.Source.Job, r.Source.User, r.Source.Group, r.Source.ProcessName} {
		if len(s) > 3*maxLabel || !utf8.ValidString(s) || bytes.ContainsAny([]byte(s), "\x00\x1b\n\x7f") {
			t.Fatalf("a name is %q", s)
		}
	}
	if r.Protocol != connections.Unsaid && r.Protocol != connections.TCP && r.Protocol != connections.UDP {
		t.Fatalf("protocol %q", r.Protocol)
	}
	// What is shown can be reported again, and is the same connection.
	text, err := json.Marshal(viewReported(&connections.Connection{Report: *r}).Connection)
	if err != nil {
		t.Fatal(err)
	}
	body, err := readReport(nil, text)
	if err != nil {
		t.Fatal(err)
	}
	again := takeReports(body)
	if err := body.Done(); err != nil || again[0] != *r {
		t.Fatalf("%s: %v: %+v, want %+v", text, err, again, *r)
	}
}

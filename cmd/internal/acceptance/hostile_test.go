package acceptance

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// members are valid members, as JSON, of every request that has any.
var members = map[string]string{
	"user_id": `"abc123"`, "project_id": `"projectB"`,
	"src_ip": `"192.127.1.10"`, "dst_ip": `"192.127.1.11"`, "duration": "3600",
	"source": `{"ip":"192.127.1.10","port":"4321"}`, "destination": `{"ip":"192.127.1.11","port":"3030"}`,
	"connections": "[" + reportOfOne + "]", "connection_uuid": `"00000000-0000-4000-8000-000000000000"`,
	"start_time": `"+3600"`, "recurrence": `{"rrule":"FREQ=DAILY;COUNT=2"}`,
	"name": `"one-more"`, "url": `"https://127.0.0.1:9/hook"`,
	"switch": `"1"`, "end_time": fmt.Sprint(time.Now().Unix() + 3600), "note": `"new fans"`,
}

// TestHostile sends the running daemon, over HTTPS, every invalid request that
// can be made from the document: each is refused, none with a server error, and
// none changes anything.
func TestHostile(t *testing.T) {
	w := worldOf(t)
	r := w.resources(t)
	n := 0
	for _, o := range r.operations(t) {
		before := r.everything(t)
		attacks, err := o.Attacks(o.path, o.named, members)
		if err != nil {
			t.Fatal(err)
		}
		u := r.of(t, o)
		if o.ForOperators() {
			u = r.asAdmin(t)
		}
		for _, a := range attacks {
			n++
			got := u.ask(a.Method, a.Path, a.Body, a.Header[:]...)
			if got.code < 400 || got.code > 499 {
				t.Errorf("%s %s, %s: %d %.300s", a.Method, a.Path, a.Name, got.code, got.body)
			}
		}
		if after := r.everything(t); after != before {
			t.Fatalf("%s %s changed something:\n%s\nbecame\n%s", o.Method, o.path, before, after)
		}
	}
	if n < 5000 {
		t.Errorf("only %d attacks were made", n)
	}
	t.Logf("%d attacks", n)
}

// everything returns all that users and operators have made, as the admin sees
// it.
func (r *resources) everything(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, list := range []string{"allocations", "connections", "operators", "webhooks", "projects", "maintenance"} {
		all.WriteString(r.asAdmin(t).want(200, "GET", "/api/v1/"+list+"?per_page=1000", "").body)
	}
	key := r.asAdmin(t).want(200, "GET", "/api/v1/auth/"+r.key, "").body
	return all.String() + key
}

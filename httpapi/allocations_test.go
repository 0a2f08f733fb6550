package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"conga/allocator"
	"conga/httpapi"
)

func TestUpdateMembers(t *testing.T) {
	h := newHarness(t)
	id := h.create(`,"src_port":4321,"dst_port":3030,"protocol":"tcp","bandwidth":1000`)
	show := func() map[string]any {
		return h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).Results[0]
	}
	for _, c := range []struct {
		method, body string
		want         map[string]any
	}{
		{"PATCH", `{}`, map[string]any{"src_port": 4321.0, "protocol": "tcp", "bandwidth": 1000.0}},
		{"PATCH", `{"dst_ip":"192.127.1.22"}`, map[string]any{"dst_ip": "192.127.1.22", "src_port": 4321.0, "dst_port": 3030.0}},
		{"POST", `{"src_port":5}`, map[string]any{"src_port": 5.0, "dst_port": 3030.0, "protocol": "tcp"}},
		{"PATCH", `{"protocol":"udp","bandwidth":2000}`, map[string]any{"protocol": "udp", "bandwidth": 2000.0}},
		{"PATCH", `{"bandwidth":null,"src_port":null}`, map[string]any{"bandwidth": nil, "src_port": nil, "dst_port": 3030.0}},
		{"PATCH", `{"protocol":null}`, map[string]any{"protocol": "any", "dst_port": 3030.0}},
		{"PATCH", `{"protocol":"tcp"}`, map[string]any{"protocol": "tcp"}},
		{"PATCH", `{"user_id":"abc123","duration":60}`, map[string]any{"user_id": "abc123", "duration": 60.0, "end_time": 1429206634.0}},
		{"PATCH", `{"start_time":1429210000}`, map[string]any{"start_time": 1429210000.0, "end_time": 1429210060.0}},
		{"PATCH", `{"start_time":null}`, map[string]any{"start_time": 1429206574.0}},
		{"PUT", "{" + good + `,"dst_port":80}`, map[string]any{"protocol": "any", "dst_port": 80.0, "duration": 3600.0, "dst_ip": "192.127.1.11"}},
		{"PUT", "{" + good + "}", map[string]any{"dst_port": nil, "src_port": nil, "bandwidth": nil}},
		{"PATCH", `{"src_ip":"2001:db8::1","dst_ip":"2001:db8::2"}`, map[string]any{"src_ip": "2001:db8::1", "dst_ip": "2001:db8::2"}},
		{"PATCH", `{"src_ip":"::ffff:192.127.1.10","dst_ip":"192.127.1.11"}`, map[string]any{"src_ip": "192.127.1.10"}},
		{"PATCH", `{"dst_ip":"192.127.1.11/32"}`, map[string]any{"dst_ip": "192.127.1.11"}},
		{"PATCH", `{"dst_ip":"10.4.0.0/16"}`, map[string]any{"src_ip": "192.127.1.10", "dst_ip": "10.4.0.0/16", "state": "pending"}},
	} {
		changed := h.want(200, c.method, "/api/allocations/"+id, c.body, bearer(h.key)).Results[0]
		for name, want := range c.want {
			if changed[name] != want {
				t.Errorf("%s %s: %s is %v, want %v", c.method, c.body, name, changed[name], want)
			}
		}
		if now := show(); fmt.Sprint(now) != fmt.Sprint(changed) {
			t.Errorf("%s %s: answered %v, shows %v", c.method, c.body, changed, now)
		}
	}
}

// TestReplaceWhatWasShown: what GET shows can be put back, once the members
// that CONGA sets are left out; also while active.
func TestReplaceWhatWasShown(t *testing.T) {
	h := newHarness(t)
	id := h.create(`,"bandwidth":1000`)
	for _, state := range []string{"pending", "active"} {
		d := h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).Results[0]
		if d["state"] != state {
			t.Fatalf("state is %v, want %s", d["state"], state)
		}
		body := fmt.Sprintf(`{"project_id":%q,"user_id":%q,"src_ip":%q,"src_port":null,"dst_ip":%q,"dst_port":null,"duration":%v,"bandwidth":%v,"protocol":%q,"start_time":%.0f}`,
			d["project_id"], d["user_id"], d["src_ip"], d["dst_ip"], d["duration"], d["bandwidth"], d["protocol"], d["start_time"])
		after := h.want(200, "PUT", "/api/allocations/"+id, body, bearer(h.key)).Results[0]
		if fmt.Sprint(after) != fmt.Sprint(d) {
			t.Errorf("%s: %v became %v", state, d, after)
		}
		h.settle()
	}
	h.want(200, "PUT", "/api/allocations/"+id, "{"+good+"}", bearer(h.key)) // without a start, while active
}

func TestConflictNamesWhatIsInTheWay(t *testing.T) {
	h := newHarness(t)
	h.create(`,"bandwidth":700000000`)
	ask := `{` + strings.ReplaceAll(good, "1.11", "1.22") + `,"bandwidth":200000000,"start_time":1429206574}`
	a := h.want(409, "POST", "/api/allocations", ask, bearer(h.key))
	if len(a.Errors) != 1 || !strings.HasPrefix(a.Errors[0], "bandwidth: ") {
		t.Errorf("errors are %q", a.Errors)
	}
	p := h.do("POST", "/api/allocations", ask, bearer(h.key), header{"Accept", "application/problem+json"})
	for _, part := range []string{
		`"bottleneck":"`, `"offer":{"start_time":1429210174,"bandwidth":100000000}`, `"status":409`, `"interval":{"start_time":1429206574,"end_time":1429210174}`,
		`"alternatives":[{"start_time":1429210174,"bandwidth":200000000,"user_id":"abc123","project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.22","duration":3600,"protocol":"any"},`,
	} {
		if !strings.Contains(p.body, part) {
			t.Errorf("%s is not in %s", part, p.body)
		}
	}
}

// TestConflictOfAChange has what is offered instead of a change posted to where
// the change went, and put there.
func TestConflictOfAChange(t *testing.T) {
	h := newHarness(t)
	h.want(201, "POST", "/api/allocations", `{`+strings.ReplaceAll(good, "1.11", "1.22")+`,"bandwidth":700000000}`, bearer(h.key))
	one := "/api/allocations/" + h.create(`,"bandwidth":1000,"lease":600,"start_time":1429206574`)
	for range 2 {
		for _, method := range []string{"POST", "PATCH", "PUT"} {
			a := h.want(409, "PATCH", one, `{"bandwidth":200000000}`, bearer(h.key))
			for _, alt := range a.Alternatives {
				got := h.want(200, method, one, string(alt), bearer(h.key)).Results[0]
				if body := string(alt); !strings.Contains(body, `"src_port":null`) || got["bandwidth"] == 1000.0 {
					t.Errorf("%s of %s made it %v", method, body, got)
				}
				h.want(200, "PATCH", one, `{"bandwidth":1000,"duration":3600,"start_time":1429206574}`, bearer(h.key))
			}
			if len(a.Alternatives) == 0 {
				t.Error(a.body)
			}
		}
		h.settle()
	}
}

func TestETags(t *testing.T) {
	h := newHarness(t)
	id := h.create("")
	one := "/api/allocations/" + id
	old := h.want(200, "GET", one, "", bearer(h.key)).header.Get("ETag")
	if !regexp.MustCompile(`^"\d+(\.\d+)?(\.[nu])?(\.r[0-9a-z]+)?"$`).MatchString(old) {
		t.Fatalf("ETag is %s", old)
	}
	if head := h.want(200, "HEAD", one, "", bearer(h.key)).header.Get("ETag"); head != old {
		t.Errorf("ETag of HEAD is %s, of GET %s", head, old)
	}
	match := func(tag string) header { return header{"If-Match", tag} }
	h.want(412, "PATCH", one, `{"duration":60}`, bearer(h.key), match(`"0"`))
	h.want(412, "PATCH", one, `{"duration":60}`, bearer(h.key), match("W/"+old))
	a := h.want(200, "PATCH", one, `{"duration":60}`, bearer(h.key), match(`"0", `+old))
	now := a.header.Get("ETag")
	if now == old {
		t.Error("the ETag did not change")
	}
	h.want(412, "PUT", one, "{"+good+"}", bearer(h.key), match(old))
	h.want(412, "DELETE", one, "", bearer(h.key), match(old))
	h.want(200, "PUT", one, "{"+good+"}", bearer(h.key), match("*"))
	h.want(412, "DELETE", one, "", bearer(h.key), match(now))
	now = h.want(200, "GET", one, "", bearer(h.key)).header.Get("ETag")
	h.want(200, "DELETE", one, "", bearer(h.key), match(now))
	h.want(412, "DELETE", one, "", bearer(h.key), match(now))
	now = h.want(200, "GET", one, "", bearer(h.key)).header.Get("ETag")
	h.want(200, "DELETE", one, "", bearer(h.key), match(now)) // out of the history
	h.want(404, "DELETE", one, "", bearer(h.key), match(now))
}

// racing changes the allocation between the API's reading and writing it.
type racing struct {
	httpapi.Allocations
	races int
	n     int64
}

func (r *racing) Release(ctx context.Context, id string, rev uint64, along ...allocator.Along) error {
	if err := r.race(ctx, id); err != nil {
		return err
	}
	return r.Allocations.Release(ctx, id, rev, along...)
}

func (r *racing) Update(ctx context.Context, id string, rev uint64, c allocator.Change, along ...allocator.Along) (allocator.Allocation, error) {
	if err := r.race(ctx, id); err != nil {
		return allocator.Allocation{}, err
	}
	return r.Allocations.Update(ctx, id, rev, c, along...)
}

// race changes the allocation, if there are races left.
func (r *racing) race(ctx context.Context, id string) error {
	if r.races == 0 {
		return nil
	}
	r.races--
	r.n++
	d := allocator.Seconds(100 + r.n)
	_, err := r.Allocations.Update(ctx, id, 0, allocator.Change{Duration: &d})
	return err
}

// TestDeleteLosesNothingToARace: a client that names a revision deletes that
// one or none.
func TestDeleteLosesNothingToARace(t *testing.T) {
	r := new(racing)
	h := newHarness(t, func(c *httpapi.Config) { r.Allocations = c.Allocations; c.Allocations = r })
	one := "/api/allocations/" + h.create("")
	tag := h.want(200, "GET", one, "", bearer(h.key)).header.Get("ETag")
	r.races = 1
	h.want(412, "DELETE", one, "", bearer(h.key), header{"If-Match", tag})
	r.races = 1000
	h.want(409, "DELETE", one, "", bearer(h.key))
	r.races = 3
	h.want(200, "DELETE", one, "", bearer(h.key))
}

func TestUpdateLosesNothingToARace(t *testing.T) {
	r := new(racing)
	h := newHarness(t, func(c *httpapi.Config) { r.Allocations = c.Allocations; c.Allocations = r })
	id := h.create("")
	r.races = 3
	a := h.want(200, "PATCH", "/api/allocations/"+id, `{"dst_port":80}`, bearer(h.key)).Results[0]
	if a["dst_port"] != 80.0 || a["duration"] != 103.0 {
		t.Errorf("after the races: %v", a)
	}
	tag := h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).header.Get("ETag")
	r.races = 1
	h.want(412, "PATCH", "/api/allocations/"+id, `{"dst_port":81}`, bearer(h.key), header{"If-Match", tag})
	r.races = 1000
	h.want(409, "PATCH", "/api/allocations/"+id, `{"dst_port":82}`, bearer(h.key))
}

var linkPattern = regexp.MustCompile(`<([^>]*)>; rel="(\w+)"`)

// linksOf reads the Link header.
func linksOf(a answer) map[string]string {
	out := map[string]string{}
	for _, m := range linkPattern.FindAllStringSubmatch(a.header.Get("Link"), -1) {
		out[m[2]] = m[1]
	}
	return out
}

func TestPages(t *testing.T) {
	h := newHarness(t)
	for i := range 300 {
		h.create(fmt.Sprintf(`,"src_port":%d`, i+1))
	}
	page := h.want(200, "GET", "/api/v1/allocations?project_id=projectB", "", bearer(h.key))
	first := linksOf(page)
	var ports []float64
	for range 10 {
		for _, r := range page.Results {
			ports = append(ports, r["src_port"].(float64))
		}
		next := linksOf(page)["next"]
		if next == "" {
			break
		}
		if len(page.Results) != 128 || !strings.HasPrefix(next, host+"/api/v1/allocations?") || !strings.Contains(next, "project_id=projectB") {
			t.Errorf("%d results, next is %s", len(page.Results), next)
		}
		page = h.want(200, "GET", next, "", bearer(h.key))
	}
	if len(ports) != 300 || ports[0] != 1 || ports[128] != 129 || ports[299] != 300 {
		t.Errorf("%d allocations came by the pages", len(ports))
	}
	last := linksOf(page)
	if first["first"] == "" || first["prev"] != "" || first["last"] != last["last"] || last["prev"] == "" || last["next"] != "" {
		t.Errorf("links of the first page %v, of the last %v", first, last)
	}
	if n := len(h.want(200, "GET", "/api/allocations?per_page=1000", "", bearer(h.key)).Results); n != 300 {
		t.Errorf("%d on a page of 1000", n)
	}
	beyond := h.want(200, "GET", "/api/allocations?page=9", "", bearer(h.key))
	if l := linksOf(beyond); len(beyond.Results) != 0 || !strings.Contains(l["prev"], "page=3") {
		t.Errorf("beyond the end: %d results, links %v", len(beyond.Results), l)
	}
	for _, query := range []string{"page=0", "page=-1", "page=x", "page=1.0", "per_page=0", "per_page=1001", "pgae=2",
		"page=1&page=2", "page=99999999999999999999", "project_id=projectB&project_id=projectB"} {
		h.want(422, "GET", "/api/allocations?"+query, "", bearer(h.key))
	}
	h.want(400, "GET", "/api/allocations?page=%zz", "", bearer(h.key))
	h.want(403, "GET", "/api/allocations?project_id=project+B", "", bearer(h.key))
	h.want(422, "GET", "/api/allocations?project_id=projectB", `{"project_id":"project B"}`, bearer(h.key))
	h.want(403, "GET", "/api/allocations", `{"project_id":"project B"}`, bearer(h.key))
	h.want(422, "GET", "/api/allocations", `{"page":2}`, bearer(h.key))
}

func TestHead(t *testing.T) {
	h := newHarness(t)
	id := h.create("")
	for _, target := range []string{"/api/allocations", "/api/allocations/" + id, "/api/auth/" + h.key, "/healthz"} {
		get := h.do("GET", target, "", bearer(h.key))
		head := h.do("HEAD", target, "", bearer(h.key))
		if head.body != "" || head.code != get.code {
			t.Errorf("HEAD %s: %d with %q", target, head.code, head.body)
		}
		for _, name := range []string{"Content-Length", "Content-Type", "ETag", "Link"} {
			if head.header.Get(name) != get.header.Get(name) {
				t.Errorf("HEAD %s: %s is %q, of GET %q", target, name, head.header.Get(name), get.header.Get(name))
			}
		}
		if get.header.Get("Content-Length") != fmt.Sprint(len(get.body)) {
			t.Errorf("GET %s: Content-Length is %s for %d bytes", target, get.header.Get("Content-Length"), len(get.body))
		}
	}
}

func TestInternalErrorsStayInside(t *testing.T) {
	f := new(failing)
	h := newHarness(t, func(c *httpapi.Config) { f.Allocations = c.Allocations; c.Allocations = f })
	for _, c := range []struct {
		err  error
		code int
	}{
		{fmt.Errorf("write data/conga.db: no space left"), 500},
		{&allocator.Error{Op: "create", Kind: allocator.Internal, Err: fmt.Errorf("write data/conga.db: no space left")}, 500},
		{&allocator.Error{Op: "create", Kind: allocator.Internal, Err: context.Canceled}, 503},
		{context.DeadlineExceeded, 503},
		{&allocator.Error{Op: "create", Kind: allocator.Denied, Field: "project_id", Err: fmt.Errorf("may have 20")}, 403},
	} {
		h.log.Reset()
		f.err = c.err
		a := h.want(c.code, "POST", "/api/allocations", "{"+good+"}", bearer(h.key))
		if strings.Contains(a.body, "conga.db") {
			t.Errorf("the answer tells of our insides: %s", a.body)
		}
		if logged := strings.Contains(h.log.String(), "no space left"); logged != (c.code == 500) {
			t.Errorf("%v: logged %v", c.err, logged)
		}
		if c.code == 503 && a.header.Get("Retry-After") == "" {
			t.Errorf("%v: no Retry-After", c.err)
		}
	}
	h.disk.Fail(fmt.Errorf("no space left"))
	f.err = nil
	h.want(500, "POST", "/api/allocations", "{"+good+"}", bearer(h.key))
	h.want(500, "POST", "/api/auth", `{"user_id":"xyz987","project_id":"projectB"}`)
	h.disk.Fail(nil)
	if n := h.stored(); n != 0 {
		t.Errorf("%d allocations are stored", n)
	}
}

func TestCreateAnswers(t *testing.T) {
	h := newHarness(t)
	a := h.want(http.StatusCreated, "POST", "/api/v1/allocations", "{"+good+"}", bearer(h.key))
	id := a.Results[0]["allocation_id"].(string)
	if got, want := a.header.Get("Location"), "/api/v1/allocations/"+id; got != want {
		t.Errorf("Location is %s, want %s", got, want)
	}
	if self := fmt.Sprint(a.Results[0]["_links"]); self != "map[self:map[href:/api/v1/allocations/"+id+"]]" {
		t.Errorf("_links is %s", self)
	}
	d := h.want(200, "GET", a.header.Get("Location"), "", bearer(h.key))
	if d.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("ETag was %s, is %s", a.header.Get("ETag"), d.header.Get("ETag"))
	}
	if d.Results[0]["user_id"] != "abc123" || d.Results[0]["protocol"] != "any" {
		t.Errorf("created %v", d.Results[0])
	}
	named := with("user_id", `"abc123"`)
	a = h.want(201, "POST", "/api/allocations", strings.ReplaceAll(named, "1.10", "1.40"), bearer(h.key))
	if d := h.want(200, "GET", a.header.Get("Location"), "", bearer(h.key)).Results[0]; d["user_id"] != "abc123" {
		t.Errorf("created for %v", d["user_id"])
	}
}

// TestLease: an allocation that waits with a lease is given up when the lease
// ends, and asking for it again is a change of its own.
func TestLease(t *testing.T) {
	h := newHarness(t)
	h.create(`,"bandwidth":800000000`)
	body := `{"project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.22","duration":60,"bandwidth":800000000,"lease":30}`
	id := h.want(201, "POST", "/api/allocations", body, bearer(h.key)).Results[0]["allocation_id"].(string)
	target := "/api/allocations/" + id
	want := func(when, state string, lease any) {
		t.Helper()
		h.settle()
		if d := h.want(200, "GET", target, "", bearer(h.key)).Results[0]; d["state"] != state || d["lease"] != lease {
			t.Errorf("%s: it is %v", when, d)
		}
	}
	want("at first", "pending", 30.0)
	h.advance(29 * time.Second)
	before := h.want(200, "GET", target, "", bearer(h.key))
	after := h.want(200, "PATCH", target, `{"lease":30}`, bearer(h.key))
	if before.header.Get("ETag") != after.header.Get("ETag") || before.Results[0]["start_time"] != after.Results[0]["start_time"] {
		t.Errorf("%v, asked for again, is %v", before.Results, after.Results)
	}
	h.advance(29 * time.Second)
	want("asked for again", "pending", 30.0)
	for _, bad := range []string{`{"lease":0}`, `{"lease":86401}`} {
		h.want(422, "PATCH", target, bad, bearer(h.key))
	}
	h.want(200, "PATCH", target, `{"lease":null}`, bearer(h.key))
	h.advance(time.Minute)
	want("without a lease", "pending", nil)
	h.want(200, "PATCH", target, `{"lease":7}`, bearer(h.key))
	h.advance(7 * time.Second)
	want("at the end", "complete", 7.0)
	if d := h.want(200, "GET", target, "", bearer(h.key)).Results[0]; !strings.Contains(fmt.Sprint(d["reason"]), "lease of 7 s") {
		t.Errorf("the reason is %v", d["reason"])
	}
}

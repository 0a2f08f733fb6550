package acceptance

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// crowbarChecks checks each convention on every resource.
var crowbarChecks = checks{
	"crowbar: Client Errors: invalid JSON": func(t *testing.T, w *world) {
		r := w.resources(t)
		for _, o := range r.operations(t) {
			if o.Method == "HEAD" || !takesBody(o) {
				continue
			}
			for _, bad := range []string{"{", `{"api_key":}`, "{}{}", `{"a":1,"a":2}`, "{\"a\":\"\xff\"}"} {
				got := r.asAdmin(t).want(400, o.Method, o.path, bad)
				if o.envelope() && got.Status != 400 {
					t.Errorf("%s %s: %s", o.Method, o.path, got.body)
				}
			}
		}
	},
	"crowbar: Client Errors: the wrong": func(t *testing.T, w *world) {
		r := w.resources(t)
		for _, o := range r.operations(t) {
			if o.Method == "HEAD" || !takesBody(o) {
				continue
			}
			bad := []string{`"text"`, "7", "true"}
			if !strings.HasSuffix(o.Template, "/auth") { // which needs no key
				bad = append(bad, `{"api_key":7}`)
			}
			for _, body := range bad {
				r.over(t, true).want(400, o.Method, o.path, body)
			}
		}
		for _, body := range []string{`{"duration":"60"}`, `{"src_ip":7}`, `{"bandwidth":[]}`, `{"duration":1.5}`} {
			r.want(400, "POST", "/api/allocations/"+r.names["{allocation_id}"], body)
		}
	},
	"crowbar: Client Errors: invalid fields": func(t *testing.T, w *world) {
		r := w.resources(t)
		for _, o := range r.operations(t) {
			if o.Method == "HEAD" || !takesBody(o) {
				continue
			}
			body := `{"colour":"red"}`
			if strings.HasSuffix(o.path, "/connections") && o.Method == "POST" {
				body = `[{"colour":"red"}]`
			}
			u := r.asAdmin(t)
			if strings.HasPrefix(o.Template, "/webhooks") || strings.Contains(o.Template, "connections") {
				u.key = r.key
			}
			got := u.want(422, o.Method, o.path, body)
			if !strings.Contains(got.body, "colour") {
				t.Errorf("%s %s: %s", o.Method, o.path, got.body)
			}
		}
	},

	"crowbar: HTTP Verbs: HEAD": func(t *testing.T, w *world) {
		r := w.resources(t)
		for _, o := range of(r.operations(t), "GET") {
			get, head := r.asAdmin(t).want(200, "GET", o.path, ""), r.asAdmin(t).want(200, "HEAD", o.path, "")
			for _, name := range []string{"Content-Type", "Content-Length", "Link", "ETag"} {
				if name == "Content-Length" && strings.Contains(o.path, "/stats") {
					continue // their counters change
				}
				if get.header.Get(name) != head.header.Get(name) {
					t.Errorf("%s of %s: GET %q, HEAD %q", name, o.path, get.header.Get(name), head.header.Get(name))
				}
			}
			if head.body != "" {
				t.Errorf("HEAD %s: %s", o.path, head.body)
			}
		}
	},
	"crowbar: HTTP Verbs: GET": func(t *testing.T, w *world) {
		r := w.resources(t)
		for _, o := range of(r.operations(t), "GET") {
			r.asAdmin(t).want(200, "GET", o.path, "")
		}
	},
	"crowbar: HTTP Verbs: POST": eachAlone("POST", func(t *testing.T, r *resources, o operation) {
		if strings.HasSuffix(o.Template, "/session/oidc") {
			r.of(t, o).want(422, "POST", o.path, o.body) // there is no issuer
			return
		}
		got := r.of(t, o).ask("POST", o.path, o.body)
		if got.code != 200 && got.code != 201 || len(got.Results) == 0 {
			t.Fatalf("%d %s", got.code, got.body)
		}
		if at := got.header.Get("Location"); at != "" {
			r.asAdmin(t).want(200, "GET", at, "")
			r.asAdmin(t).want(200, "DELETE", at, "")
		} else if got.code == 201 && o.Template != "/connections" && o.Template != "/api/v1/connections" && o.Template != "/api/connections" {
			t.Error("what was made has no Location")
		}
	}),
	"crowbar: HTTP Verbs: PATCH": eachAlone("PATCH", func(t *testing.T, r *resources, o operation) {
		before := r.asAdmin(t).want(200, "GET", o.path, "").Results[0]
		after := r.of(t, o).want(200, "PATCH", o.path, o.body).Results[0]
		changed := changedMembers(before, after)
		if len(changed) == 0 || len(changed) > 2 { // an end goes with its duration
			t.Errorf("%s changed %v", o.body, changed)
		}
	}),
	"crowbar: HTTP Verbs: PUT": eachAlone("PUT", func(t *testing.T, r *resources, o operation) {
		after := r.of(t, o).want(200, "PUT", o.path, o.body).Results[0]
		again := r.of(t, o).want(200, "PUT", o.path, o.body).Results[0]
		if changed := changedMembers(after, again); len(changed) > 0 {
			t.Errorf("twice it changed %v", changed)
		}
		// A PUT without content lacks the required members.
		r.of(t, o).refused(422, "is required", "PUT", o.path, "", "Content-Length", "0")
	}),
	"crowbar: HTTP Verbs: DELETE": eachAlone("DELETE", func(t *testing.T, r *resources, o operation) {
		r.of(t, o).want(200, "DELETE", o.path, o.body)
		if strings.HasPrefix(o.Template, "/maintenance") { // it has ended, and is shown for some time
			r.of(t, o).want(409, "DELETE", o.path, "")
			return
		}
		if strings.Contains(o.path, "/allocations/") { // it is complete, and now goes out of the history
			r.of(t, o).want(200, "DELETE", o.path, o.body)
		}
		if !strings.HasSuffix(o.path, "/session") { // which, for a key in a header, is that key
			r.asAdmin(t).want(404, "GET", o.path, "")
		}
	}),
	"crowbar: HTTP Verbs: what is not possible": func(t *testing.T, w *world) {
		r := w.resources(t)
		list := r.operations(t)
		for _, o := range list {
			path, _, _ := strings.Cut(o.path, "?")
			possible := methods(list, o.path)
			for _, method := range allMethods {
				if slices.Contains(possible, method) || path == "/connections" {
					continue
				}
				got := r.asAdmin(t).want(405, method, path, "")
				allowed := strings.Split(got.header.Get("Allow"), ", ")
				slices.Sort(allowed)
				slices.Sort(possible)
				if !slices.Equal(allowed, possible) {
					t.Errorf("%s %s: Allow is %v, want %v", method, path, allowed, possible)
				}
			}
		}
	},

	"crowbar: Overview: /api/VERSION": func(t *testing.T, w *world) {
		u := w.operator(t)
		u.want(200, "GET", "/api/v1/allocations", "")
		for _, version := range []string{"v0", "v2", "v1.0", "1"} {
			u.want(404, "GET", "/api/"+version+"/allocations", "")
		}
	},
	"crowbar: Overview: media type": func(t *testing.T, w *world) {
		r := w.resources(t)
		const versioned = "application/vnd.conga+json; version=1.0"
		for _, o := range of(r.operations(t), "GET") {
			plain, special := r.asAdmin(t).want(200, "GET", o.path, ""), r.asAdmin(t).want(200, "GET", o.path, "", "Accept", versioned)
			if plain.header.Get("Content-Type") != "application/json" || special.header.Get("Content-Type") != versioned {
				t.Errorf("%s is %s and %s", o.path, plain.header.Get("Content-Type"), special.header.Get("Content-Type"))
			}
			if !strings.Contains(plain.header.Get("Vary"), "Accept") {
				t.Errorf("%s does not say that it depends on Accept", o.path)
			}
		}
		r.asAdmin(t).want(404, "GET", "/api/nothing", "", "Accept", "application/problem+json")
		id := r.want(201, "POST", "/api/allocations", bodies["POST /allocations"], "Content-Type", versioned).text("allocation_id")
		r.want(200, "DELETE", "/api/allocations/"+id, "")
		r.want(415, "POST", "/api/allocations", bodies["POST /allocations"], "Content-Type", "application/vnd.conga+json; version=2.0")
	},

	"crowbar: Hypermedia Controls: self in every resource": func(t *testing.T, w *world) {
		r := w.resources(t)
		shown := 0
		for _, o := range of(r.operations(t), "GET") {
			for _, one := range r.asAdmin(t).want(200, "GET", o.path, "").Results {
				shown++
				self := hrefs(t, one)["self"]
				if !strings.HasPrefix(self, o.base()+"/") && self != o.base() {
					t.Errorf("%s: self is %q", o.path, self)
					continue
				}
				again := r.asAdmin(t).want(200, "GET", self, "")
				if len(again.Results) == 0 || hrefs(t, again.Results[0])["self"] != self {
					t.Errorf("%s: at %s there is %s", o.path, self, again.body)
				}
			}
		}
		if shown < 40 {
			t.Errorf("only %d resources were shown", shown)
		}
	},
	"crowbar: Hypermedia Controls: links lead on": func(t *testing.T, w *world) {
		r := w.resources(t)
		u := r.asAdmin(t)
		seen, next := map[string]bool{}, []string{"/api/v1"}
		for len(next) > 0 && len(seen) < 2000 {
			at := next[0]
			next = next[1:]
			if seen[at] || strings.HasSuffix(at, "/events") {
				continue
			}
			seen[at] = true
			got := u.want(200, "GET", at, "")
			for _, one := range got.Results {
				to := hrefs(t, one)
				delete(to, "allocation") // a record or a sample may outlive it
				next = append(next, slices.Sorted(maps.Values(to))...)
			}
		}
		// From the one address that a client must know, everything can be
		// reached.
		for _, o := range of(r.operations(t), "GET") {
			path, _, _ := strings.Cut(o.path, "?")
			if strings.HasPrefix(path, "/api/v1") && !strings.Contains(path, "/auth") && !strings.HasSuffix(path, "/paths") && !seen[path] {
				t.Errorf("no link leads to %s", path)
			}
		}
	},

	"crowbar: Pagination: 128 a page": func(t *testing.T, w *world) {
		u := w.many(t)
		first := u.want(200, "GET", "/api/connections", "")
		second := u.want(200, "GET", "/api/connections?page=2", "")
		if len(first.Results) != 128 || len(second.Results) != 300-256+128 && len(second.Results) != 128 {
			t.Errorf("pages of %d and %d", len(first.Results), len(second.Results))
		}
		r := w.resources(t)
		for _, o := range of(r.operations(t), "GET") {
			if o.Pages() != (r.asAdmin(t).want(200, "GET", o.path, "").header.Get("Link") != "") {
				t.Errorf("%s: the Link header does not go with whether it has pages", o.path)
			}
		}
	},
	"crowbar: Pagination: ?page": func(t *testing.T, w *world) {
		r := w.resources(t)
		for _, o := range of(r.operations(t), "GET") {
			if o.Pages() {
				r.asAdmin(t).want(200, "GET", o.path+"?page=7", "")
				r.asAdmin(t).refused(422, "page: ", "GET", o.path+"?page=0", "")
				r.asAdmin(t).refused(422, "per_page: ", "GET", o.path+"?per_page=x", "")
			}
		}
	},
	"crowbar: Pagination: form of the Link header": func(t *testing.T, w *world) {
		u := w.many(t)
		header := u.want(200, "GET", "/api/v1/connections?page=2", "").header.Get("Link")
		if !regexp.MustCompile(`^(<https://[^<>]+/api/v1/connections\?(cursor=[\w-]+&)?page=\d+&per_page=128>; rel="[a-z]+"(, |$))+$`).MatchString(header) {
			t.Errorf("the header is %s", header)
		}
	},
	"crowbar: Pagination: next":  relation("next", func(page, _ int) int { return page + 1 }),
	"crowbar: Pagination: prev":  relation("prev", func(page, _ int) int { return page - 1 }),
	"crowbar: Pagination: first": relation("first", func(_, _ int) int { return 1 }),
	"crowbar: Pagination: last":  relation("last", func(_, last int) int { return last }),
}

// base returns what comes before the template in the operation's path.
func (o operation) base() string {
	switch {
	case strings.HasPrefix(o.path, "/api/v1"):
		return "/api/v1"
	case strings.HasPrefix(o.path, "/api"):
		return "/api"
	}
	return ""
}

// eachAlone checks every operation that has the method, each on resources of
// its own, which it may change.
func eachAlone(method string, check func(*testing.T, *resources, operation)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		for i, o := range of(w.resources(t).operations(t), method) {
			t.Run(strings.ReplaceAll(strings.Trim(o.base()+strings.TrimPrefix(o.Template, o.base()), "/"), "/", " "), func(t *testing.T) {
				r := w.resources(t)
				own := of(r.operations(t), method)
				if own[i].Template != o.Template {
					t.Fatal("the operations come in another order")
				}
				check(t, r, own[i])
			})
		}
	}
}

// takesBody reports whether the operation reads a body: those for monitoring do
// not.
func takesBody(o operation) bool { return o.envelope() || strings.HasPrefix(o.path, "/connections") }

// asAdmin returns an asker with the admin's key.
func (r *resources) asAdmin(t *testing.T) *asker {
	return &asker{world: r.world, t: t, key: r.admin, http: r.http}
}

// of returns an asker with a key that opens the operation: the admin's for
// operators, a user's for everything else.
func (r *resources) of(t *testing.T, o operation) *asker {
	if strings.HasPrefix(o.Template, "/operators") || strings.HasPrefix(o.Template, "/maintenance") {
		return r.asAdmin(t)
	}
	return &asker{world: r.world, t: t, key: r.key, http: r.http}
}

// changedMembers returns the names of members that differ, except the state and
// what depends on it, which change by themselves.
func changedMembers(before, after map[string]any) (names []string) {
	for name := range after {
		if !slices.Contains([]string{"state", "reason", "start_time", "in_use"}, name) && fmt.Sprint(before[name]) != fmt.Sprint(after[name]) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// hrefs returns the links of a resource, by relation.
func hrefs(t *testing.T, resource map[string]any) map[string]string {
	t.Helper()
	out := map[string]string{}
	links, _ := resource["_links"].(map[string]any)
	for name, l := range links {
		out[name], _ = l.(map[string]any)["href"].(string)
	}
	if out["self"] == "" {
		t.Errorf("there is no self in %v", resource)
	}
	return out
}

// many returns an asker whose project has three pages of connections.
func (w *world) many(t *testing.T) *asker {
	t.Helper()
	u := w.user(t, "abc123", "load")
	var report []string
	for i := range 300 {
		report = append(report, strings.Replace(reportOfOne, "40001", strconv.Itoa(20000+i), 1))
	}
	if got := u.ask("POST", "/api/connections", "["+strings.Join(report, ",")+"]"); got.code > 201 {
		t.Fatal(got.body)
	}
	return u
}

var linkPattern = regexp.MustCompile(`<([^>]+)>; rel="([a-z]+)"`)

// related returns the addresses in a Link header, by relation.
func related(h http.Header) map[string]string {
	out := map[string]string{}
	for _, m := range linkPattern.FindAllStringSubmatch(h.Get("Link"), -1) {
		out[m[2]] = m[1]
	}
	return out
}

// relation checks that one relation is there on every page that has such a
// neighbour, leads to it, and is absent elsewhere.
func relation(rel string, target func(page, last int) int) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		u := w.many(t)
		const last = 3
		for page := 1; page <= last; page++ {
			got := u.want(200, "GET", fmt.Sprintf("/api/connections?page=%d", page), "")
			to, there := related(got.header)[rel]
			want := target(page, last)
			if there != (want >= 1 && want <= last) {
				t.Errorf("page %d of %d: %s is %q", page, last, rel, to)
			}
			if !there {
				continue
			}
			// The link is absolute, as in the document, and is followed
			// unchanged.
			leads, err := url.Parse(to)
			if err != nil || leads.Scheme+"://"+leads.Host != w.url || leads.Query().Get("page") != strconv.Itoa(want) {
				t.Fatalf("page %d: %s is %q", page, rel, to)
			}
			u.want(200, "GET", strings.TrimPrefix(to, w.url), "")
		}
	}
}

package acceptance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
)

// The bodies below are the examples of the CONGA document, its malformed ones
// (results without braces, a lost closing brace) mended, and its times, which
// passed in 2015, standing for ours.
const (
	createExample = `{"api_key":"[key]","project_id":"project1","src_ip":"192.127.1.10","src_port":4321,"dst_ip":"192.127.1.11","dst_port":3030,"duration":3600}`
	created       = `{"status":0,"results":[{"allocation_id":"$id","state":"pending"}],"errors":[]}`

	keyExample = `{"api_key":"[key]"}`
	shown      = `{"status":0,"results":[{"allocation_id":"$id","start_time":"$start:integer","end_time":"$end:integer","state":"active","bandwidth":null,
		"user_id":"abc123","project_id":"projectB","src_ip":"192.127.1.10","src_port":null,"dst_ip":"192.127.1.11","dst_port":null,"duration":3600}],"errors":[]}`

	updateExample = `{"api_key":"[key]","dst_ip":"192.127.1.22","duration":7200}`
	updated       = `{"status":0,"results":[{"allocation_id":"$id","start_time":"$start:integer","end_time":"$later:integer","state":"active","bandwidth":null,
		"user_id":"abc123","project_id":"projectB","src_ip":"192.127.1.10","src_port":null,"dst_ip":"192.127.1.22","dst_port":null,"duration":7200}],"errors":[]}`

	deletedExample = `{"status":0,"results":[{"allocation_id":"$id"}],"errors":[]}`

	listExample = `{"api_key":"[key]","project_id":"projectB"}`
	listed      = `{"status":0,"results":[
		{"allocation_id":"$id","start_time":"$start:integer","end_time":"$end:integer","state":"active","bandwidth":null,"user_id":"abc123","project_id":"projectB",
			"src_ip":"192.127.1.10","src_port":null,"dst_ip":"192.127.1.22","dst_port":null,"duration":7200},
		{"allocation_id":"$id2","start_time":"$start2:integer","end_time":"$end2:integer","state":"pending","bandwidth":null,"user_id":"xyz987","project_id":"projectB",
			"src_ip":"192.127.1.40","src_port":null,"dst_ip":"192.127.1.45","dst_port":null,"duration":3600}],"errors":[]}`
)

// play carries out one example of the document over both versions of HTTP and
// at both addresses. The key is in the body only.
func play(t *testing.T, w *world, user, project string, example func(t *testing.T, u *asker, base, key string)) {
	for _, http2 := range []bool{false, true} {
		for _, base := range []string{"/api", "/api/v1"} {
			t.Run(fmt.Sprintf("HTTP2=%t %s", http2, strings.ReplaceAll(base, "/", " ")), func(t *testing.T) {
				u := w.over(t, http2)
				example(t, u, base, u.newKey(user, project))
			})
		}
	}
}

// made makes an allocation like those of the examples and returns its ID.
func (u *asker) made(key, src, dst, more string) string {
	u.t.Helper()
	body := fmt.Sprintf(`{"api_key":%q,"project_id":"projectB","src_ip":%q,"dst_ip":%q%s}`, key, src, dst, more)
	id := u.want(201, "POST", "/api/allocations", body).text("allocation_id")
	u.cleared(id)
	return id
}

// fill puts a real key into an example.
func fill(example, key string) string { return strings.ReplaceAll(example, "[key]", key) }

var congaExamples = checks{
	"conga: Create an allocation: Request Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "project1", func(t *testing.T, u *asker, base, key string) {
			u.cleared(u.want(201, "POST", base+"/allocations", fill(createExample, key)).text("allocation_id"))
		})
	},
	"conga: Create an allocation: Response Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "project1", func(t *testing.T, u *asker, base, key string) {
			v := values{}
			like(t, created, u.want(201, "POST", base+"/allocations", fill(createExample, key)).body, v)
			u.cleared(v["$id"].(string))
		})
	},
	"conga: Retrieve allocation details: Request Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			id := u.made(key, "192.127.1.10", "192.127.1.11", `,"duration":3600`)
			u.want(200, "GET", base+"/allocations/"+id, fill(keyExample, key))
		})
	},
	"conga: Retrieve allocation details: Response Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			v := values{"$id": u.made(key, "192.127.1.10", "192.127.1.11", `,"duration":3600`)}
			got := u.untilActive(base, v["$id"].(string), key)
			like(t, shown, got.body, v)
			if end := v.number(t, "$start") + 3600; v.number(t, "$end") != end {
				t.Errorf("it ends at %v, want %d", v["$end"], end)
			}
		})
	},
	"conga: Update an allocation: Request Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			id := u.made(key, "192.127.1.10", "192.127.1.11", `,"duration":3600`)
			u.want(200, "POST", base+"/allocations/"+id, fill(updateExample, key))
		})
	},
	"conga: Update an allocation: Response Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			v := values{"$id": u.made(key, "192.127.1.10", "192.127.1.11", `,"duration":3600`)}
			like(t, shown, u.untilActive(base, v["$id"].(string), key).body, v)
			like(t, updated, u.want(200, "POST", base+"/allocations/"+v["$id"].(string), fill(updateExample, key)).body, v)
			if end := v.number(t, "$start") + 7200; v.number(t, "$later") != end {
				t.Errorf("it ends at %v, want %d", v["$later"], end)
			}
		})
	},
	"conga: Delete an allocation: Request Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			id := u.made(key, "192.127.1.10", "192.127.1.11", `,"duration":3600`)
			u.want(200, "DELETE", base+"/allocations/"+id, fill(keyExample, key))
			u.want(200, "DELETE", base+"/allocations/"+id, fill(keyExample, key)) // out of the history
			u.want(404, "GET", base+"/allocations/"+id, fill(keyExample, key))
		})
	},
	"conga: Delete an allocation: Response Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			v := values{"$id": u.made(key, "192.127.1.10", "192.127.1.11", `,"duration":3600`)}
			like(t, deletedExample, u.want(200, "DELETE", base+"/allocations/"+v["$id"].(string), fill(keyExample, key)).body, v)
		})
	},
	"conga: List all allocations: Request Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			u.want(200, "GET", base+"/allocations", fill(listExample, key))
		})
	},
	"conga: List all allocations: Response Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			v := values{"$id": u.made(key, "192.127.1.10", "192.127.1.22", `,"duration":7200`)}
			u.untilActive(base, v["$id"].(string), key)
			start := time.Now().Unix() + 8200
			v["$id2"] = u.made(u.newKey("xyz987", "projectB"), "192.127.1.40", "192.127.1.45", fmt.Sprintf(`,"duration":3600,"start_time":%d`, start))
			like(t, listed, u.want(200, "GET", base+"/allocations", fill(listExample, key)).body, v)
			if v.number(t, "$start2") != start || v.number(t, "$end2") != start+3600 {
				t.Errorf("planned for %d it is %v to %v", start, v["$start2"], v["$end2"])
			}
		})
	},
}

// untilActive asks, as the document does, until the allocation is active.
func (u *asker) untilActive(base, id, key string) *answer {
	u.t.Helper()
	var got *answer
	eventually.True(u.t, "it is active", func() bool {
		got = u.want(200, "GET", base+"/allocations/"+id, fill(keyExample, key))
		return got.text("state") == "active"
	})
	return got
}

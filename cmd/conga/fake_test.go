package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake follows conga-api.md as far as the command line goes. What it does with
// an allocation depends on the last number of its destination:
//
//	.50 takes two looks to be active, .51 never is, .52 is complete first,
//	.99 is refused with 409.
type fake struct {
	mu          sync.Mutex
	keys        map[string]map[string]any
	allocations []map[string]any // in the order of their creation
	looks       map[string]int
	busy        int // how many calls are answered with 429 first
}

// start is when every allocation of the fake begins.
const start = 1893456000 // 2030-01-01T00:00:00Z

func newFake(t testing.TB) *httptest.Server {
	f := &fake{keys: map[string]map[string]any{}, looks: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/auth", f.login)
	mux.HandleFunc("GET /api/v1/auth/{key}", func(w http.ResponseWriter, r *http.Request) {
		if key := f.keys[r.PathValue("key")]; key != nil {
			write(w, 200, key)
			return
		}
		write(w, 404, "api_key: no such key; request a new one")
	})
	mux.HandleFunc("POST /api/v1/allocations", f.authed(f.create))
	mux.HandleFunc("GET /api/v1/allocations/{id}", f.authed(f.show))
	mux.HandleFunc("POST /api/v1/allocations/{id}", f.authed(f.update))
	mux.HandleFunc("DELETE /api/v1/allocations/{id}", f.authed(f.release))
	mux.HandleFunc("GET /api/v1/allocations", f.list)
	mux.HandleFunc("POST /busy/{n}", func(_ http.ResponseWriter, r *http.Request) { fmt.Sscan(r.PathValue("n"), &f.busy) })
	s := httptest.NewTLSServer(mux)
	if t != nil {
		t.Cleanup(s.Close)
	}
	return s
}

func write(w http.ResponseWriter, status int, result any) {
	e := map[string]any{"status": 0, "results": []any{result}, "errors": []string{}}
	if list, ok := result.([]any); ok {
		e["results"] = list
	}
	if status >= 300 {
		e = map[string]any{"status": status, "results": []any{}, "errors": []any{result}}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(e)
}

func (f *fake) login(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var who map[string]any
	json.NewDecoder(r.Body).Decode(&who)
	if who["user_id"] != "abc123" || who["password"] != "correct horse" {
		write(w, 401, "user_id or password is wrong")
		return
	}
	key := map[string]any{"api_key": fmt.Sprintf("conga_%d", len(f.keys)+1), "start_time": start, "end_time": start + 86400,
		"user_id": who["user_id"], "project_id": who["project_id"]}
	f.keys[key["api_key"].(string)] = key
	write(w, 201, key)
}

// authed calls h for requests with a key, under the lock.
func (f *fake) authed(h func(*http.Request, map[string]any) (int, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.busy > 0 {
			f.busy--
			w.Header().Set("Retry-After", "0")
			write(w, 429, "too many requests")
			return
		}
		if f.keys[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] == nil {
			write(w, 401, "api_key: no such key; request a new one")
			return
		}
		var body map[string]any
		json.NewDecoder(r.Body).Decode(&body)
		status, result := h(r, body)
		write(w, status, result)
	}
}

func (f *fake) create(r *http.Request, body map[string]any) (int, any) {
	dst := body["dst_ip"].(string)
	if strings.HasSuffix(dst, ".99") {
		return 409, "bandwidth: link 1:2->2:1 is full until 2030-01-01T01:00:00Z"
	}
	a := map[string]any{"bandwidth": nil, "src_port": nil, "dst_port": nil, "protocol": nil, "user_id": "abc123",
		"reason": "the path is being installed", "start_time": nil, "end_time": nil, "path": []any{}}
	for k, v := range body {
		a[k] = v
	}
	id := fmt.Sprintf("a-%d", len(f.allocations)+1)
	a["allocation_id"], a["state"] = id, "pending"
	f.allocations = append(f.allocations, a)
	return 201, map[string]any{"allocation_id": id, "state": "pending"}
}

func (f *fake) find(id string) map[string]any {
	for _, a := range f.allocations {
		if a["allocation_id"] == id {
			return a
		}
	}
	return nil
}

func (f *fake) show(r *http.Request, _ map[string]any) (int, any) {
	a := f.find(r.PathValue("id"))
	if a == nil {
		return 404, "no such allocation"
	}
	id := r.PathValue("id")
	f.looks[id]++
	dst := a["dst_ip"].(string)
	switch {
	case strings.HasSuffix(dst, ".51"):
		a["reason"] = "no path leads there \x1b[2J"
	case strings.HasSuffix(dst, ".52"):
		a["state"], a["reason"] = "complete", "its window passed without a path"
	case strings.HasSuffix(dst, ".50") && f.looks[id] < 3:
	default:
		a["state"], a["reason"] = "active", nil
		a["start_time"] = start
		a["end_time"] = start + int64(a["duration"].(float64))
		a["path"] = []any{map[string]any{"dpid": "0000000000000001", "in_port": 1, "out_port": 2}, map[string]any{"dpid": "0000000000000002", "in_port": 1, "out_port": 3}}
	}
	return 200, a
}

func (f *fake) update(r *http.Request, body map[string]any) (int, any) {
	a := f.find(r.PathValue("id"))
	if a == nil {
		return 404, "no such allocation"
	}
	for k, v := range body {
		a[k] = v
	}
	return f.show(r, nil)
}

func (f *fake) release(r *http.Request, _ map[string]any) (int, any) {
	for i, a := range f.allocations {
		if a["allocation_id"] == r.PathValue("id") {
			f.allocations = append(f.allocations[:i:i], f.allocations[i+1:]...)
			return 200, map[string]any{"allocation_id": r.PathValue("id")}
		}
	}
	return 404, "no such allocation"
}

// list gives two allocations a page.
func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	f.authed(func(*http.Request, map[string]any) (int, any) {
		page := 1
		fmt.Sscan(r.URL.Query().Get("page"), &page)
		var mine []any
		for _, a := range f.allocations {
			if a["project_id"] == r.URL.Query().Get("project_id") {
				mine = append(mine, a)
			}
		}
		from, to := min(2*(page-1), len(mine)), min(2*page, len(mine))
		if to < len(mine) {
			w.Header().Set("Link", fmt.Sprintf(`</api/v1/allocations?page=%d&project_id=%s>; rel="next"`, page+1, r.URL.Query().Get("project_id")))
		}
		return 200, append([]any{}, mine[from:to]...)
	})(w, r)
}

// A clock in local time would make the scripts depend on where they run.
func init() { time.Local = time.UTC }

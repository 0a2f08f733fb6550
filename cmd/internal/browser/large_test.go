package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"conga/web"
)

// The large network: a grid with some cables across it, as wide networks are.
const (
	largeSwitches = 500
	largeLinks    = 1000 // cables
	changing      = 100  // of them a second
)

type object = map[string]any

// A stub serves the page and, in place of the daemon, a large network of which
// links change all the time.
type stub struct {
	page   *web.Page
	began  time.Time
	cables [][2]object // the ends of each
	rounds atomic.Int64
}

func newStub(t *testing.T) *stub {
	page, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	s := &stub{page: page, began: time.Now()}
	random, ports := rand.New(rand.NewPCG(1, 2)), make([]int, largeSwitches)
	end := func(i int) object {
		ports[i]++
		return object{"dpid": dpid(i), "port": ports[i]}
	}
	const across = 25
	for i := range largeSwitches {
		if (i+1)%across != 0 {
			s.cables = append(s.cables, [2]object{end(i), end(i + 1)})
		}
		if i+across < largeSwitches {
			s.cables = append(s.cables, [2]object{end(i), end(i + across)})
		}
	}
	for len(s.cables) < largeLinks {
		a := random.IntN(largeSwitches)
		s.cables = append(s.cables, [2]object{end(a), end((a + 1 + random.IntN(60)) % largeSwitches)})
	}
	return s
}

func dpid(i int) string { return fmt.Sprintf("%016x", i+1) }

// ServeHTTP serves the page, lists, and a stream of events.
func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var list []object
	switch r.URL.Path {
	case "/api/v1/session":
		list = []object{{"role": "admin", "user_id": nil, "project_id": nil}}
	case "/api/v1/switches":
		for i := range largeSwitches {
			list = append(list, object{"dpid": dpid(i), "connected": true, "role": "master", "description": "a switch", "limitations": []string{}, "position": nil, "ports": []object{}})
		}
	case "/api/v1/links":
		list = s.links()
	case "/api/v1/stats/links":
		list = s.load()
	case "/api/v1/hosts", "/api/v1/allocations":
	case "/api/v1/events":
		s.events(w, r)
		return
	default:
		s.page.ServeHTTP(w, r)
		return
	}
	cut(w, r, list)
}

// cut answers with a page of a list.
func cut(w http.ResponseWriter, r *http.Request, list []object) {
	q := r.URL.Query()
	first, _ := strconv.Atoi(q.Get("cursor"))
	last := min(first+1000, len(list))
	if last < len(list) {
		next := url.URL{Path: r.URL.Path, RawQuery: url.Values{"cursor": {strconv.Itoa(last)}}.Encode()}
		w.Header().Set("Link", fmt.Sprintf("<%s>; rel=\"next\"", next.String()))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object{"status": 0, "errors": []string{}, "results": append([]object{}, list[first:last]...)})
}

// each calls f with the two directed links of every cable, and its number.
func (s *stub) each(f func(n int, id string, from, to object)) {
	name := func(o object) string { return fmt.Sprint(o["dpid"], ":", o["port"]) }
	for n, c := range s.cables {
		f(n, name(c[0])+" -> "+name(c[1]), c[0], c[1])
		f(n, name(c[1])+" -> "+name(c[0]), c[1], c[0])
	}
}

func (s *stub) links() (list []object) {
	s.each(func(n int, id string, from, to object) {
		list = append(list, object{"link_id": id, "from": from, "to": to, "kind": "trunk", "capacity": []int{1e9, 1e10, 1e11}[n%3], "metric": 1, "latency": nil})
	})
	return list
}

// load returns figures of which those of a hundred cables a second change.
func (s *stub) load() (list []object) {
	s.rounds.Add(1)
	now := int(time.Since(s.began).Seconds() * changing)
	s.each(func(n int, id string, _, _ object) {
		version := (now + n) / largeLinks
		share := float64((n*7+version*13)%100) / 100
		list = append(list, object{"link_id": id, "utilisation": share, "reservation": share / 2, "stale": false})
	})
	return list
}

// events tells of a change of the network every second, so that all is asked
// for again.
func (s *stub) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for n := 1; ; n++ {
		_, _ = fmt.Fprintf(w, "id: %d\nevent: topology.changed\ndata: {\"event_id\":\"%d\",\"event\":\"topology.changed\"}\n\n", n, n)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
	}
}

// TestLargeMap is web/test/large.mjs: the whole map of 500 switches and 1,000
// links shows, and goes on changing. With -v it prints how smoothly.
func TestLargeMap(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a quarter of a minute")
	}
	chromium := needs(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s := newStub(t)
	server := httptest.NewServer(s)
	defer server.Close()
	drive(ctx, t, "large.mjs", server.URL, strconv.Itoa(largeSwitches), strconv.Itoa(largeLinks), "5", pictures(), chromium)
	if s.rounds.Load() < 3 {
		t.Errorf("the figures were asked for %d times only", s.rounds.Load())
	}
}

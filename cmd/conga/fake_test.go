package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"conga/httpapi/auth"
	"conga/httpapi/client"
)

// A tokens takes "good.token.here" for a token of abc123.
type tokens struct{}

// Verify implements httpapi.Tokens.
func (tokens) Verify(_ context.Context, token string) (auth.Identity, error) {
	if token != "good.token.here" {
		return auth.Identity{}, auth.ErrToken
	}
	return auth.Identity{User: "abc123", Issuer: "https://issuer.example", Subject: "abc123"}, nil
}

// A fake serves resources of the interface with answers that do not change.
type fake struct {
	mu       sync.Mutex
	served   map[string]bool
	reported []client.Connection
	asked    []string
	status   int           // of reports; 0: 200
	badPort  uint32        // reports with this source port are refused, unless 0
	badKey   string        // an expired key
	event    chan struct{} // closed at the next event
	stopped  chan struct{}
}

func newFake() *fake {
	return &fake{served: map[string]bool{}, event: make(chan struct{}), stopped: make(chan struct{})}
}

func (f *fake) stop() { close(f.stopped) }

// have makes the fake serve these resources from now on.
func (f *fake) have(names ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range names {
		f.served[n] = true
	}
}

// take returns what was reported, and forgets it.
func (f *fake) take() []client.Connection {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.reported = nil }()
	return f.reported
}

// count returns how often a request was made.
func (f *fake) count(request string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.asked {
		if a == request {
			n++
		}
	}
	return n
}

const fakeTraffic = `{"packets":1000,"bytes":1500000,"rate":40000000,"packet_rate":3333.3}`

var fakeAnswers = map[string]string{
	"switches": `{"dpid":"0000000000000001","connected":true,"since":1893456000,"address":"192.0.2.1:4711","description":"s1","tables":254,"meters":100,
		"ports":[{"port":1,"name":"s1-eth1","mac":"02:00:00:00:00:01","up":true,"role":"edge","capacity":1000000000,"queue":null,"limitation":null},
		{"port":2,"name":"s1-eth2","mac":"02:00:00:00:00:02","up":false,"role":"trunk","capacity":1000000000,"queue":null,"limitation":null}]}`,
	"links": `{"link_id":"l","from":{"dpid":"0000000000000001","port":2},"to":{"dpid":"0000000000000002","port":2},"kind":"trunk","capacity":1000000000,"metric":1}`,
	"hosts": `{"mac":"02:00:00:00:00:0a","addresses":["192.127.1.10"],"at":{"dpid":"0000000000000001","port":1},"second":{"dpid":"0000000000000002","port":9},"seen":1893456000}`,
	"paths": `{"src":"192.127.1.10","dst":"192.127.1.11","bandwidth":2000000000,"duration":3600,"fits":false,"path":[{"dpid":"0000000000000001","in_port":1,"out_port":2}],
		"free":800000000,"bottleneck":{"link_id":"l"},"reason":"the link is too narrow","offer":{"bandwidth":800000000},
		"links":[{"link_id":"l","from":null,"to":{"dpid":"0000000000000001","port":1},"capacity":1000000000,"reservable":800000000,"reserved":0,"free":800000000}]}`,
	"stats": `{"project_id":"projectB","allocations":{"pending":1,"active":2},"entered":` + fakeTraffic + `,"delivered":` + fakeTraffic + `,"dropped":{"packets":0,"bytes":0,"rate":null,"packet_rate":null},"network":null,"interval":5}`,
	"allocations/r-1": `{"allocation_id":"r-1","project_id":"projectB","user_id":"abc123","state":"complete","start_time":1893456000,"end_time":1893459000,"bandwidth":40000000,
		"src_ip":"192.127.1.10","dst_ip":"192.127.1.11","protocol":"any","duration":3600,"reason":"released by abc123","degraded":false,
		"receipt":{"asked":{"start_time":null,"duration":3600,"bandwidth":40000000,"volume":18000000000,"deadline":1893463200},"planned":{"start_time":1893456000,"end_time":1893459600},"had":{"start_time":1893456000,"end_time":1893459000},
		"forward":{"entered":{"packets":10100000,"bytes":15100000000},"delivered":{"packets":10000000,"bytes":15000000000},"dropped":{"packets":60000,"bytes":90000000},"mean_rate":40000000,"p5_rate":38000000,"p50_rate":40100000},
		"reverse":{"entered":{"packets":1000,"bytes":64000},"delivered":{"packets":1000,"bytes":64000},"dropped":{"packets":0,"bytes":0},"mean_rate":170,"p5_rate":0,"p50_rate":120},
		"moves":1,"moved":[{"time":1893456100,"reason":"link 1:2 is down"}],"degraded_seconds":75,"degraded":[{"start_time":1893456100,"end_time":1893456110,"reason":"link 1:2 is down"},{"start_time":1893457000,"end_time":1893457065,"reason":"degraded: 30% of its traffic from the source is lost on its path"}],"final":true}}`,
	"allocations/r-2": `{"allocation_id":"r-2","project_id":"projectB","user_id":"abc123","state":"active","start_time":1893456000,"end_time":1893459000,"bandwidth":40000000,
		"src_ip":"192.127.1.10","dst_ip":"192.127.1.11","protocol":"any","duration":3600,"reason":"degraded: 30% of its traffic from the source is lost on its path","degraded":true,"receipt":null}`,
	"stats/allocations": fakeCarried("a-1", 40_000_000, 3_000) + "," + fakeCarried("a-2", 900_000_000, 0) + "," + fakeCarried("a-9", 1, 1),
	"stats/links": `{"link_id":"l","from":{"dpid":"0000000000000001","port":2},"to":{"dpid":"0000000000000002","port":2},"kind":"trunk","capacity":1000000000,"rate":940000000,"packet_rate":80000,"utilisation":0.94,"reserved":40000000,"reservation":0.04,"sampled_at":1893456010,"stale":false},
		{"link_id":"m","from":{"dpid":"0000000000000002","port":2},"to":{"dpid":"0000000000000001","port":2},"kind":"trunk","capacity":1000000000,"rate":null,"packet_rate":null,"utilisation":null,"reserved":0,"reservation":0,"sampled_at":null,"stale":true}`,
	"stats/allocations/a-1/history": `{"allocation_id":"a-1","project_id":"projectB","unit":"bit/s","window":180,"step":60,"layer":"frames","times":[1893456000,1893456060,1893456120],
		"forward":{"promised":{"mean":[40000000,null,40000000],"max":[40000000,null,40000000]},"entered":{"mean":[42000000.5,null,0],"max":[42000000.5,null,0]},"delivered":{"mean":[39000000,null,0],"max":[39000000,null,0]},"dropped":{"mean":[1000,null,0],"max":[1000,null,0]}},
		"reverse":{"promised":{"mean":[null,null,null],"max":[null,null,null]},"entered":{"mean":[5,null,6],"max":[5,null,6]},"delivered":{"mean":[5,null,6],"max":[5,null,6]},"dropped":{"mean":[0,null,0],"max":[0,null,0]}}}`,
	"stats/allocations/a-1": `{"allocation_id":"a-1","project_id":"projectB","state":"active","start_time":1893456000,"end_time":1893459600,"bandwidth":40000000,
		"forward":{"entered":` + fakeTraffic + `,"delivered":` + fakeTraffic + `,"dropped":{},"utilisation":1},"reverse":{"entered":{},"delivered":{},"dropped":{},"utilisation":null},
		"promised_bytes":5000000000,"final":false,"sampled_at":1893456010,"stale":false}`,
}

// fakeCarried returns what an allocation carries, promised 1 Gbit/s, with rates
// from the source and back; back is not told if it is 0.
func fakeCarried(id string, forth, back uint64) string {
	rate := func(n uint64) string {
		if n == 0 {
			return `{"packets":0,"bytes":0,"rate":null,"packet_rate":null}`
		}
		return fmt.Sprintf(`{"packets":1,"bytes":1,"rate":%d,"packet_rate":1}`, n)
	}
	return fmt.Sprintf(`{"allocation_id":%q,"project_id":"projectB","state":"active","start_time":1893456000,"end_time":1893459600,"bandwidth":1000000000,
		"forward":{"entered":{},"delivered":%s,"dropped":{},"utilisation":%g},"reverse":{"entered":{},"delivered":%s,"dropped":{},"utilisation":null},
		"promised_bytes":1,"final":false,"sampled_at":1893456010,"stale":false}`, id, rate(forth), float64(forth)/1e9, rate(back))
}

// serve answers a request if it is for one of the resources, and reports
// whether it was.
func (f *fake) serve(w http.ResponseWriter, r *http.Request) bool {
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/v1"), "/")
	f.mu.Lock()
	have := f.served[name]
	f.asked = append(f.asked, r.Method+" "+r.URL.RequestURI())
	f.mu.Unlock()
	switch {
	case !have:
		return false
	case r.Header.Get("Authorization") == "" || r.Header.Get("Authorization") == "Bearer "+f.badKey:
		w.WriteHeader(http.StatusUnauthorized)
	case name == "connections":
		f.report(w, r)
	case name == "events":
		f.events(w, r)
	default:
		fmt.Fprintf(w, `{"status":0,"results":[%s],"errors":[]}`, fakeAnswers[name])
	}
	return true
}

// report answers Covalence's POST /connections.
func (f *fake) report(w http.ResponseWriter, r *http.Request) {
	var list []client.Connection
	if err := json.NewDecoder(r.Body).Decode(&list); err != nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status != 0 {
		w.WriteHeader(f.status)
		fmt.Fprint(w, `{"success":"False","error":"source.ip: is none","connection_uuids":[]}`)
		return
	}
	for i, c := range list {
		if c.Source.Port == f.badPort {
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprintf(w, `{"success":"False","error":"[%d].source.port: is odd; [%d].source: is odd","connection_uuids":[]}`, i, i)
			return
		}
	}
	f.reported = append(f.reported, list...)
	fmt.Fprintf(w, `{"success":"True","error":"","connection_uuids":[%s]}`, strings.TrimSuffix(strings.Repeat(`"x",`, len(list)), ","))
}

// events answers GET /events: a comment, and a message whenever happen is
// called.
func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := func(text string) { fmt.Fprint(w, text); w.(http.Flusher).Flush() }
	coming := func() <-chan struct{} {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.event
	}
	next := coming() // before the client can see the stream
	flush(": welcome\n\n")
	for id := 1; ; id++ {
		select {
		case <-next:
			next = coming()
			flush(fmt.Sprintf("id: %d\nevent: allocation\ndata: {}\n\n", id))
		case <-r.Context().Done():
			return
		case <-f.stopped:
			return
		}
	}
}

// happen sends an event to every stream.
func (f *fake) happen() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.event)
	f.event = make(chan struct{})
}

package httpapi_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conga/controller/topology"
	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/events"
	"conga/httpapi/httpapitest"
	"conga/httpapi/serve"
	"conga/openflow"
)

// live is the API behind a server on pipes, in the time of a bubble.
type live struct {
	*harness
	listener *pipeListener
	server   *http.Server
	stop     func()
}

func newLive(t *testing.T, adjust ...func(*httpapi.Config)) *live {
	h := newHarness(t, adjust...)
	l := &live{harness: h, listener: newPipeListener()}
	l.server = serve.NewServer(h.api, nil, slogDiscard)
	l.server.Protocols = new(http.Protocols)
	l.server.Protocols.SetHTTP1(true)
	l.server.Protocols.SetUnencryptedHTTP2(true)
	l.server.RegisterOnShutdown(h.events.Close)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { h.events.Run(ctx); done <- struct{}{} }()
	go func() { _ = l.server.Serve(l.listener); done <- struct{}{} }()
	l.stop = func() {
		h.events.Close()
		cancel()
		l.server.Close()
		<-done
		<-done
	}
	// The harness's clock is the bubble's from here on.
	h.now = time.Time{}
	h.key, h.foreign = h.issue("abc123", "projectB"), h.issue("xyz987", "project B")
	return l
}

// stream is an open stream of events, read line by line.
type stream struct {
	t     *testing.T
	conn  net.Conn
	lines chan string // closed at its end
	head  string      // status line
}

// open follows the events with a key.
func (l *live) open(t *testing.T, key string, headers ...string) *stream {
	t.Helper()
	s := &stream{t: t, conn: l.listener.dial(), lines: make(chan string, 100_000)}
	request := "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + "\r\n" + strings.Join(headers, "\r\n") + "\r\n"
	if len(headers) > 0 {
		request += "\r\n"
	}
	if _, err := io.WriteString(s.conn, request); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(s.conn)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.head = response.Status
	go func() {
		defer close(s.lines)
		for scan := bufio.NewScanner(response.Body); scan.Scan(); {
			s.lines <- scan.Text()
		}
	}()
	return s
}

// next returns the next event as "type id", or "" at the end of the stream.
func (s *stream) next() (kind, id, data string) {
	for line := range s.lines {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case name == "event":
			kind = value
		case name == "id":
			id = value
		case name == "data":
			data = value
		case line == "" && kind != "":
			return kind, id, data
		case line == "" && kind == "":
			id = "" // of a heartbeat
		}
	}
	return "", "", ""
}

// want reads an event and checks it against the document.
func (s *stream) want(kind string) (id, data string) {
	s.t.Helper()
	got, id, data := s.next()
	if got != kind {
		s.t.Fatalf("event %q (%s), want %q", got, data, kind)
	}
	c, err := httpapitest.Load()
	if err == nil {
		err = c.ValidText("/components/schemas/Event", data)
	}
	if err != nil || !strings.Contains(data, `"event_id":"`+id+`"`) {
		s.t.Errorf("event %s: %v: %s", id, err, data)
	}
	return id, data
}

// ended waits for the end of the stream.
func (s *stream) ended() {
	s.t.Helper()
	if kind, _, data := s.next(); kind != "" {
		s.t.Errorf("event %s (%s), want the end", kind, data)
	}
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.stop()
		own, foreign, admin := l.open(t, l.key), l.open(t, l.foreign), l.open(t, l.admin)
		if own.head != "200 OK" {
			t.Fatalf("status %s", own.head)
		}
		synctest.Wait()
		id := l.create("")
		l.settle()
		l.want200("PATCH", "/api/allocations/"+id, `{"duration":7200}`)
		l.want200("DELETE", "/api/allocations/"+id, "")
		l.want200("DELETE", "/api/allocations/"+id, "") // out of the history
		other := strings.ReplaceAll(strings.ReplaceAll("{"+good+"}", "1.10", "1.22"), "projectB", "project B")
		l.harness.want(201, "POST", "/api/allocations", other, bearer(l.foreign))
		var ids []string
		for _, s := range []*stream{own, admin} {
			for i, part := range []string{`"state":"pending"`, `"state":"active"`, `"duration":7200`, `"reason":"released by abc123"`, `"state":"complete"`} {
				kind := "allocation.changed"
				if i == 4 {
					kind = "allocation.deleted"
				}
				id, data := s.want(kind)
				if !strings.Contains(data, part) {
					t.Errorf("event %d is %s, want %s", i, data, part)
				}
				ids = append(ids, id)
			}
		}
		for _, s := range []*stream{foreign, admin} {
			if _, data := s.want("allocation.changed"); !strings.Contains(data, `"project_id":"project B"`) {
				t.Errorf("the other project's event is %s", data)
			}
		}
		victim, thief := openflow.MAC{2, 0, 0, 0, 0, 1}, openflow.MAC{2, 0, 0, 0, 0, 2}
		claim := topology.Claim{Owner: topology.HostID{MAC: victim}, By: topology.HostID{MAC: thief}, From: topology.PortID{DPID: 2, Port: 3}}
		contested := httpapi.Contested(l.harness.events)
		contested(topology.Verdict{Claim: claim, Outcome: topology.Taken})
		contested(topology.Verdict{Claim: claim, Outcome: topology.Kept})
		claim.Addr, claim.At = netip.MustParseAddr("10.0.0.1"), topology.PortID{DPID: 1, Port: 3}
		contested(topology.Verdict{Claim: claim, Outcome: topology.Kept})
		for _, part := range []string{`"at":null,"address":null`, `"address":"10.0.0.1"`} {
			if _, data := admin.want("security.address_contested"); !strings.Contains(data, part) || !strings.Contains(data, `"outcome":"kept"`) {
				t.Errorf("the event is %s, want %s", data, part)
			}
		}
		refused := httpapi.SwitchRefused(l.harness.events)
		for range 100 {
			refused("0000000000000009", "192.0.2.1:4000", "it is not in openflow.switches.list")
		}
		for range 20 {
			if _, data := admin.want("security.switch_refused"); !strings.Contains(data, `"dpid":"0000000000000009"`) || !strings.Contains(data, "192.0.2.1:4000") {
				t.Errorf("the event is %s", data)
			}
		}
		own.conn.Close()
		// Back again, behind the second event.
		again := l.open(t, l.key, "Last-Event-ID: "+ids[1])
		again.want("allocation.changed")
		again.want("allocation.changed")
		again.want("allocation.deleted")
		old := l.open(t, l.key, "Last-Event-ID: 5")
		old.want("reset")
		for _, s := range []*stream{foreign, admin, again, old} {
			s.conn.Close()
		}
	})
}

// want200 makes a request with the project's own key.
func (l *live) want200(method, target, body string) {
	l.t.Helper()
	l.harness.want(200, method, target, body, bearer(l.key))
}

// TestHeartbeats: a silent stream goes on for hours, beyond all limits of the
// server, and its ID goes on with what others do.
func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.stop()
		s := l.open(t, l.key)
		time.Sleep(time.Second)
		l.harness.want(201, "POST", "/api/allocations", strings.ReplaceAll("{"+good+"}", "projectB", "project B"), bearer(l.foreign))
		time.Sleep(time.Hour)
		synctest.Wait()
		beats, ids := 0, map[string]bool{}
		for len(s.lines) > 0 {
			line := <-s.lines
			if line == ": heartbeat" {
				beats++
			} else if id, ok := strings.CutPrefix(line, "id: "); ok {
				ids[id] = true
			} else if line != "" {
				t.Errorf("line %q", line)
			}
		}
		if beats != 241 || len(ids) != 2 {
			t.Errorf("%d heartbeats in an hour, %d IDs", beats, len(ids))
		}
		s.conn.Close()
	})
}

// TestEventsEndWithTheKey: by expiry, by deletion, at once; a renewal keeps
// them going.
func TestEventsEndWithTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.stop()
		start := time.Now()
		expires := l.open(t, l.key)
		renewed, deleted := l.issue("abc123", "projectB"), l.issue("abc123", "projectB")
		lives, dies := l.open(t, renewed), l.open(t, deleted)
		time.Sleep(time.Hour)
		l.harness.want(200, "POST", "/api/auth/"+renewed, docKeyRequest)
		l.harness.want(200, "DELETE", "/api/auth/"+deleted, docKeyRequest)
		at := time.Now()
		dies.ended()
		if took := time.Since(at); took > time.Second {
			t.Errorf("after the deletion it takes %v", took)
		}
		expires.ended()
		if lasted := time.Since(start); lasted < auth.TTL-time.Second || lasted > auth.TTL+time.Second {
			t.Errorf("it ends after %v", lasted)
		}
		lives.ended()
		if lasted := time.Since(start); lasted < auth.TTL+time.Hour-time.Second || lasted > auth.TTL+time.Hour+time.Second {
			t.Errorf("renewed it ends after %v", lasted)
		}
	})
}

// TestEventsEndWithTheOperatorsKey: at once, and those of other keys stay.
func TestEventsEndWithTheOperatorsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.stop()
		made := l.harness.want(201, "POST", "/api/v1/operators", `{"name":"watcher"}`, bearer(l.admin))
		operator := made.Results[0]["api_key"].(string)
		suite.secret(operator)
		deleted, lives := l.open(t, operator), l.open(t, l.key)
		time.Sleep(time.Second)
		l.harness.want(200, "DELETE", "/api/v1/operators/watcher", "", bearer(l.admin))
		start := time.Now()
		deleted.ended()
		if lasted := time.Since(start); lasted > 100*time.Millisecond {
			t.Errorf("the stream outlives its key by %v", lasted)
		}
		l.create("")
		lives.want("allocation.changed")
		lives.conn.Close()
	})
}

// TestSlowReader: a reader that does not read is dropped, and delays no other.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.stop()
		conn := l.listener.dial()
		go io.WriteString(conn, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+l.key+"\r\n\r\n")
		synctest.Wait() // it hangs in its first line
		start := time.Now()
		for range 500 {
			id := l.create("")
			l.want200("DELETE", "/api/allocations/"+id, "")
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("1000 changes waited %v for a reader", took)
		}
		time.Sleep(11 * time.Second)
		if _, err := conn.Write([]byte("x")); err == nil {
			t.Error("the connection is still open")
		}
		conn.Close()
	})
}

// TestShutdownDoesNotHang: streams end when the server is asked to stop.
func TestShutdownDoesNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.stop()
		streams := []*stream{l.open(t, l.key), l.open(t, l.admin)}
		time.Sleep(time.Minute)
		start := time.Now()
		if err := l.server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		for _, s := range streams {
			s.ended()
		}
		l.harness.want(503, "GET", "/api/v1/events", "", bearer(l.key))
	})
}

func TestEventsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.stop()
		l.harness.want(401, "GET", "/api/v1/events", "")
		l.harness.want(422, "GET", "/api/v1/events?since=1", "", bearer(l.key))
		l.harness.want(422, "GET", "/api/v1/events", `{"colour":1}`, bearer(l.key))
		l.harness.want(400, "GET", "/api/v1/events", "", bearer(l.key), header{"Last-Event-ID", "x"})
		l.harness.want(405, "POST", "/api/v1/events", "", bearer(l.key))
		if a := l.harness.want(200, "HEAD", "/api/v1/events", "", bearer(l.key)); a.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("HEAD: %v", a.header)
		}
		var streams []*stream
		for range 32 {
			streams = append(streams, l.open(t, l.key))
		}
		a := l.harness.want(429, "GET", "/api/v1/events", "", bearer(l.key))
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		streams[0].conn.Close()
		synctest.Wait()
		for _, s := range append(streams[1:], l.open(t, l.key)) {
			if s.head != "200 OK" {
				t.Errorf("status %s", s.head)
			}
			s.conn.Close()
		}
	})
}

// TestHeartbeatsOverHTTP2: there the server's limits are each stream's own, and
// hit silent ones too.
func TestHeartbeatsOverHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.stop()
		plain := new(http.Protocols)
		plain.SetUnencryptedHTTP2(true)
		transport := &http.Transport{
			Protocols:   plain,
			DialContext: func(context.Context, string, string) (net.Conn, error) { return l.listener.dial(), nil },
		}
		defer transport.CloseIdleConnections()
		request, err := http.NewRequestWithContext(t.Context(), "GET", "http://x/api/v1/events", nil)
		l.must(err)
		request.Header.Set("Authorization", "Bearer "+l.key)
		response, err := transport.RoundTrip(request)
		l.must(err)
		defer response.Body.Close()
		start, beats := time.Now(), 0
		for scan := bufio.NewScanner(response.Body); beats < 240 && scan.Scan(); {
			if scan.Text() == ": heartbeat" {
				beats++
			}
		}
		if beats < 240 || response.ProtoMajor != 2 {
			t.Errorf("over %s: %d heartbeats in %v", response.Proto, beats, time.Since(start))
		}
	})
}

// Hosts that claim without end do not push other events out of the ring.
func TestClaimsDoNotFillTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := events.NewHub(time.Now)
		r, err := hub.Read("admin", func(string) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		contested := httpapi.Contested(hub)
		for range 10_000 {
			contested(topology.Verdict{Outcome: topology.Kept})
		}
		if b := r.Take(); b.Lost || len(b.Events) != 100 {
			t.Errorf("%d events, lost: %v", len(b.Events), b.Lost)
		}
	})
}

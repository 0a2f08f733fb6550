package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/httpapi/auth"
	"conga/httpapi/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// target is the other side: it notes what comes and answers as it is told.
type target struct {
	mu     sync.Mutex
	got    []string // "type body"
	header []http.Header
	at     []time.Time
	to     []string // the URLs
	status []int    // of the next answers; then 200
	hang   bool
}

func (g *target) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	hang, status := g.hang, 200
	g.got = append(g.got, r.Header.Get(HeaderEvent)+" "+string(body))
	g.header = append(g.header, r.Header)
	g.at = append(g.at, time.Now())
	g.to = append(g.to, r.URL.String())
	if len(g.status) > 0 {
		status, g.status = g.status[0], g.status[1:]
	}
	g.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("thanks")), Header: http.Header{"Location": {"http://169.254.169.254/"}}}, nil
}

func (g *target) hanging(yes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hang = yes
}

func (g *target) taken() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.got...)
}

// fixture is hooks, a hub and a target in the time of a bubble.
type fixture struct {
	*testing.T
	target
	disk    *storetest.Memory
	hub     *events.Hub
	hooks   *Hooks
	member  atomic.Bool
	dark    atomic.Bool // it is not known which users are members
	private bool        // allow_private, at the next start
	log     strings.Builder
	stop    func()
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{T: t, disk: storetest.NewMemory()}
	f.member.Store(true)
	f.start()
	return f
}

func (f *fixture) start() {
	f.Helper()
	f.hub = events.NewHub(nil)
	var err error
	f.hooks, err = Open(f.Context(), Config{
		Store: f.disk, Hub: f.hub, AllowPrivate: f.private, Admit: f.admit, Transport: &f.target,
		Log: slog.New(slog.NewTextHandler(&f.log, nil)),
	})
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { f.hub.Run(ctx) })
	wg.Go(func() { f.hooks.Run(ctx) })
	f.stop = func() { cancel(); wg.Wait() }
}

func (f *fixture) admit(context.Context, string, string) error {
	switch {
	case f.dark.Load():
		return &auth.UnavailableError{Reason: "the directory is away"}
	case !f.member.Load():
		return auth.ErrNotMember
	}
	return nil
}

func (f *fixture) create(project string, types ...string) Hook {
	f.Helper()
	hook, err := f.hooks.Create(f.Context(), Hook{Project: project, User: "u", URL: "https://example.org/secret-path", Events: types}, nil)
	if err != nil {
		f.Fatal(err)
	}
	synctest.Wait()
	return hook
}

func (f *fixture) publish(kind, project string) {
	f.hub.Publish(kind, project, func() any { return map[string]string{"of": project} })
}

func TestDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		hook := f.create("p", "a", "b")
		for _, e := range [][2]string{{"a", "p"}, {"c", "p"}, {"a", "q"}, {"b", "p"}, {"a", ""}} {
			f.publish(e[0], e[1])
		}
		time.Sleep(time.Second)
		got := f.taken()
		if len(got) != 2 || !strings.HasPrefix(got[0], `a {"event_id":"`) || !strings.HasSuffix(got[1], `,"of":"p"}`) {
			t.Fatalf("delivered %q", got)
		}
		h := f.header[0]
		body := strings.TrimPrefix(got[0], "a ")
		if want := Sign(string(hook.Secret), h.Get(HeaderTimestamp), []byte(body)); h.Get(HeaderSignature) != want {
			t.Errorf("signature %s, want %s", h.Get(HeaderSignature), want)
		}
		if !strings.Contains(body, h.Get(HeaderDelivery)) || h.Get("Content-Type") != "application/json" || h.Get(HeaderTimestamp) != fmt.Sprint(time.Now().Unix()-1) && h.Get(HeaderTimestamp) != fmt.Sprint(time.Now().Unix()) {
			t.Errorf("header %v", h)
		}
		f.member.Store(false) // the user that made it has left the project
		f.publish("a", "p")
		time.Sleep(time.Second)
		if n := len(f.taken()); n != 2 {
			t.Errorf("%d deliveries after the user has left", n)
		}
		f.member.Store(true)
		if err := f.hooks.Delete(t.Context(), hook.ID); err != nil {
			t.Fatal(err)
		}
		f.publish("a", "p")
		time.Sleep(time.Second)
		if n := len(f.taken()); n != 2 {
			t.Errorf("%d deliveries after the end", n)
		}
		if err := f.hooks.Delete(t.Context(), hook.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("deleted again: %v", err)
		}
	})
}

// TestDirectoryAway: while it is not known which users are members nothing is
// delivered, and nothing is lost either, however long that takes.
func TestDirectoryAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		hook := f.create("p", "a")
		f.dark.Store(true)
		f.publish("a", "p")
		f.publish("a", "p")
		time.Sleep(time.Hour)
		if got := f.taken(); len(got) != 0 {
			t.Errorf("delivered %q without knowing to whom", got)
		}
		f.dark.Store(false)
		time.Sleep(2 * lastRetry)
		if _, s, _ := f.hooks.Get(hook.ID); s.Delivered != 2 || s.Failed != 0 {
			t.Errorf("after the directory came back: %+v", s)
		}
		f.dark.Store(true)
		f.publish("a", "p")
		time.Sleep(time.Minute)
	}) // and a deliverer that waits for it does not delay a stop
}

// TestAdminsHook: what the admin's key made needs no membership, now and after
// a restart.
func TestAdminsHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		f.member.Store(false)
		for _, project := range []string{"p", ""} {
			if _, err := f.hooks.Create(t.Context(), Hook{Project: project, User: "admin", Admin: true, URL: "https://example.org", Events: []string{"a"}}, nil); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for n := range 2 {
			f.publish("a", "p")
			time.Sleep(time.Second)
			events := 0
			for _, got := range f.taken() {
				if strings.HasPrefix(got, "a ") {
					events++
				}
			}
			if events != 2*(n+1) {
				t.Errorf("delivered %q, want each event to both", f.taken())
			}
			f.stop()
			f.start()
			time.Sleep(time.Second)
		}
	})
}

// TestSignature pins the form that receivers rely on: openssl's.
func TestSignature(t *testing.T) {
	// printf '1429206574.{}' | openssl dgst -sha256 -hmac whsec_x
	if got := Sign("whsec_x", "1429206574", []byte("{}")); got != "v1=18be4e4382cd295dd006798607fc8071c88e84ed1b0e26a241d92f1ff34d9eb5" {
		t.Errorf("signature is %s", got)
	}
}

// TestRetries: again until it is taken, with growing pauses, and redirects are
// not taken for that.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		hook := f.create("p", "a")
		f.status = []int{500, 302, 404, 503, 200}
		f.publish("a", "p")
		time.Sleep(time.Minute)
		if got := f.taken(); len(got) != 5 || got[0] != got[4] {
			t.Fatalf("delivered %q", got)
		}
		for i, base := range []time.Duration{1, 2, 4, 8} {
			pause := f.at[i+1].Sub(f.at[i])
			if base *= time.Second; pause < base/2 || pause > 3*base/2 {
				t.Errorf("pause %d is %v", i+1, pause)
			}
		}
		if _, s, _ := f.hooks.Get(hook.ID); s != (Status{Delivered: 1, LastStatus: 200}) {
			t.Errorf("status %+v", s)
		}
	})
}

// TestGivingUp: a target that never answers holds up its own events only, each
// for a bounded time.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		hook := f.create("p", "a")
		f.hanging(true)
		start := time.Now()
		f.publish("a", "p")
		f.publish("a", "p")
		time.Sleep(giveUp + time.Second)
		_, s, _ := f.hooks.Get(hook.ID)
		if s.Failed != 1 || s.Delivered != 0 {
			t.Errorf("after %v: %+v", time.Since(start), s)
		}
		f.hanging(false)
		time.Sleep(2 * time.Minute)
		if _, s, _ = f.hooks.Get(hook.ID); s.Failed != 1 || s.Delivered != 1 {
			t.Errorf("the next one: %+v", s)
		}
		if log := f.log.String(); !strings.Contains(log, hook.ID) || strings.Contains(log, "secret-path") || strings.Contains(log, string(hook.Secret)) {
			t.Errorf("the log is %s", log)
		}
	})
}

// TestReset: a target that has missed events is told so, over a restart too.
func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		hook := f.create("p", "a")
		f.hanging(true)
		f.publish("a", "p")
		time.Sleep(time.Second) // it is being delivered
		for range 10_000 {
			f.publish("a", "p")
		}
		f.hanging(false)
		time.Sleep(11 * time.Minute)
		f.publish("a", "p")
		time.Sleep(time.Minute)
		resets := 0
		for _, g := range f.taken() {
			if strings.HasPrefix(g, "reset ") {
				resets++
			}
		}
		if resets != 1 {
			t.Errorf("%d resets among %d deliveries", resets, len(f.taken()))
		}
		f.stop()
		f.got = nil
		f.start()
		time.Sleep(time.Second)
		if got := f.taken(); len(got) != 1 || !strings.HasPrefix(got[0], "reset ") {
			t.Errorf("after a restart: %q", got)
		}
		again, _, err := f.hooks.Get(hook.ID)
		if err != nil || string(again.Secret) != string(hook.Secret) || again.URL != hook.URL {
			t.Errorf("after a restart it is %+v (%v)", again, err)
		}
		if text := fmt.Sprintf("%v %+v %#v", again, again, again); strings.Contains(text, string(hook.Secret)) {
			t.Errorf("printing shows the secret: %s", text)
		}
	})
}

func TestLimitsAndErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		if _, err := f.hooks.Create(t.Context(), Hook{Project: "p", URL: "https://127.0.0.1/"}, nil); err == nil {
			t.Error("a private target is taken")
		} else if _, ok := errors.AsType[*URLError](err); !ok {
			t.Errorf("error %v", err)
		}
		f.disk.Fail(errors.New("no space left"))
		if _, err := f.hooks.Create(t.Context(), Hook{Project: "p", URL: "https://example.org"}, nil); err == nil {
			t.Error("made without a store")
		}
		f.disk.Fail(nil)
		for i := range maxOfProject {
			f.create("p", "a")
			if i == 0 {
				f.create("q", "a")
			}
		}
		if _, err := f.hooks.Create(t.Context(), Hook{Project: "p", URL: "https://example.org"}, nil); !errors.Is(err, ErrFull) {
			t.Errorf("one more: %v", err)
		}
		if n := f.disk.Len(store.Webhooks); n != maxOfProject+1 {
			t.Errorf("%d are stored", n)
		}
		if own := f.hooks.List(func(p string) bool { return p == "q" }); len(own) != 1 || own[0].Project != "q" {
			t.Errorf("listed %v", own)
		}
	})
}

// TestPrivateTargets: the guard is at the socket, behind the DNS.
func TestPrivateTargets(t *testing.T) {
	reached := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case reached <- string(body):
		default:
		}
	}))
	defer server.Close()
	for _, allowed := range []bool{false, true} {
		h := &Hooks{cfg: Config{AllowPrivate: allowed, Now: time.Now}}
		h.client = newClient(h.cfg)
		for _, url := range []string{server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)} {
			w := &worker{hooks: h, sub: &subscription{}}
			status, err := w.attempt(t.Context(), Hook{URL: url}, "a", "1", []byte("hello"))
			if allowed && (status != 200 || <-reached != "hello") {
				t.Errorf("%s, allowed: %d, %v", url, status, err)
			}
			if !allowed && (!errors.Is(err, errPrivate) || status != 0) {
				t.Errorf("%s: %d, %v", url, status, err)
			}
		}
		h.client.CloseIdleConnections()
	}
	if len(reached) > 0 {
		t.Error("a private target was reached")
	}
}

//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"conga/httpapi/client"
)

// asksForPath reports whether a request asks for an allocation.
func asksForPath(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/allocations")
}

// TestRunWithoutReader: messages that are not read end neither the command nor
// the release, and the command does not notice.
func TestRunWithoutReader(t *testing.T) {
	r := newRunner(t)
	nobody, stderr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	p := r.command("192.127.1.10", "192.127.1.11", "--", "sh", "-c", "(yes; echo $? > code) 2>&- | head -n 1 > line; exit 4")
	p.cmd.Stderr = stderr
	p.begin()
	stderr.Close()
	if code := p.code(); code != 4 {
		t.Errorf("exit code %d, want the command's", code)
	}
	if live := r.live(); len(live) != 0 {
		t.Errorf("it leaves %+v", live)
	}
	if code, err := os.ReadFile(filepath.Join(r.dir, "code")); err != nil || string(code) != "141\n" {
		t.Errorf("what the command writes to a broken pipe ends with %q, %v", code, err)
	}
}

// TestRunWhoseAnswerIsLost asks again and has one allocation, not two.
func TestRunWhoseAnswerIsLost(t *testing.T) {
	r := newRunner(t)
	var lost atomic.Int32
	r.s.intercept(func(w http.ResponseWriter, q *http.Request, api http.Handler) {
		if asksForPath(q) && lost.Add(1) == 1 {
			api.ServeHTTP(httptest.NewRecorder(), q)
			panic(http.ErrAbortHandler)
		}
		api.ServeHTTP(w, q)
	})
	p := r.start("192.127.1.10", "192.127.1.11", "--", "sh", "-c", "[ $CONGA_ALLOCATION = a-1 ] && exit 6")
	if code := p.code(); code != 6 || lost.Load() < 2 {
		t.Errorf("exit code %d, after asking %d times", code, lost.Load())
	}
	if live := r.live(); len(live) != 0 {
		t.Errorf("it leaves %+v", live)
	}
}

// TestRunStoppedWhileItAsks: a signal ends it at once, whatever the server is
// doing, and what the server has made meanwhile is found and released.
func TestRunStoppedWhileItAsks(t *testing.T) {
	for _, made := range []bool{true, false} {
		t.Run(fmt.Sprintf("made %t", made), func(t *testing.T) {
			r := newRunner(t)
			asked := make(chan bool, 10)
			var times atomic.Int32
			r.s.intercept(func(w http.ResponseWriter, q *http.Request, api http.Handler) {
				if asksForPath(q) && times.Add(1) == 1 {
					if made {
						api.ServeHTTP(httptest.NewRecorder(), q)
					}
					asked <- true
					<-r.s.fake.stopped // no answer, ever
					return
				}
				api.ServeHTTP(w, q)
			})
			p := r.start("192.127.1.10", "192.127.1.11", "--", "sh", "-c", sleeper)
			<-asked
			began := time.Now()
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if code := p.code(); code != 128+15 {
				t.Errorf("exit code %d", code)
			}
			if took := time.Since(began); took > learnTime {
				t.Errorf("it takes %v", took)
			}
			if live := r.live(); len(live) != 0 {
				t.Errorf("it leaves %+v", live)
			}
			if _, err := os.Stat(filepath.Join(r.dir, "pid")); err == nil {
				t.Error("the command was run")
			}
		})
	}
}

// TestRunThatCannotRelease says when the path ends, and a signal ends its
// attempts.
func TestRunThatCannotRelease(t *testing.T) {
	r := newRunner(t)
	tried := make(chan bool, 10)
	r.s.intercept(func(w http.ResponseWriter, q *http.Request, api http.Handler) {
		if q.Method == http.MethodDelete {
			select {
			case tried <- true:
			default:
			}
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		api.ServeHTTP(w, q)
	})
	p := r.start("192.127.1.10", "192.127.1.11", "--", "true")
	<-tried
	end := r.live()[0].EndTime
	r.until("it ends", func() bool {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // ignored at first
		return strings.Contains(p.stderr.String(), "cannot be released")
	})
	if code := p.code(); code != 0 {
		t.Errorf("exit code %d, want the command's", code)
	}
	if want := "it ends by itself at " + when(end); !strings.Contains(p.stderr.String(), want) {
		t.Errorf("it does not say %q", want)
	}
}

// TestRunWhoseExtensionHangs tries again while there is still time.
func TestRunWhoseExtensionHangs(t *testing.T) {
	r := newRunner(t)
	var hung atomic.Bool
	r.s.intercept(func(w http.ResponseWriter, q *http.Request, api http.Handler) {
		if q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, "/allocations/a-1") && !hung.Swap(true) {
			<-r.s.fake.stopped // no answer, ever
			return
		}
		api.ServeHTTP(w, q)
	})
	p := r.start("192.127.1.10", "192.127.1.11", "--lease", "15s", "--", "sh", "-c", sleeper)
	child := p.child()
	first := r.live()
	r.until("the lease is extended in time", func() bool {
		now := r.live()
		if len(now) != 1 {
			t.Fatalf("it has %+v", now)
		}
		return *now[0].EndTime > *first[0].EndTime
	})
	if !hung.Load() {
		t.Error("the first attempt has been answered")
	}
	if err := child.Kill(); err != nil {
		t.Fatal(err)
	}
	if code := p.code(); code != 128+9 {
		t.Errorf("exit code %d", code)
	}
}

// TestRunUnderNohup: ignored signals stay ignored, for conga and for the
// command.
func TestRunUnderNohup(t *testing.T) {
	r := newRunner(t)
	p := r.command("192.127.1.10", "192.127.1.11", "--", "sh", "-c",
		"kill -HUP $$; kill -INT $$; echo $$ > pid.new; mv pid.new pid; while ! [ -e go ]; do sleep 0.05; done; exit 3")
	p.cmd.Args = append([]string{"sh", "-c", `trap "" HUP INT; exec "$0" "$@"`, p.cmd.Path}, p.cmd.Args[1:]...)
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Path = sh
	p.begin()
	p.child()
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if err := p.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(r.dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code := p.code(); code != 3 {
		t.Errorf("exit code %d", code)
	}
}

// TestSignalsAreHandedOver: a signal that comes before run has its own channel
// has ended the context, a later one is in the channel, and none is lost
// between the two. The test must not run in parallel with others that get
// signals.
func TestSignalsAreHandedOver(t *testing.T) {
	for range 50 {
		ctx, stopper := untilStopped()
		own := make(chan os.Signal, 1)
		notify(own, syscall.SIGTERM)
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-own
		stopper.end()
		signal.Stop(own)
		if s, ok := stoppedBy(ctx); !ok || s.signal != syscall.SIGTERM || s.code() != 143 {
			t.Fatalf("the context says %v", s)
		}
	}
}

// TestRunRenewsFirst: a key that would end during the run is renewed before
// anything is requested.
func TestRunRenewsFirst(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked = append(asked, q.Method+" "+strings.TrimPrefix(q.URL.Path, "/api/v1"))
		switch {
		case strings.Contains(q.URL.Path, "/auth/"):
			fmt.Fprintf(w, `{"results":[{"end_time":%d,"user_id":"abc123","project_id":"projectB"}]}`, time.Now().Add(30*time.Minute).Unix())
		default:
			fmt.Fprint(w, `{"results":[{"allocation_id":"a-1","state":"active","end_time":1893456000}]}`)
		}
	}))
	defer s.Close()
	c, err := client.New(client.Config{BaseURL: s.URL, Key: "conga_x"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a := &app{err: &buffer{}}
	r := &commandRun{request: client.Request{ProjectID: "projectB"}, key: "k", timeout: time.Minute}
	own := caller{Client: c}
	r.keyed = own.tendKey(t.Context())
	if err := a.prepare(t.Context(), own, r); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(asked, ", "), "GET /auth/conga_x, POST /auth/conga_x, POST /allocations, GET /allocations/a-1"; got != want {
		t.Errorf("it asks %s", got)
	}
	if r.id != "a-1" || *r.ends != 1893456000 {
		t.Errorf("it has %+v", r)
	}
}

// TestRunWithAnOldServer: a server that knows no leases of waiting paths gets a
// second request without one, under another key, and none to extend the wait.
func TestRunWithAnOldServer(t *testing.T) {
	var keys, bodies []string
	shown := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		switch {
		case asksForPath(q):
			keys, bodies = append(keys, q.Header.Get("Idempotency-Key")), append(bodies, string(body))
			if strings.Contains(string(body), `"lease"`) {
				w.WriteHeader(http.StatusUnprocessableEntity)
				fmt.Fprint(w, `{"status":422,"results":[],"errors":["lease: is not a field of this request"]}`)
				return
			}
			fmt.Fprint(w, `{"results":[{"allocation_id":"a-1","state":"pending"}]}`)
		case q.Method == http.MethodGet:
			state := "pending"
			if shown++; shown > 5 {
				state = "active"
			}
			fmt.Fprintf(w, `{"results":[{"allocation_id":"a-1","state":%q}]}`, state)
		default:
			t.Errorf("it asks %s %s with %s", q.Method, q.URL.Path, body)
		}
	}))
	defer s.Close()
	c, err := client.New(client.Config{BaseURL: s.URL, Key: "conga_x"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// A waiting path with so short a lease would be extended repeatedly.
	r := &commandRun{request: client.Request{ProjectID: "projectB", Lease: 1}, lease: time.Millisecond, key: "k", timeout: time.Minute}
	keyed := make(chan struct{})
	close(keyed)
	r.keyed = keyed
	if err := (&app{err: &buffer{}}).prepare(t.Context(), caller{Client: c}, r); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 2 || keys[0] != "k" || keys[1] == "k" || keys[1] != r.key {
		t.Errorf("it asks %q under %q", bodies, keys)
	}
	if r.id != "a-1" {
		t.Errorf("it has %+v", r)
	}
}

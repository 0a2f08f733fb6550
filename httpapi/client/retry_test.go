package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What may have been done already is only done again if that does no harm.
func TestRepetition(t *testing.T) {
	const made = `[{"allocation_id":"a1","state":"pending"}]`
	allocate := func(c *Client) error { _, err := c.Allocate(context.Background(), Request{}); return err }
	login := func(c *Client) error { _, err := c.Login(context.Background(), Credentials{}); return err }
	show := func(c *Client) error { _, err := c.Show(context.Background(), "a1"); return err }
	release := func(c *Client) error { return c.Release(context.Background(), "a1") }
	for name, test := range map[string]struct {
		do       func(*Client) error
		answers  []int // status of each attempt; 0 is a broken connection; the last one stays
		wait     string
		attempts int
		status   int // of the error; 0: none, -1: not the server's
		open     bool
	}{
		"asking, its answer lost":             {allocate, []int{0, 201}, "", 2, 0, false},
		"asking, a proxy without server":      {allocate, []int{502, 504, 201}, "", 3, 0, false},
		"asking, at work on it":               {allocate, []int{0, 409, 409, 409, 409, 409, 409, 409, 201}, "1", 9, 0, false},
		"asking, at work on it for ever":      {allocate, []int{409}, "1", 62, 409, false},
		"asking, in the way":                  {allocate, []int{409}, "", 1, 409, false},
		"asking, never reached":               {allocate, []int{0}, "", 4, -1, true},
		"login, its answer lost":              {login, []int{0}, "", 1, -1, true},
		"login, a fault":                      {login, []int{503}, "", 1, 503, true},
		"login, too often":                    {login, []int{429, 200}, "", 2, 0, false},
		"showing, a fault":                    {show, []int{500, 502, 503, 200}, "", 4, 0, false},
		"showing, faults":                     {show, []int{502}, "", 4, 502, false},
		"showing, a broken connection":        {show, []int{0, 200}, "", 2, 0, false},
		"showing, refused":                    {show, []int{404}, "", 1, 404, false},
		"longer than one waits":               {show, []int{503}, "61", 1, 503, false},
		"busy for longer than one waits":      {allocate, []int{429}, "3600", 1, 429, false},
		"releasing, its answer lost":          {release, []int{0, 404}, "", 2, 0, false},
		"releasing, a fault":                  {release, []int{502, 404}, "", 2, 0, false},
		"releasing what is not there":         {release, []int{404}, "", 1, 404, false},
		"releasing, busy, and then not there": {release, []int{429, 404}, "", 2, 404, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				keys := map[string]bool{}
				c, attempts := scripted(t, func(n int, r *http.Request) *http.Response {
					keys[r.Header.Get("Idempotency-Key")] = true
					switch status := test.answers[min(n, len(test.answers)-1)]; {
					case status == 0:
						return nil
					case status >= 300:
						return answered(status, "[]", test.wait)
					default:
						return answered(status, made, "")
					}
				})
				err := test.do(c)
				refused, _ := errors.AsType[*Error](err)
				if got := statusOf(refused, err); got != test.status || *attempts != test.attempts || len(keys) != 1 || errors.Is(err, ErrOpen) != test.open {
					t.Errorf("%v after %d attempts with %d keys", err, *attempts, len(keys))
				}
			})
		})
	}
}

func statusOf(refused *Error, err error) int {
	switch {
	case refused != nil:
		return refused.Status
	case err != nil:
		return -1
	}
	return 0
}

// A request that is asked again by hand has the same key.
func TestAllocateAs(t *testing.T) {
	c, _ := scripted(t, func(_ int, r *http.Request) *http.Response {
		if got := r.Header.Get("Idempotency-Key"); got != "mine" {
			t.Errorf("the key is %q", got)
		}
		return answered(201, `[{"allocation_id":"a1"}]`, "")
	})
	if al, err := c.AllocateAs(t.Context(), "mine", Request{}); err != nil || al.ID != "a1" {
		t.Error(al, err)
	}
}

// A caller whose context says why it ended gets that back, and an attempt that
// takes too long does not pass for it.
func TestWaitTellsWhoseTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := errors.New("late")
		c, _ := scripted(t, func(int, *http.Request) *http.Response { return answered(200, `[{"state":"pending"}]`, "") })
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, late)
		defer cancel()
		if _, err := c.Wait(ctx, "a1", Active, nil); !errors.Is(err, late) {
			t.Error(err)
		}
	})
}

// Waiting long for a start, the server is asked at that moment, and soon again
// for what comes of it.
func TestWaitIsThereAtTheStart(t *testing.T) {
	for seconds := range 20 {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now().Truncate(time.Second).Add(time.Duration(20+seconds) * time.Second)
			active := start.Add(700 * time.Millisecond)
			asked := 0
			c, _ := scripted(t, func(int, *http.Request) *http.Response {
				asked++
				state, reason := Pending, "it starts later"
				switch now := time.Now(); {
				case !now.Before(active):
					state, reason = Active, ""
				case !now.Before(start):
					reason = "entries are being installed"
				}
				return answered(200, fmt.Sprintf(`[{"state":%q,"reason":%q,"start_time":%d}]`, state, reason, start.Unix()), "")
			})
			if _, err := c.Wait(t.Context(), "a1", Active, nil); err != nil {
				t.Fatal(err)
			}
			if late := time.Since(active); late > 250*time.Millisecond {
				t.Errorf("told %v after it was active", late)
			}
			if asked > 40 {
				t.Errorf("asked %d times in %d s", asked, 20+seconds)
			}
		})
	}
}

// pipes is a listener for connections within a test's bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// hole is a connection whose other end can go without a word.
type hole struct {
	net.Conn
	gone *atomic.Bool
}

func (h hole) Write(b []byte) (int, error) {
	if h.gone.Load() {
		return len(b), nil
	}
	return h.Conn.Write(b)
}

// A connection that has died without a word is found out and replaced.
func TestDeadConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("asked with %s", r.Proto)
			}
			answer(w, 200, "["+details+"]")
		}))
		s.Listener.Close()
		s.Listener, s.EnableHTTP2 = l, true
		s.StartTLS()
		defer s.Close()
		c, err := New(Config{BaseURL: "https://127.0.0.1:1", Key: testKey, Fingerprint: Fingerprint(s.Certificate())})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		dialled, gone := 0, &atomic.Bool{}
		c.http.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			dialled++
			l.conns <- theirs
			gone = &atomic.Bool{}
			return hole{ours, gone}, nil
		}
		if _, err := c.Show(t.Context(), "a1"); err != nil {
			t.Fatal(err)
		}
		gone.Store(true)
		began := time.Now()
		if _, err := c.Show(t.Context(), "a1"); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 3*pingAfter || dialled != 2 {
			t.Errorf("%d connections, after %v", dialled, took)
		}
	})
}

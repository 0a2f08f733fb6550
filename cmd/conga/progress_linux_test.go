package main

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
)

// TestABarUntilTheStart looks for one on a terminal, which is gone in the end.
func TestABarUntilTheStart(t *testing.T) {
	srv := newServerAt(t, t.Cleanup, time.Now)
	env := loggedIn(t, srv)
	for _, args := range [][]string{
		{"allocate", "192.127.1.10", "192.127.1.11", "--protocol", "tcp", "--start", "+10m", "--duration", "1h", "--wait"},
		{"run", "192.127.1.10", "192.127.1.11", "--protocol", "udp", "--start", "+10m", "--duration", "1h", "--", "true"},
	} {
		p := newPTY(t)
		c := exec.Command("conga", args...)
		c.Env = env
		p.start(c)
		p.shows("is pending: waits for its start at")
		p.shows("starts in 9m")
		p.shows("|") // the bar's end
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		eventually.True(t, "the bar is gone", func() bool {
			text := p.screen.String()
			return !strings.Contains(text[strings.LastIndex(text, "\r")+1:], "starts in")
		})
		if !p.echoes() {
			t.Error("it leaves a terminal that does not echo")
		}
	}
}

// TestABarOfReports looks for one where a report takes several requests.
func TestABarOfReports(t *testing.T) {
	p := newPTY(t)
	for n, want := range map[int]bool{reportChunk: false, 3 * reportChunk: true} {
		g := &agent{app: &app{err: p.tty}}
		before := len(p.screen.String())
		advance, end := g.uploading(n)
		for sent := 0; sent < n; sent += reportChunk {
			advance(reportChunk)
		}
		end()
		if want {
			p.shows("reporting connections")
		} else if len(p.screen.String()) != before {
			t.Errorf("%d connections: %q", n, p.screen.String()[before:])
		}
	}
}

// TestNoBarElsewhere wants lines alone where there is no terminal.
func TestNoBarElsewhere(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out)
	at := time.Now().Add(time.Hour).Unix()
	p.show(client.Allocation{ID: "a-1", State: client.Pending, StartTime: &at})
	p.show(client.Allocation{ID: "a-1", State: client.Active})
	p.end()
	if got := out.String(); strings.Count(got, "\n") != 2 || strings.ContainsAny(got, "\r\x1b") || !strings.HasSuffix(got, "allocation a-1 is active\n") {
		t.Errorf("%q", got)
	}
}

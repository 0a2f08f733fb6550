package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
)

// loggedIn returns the environment of a command whose login was saved.
func loggedIn(t *testing.T, srv *server) []string {
	t.Helper()
	env := append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "TERM=xterm")
	c := exec.Command("conga", "login", "--server", srv.URL, "--fingerprint", client.Fingerprint(srv.Certificate()), "--user", "abc123", "--project", "projectB")
	c.Env, c.Stdin = env, strings.NewReader("correct horse\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return env
}

// conga runs a command that must succeed.
func conga(t *testing.T, env []string, args ...string) {
	t.Helper()
	c := exec.Command("conga", args...)
	c.Env = env
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// inOrder reports whether a screen that was drawn last shows two texts one
// after the other.
func inOrder(screen, first, second string) bool {
	last := screen[max(0, strings.LastIndex(screen, goHome)):]
	at := strings.Index(last, first)
	return at >= 0 && strings.Contains(last[at:], second)
}

// TestTopAtATerminal sorts by the keys, and is ended by one or by a signal; the
// terminal is as it was then.
func TestTopAtATerminal(t *testing.T) {
	srv := newServer(t, t.Cleanup)
	srv.fake.have("stats/allocations", "stats/links", "events")
	env := loggedIn(t, srv)
	for _, port := range []string{"22", "80"} {
		conga(t, env, "allocate", "192.127.1.10", "192.127.1.11", "--protocol", "tcp", "--dst-port", port, "--duration", "1h", "--wait")
	}
	for name, end := range map[string]func(p *pty, c *exec.Cmd){
		"q":       func(p *pty, _ *exec.Cmd) { p.press("q") },
		"Ctrl-C":  func(p *pty, _ *exec.Cmd) { p.press("\x03") },
		"SIGTERM": func(_ *pty, c *exec.Cmd) { _ = c.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPTY(t)
			c := exec.Command("conga", "top", "--interval", "1h")
			c.Env = env
			p.start(c)
			p.shows("q quit")
			p.shows("0000000000000001:2")
			eventually.True(t, "the fastest is the first", func() bool { return inOrder(p.screen.String(), "a-2", "a-1") })
			p.press("i")
			eventually.True(t, "it is sorted by ID", func() bool { return inOrder(p.screen.String(), "a-1", "a-2") })
			asked := srv.fake.count("GET /api/v1/stats/links?per_page=1000")
			eventually.True(t, "an event has it look again", func() bool {
				srv.fake.happen()
				return srv.fake.count("GET /api/v1/stats/links?per_page=1000") > asked
			})
			end(p, c)
			_ = c.Wait()
			if code := c.ProcessState.ExitCode(); code != 0 && name != "SIGTERM" {
				t.Errorf("exit code %d", code)
			}
			if !p.echoes() {
				t.Error("it leaves a terminal that does not echo")
			}
			eventually.True(t, "the screen is given back", func() bool { return strings.Contains(p.screen.String(), leaveScreen) })
			if strings.Contains(regexp.MustCompile(`\x1b\[[?0-9;]*[a-zA-Z]`).ReplaceAllString(p.screen.String(), ""), "\x1b") {
				t.Error("there are other sequences")
			}
		})
	}
}

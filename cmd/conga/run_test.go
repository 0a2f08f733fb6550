//go:build unix

package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
)

// A runner runs conga run against a server with a running clock.
type runner struct {
	t   *testing.T
	s   *server
	c   *client.Client
	dir string
	env []string
}

func newRunner(t *testing.T) *runner {
	t.Parallel()
	r := &runner{t: t, s: newServerAt(t, t.Cleanup, time.Now), dir: t.TempDir()}
	key, _, err := r.s.keys.Issue(t.Context(), "abc123", "projectB")
	if err == nil {
		r.c, err = client.New(client.Config{BaseURL: r.s.URL, Key: key, Fingerprint: client.Fingerprint(r.s.Certificate())})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.c.Close)
	r.env = append(os.Environ(), "CONGA_KEY="+key, "CONGA_SERVER="+r.s.URL, "CONGA_FINGERPRINT="+client.Fingerprint(r.s.Certificate()),
		"CONGA_PROJECT=projectB", "XDG_CONFIG_HOME="+r.dir)
	return r
}

// start runs a command.
func (r *runner) start(args ...string) *running {
	r.t.Helper()
	p := r.command(args...)
	p.begin()
	return p
}

// command returns a run that has not begun.
func (r *runner) command(args ...string) *running {
	p := &running{runner: r, cmd: exec.Command("conga", append([]string{"run"}, args...)...)}
	p.cmd.Env, p.cmd.Dir = r.env, r.dir
	p.cmd.Stderr = &p.stderr
	return p
}

func (p *running) begin() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		if p.t.Failed() {
			p.t.Log(p.stderr.String())
		}
	})
}

type running struct {
	*runner
	cmd    *exec.Cmd
	stderr buffer
}

// A buffer is a bytes.Buffer that may be read while it is written to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// until waits until ok, for what no channel signals.
func (r *runner) until(what string, ok func() bool) {
	r.t.Helper()
	eventually.True(r.t, what, ok)
}

// live returns the allocations that are not complete.
func (r *runner) live() (live []client.Allocation) {
	r.t.Helper()
	for al, err := range r.c.List(r.t.Context(), "projectB", "") {
		if err != nil {
			r.t.Fatal(err)
		}
		if al.State != client.Complete {
			live = append(live, al)
		}
	}
	return live
}

// child waits for the command and returns its process.
func (p *running) child() *os.Process {
	p.t.Helper()
	pid := 0
	p.until("the command runs", func() bool {
		text, _ := os.ReadFile(filepath.Join(p.dir, "pid"))
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid != 0
	})
	child, err := os.FindProcess(pid)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = child.Kill() })
	return child
}

// code waits for the end of conga and returns its exit code.
func (p *running) code() int {
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

const sleeper = "echo $$ > pid.new; mv pid.new pid; exec sleep 60"

// TestKilledRun: a run extends its lease; killed, it leaves nothing behind
// beyond its lease.
func TestKilledRun(t *testing.T) {
	r := newRunner(t)
	const lease = 3 * time.Second
	p := r.start("192.127.1.10", "192.127.1.11", "--lease", lease.String(), "--", "sh", "-c", sleeper)
	p.child()
	first := r.live()
	if len(first) != 1 || first[0].State != client.Active || *first[0].Duration != 3 {
		t.Fatalf("allocations %+v", first)
	}
	r.until("the lease is extended beyond its first end", func() bool {
		now := r.live()
		return len(now) == 1 && *now[0].EndTime >= *first[0].EndTime+2 && time.Now().Unix() > *first[0].EndTime
	})
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	r.until("the allocation is complete", func() bool { return len(r.live()) == 0 })
	if took := time.Since(killed); took > lease+2*time.Second { // seconds are whole, and the network takes its time
		t.Errorf("it stayed for %v", took)
	}
}

// TestSignalledRun: signals go to the command, and the run ends with it.
func TestSignalledRun(t *testing.T) {
	r := newRunner(t)
	p := r.start("192.127.1.10", "192.127.1.11", "--", "sh", "-c",
		"trap 'echo usr > usr' USR1; trap 'kill $c; exit 9' TERM; sleep 60 & c=$!; echo $$ > pid.new; mv pid.new pid; while :; do wait $c; done")
	p.child()
	if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	r.until("the command has the signal", func() bool { _, err := os.Stat(filepath.Join(r.dir, "usr")); return err == nil })
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.code(); code != 9 {
		t.Errorf("exit code %d, want the command's", code)
	}
	if live := r.live(); len(live) != 0 {
		t.Errorf("it leaves %+v", live)
	}
}

// TestRunStoppedWhileItWaits runs nothing and leaves nothing.
func TestRunStoppedWhileItWaits(t *testing.T) {
	r := newRunner(t)
	p := r.start("192.127.1.10", "192.127.1.51", "--", "sh", "-c", sleeper) // a host without a known port
	r.until("it waits", func() bool { return strings.Contains(p.stderr.String(), "is pending") })
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.code(); code != 128+15 {
		t.Errorf("exit code %d", code)
	}
	if live := r.live(); len(live) != 0 {
		t.Errorf("it leaves %+v", live)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "pid")); err == nil {
		t.Error("the command was run")
	}
}

// TestRunWhosePathIsTaken goes on, says so within a lease however long the path
// is reserved, and exits as its command does.
func TestRunWhosePathIsTaken(t *testing.T) {
	for name, tc := range map[string]struct {
		flags  []string
		status int // of questions for the allocation, once it is released; 0: as it is
	}{
		"extended": {},
		"reserved": {flags: []string{"--duration", "8h"}},
		"unknown":  {flags: []string{"--duration", "8h"}, status: http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunner(t)
			var released atomic.Bool
			r.s.intercept(func(w http.ResponseWriter, q *http.Request, api http.Handler) {
				if released.Load() && tc.status != 0 && strings.HasSuffix(q.URL.Path, "/allocations/a-1") {
					w.WriteHeader(tc.status)
					return
				}
				api.ServeHTTP(w, q)
			})
			args := append([]string{"192.127.1.10", "192.127.1.11", "--lease", "3s"}, tc.flags...)
			p := r.start(append(args, "--", "sh", "-c",
				"echo $$ > pid.new; mv pid.new pid; while ! [ -e go ]; do sleep 0.05; done; exit 3")...)
			p.child()
			for _, al := range r.live() {
				if err := r.c.Release(t.Context(), al.ID); err != nil {
					t.Fatal(err)
				}
			}
			released.Store(true)
			r.until("it says so", func() bool { return strings.Contains(p.stderr.String(), "the path has ended") })
			if err := os.WriteFile(filepath.Join(r.dir, "go"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if code := p.code(); code != 3 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestRunWhoseServerIsAway: as long as no extension is due, a server that does
// not answer is no reason to say anything, and a path that has gone meanwhile
// is noticed afterwards.
func TestRunWhoseServerIsAway(t *testing.T) {
	r := newRunner(t)
	var away atomic.Bool
	var asked atomic.Int32
	r.s.intercept(func(w http.ResponseWriter, q *http.Request, api http.Handler) {
		if away.Load() && q.Method != http.MethodDelete && strings.HasSuffix(q.URL.Path, "/allocations/a-1") {
			asked.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		api.ServeHTTP(w, q)
	})
	p := r.start("192.127.1.10", "192.127.1.11", "--lease", "3s", "--duration", "8h", "--", "sh", "-c", sleeper)
	child := p.child()
	mine := r.live()
	if len(mine) != 1 {
		t.Fatalf("allocations %+v", mine)
	}
	away.Store(true)
	r.until("it has asked repeatedly", func() bool { return asked.Load() >= 2 })
	if s := p.stderr.String(); strings.Contains(s, "has ended") || strings.Contains(s, "cannot be extended") {
		t.Errorf("it says %s", s)
	}
	if err := r.c.Release(t.Context(), mine[0].ID); err != nil {
		t.Fatal(err)
	}
	away.Store(false)
	r.until("it says so", func() bool { return strings.Contains(p.stderr.String(), "the path has ended") })
	if err := child.Kill(); err != nil {
		t.Fatal(err)
	}
	if code := p.code(); code != 128+9 {
		t.Errorf("exit code %d", code)
	}
}

// TestRunThatCannotExtend says once that other allocations have the capacity
// from then on.
func TestRunThatCannotExtend(t *testing.T) {
	r := newRunner(t)
	p := r.start("192.127.1.10", "192.127.1.11", "--lease", "6s", "--bandwidth", "500M", "--", "sh", "-c", sleeper)
	child := p.child()
	mine := r.live()
	if len(mine) != 1 {
		t.Fatalf("allocations %+v", mine)
	}
	_, err := r.c.Allocate(t.Context(), client.Request{
		ProjectID: "projectB", SrcIP: "192.127.1.10", DstIP: "192.127.1.12", Duration: 3600, Bandwidth: 500_000_000, StartTime: *mine[0].EndTime,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.until("it says so", func() bool { return strings.Contains(p.stderr.String(), "the path cannot be extended: update: ") })
	r.until("the path ends", func() bool { return strings.Contains(p.stderr.String(), "the path has ended") })
	if n := strings.Count(p.stderr.String(), "cannot be extended"); n != 1 {
		t.Errorf("it complains %d times", n)
	}
	if err := child.Kill(); err != nil {
		t.Fatal(err)
	}
	if code := p.code(); code != 128+9 {
		t.Errorf("exit code %d", code)
	}
}

package acceptance

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
)

// A shell is a user's shell on some host, from which conga is run.
type shell struct {
	*world
	t   *testing.T
	dir string // home, and where commands run
}

// login returns a shell whose user has logged in with a password.
func (w *world) login(t *testing.T, user, project string) *shell {
	t.Helper()
	s := &shell{w, t, t.TempDir()}
	file := filepath.Join(s.dir, "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.conga("login", "--user", user, "--project", project, "--password-file", file)
	credentials, err := os.ReadFile(filepath.Join(s.dir, "conga", "credentials"))
	if err != nil {
		t.Fatal(err)
	}
	key := keyLike.FindString(string(credentials))
	if key == "" {
		t.Fatal("login has kept no key")
	}
	w.keep(key, "a key that login has kept")
	return s
}

// command returns a call of conga that has not begun.
func (s *shell) command(args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, "conga"), args...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "XDG_CONFIG_HOME="+s.dir, "CONGA_SERVER="+s.url,
		"CONGA_FINGERPRINT="+s.daemon.Said("listening for users")["fingerprint"].(string))
	return c
}

// conga runs a call of conga, which must succeed, and returns what it prints.
func (s *shell) conga(args ...string) string {
	s.t.Helper()
	c := s.command(args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	s.mu.Lock()
	s.seen.Write(stderr.Bytes())
	s.mu.Unlock()
	if err != nil {
		s.t.Fatalf("conga %s: %v\n%s", args, err, stderr.String())
	}
	return stdout.String()
}

// entries returns how many flow entries allocations have in the network.
func (w *world) entries() (n int) {
	for _, s := range w.network.Switches() {
		for _, f := range s.Flows(0) {
			if f.Priority >= 20000 && f.Priority < 60000 {
				n++
			}
		}
	}
	return n
}

// TestRun: a command that has ended leaves no allocation and no entry behind.
func TestRun(t *testing.T) {
	w := worldOf(t)
	s := w.login(t, "guarded", "project1")
	eventually.True(t, "the network is empty", func() bool { return w.entries() == 0 })
	s.conga("run", "192.127.1.10", "192.127.1.11", "--", "sleep", "1")
	for _, state := range []string{"pending", "active"} {
		if left := strings.TrimSpace(s.conga("list", "--state", state, "-o", "json")); left != "[]" {
			t.Errorf("there are still %s", left)
		}
	}
	eventually.True(t, "the entries are gone", func() bool { return w.entries() == 0 })
}

// TestRunKilled: when conga is killed, its allocation ends with its lease, and
// the entries with it.
func TestRunKilled(t *testing.T) {
	const lease = 3 * time.Second
	w := worldOf(t)
	s := w.login(t, "guarded", "project1")
	eventually.True(t, "the network is empty", func() bool { return w.entries() == 0 })
	c := s.command("run", "192.127.1.10", "192.127.1.11", "--lease", lease.String(), "--",
		"sh", "-c", "echo $$ $CONGA_ALLOCATION > running.new; mv running.new running; exec sleep 60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var id string
	eventually.True(t, "the command runs", func() bool {
		text, err := os.ReadFile(filepath.Join(s.dir, "running"))
		if fields := strings.Fields(string(text)); err == nil && len(fields) == 2 {
			pid, err = strconv.Atoi(fields[0])
			id = fields[1]
			return err == nil
		}
		return false
	})
	defer syscall.Kill(pid, syscall.SIGKILL) // nothing else ends it
	u := w.operator(t)
	if d := u.details(id); d["state"] != "active" || w.entries() == 0 {
		t.Errorf("while it runs: %v, %d entries", d, w.entries())
	}
	// It is killed after the lease was extended, so that it is not the first
	// lease that ends.
	start := time.Unix(int64(u.details(id)["start_time"].(float64)), 0)
	eventually.True(t, "the first lease has passed", func() bool { return time.Since(start) > lease+time.Second })
	if d := u.details(id); d["state"] != "active" {
		t.Errorf("after the first lease: %v", d)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	_ = c.Wait()
	eventually.True(t, "it is complete", func() bool { return u.details(id)["state"] == "complete" })
	end := time.Unix(int64(u.details(id)["end_time"].(float64)), 0)
	if late := end.Sub(killed); late > lease+time.Second { // seconds are whole
		t.Errorf("it ends %v after the kill, with a lease of %v", late, lease)
	}
	eventually.True(t, "the entries are gone", func() bool { return w.entries() == 0 })
	if left := strings.TrimSpace(s.conga("list", "--state", "active", "-o", "json")); left != "[]" {
		t.Errorf("there are still %s", left)
	}
	s.conga("release", id)
}

// TestRunUnheard: conga is told to end while it waits, with its messages going
// to closed pipes. It leaves nothing behind all the same.
func TestRunUnheard(t *testing.T) {
	w := worldOf(t)
	s := w.login(t, "guarded", "project1")
	nobody, stderr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	before := s.conga("list", "-o", "name")                            // what other tests have left, until it is gone
	c := s.command("run", "192.127.1.10", "203.0.113.1", "--", "true") // a host without a known port
	c.Stderr = stderr
	err = c.Start()
	stderr.Close()
	if err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "it waits", func() bool {
		return slices.ContainsFunc(strings.Fields(s.conga("list", "-o", "name")), func(name string) bool { return !strings.Contains(before, name) })
	})
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 128+15 {
		t.Errorf("exit code %d", code)
	}
	for _, state := range []string{"pending", "active"} {
		if left := strings.TrimSpace(s.conga("list", "--state", state, "-o", "json")); left != "[]" {
			t.Errorf("there are still %s", left)
		}
	}
}

// TestRunKilledWhileItWaits: a waiting path ends, too, when it is no longer
// waited for, and not before.
func TestRunKilledWhileItWaits(t *testing.T) {
	const lease = 3 * time.Second
	w := worldOf(t)
	u := w.user(t, "abc123", "projectB")
	u.active(with(sound(), "duration", 3600)) // the same traffic has one allocation at a time
	s := w.login(t, "guarded", "project1")
	c := s.command("run", "192.127.1.10", "192.127.1.11", "--timeout", "0", "--lease", lease.String(), "--", "touch", "ran")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	admin := w.operator(t)
	find := func() map[string]any {
		for _, one := range admin.want(200, "GET", "/api/allocations?project_id=project1", "").Results {
			if one["state"] == "pending" {
				return one
			}
		}
		return nil
	}
	eventually.True(t, "it asks", func() bool { return find() != nil })
	one := find()
	id := one["allocation_id"].(string)
	admin.cleared(id)
	// It extends the lease: the first one would be over by then.
	again := `"method":"POST","path":"/api/v1/allocations/` + id
	eventually.True(t, "it asks again", func() bool { return strings.Count(w.daemon.Text(), again) >= 4 })
	if d := admin.details(id); d["state"] != "pending" || d["start_time"] != one["start_time"] {
		t.Errorf("while it waits it is %v", d)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "it is given up", func() bool { return admin.details(id)["state"] == "complete" })
	if d := admin.details(id); !strings.Contains(d["reason"].(string), "lease of 3 s") {
		t.Errorf("the reason is %v", d["reason"])
	}
	if _, err := os.Stat(filepath.Join(s.dir, "ran")); err == nil {
		t.Error("the command has run")
	}
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/cmd/internal/process"
	"conga/httpapi/client"
	"conga/openflow/ofswitch"
)

// A running is the daemon as an operator starts it, in a test.
type running struct {
	*process.Process
	t *testing.T
}

const testConfig = `
data: %s
api: {listen: "127.0.0.1:0"}
openflow: {listen: "%s"}
network: {default_capacity: 1G}
directory:
  projects: [{id: projectB, members: [abc123]}]
  allow_passwordless: true
log: {format: json, level: debug}
`

// start runs congad with a file and waits until it listens.
func start(t *testing.T, file string) *running {
	t.Helper()
	return startCommand(t, exec.Command("congad", "--config", file))
}

// startCommand does as start, with a command that becomes congad.
func startCommand(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	started, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	p := &running{started, t}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("log of congad:\n%s", p.Text())
		}
	})
	p.until("listening for switches")
	return p
}

// until waits for a line with this message and returns it.
func (p *running) until(msg string) map[string]any {
	p.t.Helper()
	line := p.Said(msg)
	if line == nil {
		p.t.Fatalf("congad never said %q", msg)
	}
	return line
}

// untilText waits for a line whose field has the text.
func (p *running) untilText(field, text string) {
	p.t.Helper()
	if !eventually.Try(func() bool {
		return slices.ContainsFunc(p.Lines(), func(l map[string]any) bool { return strings.Contains(fmt.Sprint(l[field]), text) })
	}) {
		p.t.Fatalf("congad never said %q", text)
	}
}

// Stop sends a signal and returns the exit code.
func (p *running) Stop(s os.Signal) int {
	p.t.Helper()
	code := p.Process.Stop(s)
	if code < 0 && s != syscall.SIGKILL {
		p.t.Fatalf("congad does not stop at %v", s)
	}
	return code
}

// login returns a client with a key.
func (p *running) login() *client.Client {
	p.t.Helper()
	users := p.until("listening for users")
	fingerprint, _ := users["fingerprint"].(string) // none without TLS
	cfg := client.Config{BaseURL: users["url"].(string), Fingerprint: fingerprint, Middleware: p.checked}
	c, err := client.New(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	key, err := c.Login(p.t.Context(), client.Credentials{UserID: "abc123", ProjectID: "projectB"})
	if err != nil {
		p.t.Fatal(err)
	}
	c.Close()
	cfg.Key = key.APIKey
	if c, err = client.New(cfg); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	return c
}

func writeConfig(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ours returns how many flow entries allocations have in the network.
func ours(n *ofswitch.Network) (entries int) {
	for _, s := range n.Switches() {
		for _, f := range s.Flows(0) {
			if f.Priority >= 20000 && f.Priority < 60000 {
				entries++
			}
		}
	}
	return entries
}

// activated asks for an allocation, and returns it once it is active.
func activated(ctx context.Context, t *testing.T, c *client.Client, r client.Request) client.Allocation {
	t.Helper()
	made, err := c.Allocate(ctx, r)
	if err == nil {
		made, err = c.Wait(ctx, made.ID, client.Active, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// reach waits until a host reaches another.
func reach(ctx context.Context, t *testing.T, from, to *ofswitch.Host) {
	t.Helper()
	eventually.True(t, "the hosts reach each other", func() bool {
		try, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := from.Ping(try, to.Addr())
		return err == nil
	})
}

// A request becomes entries in switches, which stay over an ordered stop and
// over kill -9.
func TestDaemon(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	writeConfig(t, file, fmt.Sprintf(testConfig, data, "127.0.0.1:0"))
	p := start(t, file)
	addr := p.until("listening for switches")["addr"].(string)
	writeConfig(t, file, fmt.Sprintf(testConfig, data, addr)) // the same at the next start

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := ofswitch.Diamond(ofswitch.TopologyConfig{Switch: ofswitch.Config{Backoff: 100 * time.Millisecond}})
	defer n.Close()
	n.Start(ctx, addr)
	h1, h2 := n.Host("h1"), n.Host("h2")
	reach(ctx, t, h1, h2)

	c := p.login()
	made, err := c.Allocate(ctx, client.Request{
		ProjectID: "projectB", SrcIP: h1.Addr().String(), DstIP: h2.Addr().String(), Duration: 3600, Bandwidth: 40_000_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	al, err := c.Wait(ctx, made.ID, client.Active, nil)
	if err != nil {
		t.Fatalf("%v: %+v", err, al)
	}
	if len(al.Path) != 3 || al.Path[0].DPID != "0000000000000001" || al.Path[2].DPID != "0000000000000004" {
		t.Errorf("path %+v", al.Path)
	}
	entries := ours(n)
	if entries != 6 {
		t.Errorf("%d entries, want 6: two on each of three switches", entries)
	}

	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		code := p.Stop(signal)
		if signal == syscall.SIGTERM && code != 0 {
			t.Errorf("exit code %d after SIGTERM", code)
		}
		if got := ours(n); got != entries {
			t.Errorf("%d entries after %v, want %d", got, signal, entries)
		}
		p = start(t, file)
		c = p.login()
		if al, err := c.Show(ctx, made.ID); err != nil || al.State != client.Active {
			t.Errorf("after %v: %v %+v", signal, err, al)
		}
		if err := n.WaitConnected(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Release(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "the entries are gone", func() bool { return ours(n) == 0 })
	if al, err := c.Show(ctx, made.ID); err != nil || al.State != client.Complete || al.Reason == nil || *al.Reason != "released by abc123" {
		t.Errorf("released: %+v, error %v", al, err)
	}
	eventually.True(t, "its receipt is final", func() bool {
		receipt, err := c.AllocationStats(ctx, made.ID)
		return err == nil && receipt.Final && receipt.State == client.Complete
	})
	if code := p.Stop(os.Interrupt); code != 0 {
		t.Errorf("exit code %d after an interrupt", code)
	}
}

// A hangup applies what can be applied, names what cannot, and keeps the old
// configuration if the new one is wrong.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	text := fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0")
	writeConfig(t, file, text)
	p := start(t, file)
	p.login()

	writeConfig(t, file, text+"nonsense: true\n")
	p.Signal(syscall.SIGHUP)
	refused := p.until("the configuration is not applied; the old one stays")
	if !strings.Contains(refused["err"].(string), `unknown key "nonsense"`) {
		t.Errorf("it says %v", refused["err"])
	}
	p.login()

	text = strings.Replace(text, "members: [abc123]", "members: [xyz987], max_active: 1", 1)
	text = strings.Replace(text, "level: debug", "level: info", 1)
	writeConfig(t, file, strings.Replace(text, "1G", "2G", 1))
	p.Signal(syscall.SIGHUP)
	if applied := fmt.Sprint(p.until("configuration read again")["applied"]); applied != "[directory log.level]" {
		t.Errorf("applied %s", applied)
	}
	if later := fmt.Sprint(p.until("some of the configuration takes effect at the next start")["keys"]); later != "[network]" {
		t.Errorf("left for the next start: %s", later)
	}
	users := p.until("listening for users")
	c, err := client.New(client.Config{BaseURL: users["url"].(string), Fingerprint: users["fingerprint"].(string), Middleware: p.checked})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Login(t.Context(), client.Credentials{UserID: "abc123", ProjectID: "projectB"}); err == nil {
		t.Error("who is no longer a member gets a key")
	}
	if _, err := c.Login(t.Context(), client.Credentials{UserID: "xyz987", ProjectID: "projectB"}); err != nil {
		t.Error("who has become a member gets no key:", err)
	}
}

// A second daemon on the same data fails with a message and changes nothing.
func TestSingleInstance(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	writeConfig(t, file, fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0"))
	p := start(t, file)
	out, err := exec.Command("congad", "--config", file).CombinedOutput()
	if e, ok := err.(*exec.ExitError); !ok || e.ExitCode() != 1 || !strings.Contains(string(out), "locked") {
		t.Errorf("%v: %s", err, out)
	}
	p.login()
}

// The log has no secrets, not even of requests that have one in the path.
func TestLogHasNoSecrets(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	writeConfig(t, file, fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0"))
	p := start(t, file)
	c := p.login()
	key, err := c.Status(t.Context())
	if err != nil || key.UserID != "abc123" {
		t.Errorf("%v %+v", err, key)
	}
	admin, err := os.ReadFile(filepath.Join(dir, "data", "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, secret := range []string{key.APIKey, strings.TrimSpace(string(admin))} {
		if len(secret) < 20 || strings.Contains(p.Text(), secret) {
			t.Error("a key is in the log, or is none")
		}
	}
}

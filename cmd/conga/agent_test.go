package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/user"
	"strings"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
)

// TestScan finds both ends of a connection of the test's process.
func TestScan(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	served, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	s, now := newScanner(), time.Now()
	find := func(later time.Duration) *client.Connection {
		t.Helper()
		list, err := s.scan(t.Context(), now.Add(later))
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range list {
			if int(f.Source.Port) == c.LocalAddr().(*net.TCPAddr).Port {
				return &list[i]
			}
		}
		return nil
	}
	got := find(0)
	if got == nil {
		t.Fatal("it is not found")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	src := got.Source
	if got.Protocol != "tcp" || src.IP != "127.0.0.1" || got.Destination.IP != "127.0.0.1" || src.PID != int32(os.Getpid()) ||
		src.User != me.Username || src.Group == "" || !strings.HasPrefix("conga.test", src.Process) || src.Process == "" || src.Age < 0 || src.Age > 600 {
		t.Errorf("%+v", got)
	}
	if !within(*got) {
		t.Error("it is taken to leave the host")
	}
	if later := find(time.Hour); later == nil || later.Source.Age < 3600 {
		t.Errorf("an hour later: %+v", later)
	}
	c.Close()
	served.Close()
	if gone := find(2 * time.Hour); gone != nil {
		t.Errorf("after its end: %+v", gone)
	}
}

// TestScanAges: a connection from before the first scan is as old as its
// process, a later one is new.
func TestScanAges(t *testing.T) {
	s := newScanner()
	now := time.Unix(1_000_000, 0)
	id := flowOf{pid: 7}
	if got := s.begin(id, owner{started: now.Add(-time.Hour)}, now); got != now.Add(-time.Hour) {
		t.Errorf("one that was there before: %v", got)
	}
	if got := s.begin(id, owner{}, now); got != now {
		t.Errorf("one of a hidden process: %v", got)
	}
	s.first = false
	if got := s.begin(id, owner{started: now.Add(-time.Hour)}, now); got != now {
		t.Errorf("a new one of an old process: %v", got)
	}
}

// agentOf returns an agent of a server, with n connections to report.
func agentOf(t *testing.T, n int) (*agent, *fake, *bytes.Buffer) {
	t.Helper()
	s := newServer(t, t.Cleanup)
	s.fake.have("connections")
	key, _, err := s.keys.Issue(t.Context(), "abc123", "projectB")
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{BaseURL: s.URL, Key: key, Fingerprint: client.Fingerprint(s.Certificate())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var out bytes.Buffer
	list := make([]client.Connection, n)
	for i := range list {
		list[i] = client.Connection{
			Protocol: "tcp", Source: client.Reporter{IP: "192.127.1.10", Port: uint32(1 + i)}, Destination: client.Destination{IP: "192.127.1.11", Port: 443},
		}
	}
	if n > 0 {
		list[0].Destination.IP = "127.0.0.1"
	}
	scan := func(context.Context, time.Time) ([]client.Connection, error) {
		return append([]client.Connection(nil), list...), nil
	}
	connect := func() (caller, error) {
		const next = "conga_next" // the fake takes any key
		c, err := client.New(client.Config{BaseURL: s.URL, Key: next, Fingerprint: client.Fingerprint(s.Certificate())})
		return caller{Client: c, key: next}, err
	}
	return &agent{app: &app{err: &out}, s: caller{Client: c, key: key}, connect: connect, scan: scan, interval: time.Millisecond, deployment: "lab", job: "mover", index: 3}, s.fake, &out
}

func TestAgentReports(t *testing.T) {
	a, f, _ := agentOf(t, 2501)
	if err := a.report(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := f.take()
	if len(got) != 2500 || f.count("POST /connections") != 3 {
		t.Errorf("%d connections in %d reports", len(got), f.count("POST /connections"))
	}
	if s := got[0].Source; s.Deployment != "lab" || s.Job != "mover" || s.Index != 3 || s.Port != 2 {
		t.Errorf("%+v", got[0])
	}
	a.loopback = true
	if err := a.report(t.Context()); err != nil || len(f.take()) != 2501 {
		t.Errorf("with those within the host: %v", err)
	}
}

// TestAgentSurvivesOutages: it says what is wrong, once, and goes on.
func TestAgentSurvivesOutages(t *testing.T) {
	a, f, out := agentOf(t, 2)
	f.status = http.StatusUnprocessableEntity
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	eventually.True(t, "it has tried several times", func() bool { return f.count("POST /connections") > 3 })
	f.mu.Lock()
	f.status = 0
	f.mu.Unlock()
	eventually.True(t, "it reports again", func() bool { return len(f.take()) > 0 })
	n := f.count("POST /connections")
	eventually.True(t, "it goes on", func() bool { return f.count("POST /connections") > n+1 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	want := "conga: report connections: source.ip: is none; trying again\nconga: the reports are taken again\n"
	if out.String() != want {
		t.Errorf("it says %q", out)
	}
}

// TestAgentLeavesOut what the server does not take, and says so once; the rest
// is reported.
func TestAgentLeavesOut(t *testing.T) {
	a, f, out := agentOf(t, 1203)
	f.badPort = 7
	for range 2 {
		if err := a.report(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(f.take()); got != 1201 {
			t.Errorf("%d are reported", got)
		}
	}
	if want := "conga: 1 connections are left out: [5].source.port: is odd; [5].source: is odd\n"; out.String() != want {
		t.Errorf("it says %q", out)
	}
	one, f, _ := agentOf(t, 2)
	f.badPort = 2
	if err := one.report(t.Context()); err != nil || len(f.take()) != 0 {
		t.Errorf("one alone that is not taken: %v", err)
	}
}

// TestAgentTakesANewKey when the old one has ended.
func TestAgentTakesANewKey(t *testing.T) {
	a, f, _ := agentOf(t, 2)
	f.badKey = a.s.key
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	eventually.True(t, "it reports with the new key", func() bool { return len(f.take()) > 0 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	a.s.Close()
}

// TestLabel: a long name is cut between runes, and invalid runes are replaced
// before the length counts.
func TestLabel(t *testing.T) {
	long := strings.Repeat("a", maxLabel-1)
	for in, want := range map[string]string{
		"": "", "sshd": "sshd", long + "b": long + "b", long + "bc": long + "b", long + "é": long, "a\xff\xfeb": "a\ufffdb",
		strings.Repeat("\xffa", 200): strings.Repeat("\ufffda", maxLabel/4),
	} {
		if got := label(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestImpossible: no server takes these.
func TestImpossible(t *testing.T) {
	for _, test := range []struct {
		src, dst string
		want     bool
	}{
		{"192.127.1.10", "192.127.1.11", false}, {"2001:db8::1", "2001:db8::2", false}, {"192.127.1.10", "2001:db8::2", true},
		{"192.127.1.10", "0.0.0.0", true}, {"::", "2001:db8::2", true}, {"", "192.127.1.11", true},
	} {
		if got := impossible(client.Connection{Source: client.Reporter{IP: test.src}, Destination: client.Destination{IP: test.dst}}); got != test.want {
			t.Errorf("%s -> %s: %t", test.src, test.dst, got)
		}
	}
}

// TestAgentBacksOff: pauses are spread around the interval, grow with each
// failure up to a bound, and are never shorter than the server asks.
func TestAgentBacksOff(t *testing.T) {
	a := &agent{interval: 30 * time.Second}
	around := func(what string, got, want time.Duration) {
		t.Helper()
		if got < want*8/10 || got > want*12/10 {
			t.Errorf("%s: %v, want about %v", what, got, want)
		}
	}
	seen := map[time.Duration]bool{}
	for range 20 {
		p := a.pause(nil)
		around("all is well", p, 30*time.Second)
		seen[p] = true
	}
	if len(seen) < 10 {
		t.Error("all hosts would report at once")
	}
	down := errors.New("down")
	for _, want := range []time.Duration{60, 120, 240, 300, 300, 300} {
		around("down", a.pause(down), want*time.Second)
	}
	for range 100 {
		around("down for long", a.pause(down), 300*time.Second)
	}
	around("back", a.pause(nil), 30*time.Second)
	around("busy", a.pause(&client.Error{Status: 429, RetryAfter: 200 * time.Second}), 200*time.Second)
}

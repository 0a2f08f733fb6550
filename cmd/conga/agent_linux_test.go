package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conga/httpapi/client"
	"conga/httpapi/connections"
)

// TestAgentBearsNames: a process with a name that is too long for the interface
// is reported, and so is everything else on its host.
func TestAgentBearsNames(t *testing.T) {
	s := newServer(t, t.Cleanup)
	key, _, err := s.keys.Issue(t.Context(), "abc123", "projectB")
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{BaseURL: s.URL, Key: key, Fingerprint: client.Fingerprint(s.Certificate())})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The kernel keeps fifteen bytes of a name; the rest comes from the
	// process.
	const name = "fifteenbyteslong"
	long := name + strings.Repeat("x", 300)
	port, child := openConnection(t, name, long)

	// Only this test's own connections count.
	scan := newScanner()
	a := &agent{app: &app{err: &buffer{}}, s: caller{Client: c}, loopback: true, scan: func(ctx context.Context, now time.Time) ([]client.Connection, error) {
		list, err := scan.scan(ctx, now)
		mine := func(c client.Connection) bool {
			return c.Source.PID == int32(child) || c.Source.PID == int32(os.Getpid())
		}
		return slices.DeleteFunc(list, func(c client.Connection) bool { return !mine(c) }), err
	}}
	if err := a.report(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, total := s.seen.List(connections.Query{}, 0, -1)
	if total < 2 || !slices.ContainsFunc(found, func(c *connections.Connection) bool {
		return c.Source.Addr.Port() == port && c.Source.ProcessName == long[:maxLabel]
	}) {
		t.Errorf("of %d connections none is the one of the long name", total)
	}
}

// openConnection starts a process with the name, which claims the name says,
// and which has a connection. It returns the connection's port and the
// process's ID.
func openConnection(t *testing.T, name, says string) (port uint16, pid int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	other, err := l.Accept() // this process keeps it open
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	socket, err := conn.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	sleep, err := exec.LookPath("sleep")
	file := filepath.Join(t.TempDir(), name)
	if err == nil {
		err = os.Symlink(sleep, file)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(file, "60")
	c.Args[0], c.ExtraFiles = says, []*os.File{socket}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return uint16(conn.LocalAddr().(*net.TCPAddr).Port), c.Process.Pid
}

package main

import (
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConnectionsWithin(t *testing.T) {
	for files, want := range map[uint64]int{
		0: 1, 1: 1, 64: 32, 1024: 512, 4096: 2048, 20_000: 17_952, 1 << 20: 1<<20 - 2048, math.MaxUint64: 1<<30 - 2048,
	} {
		if got := connectionsWithin(files); got != want {
			t.Errorf("%d files: %d connections, want %d", files, got, want)
		}
	}
}

// Users, switches and connections that are coming up leave files for the rest.
func TestSwitchesWithin(t *testing.T) {
	for _, tt := range []struct {
		files                       uint64
		users, switches, handshakes int
	}{
		{0, 1, 1, 1}, {200, 100, 50, 25}, {1024, 512, 256, 128}, {4096, 2048, 1024, 512},
		{1 << 20, 4096, 4096, 512}, {math.MaxUint64, 4096, 4096, 512}, {10, 20, 1, 1},
	} {
		if s, h := switchesWithin(tt.files, tt.users); s != tt.switches || h != tt.handshakes {
			t.Errorf("%d files and %d users: %d switches and %d handshakes, want %d and %d", tt.files, tt.users, s, h, tt.switches, tt.handshakes)
		}
	}
}

// TestFloodOfConnections: a switch can connect however many clients connect to
// the API.
func TestFloodOfConnections(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, testConfig, filepath.Join(dir, "data"), "127.0.0.1:0"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startCommand(t, exec.Command("sh", "-c", `ulimit -n 200 && exec congad --config "$0"`, file))
	few := p.until("fewer connections of users than configured: raise the limit of open files")
	if few["files"] != 200.0 || few["max_connections"] != 100.0 {
		t.Errorf("it says %v", few)
	}
	users := strings.TrimPrefix(p.until("listening for users")["url"].(string), "https://")
	switches := p.until("listening for switches")["addr"].(string)
	dial := func(addr string) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		return c
	}
	var flood []net.Conn
	for range 300 {
		flood = append(flood, dial(users))
	}
	p.until("connections refused: too many are open")
	sw := dial(switches)
	if _, err := io.ReadFull(sw, make([]byte, 8)); err != nil {
		t.Errorf("a switch does not hear a hello: %v", err)
	}
	sw.Close()
	for _, c := range flood {
		c.Close()
	}
	if strings.Contains(p.Text(), "too many open files") {
		t.Error("it ran out of files")
	}
}

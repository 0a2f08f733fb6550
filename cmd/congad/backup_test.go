package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
)

// TestBackupUnderLoad saves the store while 64 clients ask for allocations,
// and restores it: it has each one that was answered before the backup began,
// and none that was never asked for.
func TestBackupUnderLoad(t *testing.T) {
	const clients = 64
	dir := t.TempDir()
	data, saved := filepath.Join(dir, "data"), filepath.Join(dir, "saved.db")
	file := filepath.Join(dir, "conga.yaml")
	writeConfig(t, file, fmt.Sprintf(testConfig, data, "127.0.0.1:0"))
	p := start(t, file)
	c := p.login()
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	var answered []string
	var wg sync.WaitGroup
	begun := make(chan struct{}, 2*clients)
	for i := range clients {
		wg.Go(func() {
			for n := 0; n < 1000 && ctx.Err() == nil; n++ {
				al, err := c.Allocate(t.Context(), client.Request{
					ProjectID: "projectB",
					SrcIP:     fmt.Sprintf("10.1.%d.%d", i, n%250+1), DstIP: fmt.Sprintf("10.2.%d.%d", i, n/250+1), Bandwidth: 1_000_000, Duration: 3600,
				})
				if err != nil {
					t.Error(err)
					begun <- struct{}{}
					return
				}
				mu.Lock()
				answered = append(answered, al.ID)
				mu.Unlock()
				if n == 0 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range clients {
		select {
		case <-begun:
		case <-time.After(4 * eventually.Patience):
			stop()
			t.Fatal("the clients are not answered")
		}
	}
	mu.Lock()
	before := len(answered)
	mu.Unlock()
	users := p.until("listening for users")
	code, _, says := congad(t, "backup", "--server", users["url"].(string), "--fingerprint", users["fingerprint"].(string),
		"--key-file", filepath.Join(data, adminKeyName), saved)
	stop()
	wg.Wait()
	if code != exitOK || !strings.Contains(says, "is whole") {
		t.Fatalf("%d: %s", code, says)
	}
	if left, _ := filepath.Glob(filepath.Join(data, "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	p.Stop(syscall.SIGTERM)

	again := filepath.Join(dir, "again")
	if code, _, says := congad(t, "restore", "--data", again, saved); code != exitOK {
		t.Fatalf("%d: %s", code, says)
	}
	writeConfig(t, file, fmt.Sprintf(testConfig, again, "127.0.0.1:0"))
	p = start(t, file)
	restored := map[string]bool{}
	for al, err := range p.login().List(t.Context(), "projectB", client.Pending) {
		if err != nil {
			t.Fatal(err)
		}
		restored[al.ID] = true
	}
	for _, id := range answered[:before] {
		if !restored[id] {
			t.Errorf("%s was answered before the backup, and is not in it", id)
		}
	}
	for _, id := range answered {
		delete(restored, id)
	}
	if len(restored) > 0 {
		t.Errorf("%d allocations come from nowhere", len(restored))
	}
}

// TestRestore: nothing is changed where a store is used, is there without
// leave to replace it, or the backup is damaged.
func TestRestore(t *testing.T) {
	dir := t.TempDir()
	data, saved := filepath.Join(dir, "data"), filepath.Join(dir, "saved.db")
	file := filepath.Join(dir, "conga.yaml")
	writeConfig(t, file, fmt.Sprintf(testConfig, data, "127.0.0.1:0"))
	p := start(t, file)
	url := p.until("listening for users")["url"].(string)
	// As the configuration says, whose port is one that the daemon chose.
	t.Setenv("CONGA_API", strings.TrimPrefix(url, "https://"))
	want := func(code int, sentence string, args ...string) {
		t.Helper()
		if got, _, says := congad(t, args...); got != code || !strings.Contains(says, sentence) {
			t.Errorf("%q: %d, want %d with %q:\n%s", args, got, code, sentence, says)
		}
	}
	want(exitOK, "is whole", "backup", "--config", file, saved)
	if info, err := os.Stat(saved); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	want(exitUsage, "exists; name a new file", "backup", "--config", file, saved)
	want(exitUsage, "backup needs FILE", "backup", "--config", file)
	want(exitFailure, "no such file", "backup", "--config", file, "--key-file", filepath.Join(dir, "absent"), filepath.Join(dir, "other.db"))
	wrong := filepath.Join(dir, "wrong.key")
	writeConfig(t, wrong, strings.Repeat("k", 43))
	want(exitFailure, "no such key", "backup", "--config", file, "--key-file", wrong, filepath.Join(dir, "other.db"))
	want(exitFailure, "another congad is using", "restore", "--config", file, "--replace", saved)
	p.Stop(syscall.SIGTERM)
	want(exitFailure, "", "backup", "--config", file, filepath.Join(dir, "other.db")) // nothing listens

	want(exitUsage, "there is a store already", "restore", "--config", file, saved)
	whole, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut.db")
	writeConfig(t, cut, string(whole[:len(whole)/2]))
	want(exitDamaged, "damaged", "restore", "--config", file, "--replace", cut)
	want(exitOK, "is restored", "restore", "--config", file, "--replace", saved)
	for name, there := range map[string]bool{"conga.db": true, "conga.db" + replacedAs: true} {
		if _, err := os.Stat(filepath.Join(data, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	want(exitUsage, "from an earlier restore", "restore", "--config", file, "--replace", saved)
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	inside, _ := filepath.Glob(filepath.Join(data, ".*"))
	if _, err := os.Stat(filepath.Join(dir, "other.db")); len(left)+len(inside) > 0 || err == nil {
		t.Errorf("left behind: %v %v %v", left, inside, err)
	}
	t.Setenv("CONGA_API", "")
	start(t, file)
}

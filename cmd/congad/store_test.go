package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"conga/allocator/store"
	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
)

// congad runs a command line to its end and returns its exit code and what it
// has said.
func congad(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := exec.Command("congad", args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errOut.String()
}

// used returns the configuration of a daemon that has run, with its data
// directory.
func used(t *testing.T) (file, data string) {
	t.Helper()
	dir := t.TempDir()
	file, data = filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	writeConfig(t, file, fmt.Sprintf(testConfig, data, "127.0.0.1:0"))
	p := start(t, file)
	c := p.login()
	for i := range 40 {
		if _, err := c.Allocate(t.Context(), client.Request{
			ProjectID: "projectB", SrcIP: fmt.Sprintf("192.127.1.%d", 10+i), DstIP: "192.127.2.1", Duration: 3600,
		}); err != nil {
			t.Fatal(err)
		}
	}
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	return file, data
}

// TestDamagedStore: a store that is damaged, empty or gone has an exit code of
// its own and a sentence, and what can be read is exported.
func TestDamagedStore(t *testing.T) {
	file, data := used(t)
	db := filepath.Join(data, "conga.db")
	whole, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	code, out, said := congad(t, "store", "check", "--config", file)
	if code != 0 || out != "" || !strings.Contains(said, "is whole: ") {
		t.Errorf("check of a whole store: %d %s%s", code, out, said)
	}
	code, lines, said := congad(t, "store", "export", "--data", data, "-")
	if code != 0 || strings.Count(lines, `{"bucket":"allocations","key":"`) != 40 || !strings.Contains(said, "are exported") {
		t.Errorf("export of a whole store: %d %s", code, said)
	}
	for line := range strings.Lines(lines) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	if err := os.WriteFile(filepath.Join(data, "conga.db.sunday"), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	refuses := func(what string, words ...string) {
		t.Helper()
		code, _, said := congad(t, "--config", file)
		for _, w := range append(words, "conga.db.sunday, of 2", "--new-store") {
			if code != 3 || !strings.Contains(said, w) || strings.Contains(said, "goroutine") || strings.Count(said, "congad: ") != 1 {
				t.Errorf("%s: exit code %d, and not %q: %s", what, code, w, said)
			}
		}
	}
	const page = 4096
	tried := 0
	for at := 0; at < len(whole) && tried < 8; at += page {
		harmed := bytes.Clone(whole)
		clear(harmed[at : at+page])
		if bytes.Equal(harmed, whole) {
			continue
		}
		if err := os.WriteFile(db, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, said := congad(t, "store", "check", "--config", file)
		if code == 0 && strings.Contains(said, "is whole") {
			continue // a page that is free
		}
		tried++
		if code != 3 || !strings.Contains(said, fmt.Sprintf("page %d", at/page)) || strings.Contains(said, "goroutine") {
			t.Errorf("page %d zeroed: check: %d %s", at/page, code, said)
		}
		if tried%3 == 1 {
			refuses(fmt.Sprintf("page %d zeroed", at/page), "is damaged: page", "congad store check", "congad store export FILE")
		}
		to := filepath.Join(t.TempDir(), "records")
		code, _, said = congad(t, "store", "export", "--data", data, to)
		lines, err := os.ReadFile(to)
		if code != 3 || err != nil || len(lines) == 0 || !strings.Contains(said, "are exported") {
			t.Errorf("page %d zeroed: export: %d %s, error %v", at/page, code, said, err)
		}
		if tried > 1 {
			continue
		}
		if code, _, said := congad(t, "store", "export", "--data", data, to); code != 2 || !strings.Contains(said, "name a new file") {
			t.Errorf("export over a file: %d %s", code, said)
		}
	}
	if tried < 4 {
		t.Errorf("only %d damages were found", tried)
	}
	for _, lack := range []string{"empty", "gone"} {
		err := os.Truncate(db, 0)
		if lack == "gone" {
			err = os.Remove(db)
		}
		if err != nil {
			t.Fatal(err)
		}
		words := []string{"conga.db is " + lack + ", but admin.key is beside it"}
		refuses(lack, words...)
		to := filepath.Join(t.TempDir(), "records")
		for _, args := range [][]string{{"check", "--config", file}, {"check", db}, {"export", "--data", data, to}} {
			code, _, said := congad(t, append([]string{"store"}, args...)...)
			for _, w := range append(words, "conga.db.sunday, of 2", "--new-store") {
				if code != 3 || !strings.Contains(said, w) {
					t.Errorf("%s: store %v: exit code %d, and not %q: %s", lack, args, code, w, said)
				}
			}
		}
		if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: of the new file: %v", lack, err)
		}
	}
	p := startCommand(t, exec.Command("congad", "--config", file, "--new-store"))
	p.login()
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if code, _, said := congad(t, "--config", file, "--new-store"); code != 2 || !strings.Contains(said, "there is a store already") {
		t.Errorf("--new-store beside a store: %d %s", code, said)
	}
	start(t, file)
}

// TestRepairedStore: a store of which a head is damaged, or a record that users
// count on, starts again once it is repaired, with all else; a copy of it is
// kept. Of damaged pages nothing is changed.
func TestRepairedStore(t *testing.T) {
	file, data := used(t)
	db := filepath.Join(data, "conga.db")
	kept := db + keptAs
	whole, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	repair := func(what string, code int, words ...string) {
		t.Helper()
		got, _, said := congad(t, "store", "repair", "--config", file)
		for _, w := range words {
			if got != code || !strings.Contains(said, w) {
				t.Errorf("%s: repair: %d %s; want %d %q", what, got, said, code, w)
			}
		}
	}
	harm := func(how func(b []byte)) []byte {
		t.Helper()
		harmed := bytes.Clone(whole)
		how(harmed)
		if err := os.WriteFile(db, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		return harmed
	}
	allocations := func() (n int) {
		t.Helper()
		if code, _, said := congad(t, "store", "check", "--config", file); code != 0 {
			t.Errorf("check after the repair: %d %s", code, said)
		}
		p := start(t, file)
		for _, err := range p.login().List(t.Context(), "projectB", "") {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if code := p.Stop(syscall.SIGTERM); code != 0 {
			t.Errorf("exit code %d", code)
		}
		return n
	}
	repair("a whole store", 0, "needs no repair")
	for head := range 2 {
		harmed := harm(func(b []byte) { b[head*4096+30] ^= 1 })
		if code, _, said := congad(t, "--config", file); code != 3 || !strings.Contains(said, "store repair") {
			t.Errorf("start with a damaged head: %d %s", code, said)
		}
		repair("a damaged head", 0, "a damaged head is written anew", kept)
		if before, err := os.ReadFile(kept); err != nil || !bytes.Equal(before, harmed) {
			t.Errorf("the copy differs, error %v", err)
		}
		repair("a copy that is there", 2, "move it away first")
		if err := os.Remove(kept); err != nil {
			t.Fatal(err)
		}
		if n := allocations(); n != 40 {
			t.Errorf("%d allocations are left", n)
		}
	}
	var value []byte
	harm(func([]byte) {})
	if _, err := store.Examine(t.Context(), db, func(r store.Record) error {
		if r.Bucket == store.Allocations {
			value = bytes.Clone(r.Value)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	harm(func(b []byte) {
		copy(b, bytes.ReplaceAll(b, value, append(value[:len(value)-1:len(value)-1], ^value[len(value)-1])))
	})
	repair("a damaged record", 0, "of allocations cannot be read: its checksum is wrong; it is removed")
	if n := allocations(); n != 39 {
		t.Errorf("%d allocations are left", n)
	}
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	harmed := harm(func(b []byte) { clear(b[3*4096 : 5*4096]) })
	repair("damaged pages", 3, "is damaged: page", "store export")
	if after, err := os.ReadFile(db); err != nil || !bytes.Equal(after, harmed) {
		t.Errorf("damaged pages are changed, error %v", err)
	}
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a copy is kept of what is not changed: %v", err)
	}
}

// TestCopyWithoutRecords: an empty copy is told so and is damaged; where no
// store has been, none has vanished.
func TestCopyWithoutRecords(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "copy")
	if code, _, said := congad(t, "store", "check", file); code != 1 || !strings.Contains(said, "no such file") {
		t.Errorf("check of no file: %d %s", code, said)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", file}, {"export", "--from", file, "-"}} {
		if code, _, said := congad(t, append([]string{"store"}, args...)...); code != 3 || !strings.Contains(said, "copy is empty") {
			t.Errorf("%v of an empty file: %d %s", args, code, said)
		}
	}
	if code, _, said := congad(t, "store", "check", dir); code != 1 || !strings.Contains(said, "is no regular file") {
		t.Errorf("check of a directory: %d %s", code, said)
	}
}

// TestExportedLine: a value that is no text any more is exported as data.
func TestExportedLine(t *testing.T) {
	for _, value := range []string{`{"user":"abc"}`, "{\"user\":\"a\xe3c\"}", "{"} {
		got, err := json.Marshal(lineOf(store.Record{Bucket: store.Audit, Key: []byte("1"), Value: []byte(value)}))
		if err != nil || !utf8.Valid(got) {
			t.Errorf("%q is exported as %q, error %v", value, got, err)
		}
		var back line
		if err := json.Unmarshal(got, &back); err != nil || string(back.Value)+string(back.Data) != value {
			t.Errorf("%q is read as %+v, error %v", value, back, err)
		}
	}
}

// TestFullDiskAnswers fills the disk below a daemon: changes are refused with
// 503, reading goes on, and both it and /readyz recover by themselves.
func TestFullDiskAnswers(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := smallDisk(t, data); err != nil {
		t.Logf("no disk can be mounted (%v), so that the store's own tests have to do", err)
		return
	}
	writeConfig(t, file, strings.Replace(fmt.Sprintf(testConfig, data, "127.0.0.1:0"),
		`api: {listen: "127.0.0.1:0"}`, `api: {listen: "127.0.0.1:0", plaintext: true}`, 1))
	p := start(t, file)
	url := p.until("listening for users")["url"].(string)
	c := p.login()
	key, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	allocate := func() (*http.Response, string) {
		n++
		body := fmt.Sprintf(`{"project_id":"projectB","src_ip":"10.0.%d.%d","dst_ip":"192.127.1.11","duration":3600}`, n/250, n%250+1)
		r, err := http.NewRequestWithContext(t.Context(), "POST", url+"/api/allocations", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key.APIKey)
		r.Header.Set("Content-Type", "application/json")
		return send(t, r)
	}
	ready := func() (*http.Response, string) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		return send(t, r)
	}
	if a, body := ready(); a.StatusCode != 200 || !strings.Contains(body, `{"name":"store","ready":true}`) {
		t.Errorf("readyz: %d %s", a.StatusCode, body)
	}
	ballast := filepath.Join(data, "ballast")
	fillDisk(t, ballast)
	made, refused := 0, 0
	for refused < 3 && made < 3000 {
		switch a, body := allocate(); {
		case a.StatusCode == 201:
			made++
		case a.StatusCode == 503 && a.Header.Get("Retry-After") == "10" && strings.Contains(body, "nothing was changed"):
			refused++
		default:
			t.Fatalf("%d %v %s", a.StatusCode, a.Header, body)
		}
	}
	if a, body := ready(); a.StatusCode != 503 || !strings.Contains(body, "no space left on device") || !strings.Contains(body, `"name":"store"`) {
		t.Errorf("readyz on a full disk: %d %s", a.StatusCode, body)
	}
	count := func(want int) {
		t.Helper()
		n := 0
		for _, err := range c.List(t.Context(), "projectB", "") {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != want {
			t.Errorf("%d allocations, want %d", n, want)
		}
	}
	count(made)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "the daemon is ready again", func() bool { a, _ := ready(); return a.StatusCode == 200 })
	if a, body := allocate(); a.StatusCode != 201 {
		t.Errorf("once there is room: %d %s", a.StatusCode, body)
	}
	count(made + 1)
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if code, _, said := congad(t, "store", "check", "--config", file); code != 0 {
		t.Errorf("the store afterwards: %d %s", code, said)
	}
	admin := filepath.Join(data, "admin.key")
	if err := os.Remove(admin); err != nil {
		t.Fatal(err)
	}
	fillDisk(t, ballast)
	if code, _, said := congad(t, "--config", file); code != exitDisk || !strings.Contains(said, "no space left") || !strings.Contains(said, "has room") {
		t.Errorf("no room for an admin key: %d %s", code, said)
	}
	if _, err := os.Stat(admin); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is left of a key that could not be written: %v", err)
	}
}

func send(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(a.Body); err != nil {
		t.Fatal(err)
	}
	return a, body.String()
}

// fillDisk takes all room that a disk has.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size >= 512; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
}

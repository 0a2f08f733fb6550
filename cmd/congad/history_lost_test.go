package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"conga/httpapi/client"
)

// A history that the system does not give keeps no daemon from starting: what
// was accepted is there, more is accepted, log and readiness say what is wrong,
// and with the list the history is back.
func TestStartsWithoutAHistory(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	writeConfig(t, file, strings.Replace(fmt.Sprintf(testConfig, data, "127.0.0.1:0"),
		`api: {listen: "127.0.0.1:0"}`, `api: {listen: "127.0.0.1:0", plaintext: true}`, 1))
	ready := func(p *running) string {
		r, err := http.NewRequestWithContext(t.Context(), "GET", p.until("listening for users")["url"].(string)+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		a, body := send(t, r)
		if a.StatusCode != 200 {
			t.Errorf("readyz: %d %s", a.StatusCode, body)
		}
		return body
	}
	request := client.Request{ProjectID: "projectB", SrcIP: "192.127.1.10", DstIP: "192.127.1.11", Duration: 3600}
	p := start(t, file)
	made, err := p.login().Allocate(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if body := ready(p); !strings.Contains(body, `{"name":"history","ready":true}`) {
		t.Error(body)
	}
	p.Stop(syscall.SIGTERM)
	list, aside := filepath.Join(data, "history", "tracks"), filepath.Join(dir, "tracks")
	replaced := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	replaced(os.Rename(list, aside), os.Mkdir(list, 0o700))
	p = start(t, file)
	c := p.login()
	if al, err := c.Show(t.Context(), made.ID); err != nil || al.ID != made.ID {
		t.Errorf("%+v, %v", al, err)
	}
	request.Protocol, request.SrcIP = "udp", "192.127.1.12"
	if _, err := c.Allocate(t.Context(), request); err != nil {
		t.Error(err)
	}
	if _, err := c.AllocationHistory(t.Context(), made.ID, client.HistorySpan{}); err != nil {
		t.Error(err)
	}
	if body := ready(p); !strings.Contains(body, "the history is kept in memory only") {
		t.Error(body)
	}
	if p.until("the history on the disk cannot be read; nothing of it is touched, and congad goes on without. Mend the directory and start congad again")["err"] == nil {
		t.Error("the log does not say why")
	}
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	replaced(os.Remove(list), os.Rename(aside, list))
	p = start(t, file)
	if body := ready(p); !strings.Contains(body, `{"name":"history","ready":true}`) {
		t.Error(body)
	}
}

package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const reportsConfig = testConfig + `
connections:
  keyless:
    - {from: 127.0.0.0/8, project: projectB, read: true}
`

// covalence sends a request to /connections, from a host that needs no key.
func (p *running) covalence(method, body string, out any) {
	p.t.Helper()
	url := p.until("listening for users")["url"].(string) + "/connections"
	r, err := http.NewRequestWithContext(p.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	// The certificate is not tested here.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: p.checked(transport)}).Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil || answer.StatusCode != 200 {
		p.t.Fatal(answer.Status, err)
	}
}

// An acknowledged report survives kill -9 with its UUID.
func TestReportsSurvive(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	writeConfig(t, file, fmt.Sprintf(reportsConfig, filepath.Join(dir, "data"), "127.0.0.1:0"))
	p := start(t, file)
	var reported struct {
		Success string
		UUIDs   []string `json:"connection_uuids"`
	}
	p.covalence("POST", `[{"source":{"ip":"10.80.76.9","port":"5893","user":"vcap","pid":205},"destination":{"ip":"10.80.79.34","port":6009}}]`, &reported)
	if reported.Success != "True" || len(reported.UUIDs) != 1 {
		t.Fatalf("answer is %+v", reported)
	}
	p.Stop(syscall.SIGKILL)
	p = start(t, file)
	var list []struct {
		UUID string `json:"connection_uuid"`
	}
	p.covalence("GET", "", &list)
	if len(list) != 1 || list[0].UUID != reported.UUIDs[0] {
		t.Errorf("listed are %v, reported was %v", list, reported.UUIDs)
	}
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

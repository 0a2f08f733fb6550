package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
)

// scraped returns the metrics of a daemon.
func (p *running) scraped() string {
	p.t.Helper()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // a test's own daemon
	defer c.CloseIdleConnections()
	a, err := c.Get(fmt.Sprint(p.until("listening for users")["url"]) + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// value returns the value of the sample with this name and these labels.
func value(t *testing.T, metrics, name string) float64 {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(metrics)
	if found == nil {
		t.Fatalf("there is no %s in the metrics", name)
	}
	v, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestOperatorsMetrics: the metrics tell whether the configuration was applied
// and since when, when the certificate expires, and how commits go.
func TestOperatorsMetrics(t *testing.T) {
	const applied, since = "conga_config_last_reload_successful", "conga_config_last_reload_success_timestamp_seconds"
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	text := fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0")
	writeConfig(t, file, text)
	p := start(t, file)
	p.login() // a key is saved
	m := p.scraped()
	began := value(t, m, since)
	if value(t, m, applied) != 1 || began == 0 {
		t.Errorf("after the start: applied %v since %v", value(t, m, applied), began)
	}
	expiry := time.Unix(int64(value(t, m, `conga_certificate_expiry_timestamp_seconds{listener="api"}`)), 0)
	if years := time.Until(expiry).Hours() / 24 / 365; years < 9 || years > 11 {
		t.Errorf("the certificate expires in %v years", years)
	}
	if strings.Contains(m, `{listener="openflow"}`) {
		t.Error("switches are shown no certificate, but it expires")
	}
	if value(t, m, "conga_store_commit_duration_seconds_count") == 0 || value(t, m, "conga_store_commit_failures_total") != 0 || value(t, m, "conga_store_writable") != 1 {
		t.Error("no commit is counted, or one failed")
	}
	if value(t, m, `conga_queue_capacity{queue="core"}`) < value(t, m, `conga_queue_length{queue="core"}`) {
		t.Error("more waits than may")
	}
	writeConfig(t, file, text+"nonsense: true\n")
	p.Signal(syscall.SIGHUP)
	eventually.True(t, "the metrics tell of a refusal", func() bool { m = p.scraped(); return value(t, m, applied) == 0 })
	if value(t, m, since) != began {
		t.Error("what was refused counts as applied")
	}
	writeConfig(t, file, text)
	p.Signal(syscall.SIGHUP)
	eventually.True(t, "the metrics tell of an application", func() bool { m = p.scraped(); return value(t, m, applied) == 1 })
	if value(t, m, since) <= began {
		t.Error("it was applied, but not since then")
	}
}

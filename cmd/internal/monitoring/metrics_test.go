package monitoring

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"conga/cmd/internal/eventually"
)

// serverAt finds the address of the API in what the demonstration prints.
var serverAt = regexp.MustCompile(`https://[0-9.]+:[0-9]+`)

// demonstration starts congad demo and returns the address of its API.
func demonstration(t *testing.T) string {
	t.Helper()
	congad := filepath.Join(t.TempDir(), "congad")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", congad, "conga/cmd/congad").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	demo := exec.CommandContext(ctx, congad, "demo", "--data", t.TempDir(), "--api", "127.0.0.1:0")
	demo.Stderr = os.Stderr
	out, err := demo.StdoutPipe()
	if err == nil {
		err = demo.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = demo.Process.Signal(syscall.SIGINT); _ = demo.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := serverAt.FindString(lines.Text()); found != "" {
			go func() { _, _ = io.Copy(io.Discard, out) }() // what it says later must not fill the pipe
			return found
		}
	}
	t.Fatal("the demonstration ended before it was over")
	return ""
}

// metrics returns what Prometheus would read.
func metrics(url string) ([]byte, error) {
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // of this process, on the loopback
	defer c.CloseIdleConnections()
	answer, err := c.Get(url + "/metrics")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

// seriesOf matches the name of a sample.
var seriesOf = regexp.MustCompile(`(?m)^[a-zA-Z_:][a-zA-Z0-9_:]*`)

// TestMetricsExist: every metric of a dashboard or an alert is reported by a daemon
// that controls switches, and every one of ours that is reported is used, so
// that none is forgotten. promtool finds nothing amiss in what is reported.
func TestMetricsExist(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the daemon")
	}
	url := demonstration(t)
	used := map[string]string{}
	for _, u := range uses(t) {
		for _, name := range metricsOf(u.expression) {
			used[name] = u.where
		}
	}
	delete(used, "up") // Prometheus has it of every target
	var text []byte
	var missing []string
	complete := eventually.Try(func() (ok bool) {
		var err error
		if text, err = metrics(url); err != nil {
			return false
		}
		reported := map[string]bool{}
		for _, name := range seriesOf.FindAllString(string(text), -1) {
			reported[name] = true
		}
		missing = missing[:0]
		for name, where := range used {
			if !reported[name] {
				missing = append(missing, name+" of "+where)
			}
		}
		return len(missing) == 0
	})
	if !complete {
		t.Fatalf("not reported: %q", missing)
	}
	for _, name := range seriesOf.FindAllString(string(text), -1) {
		if used[name] == "" && used[strings.TrimSuffix(name, "_sum")+"_count"] == "" && strings.HasPrefix(name, "conga_") {
			t.Errorf("%s is on no dashboard", name)
			used[name] = "said"
		}
	}
	t.Run("promtool", func(t *testing.T) { promtool(t, bytes.NewReader(text), "check", "metrics") })
}

// promtool runs Prometheus's own checks, and skips the test where it is not
// installed. CI installs it if it runs as root.
func promtool(t *testing.T, in io.Reader, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") != "" && os.Getuid() == 0 {
			t.Fatal("there is no promtool; Debian has it in the package prometheus")
		}
		t.Skip("there is no promtool; Debian has it in the package prometheus")
	}
	c := exec.CommandContext(t.Context(), program, args...)
	c.Stdin = in
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// variables are those of Grafana in expressions, and what they may stand for.
var variables = strings.NewReplacer("$__rate_interval", "1m", "$instance", "localhost:8443", "$dpid", ".*")

// TestPromtool has promtool check the alerts, when they are raised, and as
// rules all expressions of the dashboards.
func TestPromtool(t *testing.T) {
	promtool(t, nil, "check", "rules", alertsFile)
	promtool(t, nil, "test", "rules", folder+"/alerts_test.yaml")
	var all []map[string]string
	for i, u := range uses(t) {
		all = append(all, map[string]string{"record": fmt.Sprintf("a:%d", i), "expr": variables.Replace(u.expression)})
	}
	slices.SortFunc(all, func(a, b map[string]string) int { return strings.Compare(a["record"], b["record"]) })
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboards", "rules": all}}})
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "rules", file)
}

// TestEachAlertIsTested: alerts_test.yaml has each of them raised.
func TestEachAlertIsTested(t *testing.T) {
	text, err := os.ReadFile(folder + "/alerts_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules(t) {
		if !bytes.Contains(text, []byte(`{alertname="`+r.Alert+`"}`)) {
			t.Errorf("%s is not raised in alerts_test.yaml", r.Alert)
		}
	}
}

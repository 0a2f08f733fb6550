package browser

import (
	"bufio"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

const source = "../../../web"

// needs skips the test where something is missing that the page is built or
// driven with; a page that was not built is tested in web.
func needs(t *testing.T) (chromium string) {
	t.Helper()
	for _, file := range []string{"dist/index.html", "node_modules/puppeteer-core/package.json"} {
		if _, err := os.Stat(filepath.Join(source, file)); err != nil {
			t.Skip("the page is not built: make page needs Node.js")
		}
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no node")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium; Debian has it as a package")
	}
	return chromium
}

// serverAt finds the address of the API in what the demonstration prints last.
var serverAt = regexp.MustCompile(`--server (https://[0-9.:]+)`)

// build builds the daemon and returns its file.
func build(t *testing.T) (congad string) {
	t.Helper()
	congad = filepath.Join(t.TempDir(), "congad")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", congad, "conga/cmd/congad").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return congad
}

// demonstration starts congad demo and returns the address of the page, once
// there are network and allocations.
func demonstration(ctx context.Context, t *testing.T, congad, data string) string {
	t.Helper()
	demo := exec.Command(congad, "demo", "--data", data, "--api", "127.0.0.1:0")
	demo.Stderr = os.Stderr
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	kill := context.AfterFunc(ctx, func() { _ = demo.Process.Kill() })
	t.Cleanup(func() {
		_ = demo.Process.Signal(syscall.SIGINT)
		_ = demo.Wait()
		kill()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := serverAt.FindStringSubmatch(lines.Text()); found != nil {
			go func() { // what it says later must not fill the pipe
				for lines.Scan() {
				}
			}()
			return found[1]
		}
	}
	t.Fatal("the demonstration ended before it was over")
	return ""
}

// TestPage is web/test/page.mjs and web/test/operator.mjs: what users do, and
// what operators do, on a wide and on a narrow screen.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	chromium := needs(t)
	congad := build(t)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute) // with TestLargeMap's 2, less than -timeout
	defer cancel()
	data := filepath.Join(t.TempDir(), "data")
	address := demonstration(ctx, t, congad, data)
	for _, script := range []string{"page.mjs", "operator.mjs"} {
		drive(ctx, t, script, address, filepath.Join(data, "admin.key"), pictures(), chromium)
	}
}

// pictures returns the folder that PICTURES names for pictures of every page.
func pictures() string { return cmp.Or(os.Getenv("PICTURES"), "none") }

// drive runs a script of web/test, and logs what it prints. When ctx is done
// the script ends its browser.
func drive(ctx context.Context, t *testing.T, script string, args ...string) {
	t.Helper()
	driver := exec.CommandContext(ctx, "node", append([]string{filepath.Join("test", script)}, args...)...)
	driver.Dir = source
	driver.Cancel = func() error { return driver.Process.Signal(syscall.SIGTERM) }
	driver.WaitDelay = 20 * time.Second
	out, err := driver.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		t.Errorf("%s is not done in time: the machine is too slow, or the page hangs", script)
	case err != nil:
		t.Errorf("%s: %v", script, err)
	}
	t.Logf("%s", out)
}

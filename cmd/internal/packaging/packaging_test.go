package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const root = "../../../"

// read returns the text of a file of the source.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(root + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestContents looks at what the packages are to hold: files that there are,
// for everybody to read but the configuration, which an upgrade leaves alone.
func TestContents(t *testing.T) {
	var package_ struct {
		Contents []struct {
			Src, Dst, Type, Packager string
			FileInfo                 struct{ Mode uint32 } `yaml:"file_info"`
		}
		Overrides map[string]struct{ Scripts map[string]string }
	}
	if err := yaml.Unmarshal([]byte(read(t, "packaging/nfpm.yaml")), &package_); err != nil {
		t.Fatal(err)
	}
	configured := map[string]bool{}
	for _, c := range package_.Contents {
		if c.Src != "" && !strings.HasPrefix(c.Src, "${STAGE}/") {
			if found, err := filepath.Glob(root + c.Src); err != nil || len(found) == 0 {
				t.Errorf("%s: %s is not there (%v)", c.Dst, c.Src, err)
			}
		}
		if c.Dst == "/etc/conga/conga.yaml" {
			configured[c.Packager] = c.Type == "config|noreplace" && c.FileInfo.Mode == 0o640
			continue
		}
		if c.Type == "tree" {
			t.Errorf("%s would have times of its own in each checkout", c.Dst)
		}
		if want := mode(c.Dst); c.FileInfo.Mode != want && c.Type == "" {
			t.Errorf("%s has the mode %o, want %o", c.Dst, c.FileInfo.Mode, want)
		}
	}
	if !configured["deb"] || !configured["rpm"] {
		t.Errorf("not every package keeps the configuration, and keeps it private: %v", configured)
	}
	for packager, o := range package_.Overrides {
		for when, script := range o.Scripts {
			if out, err := exec.CommandContext(t.Context(), "sh", "-n", root+script).CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v\n%s", packager, when, err, out)
			}
		}
		if len(o.Scripts) < 3 {
			t.Errorf("%s has %d scripts", packager, len(o.Scripts))
		}
	}
}

func mode(path string) uint32 {
	if strings.HasPrefix(path, "/usr/bin/") || strings.HasPrefix(path, "/usr/lib/conga/") {
		return 0o755
	}
	return 0o644
}

// unit returns the settings of the service.
func unit(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(read(t, "packaging/congad.service")) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			out[key] = value
		}
	}
	return out
}

// TestUnit holds the service against the packaged configuration.
func TestUnit(t *testing.T) {
	u := unit(t)
	if u["ExecStart"] != "/usr/bin/congad --config /etc/conga/conga.yaml" || u["User"] != "conga" || u["Type"] != "notify" || u["ExecReload"] == "" || u["WatchdogSec"] == "" {
		t.Errorf("the service is %v", u)
	}
	var c struct{ Data string }
	if err := yaml.Unmarshal([]byte(read(t, "packaging/conga.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	if c.Data != filepath.Join("/var/lib", u["StateDirectory"]) {
		t.Errorf("the data is in %s, and the service may write to /var/lib/%s", c.Data, u["StateDirectory"])
	}
}

// TestExposure asks systemd how much of the machine the service could reach: 0
// is nothing and 100 everything.
func TestExposure(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze; install systemd 250 or later to have this tested")
	}
	help, err := exec.CommandContext(t.Context(), program, "--help").CombinedOutput()
	if !strings.Contains(string(help), "--offline") {
		t.Skipf("this systemd-analyze knows no --offline (%v); systemd 250 and later do", err)
	}
	out, err := exec.CommandContext(t.Context(), program, "security", "--offline=true", "--threshold=20", "--no-pager", root+"packaging/congad.service").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestVersion has a build without a repository say the version that the
// packages are on the way to.
func TestVersion(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/packaging", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"version.sh", "VERSION"} {
		if err := os.WriteFile(dir+"/packaging/"+name, []byte(read(t, "packaging/"+name)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	version := strings.TrimSpace(read(t, "packaging/VERSION"))
	for want, environment := range map[string]string{
		"VERSION=" + version + "\nCOMMIT=\nDATE=1980-01-01T00:00:00Z\nSOURCE_DATE_EPOCH=315532800\n":    "NONE=",
		"VERSION=" + version + "\nCOMMIT=abc\nDATE=1980-01-01T00:00:00Z\nSOURCE_DATE_EPOCH=315532800\n": "COMMIT=abc",
	} {
		c := exec.CommandContext(t.Context(), dir+"/packaging/version.sh")
		c.Env = []string{"PATH=" + os.Getenv("PATH"), environment}
		if out, err := c.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("with %s: %v\n%swant\n%s", environment, err, out, want)
		}
	}
}

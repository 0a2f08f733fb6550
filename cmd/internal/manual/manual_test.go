package manual

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestPages wants the same pages at any time, since a package is built of them.
func TestPages(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1893456000")
	dir := filepath.Join(t.TempDir(), "man")
	root := &cobra.Command{Use: "tool", Short: "Do things", Run: func(*cobra.Command, []string) {}}
	root.AddCommand(&cobra.Command{Use: "sub", Short: "Do one thing", Run: func(*cobra.Command, []string) {}})
	if err := Commands(root, "8", dir); err != nil {
		t.Fatal(err)
	}
	if err := Text("tool.yaml", "5", "# NAME\n\ntool.yaml - what tool reads\n", dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"tool.8":      `.TH "TOOL" "8" "Jan 2030" "conga `,
		"tool-sub.8":  "Do one thing",
		"tool.yaml.5": `.TH "tool.yaml" "5" "Jan 2030" "conga `,
	} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(page), want) {
			t.Errorf("%s lacks %q (%v):\n%s", name, want, err, page)
		}
	}
	if err := Text("x", "5", "", filepath.Join(dir, "absent")); err == nil {
		t.Error("a page was written into no directory")
	}
}

package web

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// html finds what makes HTML, or a script, of a text.
var html = regexp.MustCompile(`dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc|javascript:`)

// keeps finds what keeps something in the browser.
var keeps = regexp.MustCompile(`localStorage|sessionStorage|indexedDB|document\.cookie`)

// keeper is the one file that keeps something: where switches are drawn.
var keeper = filepath.Join("src", "map", "positions.ts")

// TestNoHTML: all text is rendered as text, and nothing is kept that would open
// anything.
func TestNoHTML(t *testing.T) {
	n := 0
	err := filepath.WalkDir("src", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".d.ts") || !strings.Contains(filepath.Ext(name), ".ts") {
			return err
		}
		n++
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if found := html.Find(text); found != nil {
			t.Errorf("%s has %s", name, found)
		}
		if found := keeps.Find(text); found != nil && name != keeper {
			t.Errorf("%s has %s", name, found)
		}
		return nil
	})
	if err != nil || n < 20 {
		t.Fatal(n, err)
	}
}

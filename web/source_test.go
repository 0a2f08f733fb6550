package web

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// html finds what makes HTML, or a script, of a text; and what keeps something
// in the browser.
var html = regexp.MustCompile(`dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc|localStorage|javascript:`)

// TestNoHTML: all text is rendered as text, and nothing is kept that would open
// anything.
func TestNoHTML(t *testing.T) {
	files, err := filepath.Glob("src/*.ts*")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, ".d.ts") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := html.Find(text); found != nil {
			t.Errorf("%s has %s", name, found)
		}
	}
}

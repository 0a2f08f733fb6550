package rules

import (
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	code     = regexp.MustCompile("`([^`\n]+)`")
	named    = regexp.MustCompile(`^[\w./-]+$`)
	testName = regexp.MustCompile(`^Test[A-Z]\w*$`)
)

// changeNames returns the files and the tests that the section "Ten changes" of
// CONTRIBUTING.md names, and the packages whose tests it runs.
func changeNames(t *testing.T) (files, tests []string) {
	t.Helper()
	text, err := os.ReadFile(root + "/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Ten changes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range code.FindAllStringSubmatch(section, -1) {
		args, run := strings.CutPrefix(m[1], "go test ")
		for _, word := range strings.Fields(args) {
			switch word = strings.TrimSuffix(word, "/..."); {
			case testName.MatchString(word):
				tests = append(tests, word)
			case run && strings.HasPrefix(word, "./"), !run && named.MatchString(word) && strings.ContainsAny(word, "/."):
				files = append(files, word)
			}
		}
	}
	return files, tests
}

// What "Ten changes" names is there: a newcomer follows it to the letter.
func TestTenChanges(t *testing.T) {
	files, tests := changeNames(t)
	if len(files) < 50 || len(tests) < 20 {
		t.Fatalf("only %d files and %d tests were found", len(files), len(tests))
	}
	for _, name := range files {
		if _, err := os.Stat(root + "/" + name); err != nil {
			t.Errorf("CONTRIBUTING.md, Ten changes: %v", err)
		}
	}
	found := map[string]bool{}
	sources(t, func(name string, _ []byte, file *ast.File) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasSuffix(name, "_test.go") {
				found[f.Name.Name] = true
			}
		}
	})
	for _, name := range tests {
		if !found[name] {
			t.Errorf("CONTRIBUTING.md, Ten changes: there is no test %s", name)
		}
	}
}

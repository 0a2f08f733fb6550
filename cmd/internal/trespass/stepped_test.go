package trespass

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// steppedTime is asked for the time in place of the package time.
const steppedTime = "testdata/steppedtime/steppedtime.go"

// buildStepped builds the daemon of a source tree with a wall clock that the
// test sets. Our own sources are compiled as they are but for that; those of
// others, which decide nothing by the time of day, keep the machine's.
func buildStepped(t *testing.T, tree, dir string) programs {
	t.Helper()
	replace, err := steppedSources(tree, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err == nil {
		err = os.WriteFile(file, overlay, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return goBuild(t, tree, dir, "-overlay", file, "conga/cmd/congad")
}

// steppedSources writes the sources of a tree that take the time into dir, such
// that they take it from the package steppedtime, and returns which file stands
// for which.
func steppedSources(tree, dir string) (map[string]string, error) {
	tree, err := filepath.Abs(tree)
	if err != nil {
		return nil, err
	}
	replace := map[string]string{}
	err = filepath.WalkDir(tree, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && name != tree && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata" || e.Name() == "node_modules"):
			return filepath.SkipDir
		case e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(name)
		if err == nil {
			source, err = stepped(source)
		}
		if err != nil || source == nil {
			return err
		}
		replace[name] = filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		return os.WriteFile(replace[name], source, 0o600)
	})
	if err == nil {
		replace[filepath.Join(tree, "steppedtime", "steppedtime.go")], err = filepath.Abs(steppedTime)
	}
	return replace, err
}

// stepped returns a source with the time taken from package steppedtime, nil if it
// takes none.
func stepped(source []byte) ([]byte, error) {
	f, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var uses []int // offsets of the package's name
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			x, ok := s.X.(*ast.Ident)
			if ok && x.Name == "time" && (s.Sel.Name == "Now" || s.Sel.Name == "Since" || s.Sel.Name == "Until") {
				uses = append(uses, int(x.Pos()-f.FileStart))
			}
		}
		return true
	})
	if uses == nil {
		return nil, nil
	}
	var out bytes.Buffer
	from := int(f.Name.End() - f.FileStart)
	out.Write(source[:from])
	out.WriteString(`; import "conga/steppedtime"`)
	for _, use := range uses {
		out.Write(source[from:use])
		out.WriteString("steppedtime")
		from = use + len("time")
	}
	out.Write(source[from:])
	out.WriteString("\nvar _ time.Duration\n") // it may be imported for nothing now
	return out.Bytes(), nil
}

// TestStepped: what takes the time takes it from the other package, also as a
// value, and all else stays.
func TestStepped(t *testing.T) {
	got, err := stepped([]byte("// Package p.\npackage p\n\nimport \"time\"\n\nvar now = time.Now\n\nfunc f(d time.Duration) bool { return time.Since(time.Now()) > d }\n"))
	const want = "// Package p.\npackage p; import \"conga/steppedtime\"\n\nimport \"time\"\n\nvar now = steppedtime.Now\n\nfunc f(d time.Duration) bool { return steppedtime.Since(steppedtime.Now()) > d }\n\nvar _ time.Duration\n"
	if err != nil || string(got) != want {
		t.Errorf("%v: %s", err, got)
	}
	if got, err := stepped([]byte("package p\n\nimport \"time\"\n\nconst d = time.Second\n")); err != nil || got != nil {
		t.Errorf("%v: %s", err, got)
	}
}

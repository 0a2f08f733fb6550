package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// maxLines is how long a file may be that is not a test.
const maxLines = 400

// A source is a Go file of the module.
type source struct {
	name string // relative to the root, with slashes
	text []byte
	file *ast.File
}

// parsed returns all Go files of the module.
var parsed = sync.OnceValues(func() (all []source, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata" || d.Name() == "node_modules") && path != root {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all = append(all, source{strings.TrimPrefix(filepath.ToSlash(path), root+"/"), text, file})
		return nil
	})
	return all, err
})

// sources calls f with every Go file of the module.
func sources(t *testing.T, f func(name string, text []byte, file *ast.File)) {
	t.Helper()
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("only %d files were found", len(all))
	}
	for _, s := range all {
		f(s.name, s.text, s.file)
	}
}

func TestFilesAreShort(t *testing.T) {
	sources(t, func(name string, text []byte, file *ast.File) {
		if lines := strings.Count(string(text), "\n"); lines > maxLines && !strings.HasSuffix(name, "_test.go") && !ast.IsGenerated(file) {
			t.Errorf("%s has %d lines; %d is the most", name, lines, maxLines)
		}
	})
}

// Every package has exactly one package comment, which says what it is for.
func TestPackagesAreDocumented(t *testing.T) {
	comments, seen := map[string][]string{}, map[string]string{}
	sources(t, func(name string, _ []byte, file *ast.File) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		seen[dir] = file.Name.Name
		if file.Doc == nil {
			return
		}
		comments[dir] = append(comments[dir], name)
		want := "Package " + file.Name.Name + " "
		if file.Name.Name == "main" {
			want = "Command " + filepath.Base(dir) + " "
		}
		if !strings.HasPrefix(file.Doc.Text(), want) {
			t.Errorf("%s: the package comment does not begin with %q", name, want)
		}
	})
	for dir := range seen {
		if n := len(comments[dir]); n != 1 {
			t.Errorf("package %s has %d package comments, want one: %v", dir, n, comments[dir])
		}
	}
}

// Every exported name has a comment. In a group of constants or variables the
// comment of the group will do, and fields need none.
func TestExportedNamesAreDocumented(t *testing.T) {
	sources(t, func(name string, _ []byte, file *ast.File) {
		if strings.HasSuffix(name, "_test.go") || file.Name.Name == "main" {
			return
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s has no comment", name, d.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					undocumented(d, s, func(id *ast.Ident) { t.Errorf("%s: %s has no comment", name, id) })
				}
			}
		}
	})
}

// undocumented reports the exported names of s that have no comment.
func undocumented(d *ast.GenDecl, s ast.Spec, report func(*ast.Ident)) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
			report(s.Name)
		}
	case *ast.ValueSpec:
		for _, id := range s.Names {
			if id.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				report(id)
			}
		}
	}
}

// exportedReceiver reports whether f is a function, or a method of an exported
// type.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	typ := f.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// The licence is the one that the project is under, whole.
func TestLicence(t *testing.T) {
	text, err := os.ReadFile(root + "/LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"Apache License", "Version 2.0, January 2004", "9. Accepting Warranty or Additional Liability", "END OF TERMS AND CONDITIONS"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("LICENSE lacks %q", part)
		}
	}
}

// The Makefile works in an unpacked archive too, which git knows nothing of. A
// command that lists no files there leaves gofmt waiting for its standard
// input.
func TestMakefileWithoutGit(t *testing.T) {
	text, err := os.ReadFile(root + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "git ls-files") || strings.Contains(string(text), "$(git ") {
		t.Error("the Makefile asks git")
	}
}

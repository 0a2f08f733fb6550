package main

import (
	"cmp"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uudashr/gocognit"
)

// whole is the name of the row about all rooms together.
const whole = "all"

// A room is what is counted of a package, or of all.
type room struct {
	path       string // below the module; whole: all of it
	files      []int  // lines of each file that is no test
	functions  []int  // lines of each function
	complexity []int  // cognitive complexity of each function
	exported   int    // exported names
	documented int    // those of them with a comment
	tests      int    // lines of tests
	statements int    // 0: not counted
	covered    int    // statements that tests run

	imports map[string]bool // import paths of files that are no tests
}

func (r *room) lines() int {
	n := 0
	for _, lines := range r.files {
		n += lines
	}
	return n
}

// read reads the source of the module in dir. Rooms are sorted by path.
func read(dir string) ([]*room, error) {
	rooms := map[string]*room{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != dir && (d.Name() == "testdata" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		at, err := filepath.Rel(dir, filepath.Dir(name))
		if err != nil {
			return err
		}
		path := filepath.ToSlash(at)
		if rooms[path] == nil {
			rooms[path] = &room{path: path}
		}
		return rooms[path].read(name)
	})
	if err != nil {
		return nil, err
	}
	if len(rooms) == 0 {
		return nil, errors.New("no Go files here")
	}
	return slices.SortedFunc(maps.Values(rooms), func(a, b *room) int { return cmp.Compare(a.path, b.path) }), nil
}

// read adds a file.
func (r *room) read(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	lines := strings.Count(string(text), "\n")
	if strings.HasSuffix(name, "_test.go") {
		r.tests += lines
		return nil
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if ast.IsGenerated(file) {
		return nil
	}
	r.files = append(r.files, lines)
	r.importAll(file)
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			r.functions = append(r.functions, fset.Position(d.End()).Line-fset.Position(d.Pos()).Line+1)
			r.complexity = append(r.complexity, gocognit.Complexity(d))
			if receiver(d) {
				r.name(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				r.names(d, s)
			}
		}
	}
	return nil
}

func (r *room) importAll(file *ast.File) {
	if r.imports == nil {
		r.imports = map[string]bool{}
	}
	for _, spec := range file.Imports {
		r.imports[strings.Trim(spec.Path.Value, "\"`")] = true
	}
}

// name counts a name that is declared with a comment, or without: nil.
func (r *room) name(id *ast.Ident, comments ...*ast.CommentGroup) {
	if !id.IsExported() {
		return
	}
	r.exported++
	if slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c != nil }) {
		r.documented++
	}
}

// names counts the names that a specification declares. The comment of a group
// counts for all that is in it.
func (r *room) names(d *ast.GenDecl, s ast.Spec) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		r.name(s.Name, d.Doc, s.Doc, s.Comment)
	case *ast.ValueSpec:
		for _, id := range s.Names {
			r.name(id, d.Doc, s.Doc, s.Comment)
		}
	}
}

// receiver reports whether d is a function, or a method of an exported type.
func receiver(d *ast.FuncDecl) bool {
	exported := true
	if d.Recv != nil {
		ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if ok {
				exported = id.IsExported()
			}
			return !ok
		})
	}
	return exported
}

// sum returns the row about all rooms.
func sum(rooms []*room) *room {
	all := &room{path: whole}
	for _, r := range rooms {
		all.files = append(all.files, r.files...)
		all.functions = append(all.functions, r.functions...)
		all.complexity = append(all.complexity, r.complexity...)
		all.exported += r.exported
		all.documented += r.documented
		all.tests += r.tests
		all.statements += r.statements
		all.covered += r.covered
	}
	return all
}

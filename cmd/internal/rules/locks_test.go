package rules

import (
	"go/ast"
	"path"
	"strings"
	"testing"
)

// alone are functions that use what a lock guards without it, and why they may.
var alone = map[string]string{
	"controller/audit.go compare": "no audit is under way before it returns",
	"controller/audit.go adopt":   "no audit is under way before it returns",
}

// A guarded is what a struct with locks guards by them: the fields below a
// lock, up to an empty line, but for atomic ones.
type guarded struct{ locks, fields map[string]bool }

// A method is a function with a receiver or a parameter v of a type with a
// lock, or one that makes such a value.
type method struct {
	file, name, typ, v string
	body               *ast.BlockStmt
}

// guards returns the locks of a struct and the fields that they guard.
func guards(s *ast.StructType, text string, start int) *guarded {
	g := &guarded{map[string]bool{}, map[string]bool{}}
	under, end := false, start
	for _, f := range s.Fields.List {
		under = under && !strings.Contains(text[end-start:int(f.Pos())-start], "\n\n")
		end = int(f.End())
		if f.Comment != nil {
			end = int(f.Comment.End())
		}
		kind, name := "", ""
		ast.Inspect(f.Type, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && kind == "" {
				if x, ok := sel.X.(*ast.Ident); ok {
					kind, name = x.Name, sel.Sel.Name
				}
			}
			_, pointer := n.(*ast.StarExpr)
			return kind == "" && !pointer
		})
		lock := kind == "sync" && (name == "Mutex" || name == "RWMutex")
		under = under || lock
		for _, id := range f.Names {
			if lock {
				g.locks[id.Name] = true
			} else if under && kind != "atomic" {
				g.fields[id.Name] = true
			}
		}
	}
	return g
}

// guardedTypes returns the types that have a lock, by directory and name.
func guardedTypes(t *testing.T) map[string]*guarded {
	types := map[string]*guarded{}
	sources(t, func(name string, text []byte, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && !strings.HasSuffix(name, "_test.go") {
				if s, ok := spec.Type.(*ast.StructType); ok {
					if g := guards(s, string(text), int(file.FileStart)); len(g.locks) > 0 {
						types[path.Dir(name)+" "+spec.Name.Name] = g
					}
				}
			}
			return true
		})
	})
	return types
}

// methodsOf returns the functions of a file that have values of guarded types.
func methodsOf(types map[string]*guarded, name string, file *ast.File) (all []method) {
	pointee := func(e ast.Expr) string {
		if star, ok := e.(*ast.StarExpr); ok {
			if id, ok := star.X.(*ast.Ident); ok && types[path.Dir(name)+" "+id.Name] != nil {
				return path.Dir(name) + " " + id.Name
			}
		}
		return ""
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		params := f.Type.Params.List
		if f.Recv != nil {
			params = append(f.Recv.List[:1:1], params...)
		}
		for _, p := range params {
			for _, v := range p.Names {
				if typ := pointee(p.Type); typ != "" {
					all = append(all, method{name, f.Name.Name, typ, v.Name, f.Body})
				}
			}
		}
		if f.Type.Results != nil && f.Recv == nil {
			for _, r := range f.Type.Results.List {
				if typ := pointee(r.Type); typ != "" {
					all = append(all, method{name, f.Name.Name, typ, "", f.Body})
				}
			}
		}
	}
	return all
}

// needs returns what a function uses that a lock guards, if it does not take
// the lock. What it gives to another method to call has the lock that the
// method takes, and an address is no use.
func (m method) needs(g *guarded) (what string) {
	takes := false
	ast.Inspect(m.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.UnaryExpr:
			sel, ok := n.X.(*ast.SelectorExpr)
			return n.Op.String() != "&" || !ok || !isName(sel.X, m.v)
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && isName(sel.X, m.v) && !strings.HasSuffix(sel.Sel.Name, "Locked") {
				for _, arg := range n.Args {
					if _, ok := arg.(*ast.FuncLit); ok {
						return false
					}
				}
			}
		case *ast.SelectorExpr:
			if isName(n.X, m.v) && (g.fields[n.Sel.Name] || strings.HasSuffix(n.Sel.Name, "Locked")) {
				what = n.Sel.Name
			}
			if x, ok := n.X.(*ast.SelectorExpr); ok && isName(x.X, m.v) && g.locks[x.Sel.Name] {
				takes = true
			}
		}
		return true
	})
	if takes {
		return ""
	}
	return what
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// makers returns the functions that make values of guarded types, those named
// init, and those that only makers call: no other goroutine has the value yet.
func makers(all []method) map[string]bool {
	making, calledBy := map[string]bool{}, map[string]map[string]bool{}
	for _, m := range all {
		key := m.typ + " " + m.name
		if m.v == "" || m.name == "init" {
			making[key] = true
		}
		ast.Inspect(m.body, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
					to := m.typ + " " + sel.Sel.Name
					if calledBy[to] == nil {
						calledBy[to] = map[string]bool{}
					}
					calledBy[to][key] = true
				}
			}
			return true
		})
	}
	for more := true; more; {
		more = false
		for to, callers := range calledBy {
			only := !making[to] && !ast.IsExported(to[strings.LastIndexByte(to, ' ')+1:])
			for from := range callers {
				only = only && (making[from] || from == to)
			}
			if only {
				making[to], more = true, true
			}
		}
	}
	return making
}

// A function that uses what a lock guards takes the lock, or its name ends in
// Locked and its caller has it.
func TestLockedNames(t *testing.T) {
	types := guardedTypes(t)
	var all []method
	sources(t, func(name string, _ []byte, file *ast.File) {
		if !strings.HasSuffix(name, "_test.go") {
			all = append(all, methodsOf(types, name, file)...)
		}
	})
	if len(types) < 30 || len(all) < 200 {
		t.Fatalf("only %d types with a lock and %d functions of theirs were found", len(types), len(all))
	}
	making, used := makers(all), map[string]bool{}
	for _, m := range all {
		what := m.needs(types[m.typ])
		if what == "" || m.v == "" || strings.HasSuffix(m.name, "Locked") || making[m.typ+" "+m.name] {
			continue
		}
		if used[m.file+" "+m.name] = true; alone[m.file+" "+m.name] == "" {
			t.Errorf("%s: %s uses %s.%s without the lock: take it, or end the name in Locked", m.file, m.name, m.v, what)
		}
	}
	for name := range alone {
		if !used[name] {
			t.Errorf("%s may use what a lock guards, and does not", name)
		}
	}
}

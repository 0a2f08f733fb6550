package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"

	"golang.org/x/tools/go/packages"
)

// A role is what a condition decides.
type role int

const (
	branches role = iota + 1
	loops
)

// A finder finds the mutants of one file and the edits that put them there.
type finder struct {
	room    string
	pkg     string // import path
	source  string
	fset    *token.FileSet
	info    *types.Info
	imports map[string]string // the names by which the file knows packages, by import path
	next    int               // the next mutant's id

	function string
	results  []string // source text of the result types of the function that is walked
	skipped  map[ast.Node]bool
	roles    map[ast.Expr]role
	answers  map[ast.Expr]bool // boolean results of a return

	mutants []*mutant
	edits   []edit
}

// find returns the mutants of a file, numbered from next on, and its
// instrumented source.
func find(p *packages.Package, file *ast.File, source, room string, next int) ([]*mutant, string) {
	f := &finder{
		room: room, pkg: p.PkgPath, source: source, fset: p.Fset, info: p.TypesInfo, imports: map[string]string{}, next: next,
		skipped: map[ast.Node]bool{}, roles: map[ast.Expr]role{}, answers: map[ast.Expr]bool{},
	}
	for _, spec := range file.Imports {
		if name := f.info.PkgNameOf(spec); name != nil && name.Name() != "." && name.Name() != "_" {
			f.imports[name.Imported().Path()] = name.Name()
		}
	}
	for _, d := range file.Decls {
		if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
			f.function = functionName(d)
			f.walk(d.Type, d.Body)
		}
	}
	return f.mutants, render(source, f.edits)
}

// functionName returns a function's name with its receiver, as (*T).name.
func functionName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return d.Name.Name
	}
	star, typ := "", d.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			star, typ = "*", t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return "(" + star + t.Name + ")." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}

func (f *finder) offset(p token.Pos) int { return f.fset.Position(p).Offset }

func (f *finder) text(n ast.Node) string { return f.source[f.offset(n.Pos()):f.offset(n.End())] }

// add adds a mutant and returns its id.
func (f *finder) add(at token.Pos, operator, before, after string) int {
	pos := f.fset.Position(at)
	m := &mutant{
		id: f.next, room: f.room, file: filepath.Base(pos.Filename), pos: pos, function: f.function,
		operator: operator, before: oneLine(before), after: oneLine(after),
	}
	f.next++
	f.mutants = append(f.mutants, m)
	return m.id
}

func (f *finder) edit(from, to token.Pos, wrap func(inner string) string) {
	f.edits = append(f.edits, edit{f.offset(from), f.offset(to), wrap})
}

// walk finds the mutants of a function's body.
func (f *finder) walk(typ *ast.FuncType, body *ast.BlockStmt) {
	outer := f.results
	f.results = nil
	if typ.Results != nil {
		for _, field := range typ.Results.List {
			for range max(1, len(field.Names)) {
				f.results = append(f.results, f.text(field.Type))
			}
		}
	}
	ast.Inspect(body, f.visit)
	f.results = outer
}

// visit finds the mutants at a node. It reports whether to look at the nodes
// below.
func (f *finder) visit(n ast.Node) bool {
	if n == nil || f.skipped[n] {
		return false
	}
	switch n := n.(type) {
	case *ast.FuncLit:
		f.walk(n.Type, n.Body)
		return false
	case *ast.ArrayType, *ast.StructType, *ast.FuncType, *ast.InterfaceType:
		return false // their numbers must be constant
	case *ast.GenDecl:
		return n.Tok != token.CONST
	case *ast.BlockStmt:
		f.statements(n.List)
	case *ast.CaseClause:
		f.statements(n.Body)
	case *ast.CommClause:
		f.statements(n.Body)
	case *ast.IfStmt:
		f.roles[n.Cond] = branches
	case *ast.ForStmt:
		if n.Cond != nil {
			f.roles[n.Cond] = loops
		}
	case *ast.RangeStmt:
		f.rangeLoop(n)
	case *ast.SwitchStmt:
		f.conditions(n)
	case *ast.CompositeLit:
		f.skipKeys(n)
	case *ast.CallExpr:
		f.skipHints(n)
	case ast.Expr:
		return f.expression(n)
	}
	if e, ok := n.(ast.Expr); ok { // a call may be a condition
		return f.expression(e)
	}
	return true
}

// conditions marks the cases of a switch without a tag, which are conditions.
func (f *finder) conditions(n *ast.SwitchStmt) {
	if n.Tag != nil {
		return
	}
	for _, clause := range n.Body.List {
		for _, e := range clause.(*ast.CaseClause).List {
			f.roles[e] = branches
		}
	}
}

// skipKeys leaves out the indexes in the literal of an array or a slice, which
// must be constant.
func (f *finder) skipKeys(n *ast.CompositeLit) {
	switch f.info.TypeOf(n).Underlying().(type) {
	case *types.Array, *types.Slice:
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				f.skipped[kv.Key] = true
			}
		}
	}
}

// skipHints leaves out the capacities of maps and slices, which decide speed
// only.
func (f *finder) skipHints(n *ast.CallExpr) {
	id, ok := n.Fun.(*ast.Ident)
	if !ok || len(n.Args) == 0 {
		return
	}
	if b, ok := f.info.Uses[id].(*types.Builtin); !ok || b.Name() != "make" {
		return
	}
	hints := n.Args[min(2, len(n.Args)):]
	if _, ok := f.info.TypeOf(n.Args[0]).Underlying().(*types.Map); ok {
		hints = n.Args[1:]
	}
	for _, e := range hints {
		f.skipped[e] = true
	}
}

package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// arithmetic are the operations by which assignments change their left side,
// and those that mutants have in their place.
var arithmetic = map[token.Token]token.Token{
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN, token.MUL_ASSIGN: token.QUO_ASSIGN,
	token.QUO_ASSIGN: token.MUL_ASSIGN, token.OR_ASSIGN: token.AND_ASSIGN, token.AND_ASSIGN: token.OR_ASSIGN,
	token.AND_NOT_ASSIGN: token.OR_ASSIGN, token.XOR_ASSIGN: token.OR_ASSIGN,
	token.SHL_ASSIGN: token.SHR_ASSIGN, token.SHR_ASSIGN: token.SHL_ASSIGN,
}

func (f *finder) statements(list []ast.Stmt) {
	for _, s := range list {
		f.statement(s)
	}
}

// statement finds the mutants of a whole statement: it is left out, or does the
// opposite.
func (f *finder) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE || blank(s.Lhs) {
			return
		}
		if to, ok := arithmetic[s.Tok]; ok && isNumber(f.info.TypeOf(s.Lhs[0])) {
			f.instead(s, opMath, f.text(s.Lhs[0])+" "+to.String()+" "+f.text(s.Rhs[0]))
		}
		f.remove(s)
	case *ast.IncDecStmt:
		to := map[token.Token]string{token.INC: "--", token.DEC: "++"}[s.Tok]
		f.instead(s, opMath, f.text(s.X)+to)
		f.remove(s)
	case *ast.ExprStmt:
		f.call(s, s.X)
	case *ast.DeferStmt:
		f.call(s, s.Call)
	case *ast.GoStmt, *ast.SendStmt:
		f.remove(s)
	case *ast.ReturnStmt:
		f.returned(s)
	}
}

func blank(list []ast.Expr) bool {
	for _, e := range list {
		if id, ok := e.(*ast.Ident); !ok || id.Name != "_" {
			return false
		}
	}
	return true
}

// call finds the mutant that leaves a call out. Calls that log are no mutants,
// nor is anything in them; nor are those that lock, whose lack only stops a
// test, and those that panic.
func (f *finder) call(s ast.Stmt, e ast.Expr) {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		f.remove(s)
		return
	}
	switch name := f.callee(call); {
	case strings.HasPrefix(name, "(*log/slog.Logger)."), strings.HasPrefix(name, "log/slog."):
		f.skipped[s] = true
	case strings.HasPrefix(name, "(*sync.Mutex)."), strings.HasPrefix(name, "(*sync.RWMutex)."), name == "panic":
	default:
		f.remove(s)
	}
}

// callee returns the full name of the function that is called; "": not known.
func (f *finder) callee(call *ast.CallExpr) string {
	var id *ast.Ident
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		id = fun
	case *ast.SelectorExpr:
		id = fun.Sel
	default:
		return ""
	}
	switch o := f.info.Uses[id].(type) {
	case *types.Func:
		return o.FullName()
	case *types.Builtin:
		return o.Name()
	}
	return ""
}

// remove adds the mutant that leaves a statement out.
func (f *finder) remove(s ast.Stmt) {
	before := f.text(s)
	if lit := strings.Index(before, "func("); lit >= 0 { // its body has mutants of its own
		before = before[:lit] + "func…"
	}
	id := f.add(s.Pos(), opRemoval, before, "nothing")
	f.edit(s.Pos(), s.End(), func(inner string) string { return fmt.Sprintf("if !mutateOn(%d) { %s }", id, inner) })
}

// instead adds the mutant that does something else.
func (f *finder) instead(s ast.Stmt, operator, after string) {
	id := f.add(s.Pos(), operator, f.text(s), after)
	f.edit(s.Pos(), s.End(), func(inner string) string {
		return fmt.Sprintf("if mutateOn(%d) { %s } else { %s }", id, after, inner)
	})
}

// returned finds the mutant that returns zero values, and marks boolean results,
// which have mutants of their own.
func (f *finder) returned(s *ast.ReturnStmt) {
	zero := true
	for _, e := range s.Results {
		if isBool(f.info.TypeOf(e)) {
			f.answers[e] = true
		} else {
			zero = zero && f.zero(e)
		}
	}
	if zero {
		return
	}
	values := make([]string, len(f.results))
	for i, t := range f.results {
		values[i] = "*new(" + t + ")"
	}
	before := f.text(s)
	if lit := strings.Index(before, "func("); lit >= 0 {
		before = before[:lit] + "func…"
	}
	id := f.add(s.Pos(), opReturn, before, "zero values")
	f.edit(s.Pos(), s.End(), func(inner string) string {
		return fmt.Sprintf("if mutateOn(%d) { return %s }; %s", id, strings.Join(values, ", "), inner)
	})
}

// zero reports whether an expression is a zero value as it is written.
func (f *finder) zero(e ast.Expr) bool {
	if tv := f.info.Types[e]; tv.IsNil() {
		return true
	} else if tv.Value != nil {
		text := tv.Value.ExactString()
		return text == "0" || text == `""` || text == "false"
	}
	lit, ok := e.(*ast.CompositeLit)
	if !ok || len(lit.Elts) > 0 {
		return false
	}
	switch f.info.TypeOf(lit).Underlying().(type) {
	case *types.Struct, *types.Array:
		return true
	}
	return false
}

// rangeLoop adds the mutant that does not run a loop's body.
func (f *finder) rangeLoop(s *ast.RangeStmt) {
	head := f.source[f.offset(s.Pos()):f.offset(s.Body.Lbrace)]
	id := f.add(s.Pos(), opLoop, head, "nothing")
	at := s.Body.Lbrace + 1
	f.edit(at, at, func(string) string { return fmt.Sprintf(" if mutateOn(%d) { break };", id) })
}

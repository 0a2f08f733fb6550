package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

var (
	boundaries = map[token.Token]token.Token{token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR}
	negations  = map[token.Token]token.Token{
		token.LSS: token.GEQ, token.GEQ: token.LSS, token.GTR: token.LEQ, token.LEQ: token.GTR, token.EQL: token.NEQ, token.NEQ: token.EQL,
	}
	logic = map[token.Token]token.Token{token.LAND: token.LOR, token.LOR: token.LAND}
	// What a mutant computes in place of an operator, and the function that does.
	opposites = map[token.Token]struct {
		to       token.Token
		function string
	}{
		token.ADD: {token.SUB, "mutateAdd"}, token.SUB: {token.ADD, "mutateSub"}, token.MUL: {token.QUO, "mutateMul"},
		token.QUO: {token.MUL, "mutateDiv"}, token.REM: {token.MUL, "mutateRem"}, token.AND: {token.OR, "mutateAnd"},
		token.OR: {token.AND, "mutateOr"}, token.XOR: {token.OR, "mutateXor"}, token.AND_NOT: {token.AND, "mutateAndNot"},
		token.SHL: {token.SHR, "mutateShl"}, token.SHR: {token.SHL, "mutateShr"},
	}
)

// expression finds the mutants of an expression, those of its parts aside. It
// reports whether to look at the parts.
func (f *finder) expression(e ast.Expr) bool {
	tv := f.info.Types[e]
	if tv.IsType() {
		return false
	}
	if tv.Value != nil && isNumber(tv.Type) {
		f.constant(e, tv)
		return false
	}
	if isBool(tv.Type) {
		f.boolean(e)
	} else if b, ok := e.(*ast.BinaryExpr); ok {
		f.math(b, tv.Type)
	}
	return tv.Value == nil
}

// isBool reports whether operands of the type go with the instrumentation's.
func isBool(t types.Type) bool {
	b, ok := t.(*types.Basic)
	return ok && b.Info()&types.IsBoolean != 0
}

func isNumber(t types.Type) bool {
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsInteger|types.IsFloat) != 0
}

// boolean finds the mutants of a boolean expression: all of them are other
// boolean expressions, of which the one that is switched on is evaluated.
func (f *finder) boolean(e ast.Expr) {
	first, before := f.next, f.text(e)
	var others strings.Builder
	other := func(operator, after string) {
		id := f.add(e.Pos(), operator, before, after)
		fmt.Fprintf(&others, "mutateOn(%d) && (%s) || ", id, after)
	}
	role := f.roles[e]
	switch x := e.(type) {
	case *ast.BinaryExpr:
		swap := func(operator string, by map[token.Token]token.Token) {
			if to, ok := by[x.Op]; ok {
				at := f.offset(x.OpPos) - f.offset(e.Pos())
				other(operator, before[:at]+to.String()+before[at+len(x.Op.String()):])
			}
		}
		swap(opBoundary, boundaries)
		swap(opLogic, logic)
		if role == 0 { // of a condition true and false are mutants, which say more
			swap(opNegation, negations)
		}
	case *ast.UnaryExpr:
		if role == 0 && x.Op == token.NOT {
			other(opNegation, f.text(x.X))
		}
	default:
		if f.answers[e] {
			other(opReturn, negated(before))
		}
	}
	switch role {
	case branches:
		other(opBranch, "true")
		other(opBranch, "false")
	case loops:
		other(opLoop, "false")
	}
	if last := f.next - 1; last >= first {
		f.edit(e.Pos(), e.End(), func(inner string) string {
			return fmt.Sprintf("(%smutateNone(%d, %d) && (%s))", others.String(), first, last, inner)
		})
	}
}

// negated returns the negation of a boolean expression that is no operation.
func negated(text string) string {
	switch text {
	case "true":
		return "false"
	case "false":
		return "true"
	}
	return "!" + text
}

// math finds the mutant of an arithmetic operation.
func (f *finder) math(e *ast.BinaryExpr, t types.Type) {
	to, ok := opposites[e.Op]
	name, nameable := f.typeName(t)
	if !ok || !isNumber(t) || !nameable || e.Op == token.REM && !isInteger(t) {
		return
	}
	id := f.add(e.OpPos, opMath, f.text(e), f.text(e.X)+" "+to.to.String()+" "+f.text(e.Y))
	f.edit(e.Pos(), e.End(), func(inner string) string { return fmt.Sprintf("%s[%s](%d, %s)", to.function, name, id, inner) })
	f.edit(e.OpPos, e.OpPos+token.Pos(len(e.Op.String())), func(string) string { return "," })
}

func isInteger(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}

// constant finds the mutants of an integer that is written as digits.
func (f *finder) constant(e ast.Expr, tv types.TypeAndValue) {
	digits := e
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.SUB {
		digits = u.X
	}
	name, nameable := f.typeName(tv.Type)
	if lit, ok := digits.(*ast.BasicLit); !ok || lit.Kind != token.INT || !nameable {
		return
	}
	before := f.text(e)
	up := f.add(e.Pos(), opConstant, before, before+" + 1")
	down := 0
	if tv.Value.ExactString() != "0" { // -1 where 0 is meant is no slip
		down = f.add(e.Pos(), opConstant, before, before+" - 1")
	}
	f.edit(e.Pos(), e.End(), func(inner string) string {
		if down != 0 {
			inner = fmt.Sprintf("mutateDown[%s](%d, %s)", name, down, inner)
		}
		return fmt.Sprintf("mutateUp[%s](%d, %s)", name, up, inner)
	})
}

// typeName returns the name of a type in the file. ok is false if it has none.
func (f *finder) typeName(t types.Type) (name string, ok bool) {
	if t == nil {
		return "", false
	}
	if b, basic := t.(*types.Basic); basic {
		t = types.Default(b)
	}
	ok = true
	name = types.TypeString(t, func(p *types.Package) string {
		if p == nil || p.Path() == f.pkg {
			return ""
		}
		local, imported := f.imports[p.Path()]
		ok = ok && imported
		return local
	})
	return name, ok
}

package main

import (
	"fmt"
	"go/token"
	"strings"
)

// The operators.
const (
	opBoundary = "boundary" // a < b -> a <= b
	opNegation = "negation" // a == b -> a != b
	opLogic    = "logic"    // a && b -> a || b
	opBranch   = "branch"   // a condition is true, or false
	opLoop     = "loop"     // a loop's body is never run
	opMath     = "math"     // a + b -> a - b
	opConstant = "constant" // 4 -> 5
	opRemoval  = "removal"  // a statement is left out
	opReturn   = "return"   // zero values are returned
)

// A mutant is one small change of a room's source.
type mutant struct {
	id       int // in the instrumented source of the room; from 1
	room     string
	file     string // base name
	pos      token.Position
	function string // as (*T).name
	operator string
	before   string // on one line
	after    string
	number   int // of those of the function that are the same in words; from 1
}

// key returns the name of a mutant, which does not change when lines move.
func (m *mutant) key() string {
	k := fmt.Sprintf("%s %s: %s: %s -> %s", m.room, m.function, m.operator, m.before, m.after)
	if m.number > 1 {
		k += fmt.Sprintf(" #%d", m.number)
	}
	return k
}

// oneLine returns source text with all white space drawn together.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// number numbers the mutants whose keys would be the same.
func number(mutants []*mutant) {
	seen := map[string]int{}
	for _, m := range mutants {
		m.number = 0
		k := m.key()
		seen[k]++
		m.number = seen[k]
	}
}

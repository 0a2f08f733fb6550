package main

import (
	"cmp"
	"slices"
	"strings"
)

// An edit changes a piece of a file. wrap is given the piece with the edits
// inside it made.
type edit struct {
	start, end int // offsets; equal: an insertion
	wrap       func(inner string) string
}

// render returns the source with all edits made. Edits nest or lie apart.
func render(source string, edits []edit) string {
	// The outer one of two at the same place was found first.
	slices.SortStableFunc(edits, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end))
	})
	text, _ := renderRange(source, 0, len(source), edits)
	return text
}

// renderRange renders a piece. It returns the edits that lie behind it.
func renderRange(source string, from, to int, edits []edit) (string, []edit) {
	var b strings.Builder
	for len(edits) > 0 && edits[0].start < to {
		e := edits[0]
		b.WriteString(source[from:e.start])
		var inner string
		inner, edits = renderRange(source, e.start, e.end, edits[1:])
		b.WriteString(e.wrap(inner))
		from = e.end
	}
	b.WriteString(source[from:to])
	return b.String(), edits
}

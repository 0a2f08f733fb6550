package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"conga/cmd/internal/figures"
)

// A column is one figure of every room.
type column struct {
	unit  string
	title string
	value func(r *room) (v float64, ok bool) // not ok: the room has none
}

var columns = []column{
	{"lines", "lines", func(r *room) (float64, bool) { return float64(r.lines()), len(r.files) > 0 }},
	{"lines/file-p50", "file p50", ofHundred(func(r *room) []int { return r.files }, 50)},
	{"lines/file-p99", "p99", ofHundred(func(r *room) []int { return r.files }, 99)},
	{"lines/file-max", "max", ofHundred(func(r *room) []int { return r.files }, 100)},
	{"lines/function-p50", "function p50", ofHundred(func(r *room) []int { return r.functions }, 50)},
	{"lines/function-p99", "p99", ofHundred(func(r *room) []int { return r.functions }, 99)},
	{"lines/function-max", "max", ofHundred(func(r *room) []int { return r.functions }, 100)},
	{"complexity-p99", "complexity p99", ofHundred(func(r *room) []int { return r.complexity }, 99)},
	{"complexity-max", "max", ofHundred(func(r *room) []int { return r.complexity }, 100)},
	{"documented-%", "documented %", func(r *room) (float64, bool) { return share(r.documented, r.exported) }},
	{"test-lines", "test lines", func(r *room) (float64, bool) { return float64(r.tests), true }},
	{"test-to-code", "test to code", func(r *room) (float64, bool) {
		return float64(r.tests) / float64(max(1, r.lines())), len(r.files) > 0
	}},
	{"coverage-%", "coverage %", func(r *room) (float64, bool) { return share(r.covered, r.statements) }},
}

func ofHundred(values func(*room) []int, p int) func(*room) (float64, bool) {
	return func(r *room) (float64, bool) { return float64(percentile(values(r), p)), len(values(r)) > 0 }
}

// share returns a part in percent, rounded down, so that 100 is all. ok is false
// if there is no whole.
func share(part, whole int) (v float64, ok bool) {
	if whole == 0 {
		return 0, false
	}
	return float64(part * 100 / whole), true
}

// table prints the rooms as a Markdown table, without the columns that no room
// has.
func table(out io.Writer, rooms []*room) {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	defer w.Flush()
	var shown []column
	for _, c := range columns {
		for _, r := range rooms {
			if _, ok := c.value(r); ok {
				shown = append(shown, c)
				break
			}
		}
	}
	fmt.Fprint(w, "| room\t")
	for _, c := range shown {
		fmt.Fprintf(w, "| %s\t", c.title)
	}
	fmt.Fprintf(w, "|\n|---\t%s|\n", strings.Repeat("|---:\t", len(shown)))
	for _, r := range rooms {
		fmt.Fprintf(w, "| %s\t", r.path)
		for _, c := range shown {
			text := ""
			if v, ok := c.value(r); ok {
				text = figures.Number(v)
			}
			fmt.Fprintf(w, "| %s\t", text)
		}
		fmt.Fprintln(w, "|")
	}
}

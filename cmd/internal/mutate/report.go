package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// A result is a mutant and what became of it.
type result struct {
	*mutant
	fate fate
	why  string // it may survive
}

func (r result) dead() bool {
	return r.fate == killed || r.fate == timedOut || r.fate == elsewhere
}

// A tally counts mutants.
type tally struct{ all, killed, timedOut, elsewhere, survived, unreached, excused int }

func (t *tally) add(r result) {
	t.all++
	switch r.fate {
	case killed:
		t.killed++
	case timedOut:
		t.timedOut++
	case elsewhere:
		t.elsewhere++
	case survived:
		t.survived++
	case unreached:
		t.unreached++
	}
	if !r.dead() && r.why != "" {
		t.excused++
	}
}

// score returns how many of a hundred mutants are killed, of those that a test
// could kill: what survives for a reason differs from the source in nothing that
// is promised.
func (t *tally) score() float64 {
	return 100 * float64(t.killed+t.timedOut+t.elsewhere) / float64(max(1, t.all-t.excused))
}

func (t *tally) row(w io.Writer, name string) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f %%\t\n", name, t.all, t.killed, t.timedOut, t.elsewhere, t.survived, t.unreached, t.excused, t.score())
}

// printScores prints the score of each room and file.
func printScores(out io.Writer, results []result) map[string]*tally {
	rooms, files := map[string]*tally{}, map[string]*tally{}
	for _, r := range results {
		for _, at := range []struct {
			tallies map[string]*tally
			name    string
		}{{rooms, r.room}, {files, r.room + "/" + r.file}} {
			if at.tallies[at.name] == nil {
				at.tallies[at.name] = &tally{}
			}
			at.tallies[at.name].add(r)
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "room or file\tmutants\tkilled\ttimed out\telsewhere\tsurvived\tnot reached\texcused\tscore\t")
	for _, tallies := range []map[string]*tally{files, rooms} {
		names := make([]string, 0, len(tallies))
		for name := range tallies {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			tallies[name].row(w, name)
		}
	}
	w.Flush()
	return rooms
}

// printSurvivors prints the survivors, by file and line. Those that may survive
// have their reason below them.
func printSurvivors(out io.Writer, results []result) {
	results = slices.Clone(results)
	slices.SortFunc(results, func(a, b result) int {
		return cmp.Or(cmp.Compare(a.room, b.room), cmp.Compare(a.file, b.file), cmp.Compare(a.id, b.id))
	})
	for _, r := range results {
		if r.dead() {
			continue
		}
		fmt.Fprintf(out, "%s/%s:%d: %s: %s\n", r.room, r.file, r.pos.Line, r.fate, r.key())
		if r.why != "" {
			fmt.Fprintf(out, "\t%s\n", r.why)
		}
	}
}

// stale returns the keys with a reason whose mutants have been killed or are not
// there, in the rooms that were looked at as a whole.
func stale(why reasons, rooms []*room, results []result) []string {
	known := map[string]bool{}
	for _, r := range rooms {
		for _, m := range r.mutants {
			known[m.key()] = true
		}
	}
	for _, r := range results {
		if r.dead() {
			known[r.key()] = false
		}
	}
	var keys []string
	for k := range why {
		for _, r := range rooms {
			if len(k) > len(r.path) && k[:len(r.path)+1] == r.path+" " && !known[k] {
				keys = append(keys, k)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// A drawing is which rooms import which.
type drawing struct {
	rooms   []*room
	imports map[string][]string // the rooms that a room imports
	floors  map[string]int
}

// draw draws the rooms of a module. A room stands one floor above the highest
// of those that it imports, those that import none on the first one.
func draw(module string, rooms []*room) *drawing {
	d := &drawing{rooms: rooms, imports: map[string][]string{}, floors: map[string]int{}}
	for _, r := range rooms {
		for _, path := range slices.Sorted(maps.Keys(r.imports)) {
			if own, ok := strings.CutPrefix(path, module+"/"); ok {
				d.imports[r.path] = append(d.imports[r.path], own)
			}
		}
	}
	for _, r := range rooms {
		d.floor(r.path)
	}
	return d
}

// floor returns the floor that a room stands on. Go has no circles of imports.
func (d *drawing) floor(room string) int {
	if d.floors[room] == 0 {
		above := 0
		for _, path := range d.imports[room] {
			above = max(above, d.floor(path))
		}
		d.floors[room] = above + 1
	}
	return d.floors[room]
}

// print prints the rooms from the highest floor to the lowest, each with those
// that its arrows lead to, and how many there are of all.
func (d *drawing) print(out io.Writer) error {
	rooms, arrows, highest := slices.Clone(d.rooms), 0, 0
	slices.SortStableFunc(rooms, func(a, b *room) int { return d.floors[b.path] - d.floors[a.path] })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "floor\troom\timports")
	for _, r := range rooms {
		to := d.imports[r.path]
		arrows += len(to)
		highest = max(highest, d.floors[r.path])
		fmt.Fprintf(w, "%d\t%s\t%s\n", d.floors[r.path], r.path, strings.Join(to, " "))
	}
	fmt.Fprintf(w, "%d rooms on %d floors with %d arrows\n", len(rooms), highest, arrows)
	return w.Flush()
}

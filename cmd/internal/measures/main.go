// Command measures prints the form of the code by room: how long its files and
// functions are, how complex, what of it is documented, how many lines of tests
// there are, and with -cover how many statements they run. Each figure has a
// line: name, value, unit, bound, and whether the bound holds; with -table the
// same is a Markdown table. bounds.txt has the bounds. It fails where one does
// not hold.
//
// With -imports it prints which rooms import which instead, and with -old the
// lines of each room at a commit and now; with both, both drawings.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"conga/cmd/internal/figures"
)

//go:embed bounds.txt
var boundsText string

func main() {
	cover := flag.Bool("cover", false, "run the tests and print the coverage, too")
	markdown := flag.Bool("table", false, "print a Markdown table")
	imports := flag.Bool("imports", false, "print which rooms import which, and on which floor each stands")
	old := flag.String("old", "", "a commit, to print what was then beside what is now")
	flag.Parse()
	var err error
	if *imports || *old != "" {
		err = history(os.Stdout, ".", *imports, *old)
	} else {
		err = measure(os.Stdout, ".", *cover, *markdown)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measures:", err)
		os.Exit(1)
	}
}

// measure measures the module in dir.
func measure(out io.Writer, dir string, cover, markdown bool) error {
	bounds, err := figures.ParseBounds(boundsText)
	if err != nil {
		return err
	}
	rooms, err := read(dir)
	if err != nil {
		return err
	}
	if cover {
		covered, err := coverage(dir)
		if err != nil {
			return err
		}
		for _, r := range rooms {
			r.statements, r.covered = covered[r.path].statements, covered[r.path].covered
		}
	}
	total := sum(rooms)
	rooms = append(rooms, total)
	if markdown {
		table(out, rooms)
		return nil
	}
	order, values := list(rooms)
	if err := figures.Print(out, order, values, bounds); err != nil {
		return err
	}
	return judge(order, values, bounds)
}

// history prints the drawing of the imports, or the lines, of the module in dir,
// and of what the module was at a commit; "": only of what it is.
func history(out io.Writer, dir string, imports bool, commit string) error {
	module, err := moduleOf(dir)
	if err != nil {
		return err
	}
	now, err := read(dir)
	if err != nil {
		return err
	}
	var before []*room
	if commit != "" {
		old, rooms, err := readOld(dir, commit)
		if err != nil {
			return err
		}
		if before = rooms; imports {
			if err := draw(old, before).print(out); err != nil {
				return err
			}
			fmt.Fprintln(out)
		}
	}
	if imports {
		return draw(module, now).print(out)
	}
	return compare(out, append(before, sum(before)), append(now, sum(now)))
}

// judge returns an error that names the figures that are worse than their bounds.
func judge(order []figures.Figure, values figures.Values, bounds figures.Bounds) error {
	var errs []error
	for _, f := range order {
		if limit, holds := bounds.Judge(f, values); holds == "FAILS" {
			errs = append(errs, fmt.Errorf("%s %s is %s; the bound is %s", f.Name, f.Unit, figures.Value(values[f]), limit))
		}
	}
	return errors.Join(errs...)
}

// list returns all figures, room by room.
func list(rooms []*room) ([]figures.Figure, figures.Values) {
	var order []figures.Figure
	values := figures.Values{}
	for _, r := range rooms {
		for _, c := range columns {
			if v, ok := c.value(r); ok {
				order = append(order, figures.Figure{Name: r.path, Unit: c.unit})
				values.Add(r.path, c.unit, v)
			}
		}
	}
	return order, values
}

// percentile returns the value that p of a hundred values are at most.
func percentile(v []int, p int) int {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[(len(v)*p+99)/100-1]
}

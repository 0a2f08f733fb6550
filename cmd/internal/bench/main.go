// Command bench reads what go test -bench prints and prints one line a figure:
// name, value, unit, bound, and whether it holds. bounds.txt has the bounds.
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"conga/cmd/internal/figures"
)

//go:embed bounds.txt
var boundsText string

func main() {
	bounds, err := figures.ParseBounds(boundsText)
	if err == nil {
		err = report(os.Stdin, os.Stdout, bounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// report prints a line for every figure measured, and one for every bound whose
// figure was not.
func report(in io.Reader, out io.Writer, bounds figures.Bounds) error {
	var failures bytes.Buffer
	order, values, err := figures.ParseBenchmarks(in, &failures)
	if err != nil {
		return err
	}
	// Bytes and their rate say nothing that the other figures do not.
	order = slices.DeleteFunc(order, func(f figures.Figure) bool {
		_, bounded := bounds[f]
		return !bounded && (f.Unit == "B/op" || f.Unit == "MB/s")
	})
	for f := range bounds {
		if values[f] == nil {
			order = append(order, f)
		}
	}
	slices.SortStableFunc(order, func(a, b figures.Figure) int { return strings.Compare(a.Name, b.Name) })
	if err := figures.Print(out, order, values, bounds); err != nil || failures.Len() == 0 {
		return err
	}
	return fmt.Errorf("some benchmarks failed:\n%s", failures.Bytes())
}

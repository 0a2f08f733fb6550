// Command bench reads what go test -bench prints and prints one line a figure:
// name, value, unit, bound, and whether it holds. bounds.txt has the bounds.
//
// With -old it runs the benchmarks that a commit has as well, those of the
// commit and of the source tree in turn, and prints what was, what is, and the
// ratio, which is more than one where it has become worse.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"

	"conga/cmd/internal/figures"
)

//go:embed bounds.txt
var boundsText string

func main() {
	var c comparison
	flag.StringVar(&c.commit, "old", "", "a commit to compare with; nothing is read then")
	flag.IntVar(&c.rounds, "rounds", 3, "how often each benchmark is run, of which the median counts")
	flag.StringVar(&c.time, "time", "0.3s", "how long a benchmark runs, as -benchtime")
	only := flag.String("only", "", "regular expression of the packages to look at")
	flag.Parse()
	c.only = regexp.MustCompile(*only)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	bounds, err := figures.ParseBounds(boundsText)
	if err == nil && c.commit != "" {
		err = c.run(ctx, os.Stdout, ".")
	} else if err == nil {
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

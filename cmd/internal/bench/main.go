// Command bench reads what go test -bench prints and prints one line a figure:
// name, value, unit, bound, and whether it holds. bounds.txt has the bounds.
package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
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

// processors is the suffix that go test gives a name.
var processors = regexp.MustCompile(`-\d+$`)

// parse reads the output of go test -bench: every figure with all its values,
// in the order in which they come. Lines that tell of a failure go to failures.
func parse(in io.Reader, failures io.Writer) (order []figures.Figure, values figures.Values, err error) {
	values = figures.Values{}
	pkg := ""
	s := bufio.NewScanner(in)
	for s.Scan() {
		line := s.Text()
		if p, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = strings.TrimPrefix(p, "conga/")
			continue
		}
		words := strings.Fields(line)
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			if strings.HasPrefix(line, "---") || strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "panic") {
				fmt.Fprintln(failures, line)
			}
			continue
		}
		name := pkg + "." + processors.ReplaceAllString(strings.TrimPrefix(words[0], "Benchmark"), "")
		for i := 2; i+1 < len(words); i += 2 { // after the name and the number of runs: value, unit
			v, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				break
			}
			f := figures.Figure{Name: name, Unit: words[i+1]}
			if values[f] == nil {
				order = append(order, f)
			}
			values.Add(f.Name, f.Unit, v)
		}
	}
	return order, values, s.Err()
}

// report prints a line for every figure measured, and one for every bound whose
// figure was not.
func report(in io.Reader, out io.Writer, bounds figures.Bounds) error {
	var failures bytes.Buffer
	order, values, err := parse(in, &failures)
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

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
	"text/tabwriter"
)

//go:embed bounds.txt
var boundsText string

func main() {
	bounds, err := parseBounds(boundsText)
	if err == nil {
		err = report(os.Stdin, os.Stdout, bounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// figure names one number that a benchmark reports.
type figure struct{ name, unit string }

// bound is what a figure must reach.
type bound struct {
	most   bool // the figure may be at most this; otherwise at least
	factor float64
	of     string // benchmark that factor is times the figure of; "": factor is the bound
}

// parseBounds reads bounds.txt.
func parseBounds(text string) (map[figure]bound, error) {
	bounds := map[figure]bound{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) != 4 && (len(words) != 6 || words[4] != "x") || words[2] != "<=" && words[2] != ">=" {
			return nil, fmt.Errorf("bounds.txt: %q is no bound", strings.TrimSpace(line))
		}
		n, err := strconv.ParseFloat(words[3], 64)
		if err != nil {
			return nil, fmt.Errorf("bounds.txt: %w", err)
		}
		b := bound{most: words[2] == "<=", factor: n}
		if len(words) == 6 {
			b.of = words[5]
		}
		bounds[figure{words[0], words[1]}] = b
	}
	return bounds, nil
}

// processors is the suffix that go test gives a name.
var processors = regexp.MustCompile(`-\d+$`)

// parse reads the output of go test -bench: every figure with all its values,
// in the order in which they come. Lines that tell of a failure go to failures.
func parse(in io.Reader, failures io.Writer) (order []figure, values map[figure][]float64, err error) {
	values = map[figure][]float64{}
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
			f := figure{name, words[i+1]}
			if values[f] == nil {
				order = append(order, f)
			}
			values[f] = append(values[f], v)
		}
	}
	return order, values, s.Err()
}

// report prints a line for every figure measured, and one for every bound whose
// figure was not.
func report(in io.Reader, out io.Writer, bounds map[figure]bound) error {
	var failures bytes.Buffer
	order, values, err := parse(in, &failures)
	if err != nil {
		return err
	}
	// Bytes and their rate say nothing that the other figures do not.
	order = slices.DeleteFunc(order, func(f figure) bool {
		_, bounded := bounds[f]
		return !bounded && (f.unit == "B/op" || f.unit == "MB/s")
	})
	for f := range bounds {
		if values[f] == nil {
			order = append(order, f)
		}
	}
	slices.SortStableFunc(order, func(a, b figure) int { return strings.Compare(a.name, b.name) })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range order {
		limit, holds := judge(f, values, bounds)
		value := "-"
		if v := values[f]; v != nil {
			value = number(median(v))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.name, value, f.unit, limit, holds)
	}
	if err := w.Flush(); err != nil || failures.Len() == 0 {
		return err
	}
	return fmt.Errorf("some benchmarks failed:\n%s", failures.Bytes())
}

// judge says what f must reach and whether it does.
func judge(f figure, values map[figure][]float64, bounds map[figure]bound) (limit, holds string) {
	b, ok := bounds[f]
	if !ok {
		return "-", "-"
	}
	sign, reach := ">=", b.factor
	if b.most {
		sign = "<="
	}
	if b.of != "" {
		other := values[figure{b.of, f.unit}]
		if other == nil {
			return sign + " " + number(b.factor) + " x " + b.of, "not measured"
		}
		reach *= median(other)
	}
	limit = sign + " " + number(reach)
	switch v := values[f]; {
	case v == nil:
		return limit, "not measured"
	case b.most && median(v) <= reach || !b.most && median(v) >= reach:
		return limit, "holds"
	}
	return limit, "FAILS"
}

// median is the middle of several runs: one that was disturbed does not count.
func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func number(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// Package figures prints measured figures against what they must reach: one
// line a figure, with its name, value, unit, bound, and whether the bound
// holds.
package figures

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A Figure names one number that is measured.
type Figure struct{ Name, Unit string }

// Values holds all measured values of each figure.
type Values map[Figure][]float64

// Add adds one value of a figure.
func (v Values) Add(name, unit string, value float64) {
	f := Figure{name, unit}
	v[f] = append(v[f], value)
}

// A Bound is what a figure must reach.
type Bound struct {
	Most   bool // the figure may be at most this; otherwise at least
	Factor float64
	Of     string // name whose figure of the same unit Factor is times of; "": Factor is the bound
}

// Bounds are the bounds of those figures that have one.
type Bounds map[Figure]Bound

// ParseBounds reads bounds, one a line: name, unit, <= or >=, and a number, or
// a number, x, and the name of another figure of the same unit. Lines that
// begin with # are comments.
func ParseBounds(text string) (Bounds, error) {
	bounds := Bounds{}
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
		b := Bound{Most: words[2] == "<=", Factor: n}
		if len(words) == 6 {
			b.Of = words[5]
		}
		bounds[Figure{words[0], words[1]}] = b
	}
	return bounds, nil
}

// Judge returns what f must reach, in words, and whether it does. A median
// counts, so that one run that was disturbed does not.
func (b Bounds) Judge(f Figure, values Values) (limit, holds string) {
	bound, ok := b[f]
	if !ok {
		return "-", "-"
	}
	sign, reach := ">=", bound.Factor
	if bound.Most {
		sign = "<="
	}
	if bound.Of != "" {
		other := values[Figure{bound.Of, f.Unit}]
		if other == nil {
			return sign + " " + Number(bound.Factor) + " x " + bound.Of, "not measured"
		}
		reach *= Median(other)
	}
	limit = sign + " " + Number(reach)
	switch v := values[f]; {
	case v == nil:
		return limit, "not measured"
	case bound.Most && Median(v) <= reach || !bound.Most && Median(v) >= reach:
		return limit, "holds"
	}
	return limit, "FAILS"
}

// Print prints a line for every figure of order.
func Print(out io.Writer, order []Figure, values Values, bounds Bounds) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range order {
		limit, holds := bounds.Judge(f, values)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Name, Value(values[f]), f.Unit, limit, holds)
	}
	return w.Flush()
}

// Value returns the median as it is printed, and - where there is none.
func Value(v []float64) string {
	if v == nil {
		return "-"
	}
	return Number(Median(v))
}

// Median returns the middle of several values, of which there is at least one.
func Median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// Number returns a number with the digits that matter.
func Number(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

#!/usr/bin/env bash
# asciigraph 0.10.0 (Go): does a plot that is narrower than its data still show how high they go?
#
# Guess: yes; the values that share a column are drawn as the highest of them, or from the
# lowest to the highest, and the axis ends at the highest.
# Behaviour: with a width the values are read off at as many points as there are columns, on
# the lines between neighbours, and all between those points is lost: of 300 values of 1 with
# one of 1000 among them, in 40 columns, the axis ends at 667 where the peak is next to such a
# point, and there is a flat line of 1 where it is not. With a width above the number of
# values the lines towards a gap of NaN are left out whole columns before it: the 9 beside
# one is the end of the axis as 8.32.
# So: what is plotted is summed up to one value a column first, by maximum where peaks count,
# and the width is left out.
set -eu
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
export GOMODCACHE=$tmp/mod GOFLAGS=-mod=mod
cd "$tmp"
cat >go.mod <<'MOD'
module finding
go 1.24
require github.com/guptarohit/asciigraph v0.10.0
MOD
cat >main.go <<'GO'
package main

import (
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/guptarohit/asciigraph"
)

func expect(what, before, now string) {
	fmt.Printf("%s: %s\n", what, now)
	if before != now {
		fmt.Println("This has changed: it was " + before + ".")
		os.Exit(1)
	}
}

// top returns the uppermost label of a plot.
func top(plot string) string { return strings.Fields(plot)[0] }

// peak returns a plot of 300 values of 1 but for one.
func peak(at int) string {
	values := make([]float64, 300)
	for i := range values {
		values[i] = 1
	}
	values[at] = 1000
	return asciigraph.Plot(values, asciigraph.Height(4), asciigraph.Width(40))
}

func main() {
	fmt.Println(peak(100))
	expect("the axis with a peak of 1000 ends at", "667", top(peak(100)))
	expect("and 4 values further at", "1.00", top(peak(104)))
	values := []float64{1, 2, 3, math.NaN(), math.NaN(), 5, 6}
	expect("as wide as the values, the axis ends at", "6.00", top(asciigraph.Plot(values, asciigraph.Height(5))))
	values = []float64{1, 2, 9, math.NaN(), math.NaN(), 8, 6}
	plot := asciigraph.Plot(values, asciigraph.Height(5), asciigraph.Width(42))
	fmt.Println(plot)
	expect("with 9 and 8 beside a gap, the axis ends at", "8.32", top(plot))
}
GO
go mod tidy 2>/dev/null
echo "version of asciigraph: $(go list -m -f '{{.Version}}' github.com/guptarohit/asciigraph)"
go run .

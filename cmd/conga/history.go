package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/guptarohit/asciigraph"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

// The size of a plot, in characters.
const (
	plotWidth  = 72
	plotHeight = 12
)

// historyFlags are the flags of stats that are about its history.
type historyFlags struct {
	wanted       bool
	window, step string
}

// span returns what the flags ask for.
func (h historyFlags) span() (s client.HistorySpan, err error) {
	for _, f := range []struct {
		name, text string
		to         *time.Duration
	}{{"window", h.window, &s.Window}, {"step", h.step, &s.Step}} {
		if f.text == "" {
			continue
		}
		seconds, err := parseDuration(f.text)
		if err != nil {
			return s, usagef("--%s: %v", f.name, err)
		}
		*f.to = time.Duration(seconds) * time.Second
	}
	return s, nil
}

// showHistory prints how fast an allocation went: as a plot on a terminal, as a
// table for programs elsewhere.
func (a *app) showHistory(ctx context.Context, s caller, args []string, h historyFlags) error {
	if len(args) == 0 {
		return usagef("--history: write the ID of an allocation, as in conga stats ID --history")
	}
	span, err := h.span()
	if err != nil {
		return err
	}
	got, err := s.AllocationHistory(ctx, args[0], span)
	switch {
	case err != nil:
		return err
	case a.structured():
		return a.printData(got)
	case terminal.Is(a.out):
		return a.plotHistory(got)
	}
	return a.printHistory(got)
}

// printHistory prints a history as comma-separated values.
func (a *app) printHistory(h client.AllocationHistory) error {
	w := csv.NewWriter(a.out)
	row := []string{"time"}
	var columns [][]*float64
	for _, d := range []struct {
		name string
		client.DirectionHistory
	}{{"forward", h.Forward}, {"reverse", h.Reverse}} {
		row = append(row, d.name+" promised", d.name+" entered", d.name+" delivered", d.name+" dropped")
		columns = append(columns, d.Promised.Mean, d.Entered.Mean, d.Delivered.Mean, d.Dropped.Mean)
	}
	if err := w.Write(row); err != nil {
		return err
	}
	for i, at := range h.Times {
		row = append(row[:0], time.Unix(at, 0).UTC().Format(time.RFC3339))
		for _, c := range columns {
			cell := ""
			if i < len(c) && c[i] != nil {
				cell = strconv.FormatFloat(*c[i], 'f', -1, 64)
			}
			row = append(row, cell)
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// plotHistory draws what was delivered, with what was promised, in each
// direction in which anything is known.
func (a *app) plotHistory(h client.AllocationHistory) error {
	drawn := false
	for _, d := range []struct {
		name string
		client.DirectionHistory
	}{{"from the source", h.Forward}, {"back to it", h.Reverse}} {
		text := plot(d.name, h, d.DirectionHistory)
		if text == "" {
			continue
		}
		if _, err := fmt.Fprintln(a.out, text); err != nil {
			return err
		}
		drawn = true
	}
	if !drawn {
		fmt.Fprintln(a.out, "Nothing is known of that time: it was not active, or no switch has told.")
		return nil
	}
	_, err := fmt.Fprintf(a.out, "Counted are %s. A gap is a time of which no switch has told.\n", terminal.Clean(h.Layer))
	return err
}

// plot returns one direction as text; "" if nothing is known of it.
func plot(name string, h client.AllocationHistory, d client.DirectionHistory) string {
	delivered, promised := thin(d.Delivered.Mean, plotWidth), thin(d.Promised.Mean, plotWidth)
	known := func(f float64) bool { return !math.IsNaN(f) }
	if !slices.ContainsFunc(delivered, known) || len(h.Times) == 0 {
		return ""
	}
	lines, legend := [][]float64{delivered}, "delivered"
	if slices.ContainsFunc(promised, known) {
		lines, legend = append(lines, promised), "delivered; dotted: promised"
	}
	first := time.Unix(h.Times[0], 0).UTC()
	last := time.Unix(h.Times[len(h.Times)-1]+h.Step, 0).UTC()
	return asciigraph.PlotMany(lines,
		asciigraph.Height(plotHeight), asciigraph.LowerBound(0),
		asciigraph.SeriesChars(asciigraph.DefaultCharSet, asciigraph.CreateCharSet("·")),
		asciigraph.YAxisValueFormatter(func(f float64) string { return bits(threeDigits(f)) }),
		asciigraph.Caption(fmt.Sprintf("%s, %s, %s to %s", legend, name, first.Format("2006-01-02 15:04:05"), last.Format("2006-01-02 15:04:05 UTC"))))
}

// threeDigits returns f with three digits that count.
func threeDigits(f float64) uint64 {
	if f < 1 {
		return 0
	}
	unit := math.Pow(10, max(0, math.Floor(math.Log10(f))-2))
	return uint64(math.Round(f/unit) * unit)
}

// thin returns values in so many steps at most, each the mean of what is known
// in it; NaN is a gap.
func thin(values []*float64, most int) []float64 {
	n := min(len(values), most)
	out := make([]float64, n)
	for i := range out {
		sum, known := 0.0, 0
		for _, v := range values[i*len(values)/n : (i+1)*len(values)/n] {
			if v != nil {
				sum, known = sum+*v, known+1
			}
		}
		out[i] = math.NaN()
		if known > 0 {
			out[i] = sum / float64(known)
		}
	}
	return out
}

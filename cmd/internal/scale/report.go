//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"conga/cmd/internal/figures"
)

// usual is how often a scenario is measured unless said otherwise.
const usual = 3

// oldPrefix begins the names of the old daemon's figures.
const oldPrefix = "old:"

// A scenario is one thing that is measured.
type scenario struct {
	name  string
	about string
	run   func(ctx context.Context, r *run) error
	least int      // how often it is measured at least, unless less than usual is asked for
	most  int      // how often it is measured at most; 0: as often as is asked for
	worst []string // units of which the highest value is a figure too
	old   bool     // the daemon before the redesign completes it in reasonable time
}

// A run is one measurement of one scenario on one daemon.
type run struct {
	options
	program string
	name    string
	report  *report
}

// A report collects what was measured.
type report struct {
	options
	log      io.Writer
	order    []figures.Figure
	values   figures.Values
	failures []string
}

func newReport(o options, log io.Writer) *report {
	return &report{options: o, log: log, values: figures.Values{}}
}

// repeat measures a scenario on a daemon as often as it takes.
func (r *report) repeat(ctx context.Context, s scenario, b build) {
	times := r.n
	if times >= usual {
		times = max(times, s.least)
	}
	if s.most > 0 {
		times = min(times, s.most)
	}
	if b.prefix != "" {
		if times = r.oldN; !s.old {
			return
		}
	}
	name, failed := b.prefix+s.name, 0
	for i := range times {
		if ctx.Err() != nil || failed > 1 { // another attempt would tell nothing new
			break
		}
		one := &run{options: r.options, program: b.program, name: name, report: r}
		one.note("%s, %d of %d", s.about, i+1, times)
		if err := s.run(ctx, one); err != nil {
			r.failures = append(r.failures, fmt.Sprintf("%s: %v", name, err))
			one.note("failed: %v", err)
			failed++
		}
	}
	for _, unit := range s.worst {
		if v := r.values[figures.Figure{Name: name, Unit: unit}]; v != nil {
			r.add(name, "worst-"+unit, slices.Max(v))
		}
	}
}

func (r *report) add(name, unit string, v float64) {
	f := figures.Figure{Name: name, Unit: unit}
	if r.values[f] == nil {
		r.order = append(r.order, f)
	}
	r.values.Add(name, unit, v)
}

// figure adds a value that was measured.
func (r *run) figure(unit string, v float64) {
	r.report.add(r.name, unit, v)
	r.note("%s %s", figures.Number(v), unit)
}

// note prints progress, if that is wanted.
func (r *run) note(format string, args ...any) {
	if r.verbose {
		fmt.Fprintf(r.report.log, "%s %s: %s\n", time.Now().Format("15:04:05.000"), r.name, fmt.Sprintf(format, args...))
	}
}

// within returns the context of one step, and ends it at the limit.
func (r *run) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.limit, fmt.Errorf("not within %v", r.limit))
}

// print prints all figures, and those of the old daemon beside the others as
// ratios.
func (r *report) print(out io.Writer, bounds figures.Bounds) error {
	if r.markdown {
		return r.table(out, bounds)
	}
	if err := figures.Print(out, r.order, r.values, bounds); err != nil {
		return err
	}
	for _, f := range r.order {
		if ratio, ok := r.ratio(f); ok {
			fmt.Fprintf(out, "%s %s: %s of the old\n", f.Name, f.Unit, figures.Number(ratio))
		}
	}
	for _, f := range r.failures {
		fmt.Fprintln(out, "FAILED", f)
	}
	return nil
}

// ratio returns the figure by that of the old daemon.
func (r *report) ratio(f figures.Figure) (float64, bool) {
	old := r.values[figures.Figure{Name: oldPrefix + f.Name, Unit: f.Unit}]
	if old == nil || figures.Median(old) == 0 {
		return 0, false
	}
	return figures.Median(r.values[f]) / figures.Median(old), true
}

// table prints a Markdown table.
func (r *report) table(out io.Writer, bounds figures.Bounds) error {
	fmt.Fprintf(out, "Measured on %s, %d processors, %s/%s.\n\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, machine())
	fmt.Fprintln(out, "| what | unit | value | of the old | bound | |")
	fmt.Fprintln(out, "| --- | --- | ---: | ---: | --- | --- |")
	for _, f := range r.order {
		if strings.HasPrefix(f.Name, oldPrefix) {
			continue
		}
		limit, holds := bounds.Judge(f, r.values)
		of := ""
		if ratio, ok := r.ratio(f); ok {
			of = figures.Number(ratio)
		}
		if _, err := fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", f.Name, f.Unit, figures.Value(r.values[f]), of, limit, holds); err != nil {
			return err
		}
	}
	for _, f := range r.failures {
		fmt.Fprintf(out, "\nfailed: %s\n", f)
	}
	return nil
}

// machine returns the processor's name as Linux tells it, or its architecture.
func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return runtime.GOARCH + ", " + strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

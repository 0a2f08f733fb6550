package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"conga/httpapi/client"
)

func (a *app) statsCommand() *cobra.Command {
	var h historyFlags
	c := a.query(&cobra.Command{
		Use:   "stats [ID]",
		Short: "Show what an allocation, or all of them, have carried",
		Long: `stats shows what an allocation has carried, or what all of them have carried
together. With --history it shows how fast an allocation went over time: as a
plot on a terminal, and as a table for other programs elsewhere.`,
		Example: `  conga stats 6ba7b810 --history
  conga stats 6ba7b810 --history --window 30d --step 6h > history.csv`,
		Args: takesOne("ID"),
	}, func(ctx context.Context, s caller, args []string) error {
		if h.wanted || h.window != "" || h.step != "" {
			return a.showHistory(ctx, s, args, h)
		}
		if len(args) == 0 {
			t, err := s.Totals(ctx)
			if err != nil {
				return err
			}
			return a.printTotals(t)
		}
		st, err := s.AllocationStats(ctx, args[0])
		if err != nil {
			return err
		}
		return a.printStats(st)
	})
	c.Flags().BoolVar(&h.wanted, "history", false, "how fast the allocation went over time")
	c.Flags().StringVar(&h.window, "window", "", "how far back the history goes, up to 90d; without it an hour")
	c.Flags().StringVar(&h.step, "step", "", "how long each step of it is; without it the least that is kept for the window")
	return c
}

func (a *app) printStats(s client.AllocationStats) error {
	if a.structured() {
		return a.printData(s)
	}
	sampled := when(s.Sampled)
	switch {
	case s.Final:
		sampled = "final"
	case s.Stale:
		sampled += " (a switch has told nothing since)"
	}
	head := [][]string{
		{"ID", s.ID}, {"State", string(s.State)}, {"Start", when(s.StartTime)}, {"End", when(s.EndTime)},
		{"Bandwidth", rate(s.Bandwidth)}, {"Promised", amount(s.Promised)}, {"Sampled", sampled},
	}
	if there, back := s.Forward.Bandwidth, s.Reverse.Bandwidth; there != nil && (back == nil || *back != *there) {
		head[4][1] += ", back " + rate(back)
		head[5][1] += ", back " + amount(s.Reverse.Promised)
	}
	if s.Degraded {
		head = append(head, []string{"Degraded", "yes"})
	}
	if err := printTable(a.out, head); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	rows := [][]string{{"DIRECTION", "ENTERED", "DELIVERED", "DROPPED", "RATE", "OF BANDWIDTH"}}
	for _, d := range []struct {
		name string
		client.Direction
	}{{"forward", s.Forward}, {"reverse", s.Reverse}} {
		rows = append(rows, []string{
			d.name, amount(d.Entered.Bytes), amount(d.Delivered.Bytes), amount(d.Dropped.Bytes), zeroRate(d.Delivered.Rate), percent(d.Utilisation),
		})
	}
	return printTable(a.out, rows)
}

func (a *app) printTotals(t client.Totals) error {
	if a.structured() {
		return a.printData(t)
	}
	var states []string
	for _, s := range slices.Sorted(maps.Keys(t.Allocations)) {
		states = append(states, fmt.Sprintf("%d %s", t.Allocations[s], s))
	}
	project := "all"
	if t.ProjectID != nil {
		project = *t.ProjectID
	}
	rows := [][]string{
		{"Project", project}, {"Allocations", firstOf(strings.Join(states, ", "), "none")},
		{"Entered", volume(t.Entered)}, {"Delivered", volume(t.Delivered)}, {"Dropped", volume(t.Dropped)},
	}
	if n := t.Network; n != nil {
		rows = append(rows,
			[]string{"Switches", fmt.Sprintf("%d, %d connected, %d silent", n.Switches, n.Connected, n.Stale)},
			[]string{"Links", fmt.Sprint(n.Links)}, []string{"Hosts", fmt.Sprint(n.Hosts)}, []string{"Flow entries", fmt.Sprint(n.Flows)},
			[]string{"Into the network", volume(n.Received)}, []string{"Out of it", volume(n.Sent)},
			[]string{"Sampled", when(n.Sampled)})
	}
	return printTable(a.out, rows)
}

// volume returns an amount as text, with the rate if there is one.
func volume(t client.Traffic) string {
	if t.Rate == nil {
		return amount(t.Bytes)
	}
	return amount(t.Bytes) + ", now " + bits(*t.Rate)
}

// amount returns bytes as text in decimal units, or a dash.
func amount(n *uint64) string {
	if n == nil {
		return "-"
	}
	f, units := float64(*n), []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	for f >= 999.5 && len(units) > 1 {
		f, units = f/1000, units[1:]
	}
	if units[0] == "B" {
		return fmt.Sprintf("%d B", *n)
	}
	return fmt.Sprintf("%.3g %s", f, units[0])
}

// percent returns a share as text, or a dash.
func percent(f *float64) string {
	if f == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", *f*100)
}

// hops returns a path as text.
func hops(path []client.Hop) string {
	out := make([]string, len(path))
	for i, h := range path {
		out[i] = fmt.Sprintf("%s[%s>%s]", h.DPID, portText(h.In), portText(h.Out))
	}
	return strings.Join(out, " ")
}

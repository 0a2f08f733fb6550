package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

// A recurrence holds the flags that make a request one for a series.
type recurrence struct{ rule, zone string }

func (r *recurrence) flags(c *cobra.Command) {
	c.Flags().StringVar(&r.rule, "recurrence", "", "make a series, all of it or none, by this `rule` of RFC 5545, from the --start on: FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10")
	c.Flags().StringVar(&r.zone, "zone", "", "with --recurrence: the time `zone` whose clocks it is about, such as Europe/Paris; this machine's without it")
}

// localZone returns the name of the machine's time zone, UTC if it has none.
func localZone() string {
	if name := time.Local.String(); name != "Local" {
		return name
	}
	file, _ := os.Readlink("/etc/localtime")
	_, linked, _ := strings.Cut(file, "zoneinfo/")
	for _, name := range []string{strings.TrimPrefix(os.Getenv("TZ"), ":"), linked} {
		if _, err := time.LoadLocation(name); name != "" && err == nil {
			return name
		}
	}
	return "UTC"
}

// series asks for a series, or only has it checked.
func (a *app) series(ctx context.Context, again recurrence, r client.Request, wait, validate bool) error {
	switch {
	case again.rule == "":
		return usagef("--zone says by which clocks a series recurs; give --recurrence with it")
	case r.StartTime == 0 && r.StartIn == nil:
		return usagef("--recurrence needs --start, the time of the first occurrence")
	case wait:
		return usagef("a series has many starts; leave --wait out, and watch them with conga watch")
	case validate && a.output == formatName:
		return usagef("--output name: what is only validated has no ID; write table, json or yaml")
	}
	r.Recurrence = &client.Recurrence{Rule: again.rule, Zone: firstOf(again.zone, localZone())}
	s, err := a.connectFor(ctx, &r)
	if err != nil {
		return err
	}
	defer s.Close()
	ask := s.AllocateSeries
	if validate {
		ask = s.ValidateSeries
	}
	made, err := ask(ctx, r)
	if err != nil {
		return explainProject(err, r.ProjectID)
	}
	return a.printSeries(made)
}

// printSeries prints a series, an occurrence a row.
func (a *app) printSeries(s client.Series) error {
	switch a.output {
	case formatJSON, formatYAML:
		return a.printData(s)
	case formatName:
		_, err := fmt.Fprintln(a.out, terminal.Clean(s.ID))
		return err
	}
	for _, note := range s.Notes {
		fmt.Fprintf(a.err, "note: %s\n", terminal.Clean(note))
	}
	err := printTable(a.out, [][]string{
		{"Series", firstOf(s.ID, "-")}, {"Recurrence", s.Recurrence.Rule}, {"Zone", firstOf(s.Recurrence.Zone, "UTC")}, {"Occurrences", fmt.Sprint(len(s.Occurrences))},
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	rows := [][]string{{"ID", "STATE", "START", "END", "REASON"}}
	for _, o := range s.Occurrences {
		rows = append(rows, []string{firstOf(o.ID, "-"), string(o.State), when(o.StartTime), when(o.EndTime), firstOf(o.Reason, "-")})
	}
	return printTable(a.out, rows)
}

// releaseSeries releases all of a series.
func (a *app) releaseSeries(ctx context.Context, id string) error {
	s, err := a.connect("")
	if err != nil {
		return err
	}
	defer s.Close()
	gone, err := s.ReleaseSeries(ctx, id)
	if err != nil {
		return err
	}
	if !a.structured() {
		fmt.Fprintf(a.err, "series %s is released, %d allocations\n", terminal.Clean(id), len(gone))
		return nil
	}
	type released struct {
		ID string `json:"allocation_id"`
	}
	list := []released{}
	for _, id := range gone {
		list = append(list, released{id})
	}
	return a.printData(list)
}

// inTheWay returns the occurrences for which a series was refused, a line each.
func inTheWay(list []client.RefusedOccurrence) (lines []string) {
	if len(list) > 0 {
		lines = append(lines, "these do not fit:")
	}
	for _, o := range list {
		lines = append(lines, fmt.Sprintf("  %s to %s: %s", when(&o.StartTime), when(&o.EndTime), o.Reason))
	}
	return lines
}

// seriesRows returns what the fields of one allocation say of its series.
func seriesRows(al client.Allocation) (rows [][]string) {
	if al.Series != nil {
		rows = append(rows, []string{"Series", *al.Series})
	}
	if al.Recurrence != nil {
		rows = append(rows, []string{"Recurrence", al.Recurrence.Rule + ", " + firstOf(al.Recurrence.Zone, "UTC")})
	}
	return rows
}

// addSeries adds the flags for a series to a command, if it is for one.
func addSeries(r *client.Recurrence, add func(flag, value string, given bool)) {
	if r != nil {
		add("--recurrence", r.Rule, true)
		add("--zone", r.Zone, r.Zone != "")
	}
}

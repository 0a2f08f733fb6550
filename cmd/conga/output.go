package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

// The formats of --output.
const (
	formatTable = "table"
	formatWide  = "wide" // a table with more columns
	formatJSON  = "json"
	formatYAML  = "yaml" // the JSON, as YAML
	formatName  = "name" // IDs alone
)

// structured reports whether the format is one that shows programs everything.
func (a *app) structured() bool { return a.output == formatJSON || a.output == formatYAML }

// printList prints allocations, one a row.
func (a *app) printList(list []client.Allocation) error {
	switch a.output {
	case formatJSON, formatYAML:
		return a.printData(list)
	case formatName:
		for _, al := range list {
			if _, err := fmt.Fprintln(a.out, terminal.Clean(al.ID)); err != nil {
				return err
			}
		}
		return nil
	}
	rows := [][]string{{"ID", "STATE", "SOURCE", "DESTINATION", "BANDWIDTH", "START", "END", "USER"}}
	scavenges := func(al client.Allocation) bool { return al.Class == scavenger }
	classes := a.output == formatWide || slices.ContainsFunc(list, scavenges) // else all are normal
	if classes {
		rows[0] = append(rows[0], "CLASS")
	}
	rows[0] = append(rows[0], "REASON")
	if a.output == formatWide {
		rows[0] = append(rows[0], "PROTOCOL", "PROJECT", "PATH")
	}
	for _, al := range list {
		row := []string{
			al.ID, string(al.State), endpoint(al.SrcIP, al.SrcPort), endpoint(al.DstIP, al.DstPort),
			rate(al.Bandwidth), when(al.StartTime), when(al.EndTime), al.UserID,
		}
		if classes {
			row = append(row, al.Class)
		}
		if row = append(row, text(al.Reason)); a.output == formatWide {
			row = append(row, text(al.Protocol), al.ProjectID, firstOf(hops(al.Path), "-"))
		}
		rows = append(rows, row)
	}
	return printTable(a.out, rows)
}

// printOne prints everything of one allocation, a field a line.
func (a *app) printOne(al client.Allocation) error {
	switch a.output {
	case formatJSON, formatYAML:
		return a.printData(al)
	case formatName:
		return a.printList([]client.Allocation{al})
	}
	rows := [][]string{
		{"ID", firstOf(al.ID, "-")},
		{"State", string(al.State)},
		{"Reason", text(al.Reason)},
		{"Source", endpoint(al.SrcIP, al.SrcPort)},
		{"Destination", endpoint(al.DstIP, al.DstPort)},
		{"Protocol", text(al.Protocol)},
		{"Bandwidth", rate(al.Bandwidth)},
		{"Duration", shortSeconds(al.Duration)},
		{"Start", when(al.StartTime)},
		{"End", when(al.EndTime)},
		{"User", al.UserID},
		{"Project", al.ProjectID},
		{"Path", firstOf(hops(al.Path), "-")},
	}
	rows = append(rows, givenRows(al)...)
	if a.output == formatWide {
		rows = append(rows, wideRows(al)...)
	}
	if err := printTable(a.out, rows); err != nil || al.Receipt == nil {
		return err
	}
	return a.printReceipt(*al.Receipt)
}

// givenRows returns the fields of one allocation that most do not have.
func givenRows(al client.Allocation) (rows [][]string) {
	if al.Earliest != nil {
		rows = append(rows, []string{"Earliest", when(al.Earliest)})
	}
	if al.Deadline != nil {
		rows = append(rows, []string{"Deadline", when(al.Deadline)})
	}
	if al.Volume != nil {
		rows = append(rows, []string{"Volume", bytesOf(*al.Volume)})
	}
	for i, s := range al.Profile {
		name := ""
		if i == 0 {
			name = "Steps"
		}
		rows = append(rows, []string{name, rate(&s.Bandwidth) + ", " + when(&s.StartTime) + " to " + when(&s.EndTime)})
	}
	if al.Class == scavenger {
		rows = append(rows, []string{"Class", al.Class})
	}
	if al.MinBandwidth != nil {
		rows = append(rows, []string{"Least rate", rate(al.MinBandwidth)})
	}
	if al.MaxBandwidth != nil {
		rows = append(rows, []string{"Most rate", rate(al.MaxBandwidth)})
	}
	if al.Hold != nil {
		rows = append(rows, []string{"Held for", shortSeconds(al.Hold)})
	}
	if al.ReverseBandwidth != nil {
		rows = append(rows, []string{"Back", zeroRate(al.ReverseBandwidth)})
	}
	rows = append(rows, constraintRows(al)...)
	rows = append(rows, seriesRows(al)...)
	if al.Degraded {
		rows = append(rows, []string{"Degraded", "yes"})
	}
	if al.ChangedBy != nil {
		rows = append(rows, []string{"Changed by", *al.ChangedBy})
	}
	return rows
}

// wideRows returns the fields of one allocation that only the format wide
// shows.
func wideRows(al client.Allocation) [][]string {
	seen, used := "-", "-"
	if al.Connections != nil {
		seen = fmt.Sprint(*al.Connections)
	}
	if al.InUse != nil {
		used = yesNo(*al.InUse)
	}
	return [][]string{{"Lease", shortSeconds(al.Lease)}, {"Active lease", shortSeconds(al.ActiveLease)}, {"In use", used}, {"Connections", seen}}
}

// printData prints v in the structured format.
func (a *app) printData(v any) error {
	text, err := a.encode(v)
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}

// encode returns v in JSON or YAML, with the names and the order of JSON.
func (a *app) encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil || a.output != formatYAML {
		return b.Bytes(), err
	}
	return yaml.JSONToYAML(b.Bytes())
}

// printTable aligns the rows. It removes control characters, which may come
// from the server.
func printTable(out io.Writer, rows [][]string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = terminal.Clean(cell)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func text(s *string) string {
	if s == nil || *s == "" {
		return "-"
	}
	return *s
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

// printList prints allocations, one a row.
func (a *app) printList(list []client.Allocation) error {
	switch a.output {
	case "json":
		return a.printJSON(list)
	case "id":
		for _, al := range list {
			if _, err := fmt.Fprintln(a.out, terminal.Clean(al.ID)); err != nil {
				return err
			}
		}
		return nil
	}
	rows := [][]string{{"ID", "STATE", "SOURCE", "DESTINATION", "BANDWIDTH", "START", "END", "USER", "REASON"}}
	for _, al := range list {
		rows = append(rows, []string{
			al.ID, string(al.State), endpoint(al.SrcIP, al.SrcPort), endpoint(al.DstIP, al.DstPort),
			rate(al.Bandwidth), when(al.StartTime), when(al.EndTime), al.UserID, text(al.Reason),
		})
	}
	return printTable(a.out, rows)
}

// printOne prints everything of one allocation, a field a line.
func (a *app) printOne(al client.Allocation) error {
	switch a.output {
	case "json":
		return a.printJSON(al)
	case "id":
		return a.printList([]client.Allocation{al})
	}
	return printTable(a.out, [][]string{
		{"ID", al.ID},
		{"State", string(al.State)},
		{"Reason", text(al.Reason)},
		{"Source", endpoint(al.SrcIP, al.SrcPort)},
		{"Destination", endpoint(al.DstIP, al.DstPort)},
		{"Protocol", text(al.Protocol)},
		{"Bandwidth", rate(al.Bandwidth)},
		{"Duration", (time.Duration(al.Duration) * time.Second).String()},
		{"Start", when(al.StartTime)},
		{"End", when(al.EndTime)},
		{"User", al.UserID},
		{"Project", al.ProjectID},
		{"Path", firstOf(hops(al.Path), "-")},
	})
}

func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printTable aligns the rows. What came from the server cannot command the
// terminal.
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

// progress shows how an allocation gets on: on a terminal in one line that is
// written over, elsewhere in a line for each change.
type progress struct {
	out      io.Writer
	terminal bool
	shown    bool
}

func (p *progress) show(al client.Allocation) {
	line := fmt.Sprintf("allocation %s is %s", al.ID, al.State)
	if al.Reason != nil && *al.Reason != "" {
		line += ": " + *al.Reason
	} else if al.State == client.Pending && al.StartTime != nil {
		line += ", planned for " + when(al.StartTime)
	}
	line = terminal.Clean(line)
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K", line)
		p.shown = true
		return
	}
	fmt.Fprintln(p.out, line)
}

// end leaves the line that was written over.
func (p *progress) end() {
	if p.shown {
		fmt.Fprintln(p.out)
	}
}

func text(s *string) string {
	if s == nil || *s == "" {
		return "-"
	}
	return *s
}

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

func (a *app) maintenanceCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "maintenance", Short: "Have traffic leave a switch or a link for a while", Args: cobra.NoArgs,
		Long: `maintenance has allocations and best effort leave a switch or a link before it is
worked on, without losing a packet, as far as there is another way; what is
reserved meanwhile goes around it. It needs an operator's key, or the admin's, in
CONGA_KEY.`,
		Example: `  conga maintenance switch 0000000000000003 --from "Sun 02:00" --to "Sun 04:00" --note "new fans" --dry-run
  conga maintenance link "0000000000000001:3->0000000000000002:1" --to +2h
  conga maintenance list
  conga maintenance end ID`,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		a.maintainCommand("switch", "DPID", "a switch, with all its ports", func(r *client.MaintenanceRequest, name string) { r.Switch = name }),
		a.maintainCommand("link", "LINK", "a link between two switches, in both directions", func(r *client.MaintenanceRequest, name string) { r.Link = name }),
		a.maintenancesCommand(), a.endMaintenanceCommand(),
	)
	return c
}

// maintainCommand returns the command that enters a maintenance of a sort of
// thing, which set puts into the request.
func (a *app) maintainCommand(kind, arg, what string, set func(*client.MaintenanceRequest, string)) *cobra.Command {
	var from, to, note string
	var rehearse bool
	c := a.query(&cobra.Command{
		Use: kind + " " + arg, Short: "Enter the maintenance of " + what, Args: needs(arg),
		Long: fmt.Sprintf(`%s enters the maintenance of %s. It prints what
becomes of each allocation over it: the paths that it moves to, and when; the
window that it gets instead; or that it stays, since no other way has room.`, kind, what),
	}, func(ctx context.Context, s caller, args []string) error {
		r := client.MaintenanceRequest{Note: note}
		set(&r, args[0])
		if err := maintenanceWindow(&r, from, to); err != nil {
			return err
		}
		ask := s.Maintain
		if rehearse {
			ask = s.RehearseMaintenance
		}
		m, err := ask(ctx, r)
		if err != nil {
			return explainOperators("maintenance", err)
		}
		return a.printMaintained(m)
	})
	c.Flags().StringVar(&from, "from", "", "when it begins: `Sun 02:00`, +2h, or as --start of allocate; now without it")
	c.Flags().StringVar(&to, "to", "", "when it ends: `Sun 04:00`, +4h from now, or as --from")
	c.Flags().StringVar(&note, "note", "", "what it is for, in `words`")
	c.Flags().BoolVar(&rehearse, "dry-run", false, "only print what would become of allocations")
	return c
}

// maintenanceWindow puts the window that flags say into a request. Times from
// now are by the server's clock.
func maintenanceWindow(r *client.MaintenanceRequest, from, to string) error {
	now := time.Now()
	if from != "" {
		m, err := parseMoment("--from", from, now)
		if err != nil {
			return err
		}
		r.StartTime, r.StartIn = m.at, m.in
	}
	if to == "" {
		return usagef("--to is missing: write when it ends, such as +2h or \"Sun 04:00\"")
	}
	m, err := parseMoment("--to", to, now)
	r.EndTime, r.EndIn = m.at, m.in
	return err
}

// printMaintained prints a maintenance that was entered or rehearsed, with what
// becomes of allocations, a row each.
func (a *app) printMaintained(m client.Maintenance) error {
	if a.structured() {
		return a.printData(m)
	}
	if m.ID == "" {
		fmt.Fprintln(a.err, "rehearsed; nothing was changed")
	} else {
		fmt.Fprintf(a.err, "maintenance %s is %s\n", terminal.Clean(m.ID), terminal.Clean(m.State))
	}
	if len(m.Allocations) == 0 {
		fmt.Fprintln(a.err, "no allocation is over it")
		return nil
	}
	rows := [][]string{{"ALLOCATION", "PROJECT", "OUTCOME", "AT", "PATH OR REASON"}}
	for _, o := range m.Allocations {
		rows = append(rows, outcomeRows(o)...)
	}
	return printTable(a.out, rows)
}

// outcomeRows returns the rows of what becomes of an allocation: one for each
// move.
func outcomeRows(o client.MaintenanceOutcome) (rows [][]string) {
	switch o.Outcome {
	case "moves":
		for _, m := range o.Moves {
			rows = append(rows, []string{o.ID, o.ProjectID, "moves", when(&m.Time), hops(m.Path)})
		}
	case "postponed":
		path := "-"
		if n := len(o.Moves); n > 0 {
			path = hops(o.Moves[n-1].Path)
		}
		rows = append(rows, []string{o.ID, o.ProjectID, "moves later", when(&o.StartTime), path})
	case "stays":
		rows = append(rows, []string{o.ID, o.ProjectID, "finds no way", "-", text(o.Reason)})
	case "yields":
		rows = append(rows, []string{o.ID, o.ProjectID, "yields", "-", "a scavenger: has another path if there is room then"})
	default:
		rows = append(rows, []string{o.ID, o.ProjectID, o.Outcome, "-", text(o.Reason)})
	}
	return rows
}

func (a *app) maintenancesCommand() *cobra.Command {
	var ended bool
	c := a.query(&cobra.Command{
		Use: "list", Short: "List maintenances, those that begin first before the others", Args: cobra.NoArgs,
	}, func(ctx context.Context, s caller, _ []string) error {
		list, err := s.Maintenances(ctx, "")
		if err != nil {
			return explainOperators("maintenance", err)
		}
		shown := []client.Maintenance{}
		for _, m := range list {
			if ended || m.State != "ended" {
				shown = append(shown, m)
			}
		}
		return a.printMaintenances(shown)
	})
	c.Flags().BoolVar(&ended, "all", false, "list those that have ended as well")
	return c
}

func (a *app) printMaintenances(list []client.Maintenance) error {
	if a.structured() {
		return a.printData(list)
	}
	rows := [][]string{{"ID", "OF", "STATE", "FROM", "TO", "NOTE"}}
	for _, m := range list {
		end := m.EndTime
		if m.Ended != nil {
			end = min(end, *m.Ended)
		}
		of := strings.Trim(text(m.Switch)+text(m.Link), "-")
		rows = append(rows, []string{m.ID, of, m.State, when(&m.StartTime), when(&end), text(m.Note)})
	}
	return printTable(a.out, rows)
}

func (a *app) endMaintenanceCommand() *cobra.Command {
	return a.query(&cobra.Command{
		Use: "end ID", Short: "End a maintenance now, or cancel one that is to come", Args: needs("ID"),
	}, func(ctx context.Context, s caller, args []string) error {
		m, err := s.EndMaintenance(ctx, args[0])
		if err != nil {
			return explainOperators("maintenance", err)
		}
		if a.structured() {
			return a.printData(m)
		}
		fmt.Fprintf(a.err, "maintenance %s has ended\n", terminal.Clean(m.ID))
		return nil
	})
}

// completeMaintenance offers the switches, links or maintenances that there
// are, if the server answers soon.
func (a *app) completeMaintenance(c *cobra.Command, given []string, _ string) (out []string, _ cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(given) > 0 || c.Name() == "list" {
		return nil, none
	}
	s, err := a.connect("")
	if err != nil {
		return nil, none
	}
	defer s.Close()
	ctx, cancel := contextFor(c, 2*time.Second)
	defer cancel()
	switch c.Name() {
	case "switch":
		list, _ := s.Switches(ctx)
		for _, sw := range list {
			out = append(out, sw.DPID)
		}
	case "link":
		list, _ := s.Links(ctx)
		for _, l := range list {
			out = append(out, l.ID)
		}
	case "end":
		list, _ := s.Maintenances(ctx, "")
		for _, m := range list {
			if m.State != "ended" {
				out = append(out, m.ID)
			}
		}
	}
	return out, none
}

package main

import (
	"bytes"
	"io"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/manual"
	"conga/httpapi/client"
)

// manCommand returns the hidden command with which packages write the manual.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages into a directory", Args: needs("DIR"), Hidden: true,
		RunE: func(c *cobra.Command, args []string) error {
			return manual.Commands(c.Root(), "1", args[0])
		},
	}
}

// complete sets what the shell offers to complete.
func (a *app) complete(root *cobra.Command) {
	words := func(list ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
	}
	_ = root.RegisterFlagCompletionFunc("context", a.completeContext)
	_ = root.RegisterFlagCompletionFunc("output", words(formatTable, formatWide, formatJSON, formatYAML, formatName))
	for _, c := range root.Commands() {
		for flag, list := range map[string][]string{
			"protocol": {"tcp", "udp", "any"}, "state": {"pending", "active", "complete"},
			"duration": {"10m", "1h", "1d"}, "bandwidth": {"10M", "100M", "1G"},
		} {
			if c.Flags().Lookup(flag) != nil {
				_ = c.RegisterFlagCompletionFunc(flag, words(list...))
			}
		}
		if c.Flags().Lookup("sort") != nil {
			_ = c.RegisterFlagCompletionFunc("sort", words(topKeys()...))
		}
		switch c.Name() {
		case "show", "update", "release", "watch", "stats":
			c.ValidArgsFunction = a.completeID
		case "maintenance":
			for _, sub := range c.Commands() {
				sub.ValidArgsFunction = a.completeMaintenance
			}
		case "login", "list", "top", "version", "agent", "topology", "allocate", "paths", "availability":
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
}

// An unmarked removes the backquotes in the flags' descriptions that mark the
// names of values: help interprets them, but a completing shell would show
// them.
type unmarked struct{ out io.Writer }

// Write implements io.Writer.
func (u unmarked) Write(text []byte) (int, error) {
	if _, err := u.out.Write(bytes.ReplaceAll(text, []byte("`"), nil)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// completeID offers the existing allocations, if the server answers soon.
func (a *app) completeID(c *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(given) > 0 && c.Name() != "release" && c.Name() != "watch" {
		return nil, none
	}
	s, err := a.connect("")
	if err != nil {
		return nil, none
	}
	defer s.Close()
	ctx, cancel := contextFor(c, 2*time.Second)
	defer cancel()
	var out []string
	for _, state := range []client.State{client.Active, client.Pending} {
		for al, err := range s.List(ctx, s.project, state) {
			if err != nil || len(out) == 200 {
				break
			}
			out = append(out, cobra.CompletionWithDesc(al.ID, string(al.State)+" "+al.SrcIP+" "+al.DstIP))
		}
	}
	return out, none
}

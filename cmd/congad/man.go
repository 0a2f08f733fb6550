package main

import (
	"github.com/spf13/cobra"

	"conga/cmd/internal/config"
	"conga/cmd/internal/manual"
)

// manCommand returns the hidden command with which packages write the manual.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages into a directory", Hidden: true,
		Args: exactly("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := manual.Commands(c.Root(), "8", args[0]); err != nil {
				return err
			}
			return manual.Text("conga.yaml", "5", config.Manual, args[0])
		},
	}
}

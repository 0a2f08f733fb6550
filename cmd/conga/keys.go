package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

func (a *app) keysCommand() *cobra.Command {
	c := a.query(&cobra.Command{
		Use: "keys", Short: "List your keys that live, and end them", Args: cobra.NoArgs,
		Long: `keys lists the keys of your user and project without their secrets; with an
operator's key or the admin's those of all users. A key lives for a day unless it
is renewed. Of 1,000 the one that was used longest ago goes when another is made.`,
		Example: "  conga keys\n  conga keys end 4f0c1d2e3b4a59687f6e",
	}, func(ctx context.Context, s caller, _ []string) error {
		list, err := s.Keys(ctx)
		if err != nil {
			return err
		}
		return a.printKeys(list)
	})
	c.AddCommand(&cobra.Command{
		Use: "end ID...", Short: "End keys at once", Args: needsSome("ID"),
		RunE: func(c *cobra.Command, ids []string) error {
			s, err := a.connect("")
			if err != nil {
				return err
			}
			defer s.Close()
			var failed []error
			for _, id := range ids {
				if err := s.EndKey(c.Context(), id); err != nil {
					failed = append(failed, fmt.Errorf("%s: %w", id, err))
					continue
				}
				fmt.Fprintf(a.err, "key %s is ended\n", terminal.Clean(id))
			}
			return errors.Join(failed...)
		},
	})
	return c
}

func (a *app) printKeys(list []client.HeldKey) error {
	if a.structured() {
		return a.printData(list)
	}
	rows := [][]string{{"ID", "USER", "PROJECT", "MADE", "USED", "ENDS"}}
	for _, k := range list {
		rows = append(rows, []string{k.ID, k.UserID, k.ProjectID, when(&k.StartTime), when(&k.UsedTime), when(&k.EndTime)})
	}
	return printTable(a.out, rows)
}

// oneKey keeps to the key that an earlier login saved, if that is still good
// for the same user and project: it is renewed, since running commands use it,
// and the new one is ended. Otherwise it returns the new one.
func oneKey(ctx context.Context, cfg client.Config, saved login, made client.Key) client.Key {
	if saved.Key == "" || saved.UserID != made.UserID || saved.ProjectID != made.ProjectID {
		return made
	}
	end := func(key string, f func(*client.Client) error) error {
		cfg.Key = key
		c, err := client.New(cfg)
		if err != nil {
			return err
		}
		defer c.Close()
		return f(c)
	}
	kept := made
	err := end(saved.Key, func(c *client.Client) (err error) {
		kept, err = c.Renew(ctx, made.UserID, made.ProjectID)
		return err
	})
	if err != nil {
		return made
	}
	// If it cannot be ended it ends by itself within a day.
	_ = end(made.APIKey, func(c *client.Client) error { return c.Logout(ctx, made.UserID, made.ProjectID) })
	return kept
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

func (a *app) contextCommand() *cobra.Command {
	list := func(*cobra.Command, []string) error { return a.listContexts() }
	c := &cobra.Command{
		Use: "context", Short: "List the logins that are kept, and choose one", Args: cobra.NoArgs,
		Long: `context lists what conga login has kept: for each project at each server a key, by
the name of its context. Commands use the current one, marked *, unless --context or
CONGA_CONTEXT names another. A command that is about a project takes the context that
is for it at the same server, and --server takes one for that server.`,
		Example: "  conga context list\n  conga context use projectB@conga.example:8443\n  conga list --context projectC@conga.example",
		RunE:    list,
	}
	c.AddCommand(
		&cobra.Command{Use: "list", Short: "List the contexts, without their keys", Args: cobra.NoArgs, RunE: list},
		&cobra.Command{
			Use: "use NAME", Short: "Make a context the current one", Args: needs("NAME"),
			ValidArgsFunction: a.completeContext,
			RunE:              func(_ *cobra.Command, args []string) error { return a.useContext(args[0]) },
		},
	)
	return c
}

// A keptContext is a context as it is shown: without its key.
type keptContext struct {
	Name      string `json:"name"`
	Current   bool   `json:"current"`
	Server    string `json:"server"`
	UserID    string `json:"user_id"`
	ProjectID string `json:"project_id"`
	EndTime   int64  `json:"end_time"` // of the key when it was made or renewed by login, UNIX seconds
}

func (a *app) listContexts() error {
	kept, err := readCredentials()
	if err != nil {
		return err
	}
	list := []keptContext{}
	rows := [][]string{{"", "NAME", "SERVER", "PROJECT", "USER", "KEY ENDS"}}
	for _, name := range kept.names() {
		l, mark := kept.Contexts[name], ""
		if name == kept.Current {
			mark = "*"
		}
		list = append(list, keptContext{name, name == kept.Current, l.Server, l.UserID, l.ProjectID, l.EndTime})
		rows = append(rows, []string{mark, name, l.Server, l.ProjectID, l.UserID, when(&l.EndTime)})
	}
	switch {
	case a.structured():
		return a.printData(list)
	case a.output == formatName:
		for _, c := range list {
			if _, err := fmt.Fprintln(a.out, terminal.Clean(c.Name)); err != nil {
				return err
			}
		}
		return nil
	}
	return printTable(a.out, rows)
}

func (a *app) useContext(name string) error {
	kept, err := readCredentials()
	if err != nil {
		return err
	}
	if _, _, err := kept.find(choice{context: name}); err != nil {
		return err
	}
	kept.Current = name
	_, err = kept.write()
	return err
}

// completeContext offers the names of contexts.
func (a *app) completeContext(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	kept, err := readCredentials()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := slices.DeleteFunc(kept.names(), func(n string) bool { return slices.Contains(given, n) })
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) logoutCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "logout [NAME...]", Short: "End the keys of contexts and forget them",
		Long: `logout ends the key of the current context, or of those that are named, and forgets
the context. Where the server cannot be reached the context is forgotten all the same,
and the key ends by itself within a day. The key in CONGA_KEY is left alone.`,
		Example:           "  conga logout\n  conga logout projectB@conga.example:8443\n  conga logout --all",
		ValidArgsFunction: a.completeContext,
		RunE: func(c *cobra.Command, names []string) error {
			kept, err := readCredentials()
			if err != nil {
				return err
			}
			switch {
			case all && len(names) > 0:
				return usagef("logout takes names of contexts or --all, not both")
			case all:
				names = kept.names()
			case len(names) == 0:
				name, _, err := a.choose(kept, a.choice(""))
				if err != nil {
					return err
				}
				if name == "" {
					return errNoContext
				}
				names = []string{name}
			}
			return a.logout(c.Context(), kept, names)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "all contexts")
	return c
}

// errNoContext means that no login is kept for what was asked.
var errNoContext = errors.New("not logged in there; conga context list shows where you are")

// logout ends the keys of contexts and forgets the contexts, of which all must
// be known before any is ended.
func (a *app) logout(ctx context.Context, kept credentials, names []string) error {
	for _, name := range names {
		if _, _, err := kept.find(choice{context: name}); err != nil {
			return err
		}
	}
	var failed []error
	for _, name := range names {
		l := a.trusting(kept.Contexts[name])
		if err := endKey(ctx, l); err != nil {
			failed = append(failed, fmt.Errorf("%s is forgotten, but its key could not be ended (%w); it ends by itself within a day", name, err))
		} else {
			fmt.Fprintf(a.err, "logged out of %s\n", terminal.Clean(name))
		}
		if delete(kept.Contexts, name); kept.Current == name {
			kept.Current = ""
		}
	}
	if _, err := kept.write(); err != nil {
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// endKey ends the key of a login. One that the server does not know has ended.
func endKey(ctx context.Context, l login) error {
	c, err := client.New(client.Config{BaseURL: l.Server, Key: l.Key, Fingerprint: l.Fingerprint, CAFile: l.CAFile})
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.Logout(ctx, l.UserID, l.ProjectID)
	if refused, ok := errors.AsType[*client.Error](err); ok && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusNotFound) {
		return nil
	}
	return err
}

func (a *app) whoamiCommand() *cobra.Command {
	return a.query(&cobra.Command{
		Use: "whoami", Short: "Show for whom, and at which server, commands are carried out", Args: cobra.NoArgs,
		Long: "whoami asks the server whose key it is that commands use, and until when it lives.",
	}, func(ctx context.Context, s caller, _ []string) error {
		me := keyholder{Context: s.context, Server: s.server}
		key, err := s.Status(ctx)
		refused, ok := errors.AsType[*client.Error](err)
		switch {
		case ok && refused.Status == http.StatusNotFound: // an operator's, which no login has made
			me.Operator = true
		case err != nil:
			return err
		default:
			me.UserID, me.ProjectID, me.EndTime = key.UserID, key.ProjectID, &key.EndTime
		}
		if a.structured() {
			return a.printData(me)
		}
		user := me.UserID
		if me.Operator {
			user = "an operator"
		}
		return printTable(a.out, [][]string{
			{"User", user}, {"Project", firstOf(me.ProjectID, "-")}, {"Server", me.Server}, {"Context", firstOf(me.Context, "-")}, {"Key ends", when(me.EndTime)},
		})
	})
}

// A keyholder is the one for whom commands are carried out.
type keyholder struct {
	UserID    string `json:"user_id,omitempty"`
	ProjectID string `json:"project_id,omitempty"`
	Operator  bool   `json:"operator,omitempty"` // the key is an operator's, which is no user's
	Server    string `json:"server"`
	Context   string `json:"context,omitempty"`
	EndTime   *int64 `json:"end_time,omitempty"` // of the key, UNIX seconds
}

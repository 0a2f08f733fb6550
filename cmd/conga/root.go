package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conga/cmd/internal/terminal"
	"conga/cmd/internal/version"
	"conga/httpapi/client"
)

// An app is one run of the command.
type app struct {
	in       io.Reader
	out, err io.Writer
	started  bool // the command line was understood

	// takeSignals ends the app's own handling of signals. If one came before,
	// the command's context has ended when takeSignals returns.
	takeSignals func()

	context, server, fingerprint, caFile, output string // global flags
}

// run carries out one command line and returns its exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	if len(args) > 0 && args[0] == cobra.ShellCompRequestCmd {
		root.SetOut(unmarked{a.out})
	}
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if !a.started { // cobra's own errors about the command line
		err = commandLine(err)
	}
	if e, ok := errors.AsType[exitStatus](err); ok && e.cause == nil {
		return e.code
	}
	for line := range strings.SplitSeq(inFlags(err).Error(), "\n") {
		fmt.Fprintln(a.err, "conga:", terminal.Clean(line))
	}
	if h := hint(err); h != "" {
		lead := "conga: "
		for line := range strings.SplitSeq(h, "\n") {
			fmt.Fprintln(a.err, lead+terminal.Clean(line))
			lead = ""
		}
	}
	return exitCode(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "conga",
		Short: "Ask CONGA for priority network paths",
		Long:  "conga asks a CONGA daemon for priority network paths between hosts.\n\n" + exitCodes,
		Example: `  conga login --server https://conga.example:8443 --user abc123 --project projectB
  conga allocate 192.127.1.10 192.127.1.11 --duration 2h --bandwidth 40M --wait
  conga list
  conga release ID`,
		Version:       version.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			a.started = true
			return errors.Join(checkEmpty(c), a.checkGlobal())
		},
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	flags := root.PersistentFlags()
	flags.StringVar(&a.server, "server", "", "`URL` of the daemon (environment: CONGA_SERVER)")
	flags.StringVar(&a.context, "context", "", "`name` of the login to use, as conga context list shows it (environment: CONGA_CONTEXT)")
	flags.StringVar(&a.fingerprint, "fingerprint", "", "SHA-256 `fingerprint` that the daemon's certificate must have")
	flags.StringVar(&a.caFile, "ca-file", "", "PEM `file` of the authorities to trust instead of the system's")
	flags.StringVarP(&a.output, "output", "o", "table", "`format` of the data: table, wide, json, yaml or name, which is the IDs alone; id is the same")
	root.AddCommand(a.loginCommand(), a.logoutCommand(), a.whoamiCommand(), a.contextCommand(), a.keysCommand(), a.allocateCommand(), a.listCommand(), a.showCommand(),
		a.updateCommand(), a.releaseCommand(), a.watchCommand(), a.topCommand(), a.runCommand(), a.pathsCommand(), a.availabilityCommand(), a.statsCommand(),
		a.topologyCommand(), a.maintenanceCommand(), a.agentCommand(), a.versionCommand(), a.manCommand())
	for _, c := range root.Commands() {
		for _, flag := range []string{"timeout", "lease", "interval"} {
			if f := c.Flags().Lookup(flag); f != nil {
				f.DefValue = strings.Replace(f.DefValue, "m0s", "m", 1) // as help shows it
			}
		}
	}
	a.complete(root)
	return root
}

// checkEmpty returns an error if a flag was given an empty text, as by a shell
// variable that is not set. What the flag asks for would silently be left out.
func checkEmpty(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		text := strings.TrimSpace(f.Value.String())
		empty := f.Value.Type() == "string" && text == "" || f.Value.Type() == "stringSlice" && text == "[]"
		if _, may := f.Annotations[mayBeEmpty]; !may && empty {
			err = errors.Join(err, usagef("--%s is empty; write a value, or leave the flag out. Is a shell variable not set?", f.Name))
		}
	})
	return err
}

// mayBeEmpty is the annotation of a flag that may be given an empty text.
const mayBeEmpty = "conga_may_be_empty"

func (a *app) checkGlobal() error {
	switch a.output {
	case "id":
		a.output = formatName
	case formatTable, formatWide, formatJSON, formatYAML, formatName:
	default:
		return usagef("--output %q: write table, wide, json, yaml or name", a.output)
	}
	return nil
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, "conga", version.String())
			return err
		},
	}
}

// A caller is a client with its key, and the project of that if it is known.
type caller struct {
	*client.Client
	context string // whose login it is; "": the environment's
	server  string
	project string
	key     string
}

// connect returns a client made from the flags, the environment and what login
// saved, in this order. project is that which the command is about, "" if it
// names none.
func (a *app) connect(project string) (caller, error) {
	kept, err := readCredentials()
	if err != nil {
		return caller{}, err
	}
	name, login, err := a.choose(kept, a.choice(project))
	if err != nil {
		return caller{}, err
	}
	// A key from the environment may be for another project than the saved one.
	if key := os.Getenv("CONGA_KEY"); key != "" && key != login.Key {
		name, login.Key, login.ProjectID = "", key, ""
	}
	if login.Key == "" {
		return caller{}, errNoKey
	}
	c, err := client.New(client.Config{
		BaseURL: login.Server, Key: login.Key, Fingerprint: login.Fingerprint, CAFile: login.CAFile,
	})
	return caller{Client: c, context: name, server: login.Server, project: login.ProjectID, key: login.Key}, err
}

// projectOr returns the project asked for, or else the key's. It returns "" if
// the server knows no project for the key: an operator's key is for all
// projects; with an expired key the next call fails.
func (s *caller) projectOr(ctx context.Context, asked string) (string, error) {
	if p := firstOf(asked, os.Getenv("CONGA_PROJECT"), s.project); p != "" {
		return p, nil
	}
	key, err := s.Status(ctx)
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	s.project = key.ProjectID
	return key.ProjectID, nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

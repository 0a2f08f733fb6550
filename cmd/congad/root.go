package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"conga/allocator/store"
	"conga/cmd/internal/config"
	"conga/cmd/internal/terminal"
	"conga/cmd/internal/version"
	"conga/httpapi/auth"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // the daemon could not start, or a component failed
	exitUsage   = 2 // the command line or the configuration is wrong
	exitDamaged = 3 // the store is damaged, or has vanished
	exitDisk    = 4 // the data directory cannot be written
)

// A usageError is a mistake on the command line or in the configuration.
type usageError struct{ error }

// An app is one run of the command.
type app struct {
	in       io.Reader
	out, err io.Writer
	started  bool // the command line was understood

	configFile string
	flags      config.Overrides
	newStore   bool // there need be no store where there was one
}

// run carries out one command line and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	a := &app{in: in, out: out, err: errOut}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return a.end(root.ExecuteContext(ctx))
}

// end says what went wrong, if something did, and returns the exit code.
func (a *app) end(err error) int {
	if err == nil {
		return exitOK
	}
	if problems, ok := errors.AsType[config.Error](err); ok {
		fmt.Fprintln(a.err, problems) // one a line, with positions that editors can jump to
		return exitUsage
	}
	fmt.Fprintln(a.err, "congad:", err)
	if _, ok := errors.AsType[usageError](err); ok || !a.started {
		return exitUsage
	}
	if errors.Is(err, store.ErrDamaged) || errors.Is(err, errVanished) {
		return exitDamaged
	}
	if errors.Is(err, store.ErrUnwritable) {
		return exitDisk
	}
	return exitFailure
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "congad",
		Short: "Give researchers priority network paths",
		Long: `congad controls OpenFlow 1.3 switches and serves the CONGA REST interface.

Every setting has a default. A flag wins over the environment (CONGA_DATA, CONGA_API,
CONGA_OPENFLOW, CONGA_PLAINTEXT, CONGA_LOG_FORMAT, CONGA_LOG_LEVEL and CONGA_CONFIG), which
wins over the file. SIGHUP reads the file again; SIGTERM stops the daemon and leaves the
switches as they are.

The exit code is 1 if the daemon could not start or a part of it failed, 2 if the command line
or the configuration is wrong, 3 if the store is damaged or has vanished, and 4 if its directory
cannot be written at the start.`,
		Args:              cobra.NoArgs,
		Version:           version.String(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(*cobra.Command, []string) error { a.started = true; return nil },
		RunE:              func(c *cobra.Command, _ []string) error { return a.serve(c.Context()) },
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	a.configFlag(root)
	f := root.Flags()
	f.Var(text{&a.flags.Data}, "data", "`directory` of the store, the certificate and the admin key")
	f.Var(text{&a.flags.API}, "api", "`address` for users, host:port")
	f.Var(text{&a.flags.OpenFlow}, "openflow", "`address` for switches, host:port")
	f.Var(text{&a.flags.Plaintext}, "plaintext", "serve users without TLS: `true` on a loopback address, force on any")
	f.Lookup("plaintext").NoOptDefVal = "true"
	f.Var(text{&a.flags.LogFormat}, "log-format", "`format` of the log: text or json")
	f.Var(text{&a.flags.LogLevel}, "log-level", "least `level` that is logged: debug, info, warn or error")
	f.BoolVar(&a.newStore, "new-store", false, "begin with an empty store where there was one; for one start")
	root.AddCommand(a.backupCommand(), a.checkCommand(), a.demoCommand(), a.passwdCommand(), a.restoreCommand(), a.storeCommand(), a.versionCommand(), a.manCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

func (a *app) configFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.configFile, "config", os.Getenv("CONGA_CONFIG"), "YAML `file` to read")
}

// A text is a flag that remembers whether it was given.
type text struct{ value **string }

// String returns the flag's value.
func (t text) String() string {
	if t.value == nil || *t.value == nil {
		return ""
	}
	return **t.value
}

// Set takes the flag's text, which the configuration validates.
func (t text) Set(s string) error {
	*t.value = &s
	return nil
}

// Type returns the name of the flag's type.
func (t text) Type() string { return "text" }

// load reads the configuration: flags over environment over file over defaults.
func (a *app) load() (config.Config, error) {
	return config.Load(a.configFile, config.Environment(os.LookupEnv), a.flags)
}

func (a *app) passwdCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "passwd",
		Short: "Read a password and print the line that a configuration holds in its place",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			password, err := terminal.Password(c.Context(), a.in, a.err, "Password: ")
			if err != nil {
				return err
			}
			if terminal.Is(a.in) {
				again, err := terminal.Password(c.Context(), a.in, a.err, "Again: ")
				if err != nil {
					return err
				}
				if again != password {
					return errors.New("the two passwords differ; nothing is printed")
				}
			}
			line, err := auth.HashPassword(password)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.out, line)
			return err
		},
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, "congad", version.String())
			return err
		},
	}
}

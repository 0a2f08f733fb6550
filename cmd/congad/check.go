package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"conga/allocator/store"
	"conga/cmd/internal/config"
	"conga/cmd/internal/preflight"
)

func (a *app) checkCommand() *cobra.Command {
	show := false
	c := &cobra.Command{
		Use:   "check --config FILE",
		Short: "Check a configuration, and what it names: certificates, rights, addresses, servers",
		Long: `check reads a configuration, and then looks at what it names: certificates and keys that are
missing, damaged, of different pairs, expired or soon so, or for other hosts; the rights of the
data directory and of what is in it; addresses that are in use, or not of this machine; an
issuer or a directory that does not answer within some seconds. Each finding is a sentence that
names the key and says what to do. Nothing is changed, and congad may be running meanwhile.

Run it as the user that congad runs as: what root may read, that user may not. congad refuses the
same certificates and keys when it starts, and at SIGHUP, when the old configuration stays.

The exit code is 0 if there are warnings at most, 1 if congad would not start with what the
file names, and 2 if the file itself is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if a.configFile == "" {
				return usageError{errors.New("check needs --config FILE")}
			}
			cfg, err := a.load()
			if err != nil {
				if _, ok := errors.AsType[config.Error](err); !ok {
					err = usageError{err}
				}
				return err
			}
			if show {
				fmt.Fprint(a.out, cfg)
				return nil
			}
			return a.check(c.Context(), cfg)
		},
	}
	a.configFlag(c)
	c.Flags().BoolVar(&show, "print", false, "print the whole configuration, defaults included, secrets not, and look no further")
	return c
}

// check prints what is wrong with what a configuration names.
func (a *app) check(ctx context.Context, cfg config.Config) error {
	running, _ := store.InUse(storeFile(cfg.Data)) // one that may not be read is a finding
	if running {
		fmt.Fprintf(a.err, "congad is running with the data in %s; addresses that are in use are taken to be its own\n", cfg.Data)
	}
	found := preflight.File(a.configFile, cfg)
	found = append(found, preflight.Certificates(cfg, time.Now())...)
	found = append(found, preflight.AsRoot(cfg.Data)...)
	found = append(found, preflight.Data(cfg.Data)...)
	if err := checkVanished(storeFile(cfg.Data)); err != nil {
		found = append(found, preflight.Finding{Key: "data", Text: err.Error()})
	}
	found = append(found, preflight.Addresses(cfg, func(string) bool { return running })...)
	found = append(found, preflight.Servers(ctx, cfg.Directory, nil)...)
	for _, f := range found {
		fmt.Fprintf(a.err, "%s: %s\n", a.configFile, f)
	}
	warnings := len(preflight.Warnings(found))
	switch wrong := len(found) - warnings; {
	case wrong == 1:
		return fmt.Errorf("%s names something with which congad would not start", a.configFile)
	case wrong > 1:
		return fmt.Errorf("%s names %d things with which congad would not start", a.configFile, wrong)
	case warnings > 0:
		fmt.Fprintf(a.err, "%s is good, but see the warnings\n", a.configFile)
	default:
		fmt.Fprintf(a.err, "%s is good\n", a.configFile)
	}
	return nil
}

// checkStart returns why the daemon should not start with a configuration, as
// far as its certificates are concerned: for the rest, opening the store and
// listening tell. What is only to be warned of is logged.
func checkStart(cfg config.Config, log *slog.Logger) error {
	found := preflight.Certificates(cfg, time.Now())
	warn(log, found)
	warn(log, preflight.Data(cfg.Data))
	return preflight.Refused(found)
}

// checkNext returns why another configuration should not be applied: the daemon
// could not start with it. What is only to be warned of is logged. Addresses
// that are in use and have the port of one of the daemon's are its own.
func (d *daemon) checkNext(next config.Config) error {
	found := preflight.Certificates(next, time.Now())
	if next.Data != d.cfg.Data {
		found = append(found, preflight.Data(next.Data)...)
	}
	own := preflight.SamePort(d.cfg.API.Listen, d.cfg.OpenFlow.Listen, d.cfg.Debug.Listen)
	found = append(found, preflight.Addresses(next, own)...)
	warn(d.log, found)
	return preflight.Refused(found)
}

// warn logs the warnings among findings.
func warn(log *slog.Logger, found []preflight.Finding) {
	for _, f := range preflight.Warnings(found) {
		log.Warn("something that the configuration names needs a look", "key", f.Key, "reason", f.Text)
	}
}

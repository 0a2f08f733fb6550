package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
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

Run it as the user that congad runs as: what root may read, that user may not. congad refuses
certificates and keys that it cannot use when it starts, and those of api.tls at SIGHUP, when the
old configuration stays. It runs with an expired one and logs that.

The exit code is 0 if there are warnings at most, 1 if congad would not start with what the
file names or a certificate has expired, and 2 if the file itself is wrong.`,
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
		fmt.Fprintf(a.err, "congad is running with the data in %s\n", cfg.Data)
	}
	found := preflight.File(a.configFile, cfg)
	found = append(found, preflight.Certificates(cfg, time.Now())...)
	found = append(found, preflight.AsRoot(cfg.Data)...)
	found = append(found, preflight.Data(cfg.Data)...)
	if err := checkVanished(storeFile(cfg.Data)); err != nil {
		found = append(found, preflight.Finding{Key: "data", Text: err.Error()})
	}
	found = append(found, preflight.Addresses(ctx, cfg, listen, running)...)
	found = append(found, preflight.Servers(ctx, cfg.Directory, nil)...)
	for _, f := range found {
		fmt.Fprintf(a.err, "%s: %s\n", a.configFile, f)
	}
	wrong := 0
	for _, f := range found {
		if !f.Warning || f.Expired {
			wrong++
		}
	}
	switch {
	case wrong == 1:
		return fmt.Errorf("%s names something that is wrong", a.configFile)
	case wrong > 1:
		return fmt.Errorf("%s names %d things that are wrong", a.configFile, wrong)
	case len(found) > 0:
		fmt.Fprintf(a.err, "%s is good, but see the warnings\n", a.configFile)
	default:
		fmt.Fprintf(a.err, "%s is good\n", a.configFile)
	}
	return nil
}

// listen listens on an address for a check.
var listen preflight.Listen = new(net.ListenConfig).Listen

// checkStart returns why the daemon should not start with a configuration, as
// far as its certificates are concerned: for the rest, opening the store and
// listening tell. What is only to be warned of is logged.
func checkStart(cfg config.Config, log *slog.Logger) error {
	found := preflight.Certificates(cfg, time.Now())
	warn(log, found)
	warn(log, preflight.Data(cfg.Data))
	return preflight.Refused(found)
}

// checkNext returns why another configuration should not be applied: the API
// could not use its certificate. All else that it names is taken at a restart
// only and does not hold up the rest; what is wrong with it is logged.
func (d *daemon) checkNext(ctx context.Context, next config.Config) error {
	found := preflight.Certificates(next, time.Now())
	for i, f := range found {
		found[i].Warning = f.Warning || d.certificate == nil || !strings.HasPrefix(f.Key, "api.tls.")
	}
	if next.Data != d.cfg.Data {
		found = append(found, preflight.AsWarnings(preflight.Data(next.Data))...)
	}
	found = append(found, preflight.ChangedAddresses(ctx, d.cfg, next, listen)...)
	warn(d.log, found)
	return preflight.Refused(found)
}

// warn logs the warnings among findings, those of certificates that have
// expired as errors.
func warn(log *slog.Logger, found []preflight.Finding) {
	for _, f := range preflight.Warnings(found) {
		if f.Expired {
			log.Error("a certificate has expired; most clients refuse it", "key", f.Key, "reason", f.Text)
			continue
		}
		log.Warn("something that the configuration names needs a look", "key", f.Key, "reason", f.Text)
	}
}

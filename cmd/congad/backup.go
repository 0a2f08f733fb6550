package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conga/allocator/store"
	"conga/cmd/internal/config"
	"conga/httpapi/client"
	"conga/httpapi/serve"
)

// backupPatience is how long a backup may take: a large store over a slow
// line.
const backupPatience = 6 * time.Hour

// A spooled is a copy of the store in a file that has a name for a moment
// only.
type spooled struct{ *os.File }

// Close implements io.Closer.
func (s spooled) Close() error {
	err := s.File.Close()
	_ = os.Remove(s.Name()) // where it could not be removed while it was open
	return err
}

// backup returns a copy of the store as it is at one moment. It is on the disk
// before the first byte is sent, since a reader of the store that takes its
// time could have commits wait.
func (d *daemon) backup(ctx context.Context) (io.ReadCloser, int64, error) {
	file, err := os.CreateTemp(d.cfg.Data, "backup-*.tmp")
	if err != nil {
		return nil, 0, store.Unwritable(err)
	}
	_ = os.Remove(file.Name()) // so that a crash leaves nothing
	n, err := d.store.Backup(ctx, file)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		spooled{file}.Close()
		return nil, 0, store.Unwritable(err)
	}
	return spooled{file}, n, nil
}

// exactly returns a check for one argument, which errors call by its name.
func exactly(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("%s needs %s, and nothing else", c.Name(), name)}
		}
		return nil
	}
}

func (a *app) backupCommand() *cobra.Command {
	var server, keyFile string
	var trust client.Config
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Save the store of the running daemon in a new file",
		Long: `backup asks the running daemon for its store as it is at one moment, saves it in a new file, and
checks it. It takes address, certificate and admin.key from the configuration; from another
machine, say --server, --key-file and --fingerprint or --ca-file. The file has what opens webhooks
and stands for keys: keep it as the store. admin.key and what went over time are not in it.`,
		Example: "  congad backup --config /etc/conga/conga.yaml /backup/conga-$(date +%F).db",
		Args:    exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			if trust.BaseURL = server; server == "" {
				if err := ownServer(cfg, &trust); err != nil {
					return err
				}
			}
			if keyFile == "" {
				keyFile = filepath.Join(cfg.Data, adminKeyName)
			}
			key, err := os.ReadFile(keyFile)
			if err != nil {
				return fmt.Errorf("the admin's key cannot be read; run this as the user that congad has, or as root, or name --key-file: %w", err)
			}
			trust.Key, trust.Timeout = strings.TrimSpace(string(key)), backupPatience
			return a.saveBackup(c.Context(), trust, args[0])
		},
	}
	a.configFlag(c)
	c.Flags().Var(text{&a.flags.Data}, "data", "`directory` of admin.key and the certificate")
	c.Flags().StringVar(&server, "server", "", "`URL` of the daemon; default: as the configuration has it")
	c.Flags().StringVar(&keyFile, "key-file", "", "`file` with the admin's key; default: admin.key in the data directory")
	c.Flags().StringVar(&trust.Fingerprint, "fingerprint", "", "SHA-256 `fingerprint` that the daemon's certificate must have")
	c.Flags().StringVar(&trust.CAFile, "ca-file", "", "PEM `file` of the authorities to trust instead of the system's")
	return c
}

// ownServer fills in where the daemon of a configuration is, on this machine,
// and by which certificate it is known.
func ownServer(cfg config.Config, trust *client.Config) error {
	host, port, err := net.SplitHostPort(cfg.API.Listen)
	if err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "127.0.0.1"
	}
	if cfg.API.Plaintext != config.TLSOnly {
		trust.BaseURL = "http://" + net.JoinHostPort(host, port)
		return nil
	}
	trust.BaseURL = "https://" + net.JoinHostPort(host, port)
	if trust.Fingerprint != "" || trust.CAFile != "" {
		return nil
	}
	file := cfg.API.TLS.Cert
	if file == "" {
		file = filepath.Join(cfg.Data, serve.SelfSigned)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("the daemon's certificate cannot be read; has it been started with this configuration? %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Errorf("%s has no certificate", file)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("%s has no certificate: %w", file, err)
	}
	trust.Fingerprint = client.Fingerprint(cert)
	return nil
}

// saveBackup writes what the daemon sends into a new file, which is there
// whole or not at all.
func (a *app) saveBackup(ctx context.Context, from client.Config, to string) error {
	c, err := client.New(from)
	if err != nil {
		return usageError{err}
	}
	defer c.Close()
	err = newFile(to, func(file *os.File) error {
		_, err := c.Backup(ctx, file)
		return err
	})
	if err != nil {
		return err
	}
	if err := a.checkStore(ctx, to); err != nil {
		return fmt.Errorf("the backup is no whole store: %w", err)
	}
	return nil
}

// newFile has a file made that no other user may read. Its name is there when
// all of it is on the disk.
func newFile(to string, write func(*os.File) error) error {
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return usageError{errors.Join(fmt.Errorf("%s exists; name a new file", to), err)}
	}
	file, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-*") // of mode 0600
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", to, store.Unwritable(err))
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), to)
	}
	left := file.Name()
	if err == nil {
		left, err = to, syncFolder(filepath.Dir(to))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s is not written: %w", to, store.Unwritable(err)), os.Remove(left))
	}
	return nil
}

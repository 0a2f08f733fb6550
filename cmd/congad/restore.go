package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"conga/allocator/store"
)

// replacedAs is what is put behind the name of a store that another has
// replaced.
const replacedAs = ".before-restore"

func (a *app) restoreCommand() *cobra.Command {
	replace := false
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a backup the store, while the daemon is stopped",
		Long: `restore copies a file that congad backup has saved into the data directory, once it has found it
whole. Where a store is it does nothing, unless --replace says so: then the old one is kept beside
it, as conga.db` + replacedAs + `. What was changed after the backup is gone: users ask
again for it, and log in again for keys that they got since. Switches are given what the backup has
when the daemon starts.`,
		Example: "  systemctl stop congad\n  congad restore --config /etc/conga/conga.yaml --replace /backup/conga-2030-01-01.db\n  systemctl start congad",
		Args:    exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			path, err := a.storePath(nil)
			if err != nil {
				return err
			}
			return a.restoreStore(c.Context(), args[0], path, replace)
		},
	}
	a.configFlag(c)
	c.Flags().Var(text{&a.flags.Data}, "data", "`directory` of the store")
	c.Flags().BoolVar(&replace, "replace", false, "also where a store is, which is kept under another name")
	return c
}

// restoreStore copies a backup to path. It changes nothing unless the backup
// is whole and no daemon uses the store that is there.
func (a *app) restoreStore(ctx context.Context, backup, path string, replace bool) (err error) {
	if err := store.Unused(backup); err != nil {
		return err
	}
	if err := a.checkStore(ctx, backup); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return store.Unwritable(fmt.Errorf("the data directory cannot be made: %w", err))
	}
	kept, err := setAside(path, replace)
	if err != nil {
		return err
	}
	err = newFile(path, func(file *os.File) error {
		from, err := os.Open(backup)
		if err != nil {
			return err
		}
		defer from.Close()
		_, err = io.Copy(file, from)
		return errors.Join(err, likeFolder(file))
	})
	if err != nil {
		if kept != "" {
			err = errors.Join(err, os.Rename(kept, path))
		}
		return err
	}
	if kept != "" {
		fmt.Fprintf(a.err, "%s is what was there before\n", kept)
	}
	fmt.Fprintf(a.err, "%s is restored; start congad\n", path)
	return nil
}

// setAside moves the store at path to another name, which it returns, if there
// is one and replace allows it.
func setAside(path string, replace bool) (kept string, err error) {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err := store.Unused(path); err != nil {
		return "", err
	}
	if !replace {
		return "", usageError{fmt.Errorf("there is a store already, %s; to put the backup in its place, give --replace, which keeps it as %s", path, path+replacedAs)}
	}
	kept = path + replacedAs
	if _, err := os.Lstat(kept); !errors.Is(err, os.ErrNotExist) {
		return "", usageError{errors.Join(fmt.Errorf("%s exists, from an earlier restore; move it away first", kept), err)}
	}
	return kept, os.Rename(path, kept)
}

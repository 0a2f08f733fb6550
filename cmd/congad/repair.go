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

// keptAs is added to the name of a store for the copy from before its repair.
const keptAs = ".before-repair"

func (a *app) repairCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "repair",
		Short: "Write a damaged head of the store anew, and remove the records that keep congad from starting",
		Long: `repair has a store start again of which one of the two heads is damaged, or single records that
congad does not start without: it writes the head anew from the other, so that the last change
may be missing, and removes these records, each of which it names. Users log in again for a key
that is removed; an allocation's path goes at the next start. A copy of the file as it was is
kept beside it. Where pages are damaged, which store check names, nothing is changed: put a
backup back, or save what can be read with store export.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path, err := a.storePath(nil)
			if err != nil {
				return err
			}
			return a.repairStore(c.Context(), path)
		},
	}
}

func (a *app) repairStore(ctx context.Context, path string) error {
	if err := checkContent(path); err != nil {
		return err
	}
	kept := path + keptAs
	if err := copyFile(path, kept); err != nil {
		return err
	}
	var removals []store.Op
	var reasons []error
	var one store.Record
	r := newReading(func(err error, promise bool) {
		if promise {
			removals, reasons = append(removals, store.Op{Bucket: one.Bucket, Key: string(one.Key)}), append(reasons, err)
		}
	})
	head, err := store.Repair(ctx, path, func(rec store.Record) error {
		one = rec
		return r.record(rec)
	})
	if err == nil && len(removals) > 0 {
		err = removeRecords(ctx, path, removals)
	}
	if err != nil {
		return errors.Join(advise(err, filepath.Dir(path)), os.Remove(kept))
	}
	if !head && len(removals) == 0 {
		fmt.Fprintf(a.err, "%s needs no repair\n", path)
		return os.Remove(kept)
	}
	if head {
		fmt.Fprintf(a.err, "%s: a damaged head is written anew from the other; the last change may be missing\n", path)
	}
	for _, err := range reasons {
		fmt.Fprintf(a.err, "%s: %v; it is removed\n", path, err)
	}
	fmt.Fprintf(a.err, "%s is as it was before\n", kept)
	return nil
}

// removeRecords commits removals to the store at path.
func removeRecords(ctx context.Context, path string, removals []store.Op) error {
	disk, err := store.OpenBolt(path)
	if err != nil {
		return err
	}
	return errors.Join(disk.Commit(ctx, removals...), disk.Close())
}

// copyFile copies a file to a new one.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usageError{fmt.Errorf("%s exists, from an earlier repair; move it away first", to)}
	}
	if err != nil {
		return fmt.Errorf("a copy of the store cannot be made: %w", store.Unwritable(err))
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return errors.Join(fmt.Errorf("a copy of the store cannot be made: %w", store.Unwritable(err)), os.Remove(to))
	}
	return nil
}

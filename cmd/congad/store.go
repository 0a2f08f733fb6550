package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"conga/allocator/store"
	"conga/httpapi/serve"
)

// Names in the data directory beside the store's.
const (
	adminKeyName = "admin.key"
	historyName  = "history"
)

// errVanished means that there was a store, and that its file is gone or empty.
var errVanished = errors.New("the store has vanished")

// storeFile returns the path of the store in a data directory.
func storeFile(data string) string { return filepath.Join(data, "conga.db") }

// checkNew returns an error if the daemon is to make a new store where there
// was one, or the other way round.
func checkNew(data string, wanted bool) error {
	path := storeFile(data)
	info, err := os.Stat(path)
	if wanted && err == nil && info.Size() > 0 {
		return usageError{fmt.Errorf("there is a store already, %s; start without --new-store to use it, or move it away first", path)}
	}
	if wanted {
		return nil
	}
	return checkVanished(path)
}

// checkVanished returns an error if the file at path is gone or empty and was a
// store: what the daemon makes besides is never older than the store.
func checkVanished(path string) error {
	data := filepath.Dir(path)
	lack := lacking(path)
	if lack == "" || filepath.Clean(path) != storeFile(data) {
		return nil
	}
	remnant := remnantOf(data)
	if remnant == "" {
		return nil
	}
	return fmt.Errorf("%s is %s, but %s is beside it, so that there was one; put it back (%s), or start once with --new-store to begin without allocations and keys: %w",
		path, lack, remnant, newestCopy(data), errVanished)
}

// remnantOf returns the name of a file or directory that a daemon has left in
// a data directory, a backup of its store included, or "" if there is none.
func remnantOf(data string) string {
	for _, name := range []string{adminKeyName, historyName} {
		if _, err := os.Lstat(filepath.Join(data, name)); err == nil {
			return name
		}
	}
	if name := serve.Made(data); name != "" {
		return name
	}
	newest, _ := copyIn(data)
	return newest
}

// lacking returns gone or empty where the file at path is, "" where it is
// neither.
func lacking(path string) string {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "gone"
	case err == nil && info.Mode().IsRegular() && info.Size() == 0:
		return "empty"
	}
	return ""
}

// checkContent returns an error if there is nothing to read at path.
func checkContent(path string) error {
	if err := checkVanished(path); err != nil {
		return err
	}
	if lacking(path) == "empty" {
		return fmt.Errorf("%s is empty and has no records (%s): %w", path, newestCopy(filepath.Dir(path)), store.ErrDamaged)
	}
	return nil // of a file that is gone, reading it tells
}

// advise adds to an error of the store what an operator can do about it.
func advise(err error, data string) error {
	if errors.Is(err, store.ErrUnwritable) {
		return fmt.Errorf("%w; congad needs to write to %s: see that the disk is mounted for writing, has room, and that the files are congad's own, then start it again", err, data)
	}
	if !errors.Is(err, store.ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w; congad store check names all that is damaged, congad store repair mends a head and removes single records, congad store export FILE saves what can be read, and congad --new-store begins anew once the file is moved away (%s)",
		err, newestCopy(data))
}

// newestCopy says which copy of a store is beside it.
func newestCopy(data string) string {
	newest, when := copyIn(data)
	if newest == "" {
		return "there is no backup in " + data
	}
	return fmt.Sprintf("the last backup in %s is %s, of %s", data, newest, when.UTC().Format(time.RFC3339))
}

// copyIn returns the name of the newest copy of a store in a data directory,
// and when it was made, or "".
func copyIn(data string) (newest string, when time.Time) {
	files, _ := os.ReadDir(data)
	for _, f := range files {
		info, err := f.Info()
		path := filepath.Join(data, f.Name())
		if err == nil && info.Mode().IsRegular() && path != storeFile(data) && info.ModTime().After(when) && store.Is(path) {
			newest, when = f.Name(), info.ModTime()
		}
	}
	return newest, when
}

func (a *app) storeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "store",
		Short: "Check the store, repair it, or export what it has, while the daemon is stopped",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	check := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read the whole store and each record, or a copy of one; the exit code is 0 if it is whole and 3 if not",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			path, err := a.storePath(args)
			if err != nil {
				return err
			}
			return a.checkStore(c.Context(), path)
		},
	}
	from := ""
	export := &cobra.Command{
		Use:   "export FILE",
		Short: "Write each record that can be read as a line of JSON; the exit code is 3 if some cannot",
		Long: `export writes each record that can be read into a new file, or to the standard output for -,
as a line of JSON: its bucket, its key, and its value, or data in base64 where that is no JSON.
Records that are marked uncertain were found in pages that nothing leads to any more; they may
be out of date; of those marked broken the checksum is wrong. The file has what opens webhooks and stands for keys: keep it as the store.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			path, err := a.storePath([]string{from}[:min(1, len(from))])
			if err != nil {
				return err
			}
			return a.exportStore(c.Context(), path, args[0])
		},
	}
	export.Flags().StringVar(&from, "from", "", "`file` to read instead of the store, such as a copy of one")
	repair := a.repairCommand()
	for _, sub := range []*cobra.Command{check, repair, export} {
		a.configFlag(sub)
		sub.Flags().Var(text{&a.flags.Data}, "data", "`directory` of the store")
	}
	c.AddCommand(check, repair, export)
	return c
}

// storePath returns the file that is named, or that of the configuration.
func (a *app) storePath(named []string) (string, error) {
	if len(named) > 0 {
		return named[0], nil
	}
	cfg, err := a.load()
	return storeFile(cfg.Data), err
}

func (a *app) checkStore(ctx context.Context, path string) error {
	if err := checkContent(path); err != nil {
		return err
	}
	r := newReading(func(err error, promise bool) {
		then := "congad starts without it"
		if promise {
			then = "congad does not start"
		}
		fmt.Fprintf(a.err, "%s: %v; %s\n", path, err, then)
	})
	found, err := store.Examine(ctx, path, r.record)
	switch {
	case err != nil:
		return err
	case len(found.Damages) == 0 && r.promises+r.others > 0:
		return r.err(path, found.Records)
	}
	return a.tell(path, found, "can be read")
}

// tell prints what is damaged, and returns an error if something is.
func (a *app) tell(path string, found store.Findings, done string) error {
	for _, d := range found.Damages {
		fmt.Fprintf(a.err, "%s: %s\n", path, d)
	}
	if len(found.Damages) == 0 {
		fmt.Fprintf(a.err, "%s is whole: %d records %s\n", path, found.Records, done)
		return nil
	}
	positions := fmt.Sprintf("%d positions", len(found.Damages))
	if len(found.Damages) == 1 {
		positions = "1 position"
	}
	return advise(fmt.Errorf("%s is damaged in %s; %d records %s, of which %d are uncertain: %w",
		path, positions, found.Records, done, found.Uncertain, store.ErrDamaged), filepath.Dir(path))
}

// A line is a record as it is exported.
type line struct {
	Bucket    string          `json:"bucket"`
	Key       string          `json:"key"`
	KeyData   []byte          `json:"key_data,omitempty"` // where the key is no text
	Value     json.RawMessage `json:"value,omitempty"`
	Data      []byte          `json:"data,omitempty"` // where the value is no JSON
	Uncertain bool            `json:"uncertain,omitempty"`
	Broken    bool            `json:"broken,omitempty"` // its checksum is wrong
}

func lineOf(r store.Record) line {
	l := line{Bucket: string(r.Bucket), Key: string(r.Key), Uncertain: r.Uncertain, Broken: r.Broken}
	if !utf8.Valid(r.Key) {
		l.Key, l.KeyData = "", r.Key
	}
	if json.Valid(r.Value) && utf8.Valid(r.Value) { // Valid does not look into strings
		l.Value = r.Value
	} else {
		l.Data = r.Value
	}
	return l
}

func (a *app) exportStore(ctx context.Context, path, to string) (err error) {
	if err := checkContent(path); err != nil {
		return err
	}
	var out io.Writer = a.out
	if to != "-" {
		file, e := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(e, os.ErrExist) {
			return usageError{fmt.Errorf("%s exists; name a new file", to)}
		}
		if e != nil {
			return fmt.Errorf("the export cannot be written: %w", e)
		}
		defer func() {
			if info, e := file.Stat(); err != nil && e == nil && info.Size() == 0 {
				os.Remove(to) // so that the same command can be given again
			}
			if e := errors.Join(file.Sync(), file.Close()); e != nil {
				err = errors.Join(err, fmt.Errorf("the export was not written to its end: %w", e))
			}
		}()
		out = file
	}
	buffered := bufio.NewWriter(out)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	found, err := store.Examine(ctx, path, func(r store.Record) error { return encoder.Encode(lineOf(r)) })
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return fmt.Errorf("the export was not written to its end: %w", err)
	}
	return a.tell(path, found, "are exported")
}

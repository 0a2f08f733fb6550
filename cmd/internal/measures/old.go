package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// readOld reads the source that the repository in dir had at a commit.
func readOld(dir, commit string) (module string, rooms []*room, err error) {
	temp, err := os.MkdirTemp("", "measures")
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(temp)
	c := exec.Command("git", "archive", "--format=tar", commit)
	c.Dir, c.Stderr = dir, os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return "", nil, err
	}
	unpacked := unpack(out, temp)
	io.Copy(io.Discard, out) // or git waits for a reader
	if err := errors.Join(c.Wait(), unpacked); err != nil {
		return "", nil, fmt.Errorf("the source of %s: %w", commit, err)
	}
	if module, err = moduleOf(temp); err != nil {
		return "", nil, err
	}
	rooms, err = read(temp)
	return module, rooms, err
}

// unpack writes what a module is of, its Go files and go.mod, from an archive
// to dir.
func unpack(archive io.Reader, dir string) error {
	for files := tar.NewReader(archive); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || h.Name != "go.mod" && !strings.HasSuffix(h.Name, ".go") {
			continue
		}
		text, err := io.ReadAll(files)
		if err != nil {
			return err
		}
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return err
		}
	}
}

// moduleOf returns the name of the module in dir.
func moduleOf(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	return "", fmt.Errorf("%s/go.mod names no module", dir)
}

// compare prints how many lines each room had and has, of code and of tests; -
// where there was, or is, no such room.
func compare(out io.Writer, before, after []*room) error {
	was, is := byPath(before), byPath(after)
	paths := maps.Clone(was)
	maps.Copy(paths, is)
	delete(paths, whole)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "code before\tnow\ttests before\tnow\troom\t")
	for _, path := range append(slices.Sorted(maps.Keys(paths)), whole) {
		b, a := was[path], is[path]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\n", b.count((*room).lines), a.count((*room).lines), b.count((*room).testLines), a.count((*room).testLines), path)
	}
	return w.Flush()
}

func byPath(rooms []*room) map[string]*room {
	m := map[string]*room{}
	for _, r := range rooms {
		m[r.path] = r
	}
	return m
}

func (r *room) testLines() int { return r.tests }

// count returns a number of the room in digits, or - if there is no room.
func (r *room) count(of func(*room) int) string {
	if r == nil {
		return "-"
	}
	return fmt.Sprint(of(r))
}

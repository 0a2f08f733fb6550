package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"conga/cmd/internal/figures"
)

// A comparison runs the benchmarks that a commit and the source tree both have,
// in turn.
type comparison struct {
	commit string
	rounds int
	time   string         // of a benchmark
	only   *regexp.Regexp // of packages
}

// A side is a source tree with what its benchmarks have shown.
type side struct {
	tree   string
	names  map[string][]string // of benchmarks, by package below the tree
	values figures.Values
	order  []figures.Figure
}

// run prints a line for each figure of both: what it was, what it is, and the
// ratio of these.
func (c comparison) run(ctx context.Context, out io.Writer, root string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tree := filepath.Join(dir, "old")
	if err := git(ctx, root, "worktree", "add", "--detach", tree, c.commit); err != nil {
		return err
	}
	defer git(context.WithoutCancel(ctx), root, "worktree", "remove", "--force", tree) // also if ctx has ended
	was, is := &side{tree: tree, values: figures.Values{}}, &side{tree: root, values: figures.Values{}}
	for _, s := range []*side{was, is} {
		if s.names, err = benchmarks(s.tree); err != nil {
			return err
		}
	}
	for _, p := range slices.Sorted(maps.Keys(was.names)) {
		both := slices.DeleteFunc(was.names[p], func(name string) bool { return !slices.Contains(is.names[p], name) })
		if len(both) == 0 || !c.only.MatchString(p) {
			continue
		}
		if err := c.runPackage(ctx, []*side{was, is}, p, both, dir); err != nil {
			return err
		}
	}
	return was.print(out, is)
}

// runPackage runs benchmarks of a package on all sides, round by round.
func (c comparison) runPackage(ctx context.Context, sides []*side, p string, names []string, dir string) error {
	for i, s := range sides {
		build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-o", filepath.Join(dir, fmt.Sprint(i)), "./"+p)
		build.Dir = s.tree
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%s does not build: %w\n%s", p, err, text)
		}
	}
	for range c.rounds {
		for i, s := range sides {
			run := exec.CommandContext(ctx, filepath.Join(dir, fmt.Sprint(i)), "-test.run=^$", "-test.benchmem",
				"-test.bench=^("+strings.Join(names, "|")+")$", "-test.benchtime="+c.time)
			run.Dir = filepath.Join(s.tree, p)
			text, err := run.CombinedOutput()
			if err != nil {
				return fmt.Errorf("the benchmarks of %s fail: %w\n%s", p, err, text)
			}
			if err := s.read(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// read adds what benchmarks have printed.
func (s *side) read(text []byte) error {
	order, values, err := figures.ParseBenchmarks(bytes.NewReader(text), io.Discard)
	for _, f := range order {
		if s.values[f] == nil {
			s.order = append(s.order, f)
		}
		s.values[f] = append(s.values[f], values[f]...)
	}
	return err
}

// print prints the figures that both have, the earlier first. The ratio is more
// than one where the later is worse: it takes more, or does less a second.
func (s *side) print(out io.Writer, later *side) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "before\tnow\tunit\tratio\tbenchmark\t")
	for _, f := range s.order {
		if later.values[f] == nil || f.Unit == "MB/s" {
			continue
		}
		a, b := figures.Median(s.values[f]), figures.Median(later.values[f])
		ratio := "-"
		if worse, better := b, a; a != 0 && b != 0 {
			if strings.HasSuffix(f.Unit, "/s") {
				worse, better = a, b
			}
			ratio = fmt.Sprintf("%.2f", worse/better)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\n", figures.Number(a), figures.Number(b), f.Unit, ratio, f.Name)
	}
	return w.Flush()
}

var benchmark = regexp.MustCompile(`(?m)^func (Benchmark\w*)\(`)

// benchmarks returns the benchmarks of a source tree, by package.
func benchmarks(tree string) (map[string][]string, error) {
	names := map[string][]string{}
	err := filepath.WalkDir(tree, func(name string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != tree && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		at, err := filepath.Rel(tree, filepath.Dir(name))
		for _, m := range benchmark.FindAllSubmatch(text, -1) {
			names[filepath.ToSlash(at)] = append(names[filepath.ToSlash(at)], string(m[1]))
		}
		return err
	})
	if err == nil && len(names) == 0 {
		err = errors.New("there are no benchmarks in " + tree)
	}
	return names, err
}

func git(ctx context.Context, dir string, args ...string) error {
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

// A room is a package whose tests are measured.
type room struct {
	path    string // below the module
	dir     string
	mutants []*mutant
	tests   []*test // its own first
}

// neighbours are the rooms whose tests look at a room, too, from farther off.
var neighbours = map[string][]string{"allocator": {"scheduler"}}

// A suite is the tests of a package, with the mutants of a room built in.
type suite struct {
	dir    string
	binary string
	rapid  bool // the tests have rapid's flags
	own    bool // they are those of the room
}

// A test is a test function.
type test struct {
	*suite
	name    string
	reaches map[int]bool // the mutants that it comes by
	run     usage        // without a mutant
}

// build finds the mutants of a room of the module in root and builds its tests
// with all of them in it, so that none needs the compiler again. Files go to dir.
func build(ctx context.Context, root, path, dir string) (*room, error) {
	cfg := &packages.Config{
		Context: ctx, Dir: root,
		Mode: packages.NeedName | packages.NeedCompiledGoFiles | packages.NeedSyntax | packages.NeedTypes |
			packages.NeedTypesInfo | packages.NeedImports | packages.NeedModule,
	}
	found, err := packages.Load(cfg, "./"+path)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || len(found[0].Errors) > 0 || found[0].Module == nil {
		return nil, fmt.Errorf("%s: %v", path, found[0].Errors)
	}
	p := found[0]
	r := &room{path: strings.TrimPrefix(p.PkgPath, p.Module.Path+"/")}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := r.instrument(p, dir); err != nil {
		return nil, err
	}
	for i, of := range append([]string{r.path}, neighbours[r.path]...) {
		s := &suite{dir: filepath.Join(p.Module.Dir, of), binary: filepath.Join(dir, fmt.Sprintf("tests%d", i)), own: i == 0}
		c := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", s.binary, "./"+of)
		c.Dir = p.Module.Dir
		if out, err := c.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: the instrumented tests of %s do not build: %w\n%s", path, of, err, out)
		}
		tests, err := s.list(ctx)
		if err != nil {
			return nil, err
		}
		r.tests = append(r.tests, tests...)
	}
	if len(r.tests) == 0 {
		return nil, fmt.Errorf("%s has no tests", r.path)
	}
	return r, nil
}

// instrument writes the room's source with its mutants, and an overlay that has
// the compiler read it.
func (r *room) instrument(p *packages.Package, dir string) error {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	write := func(name, text string) error {
		copied := filepath.Join(dir, filepath.Base(name))
		overlay.Replace[name] = copied
		return os.WriteFile(copied, []byte(text), 0o600)
	}
	for i, file := range p.Syntax {
		name := p.CompiledGoFiles[i]
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		r.dir = filepath.Dir(name)
		mutants, text := find(p, file, string(source), r.path, len(r.mutants)+1)
		r.mutants = append(r.mutants, mutants...)
		if err := write(name, text); err != nil {
			return err
		}
	}
	if len(r.mutants) == 0 {
		return fmt.Errorf("%s has nothing to mutate", r.path)
	}
	number(r.mutants)
	if err := write(filepath.Join(r.dir, "mutate_runtime.go"), runtimeText(p.Name, len(r.mutants))); err != nil {
		return err
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o600)
}

// list asks a test binary for its tests, and whether it takes rapid's flags.
func (s *suite) list(ctx context.Context) (tests []*test, err error) {
	c := exec.CommandContext(ctx, s.binary, "-test.list", "^(Test|Fuzz|Example)")
	c.Dir = s.dir
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: the tests cannot be listed: %w", s.dir, err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		tests = append(tests, &test{suite: s, name: lines.Text(), reaches: map[int]bool{}})
	}
	out, err = exec.CommandContext(ctx, s.binary, "-help").CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	s.rapid = bytes.Contains(out, []byte("-rapid.checks"))
	return tests, nil
}

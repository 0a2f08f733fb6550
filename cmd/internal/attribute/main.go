// Command attribute shows that the tests notice an attribute of an allocation that
// was forgotten somewhere. In a copy of the project it removes one at each place
// where the attribute stands, one place after the other, and runs the tests that
// must fail. It prints the place and the test, and exits with 1 if no test failed.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
)

// A place is where the attribute stands: text in a file, and the text that is left
// when it is forgotten there.
type place struct {
	what     string
	file     string
	from, to string
}

func main() {
	root := flag.String("root", ".", "the project's `folder`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	survivors, err := run(ctx, *root)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "attribute:", err)
		os.Exit(2)
	}
	if survivors > 0 {
		fmt.Printf("%d places can be forgotten\n", survivors)
		os.Exit(1)
	}
}

// run returns at how many places the attribute can be forgotten.
func run(ctx context.Context, root string) (survivors int, err error) {
	dir, err := os.MkdirTemp("", "attribute-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := copyProject(dir, root); err != nil {
		return 0, err
	}
	if failed, out := test(ctx, dir); failed != "" {
		return 0, fmt.Errorf("%s fails without any change:\n%s", failed, out)
	}
	for _, p := range places {
		failed, err := forget(ctx, dir, p)
		if err != nil {
			return survivors, err
		}
		if failed == "" {
			survivors++
			failed = "SURVIVES"
		}
		fmt.Printf("%-55s %-36s %s\n", p.what, p.file, failed)
	}
	return survivors, nil
}

// copyProject copies what the go command reads of the project.
func copyProject(to, root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch base := filepath.Base(path); {
		case d.IsDir() && name != "." && (strings.HasPrefix(base, ".") || base == "bin" || base == "node_modules"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o644)
	})
}

// forget removes the attribute at a place and returns the test that fails, or "".
// The file is then as before.
func forget(ctx context.Context, dir string, p place) (failed string, err error) {
	file := filepath.Join(dir, p.file)
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if n := bytes.Count(text, []byte(p.from)); n != 1 {
		return "", fmt.Errorf("%s: %s has %d times %q, want once; mend places.go", p.what, p.file, n, p.from)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte(p.from), []byte(p.to), 1), 0o644); err != nil {
		return "", err
	}
	failed, _ = test(ctx, dir)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return failed, os.WriteFile(file, text, 0o644)
}

// test runs the tests and returns the first that fails, and what was printed.
func test(ctx context.Context, dir string) (failed string, out []byte) {
	args := append([]string{"test", "-count=1", "-vet=off", "-trimpath", "-run", tests}, packages...)
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err == nil {
		return "", out
	}
	return firstFailure(out), out
}

var (
	failedTest   = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	compileError = regexp.MustCompile(`(?m)^\S+\.go:\d+:\d+: .*$`)
)

// firstFailure returns the test that failed according to what go test has printed,
// a subtest if there is one, or else what does not compile.
func firstFailure(out []byte) string {
	failed := "the build"
	for _, m := range failedTest.FindAllSubmatch(out, -1) {
		if name := string(m[1]); failed == "the build" || strings.HasPrefix(name, failed+"/") {
			failed = name
		}
	}
	if m := compileError.Find(out); m != nil && failed == "the build" {
		failed += ": " + string(m)
	}
	return failed
}

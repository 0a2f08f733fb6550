//go:build linux

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A build is a daemon that is measured.
type build struct {
	prefix  string // of its figures' names: "" or "old:"
	program string
}

// profiler is built into a daemon that is to be profiled.
//
//go:embed profile.go.txt
var profiler []byte

// buildAt builds the daemon of the source tree at root into dir, under a name.
// If it is to be profiled, that is built in.
func buildAt(ctx context.Context, root, dir, name string, profile bool) (string, error) {
	program := filepath.Join(dir, name)
	args := []string{"build", "-trimpath", "-o", program}
	if profile {
		overlay, err := overlayProfiler(root, dir)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", overlay)
	}
	c := command(ctx, "go", append(args, "conga/cmd/congad")...)
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build congad: %w\n%s", err, out)
	}
	return program, nil
}

// overlayProfiler writes what go build -overlay reads to find the profiler
// among the daemon's files.
func overlayProfiler(root, dir string) (file string, err error) {
	source := filepath.Join(dir, "profile.go")
	if err := os.WriteFile(source, profiler, 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "cmd/congad/profile_scale.go"): source}})
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}

// sourceTree returns the root of the source tree that the tool was started in.
func sourceTree(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("the source tree was not found: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// buildOld builds the daemon of a commit in a worktree, which it removes.
func buildOld(ctx context.Context, dir, commit string, profile bool) (program string, err error) {
	tree := filepath.Join(dir, "old")
	if err := git(ctx, "worktree", "add", "--detach", tree, commit); err != nil {
		return "", err
	}
	defer func() {
		// Also if ctx has ended.
		if e := git(context.WithoutCancel(ctx), "worktree", "remove", "--force", tree); err == nil {
			err = e
		}
		_ = os.RemoveAll(tree)
	}()
	return buildAt(ctx, tree, dir, "congad-old", profile)
}

// command returns a command that ends, with all that it has started, when ctx
// does.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	return c
}

func git(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "git", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

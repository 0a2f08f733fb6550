//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A build is a daemon that is measured.
type build struct {
	prefix  string // of its figures' names: "" or "old:"
	program string
}

// buildHere builds the daemon of this source tree into dir.
func buildHere(ctx context.Context, dir string) (string, error) {
	return buildAt(ctx, "", filepath.Join(dir, "congad"))
}

// buildAt builds the daemon of the source tree that root is in.
func buildAt(ctx context.Context, root, program string) (string, error) {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "conga/cmd/congad")
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build congad: %w\n%s", err, out)
	}
	return program, nil
}

// buildOld builds the daemon of a commit in a worktree, which it removes.
func buildOld(ctx context.Context, dir, commit string) (program string, err error) {
	tree := filepath.Join(dir, "old")
	if err := git(ctx, "worktree", "add", "--detach", tree, commit); err != nil {
		return "", err
	}
	defer func() {
		// Also where ctx has ended.
		if e := git(context.WithoutCancel(ctx), "worktree", "remove", "--force", tree); err == nil {
			err = e
		}
		_ = os.RemoveAll(tree)
	}()
	return buildAt(ctx, tree, filepath.Join(dir, "congad-old"))
}

func git(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "git", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

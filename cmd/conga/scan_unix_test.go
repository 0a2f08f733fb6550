//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestOwnerWithoutName: a user and a group without names are reported by
// number.
func TestOwnerWithoutName(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a process of a user that does not exist")
	}
	c := exec.Command("sleep", "60")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	if o := ownerOf(t.Context(), int32(c.Process.Pid)); o.user != "54321" || o.group != "54321" || o.name != "sleep" {
		t.Errorf("%+v", o)
	}
}

//go:build unix

package main

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
)

// likeFolder makes the owner of a file's folder the owner of the file, where
// root has made it: the daemon, which is that owner, is to read it.
func likeFolder(file *os.File) error {
	info, err := os.Stat(filepath.Dir(file.Name()))
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		return file.Chown(int(owner.Uid), int(owner.Gid))
	}
	return nil
}

// syncFolder makes the names in a folder survive a power cut, where its file
// system can do that: not every one over a network does.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil // it may be written, not read
	}
	if err != nil {
		return err
	}
	if err = d.Sync(); errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// openFiles returns how many files the process may have open. The Go runtime
// has raised that to the hard limit at the start.
func openFiles() uint64 {
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) != nil {
		return math.MaxInt64
	}
	return uint64(r.Cur)
}

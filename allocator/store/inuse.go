package store

import (
	"errors"
	"io/fs"
	"syscall"
)

// InUse reports whether a process has the store at path open. Where there is
// none, none has.
func InUse(path string) (bool, error) {
	file, err := openRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	err = lockFile(file, 0)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err // such as of a file system that has no locks
}

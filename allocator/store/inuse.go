package store

import (
	"errors"
	"io/fs"
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
	return lockFile(file, 0) != nil, nil
}

//go:build !linux && !darwin && !freebsd

package terminal

import (
	"errors"
	"os"
)

// hide is not known on this system.
func hide(*os.File) (restore func(), err error) {
	return nil, errors.New("not supported on this system; give the password in a file")
}

//go:build !linux && !darwin && !freebsd

package terminal

import (
	"errors"
	"os"
)

// hide fails: CONGA cannot turn the echo off on this system.
func hide(*os.File) (restore func(), err error) {
	return nil, errors.New("not supported on this system; give the password in a file")
}

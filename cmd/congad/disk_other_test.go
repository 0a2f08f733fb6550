//go:build !linux

package main

import (
	"errors"
	"testing"
)

// smallDisk returns an error, since no disk can be mounted here.
func smallDisk(*testing.T, string) error { return errors.ErrUnsupported }

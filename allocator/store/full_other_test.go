//go:build !linux

package store

import "testing"

// mountSmall reports that no disk can be mounted here.
func mountSmall(*testing.T, string) bool { return false }

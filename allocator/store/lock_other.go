//go:build !unix

package store

import (
	"os"
	"time"
)

// lockFile does nothing: on this system bbolt alone locks files.
func lockFile(*os.File, time.Duration) error { return nil }

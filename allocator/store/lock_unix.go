//go:build unix

package store

import (
	"os"
	"syscall"
	"time"
)

// lockFile takes the lock that bbolt takes, until the file is closed. It waits
// for another process so long at most.
func lockFile(f *os.File, most time.Duration) error {
	for end := time.Now().Add(most); ; time.Sleep(lockPause) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EWOULDBLOCK || time.Now().After(end) {
			return err
		}
	}
}

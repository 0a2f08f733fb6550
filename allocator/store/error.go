package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Errors that every engine returns, wrapped in a sentence of its own.
var (
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrLocked means that another process has the store open.
	ErrLocked = errors.New("the store is locked")
	// ErrDamaged means that the file is no store of CONGA, or was damaged.
	ErrDamaged = errors.New("the store is damaged")
	// ErrUnwritable means that the disk is full or cannot be written. The
	// commit left nothing, and the store tries the disk again by itself.
	ErrUnwritable = errors.New("the store cannot be written")
	// ErrFailed means that the disk failed in the middle of a commit, so that
	// it is unknown whether the commit would survive. The store undoes it, and
	// neither reads nor writes before it has.
	ErrFailed = errors.New("the disk failed in the middle of a commit")
	// ErrInvalid means that an operation can never succeed: no bucket, no key,
	// or a record that is too large.
	ErrInvalid = errors.New("invalid operation")
)

// Unwritable returns err as an [ErrUnwritable] if it is that of a disk that is
// full or of a file that may not be written; else it returns err.
func Unwritable(err error) error {
	for _, cause := range []error{syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, fs.ErrPermission} {
		if errors.Is(err, cause) && !errors.Is(err, ErrUnwritable) {
			return fmt.Errorf("%w: %w", ErrUnwritable, err)
		}
	}
	return err
}

// ErrStop ends a [Store] Range early; Range itself then returns nil.
var ErrStop = errors.New("stop")

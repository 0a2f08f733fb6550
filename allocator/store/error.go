package store

import "errors"

// Errors that every engine returns, wrapped in a sentence of its own.
var (
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrLocked means that another process has the store open.
	ErrLocked = errors.New("the store is locked")
	// ErrDamaged means that the file is no store of CONGA, or was damaged.
	ErrDamaged = errors.New("the store is damaged")
	// ErrFailed means that the disk failed in the middle of a commit, so that
	// it is unknown whether the commit would survive. The store then takes no
	// more commits; opening it again reads what the disk holds.
	ErrFailed = errors.New("the store has failed")
	// ErrInvalid means that an operation can never succeed: no bucket, no key,
	// or a record that is too large.
	ErrInvalid = errors.New("invalid operation")
)

// ErrStop ends a [Store] Range early; Range itself then returns nil.
var ErrStop = errors.New("stop")

package auth

import (
	"errors"
	"fmt"
	"time"
)

// Errors of this package. Their sentences are fit for the client.
var (
	// ErrCredentials does not say whether the user, the password or both are
	// wrong.
	ErrCredentials = errors.New("user_id or password is wrong")
	// ErrNotMember means that the user is proved, and not a member of the
	// project.
	ErrNotMember = errors.New("the user is not a member of this project")
	// ErrNoKey means that the key was never issued, was deleted, or has
	// expired.
	ErrNoKey = errors.New("no such key; request a new one")
	// ErrNotYours means that the user or the project named is not the key's.
	ErrNotYours = errors.New("the key belongs to another user or project")
	// ErrName means that a token is valid but not for the name in it, which is
	// another's. It is an ErrToken, and no more is said to the client.
	ErrName = fmt.Errorf("%w", ErrToken)
	// ErrToken does not say which check the token failed.
	ErrToken = errors.New("token: it is not valid here, or has expired; get a new one from its issuer")
)

// UnavailableError means that a directory or an issuer of tokens that must be
// asked does not answer. Nothing is known then, and no user gets in.
type UnavailableError struct {
	Reason string // a sentence for the client
	Err    error  // the cause, for the log
}

// Error returns the reason alone: the cause may tell of hosts inside.
func (e *UnavailableError) Error() string { return e.Reason }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// WaitError asks the client to come back later.
type WaitError struct {
	After  time.Duration // at least this long
	Reason string        // a sentence for the client
}

// Error returns the reason alone: the cause may tell of hosts inside.
func (e *WaitError) Error() string {
	return fmt.Sprintf("%s; try again in %d s", e.Reason, e.Seconds())
}

// Seconds returns After in whole seconds, rounded up, at least 1.
func (e *WaitError) Seconds() int {
	return max(1, int((e.After+time.Second-1)/time.Second))
}

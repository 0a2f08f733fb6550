package connections

import "fmt"

// A Kind is the class of an [Error]: what the caller can do about it.
type Kind uint8

// The kinds of error.
const (
	NotFound Kind = iota + 1 // no such connection, or it has expired
	Full                     // a limit is reached; wait until something expires
	Internal                 // ours; try again later
)

// An Error is an operation that failed.
type Error struct {
	Op   string // such as "report"
	Kind Kind
	Err  error // a sentence that says what is wrong, or the cause
}

// Error prints the operation and what was wrong.
func (e *Error) Error() string { return fmt.Sprintf("connections: %s: %v", e.Op, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

package openflow

import (
	"errors"
	"fmt"
)

// What can be wrong with a message; each is wrapped in a [ParseError].
var (
	// ErrShort means that the bytes end before the field does.
	ErrShort = errors.New("truncated")
	// ErrLength means that a length field contradicts what it measures.
	ErrLength = errors.New("bad length")
	// ErrVersion means that the message is of another protocol version.
	ErrVersion = errors.New("unsupported version")
	// ErrUnknownType means that the message, multipart or match type is not one
	// of OpenFlow 1.3.
	ErrUnknownType = errors.New("unknown type")
	// ErrValue means that a value is not allowed where it stands.
	ErrValue = errors.New("bad value")
)

// A ParseError tells which bytes of a message cannot be read, and why.
type ParseError struct {
	Msg    Type   // the message's type
	Field  string // what was being read
	Offset int    // where, in bytes from the start of the message
	Err    error  // why: one of the Err variables of this package
}

// Error implements error.
func (e *ParseError) Error() string {
	return fmt.Sprintf("openflow: %v: %s at byte %d: %v", e.Msg, e.Field, e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *ParseError) Unwrap() error { return e.Err }

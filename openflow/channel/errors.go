package channel

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// A Kind says what sort of thing went wrong. It is itself an error, so that a
// caller can ask errors.Is(err, channel.ErrBusy).
type Kind uint8

// The kinds of errors.
const (
	ErrClosed   Kind = 1 + iota // the connection or the listener has ended; the cause is wrapped too
	ErrTimeout                  // the peer was silent, or too slow
	ErrBusy                     // too much is waiting for the peer; nothing was queued
	ErrProtocol                 // the peer broke the protocol
	ErrVersion                  // the peer does not speak OpenFlow 1.3
	ErrTooLarge                 // a multipart reply is larger than Config.MaxMultipart
	ErrMessage                  // the message cannot be encoded, or not be sent in this way
	ErrNetwork                  // the transport failed
)

var kindNames = [...]string{
	ErrClosed: "closed", ErrTimeout: "timed out", ErrBusy: "busy", ErrProtocol: "protocol error",
	ErrVersion: "incompatible version", ErrTooLarge: "too large", ErrMessage: "message cannot be sent",
	ErrNetwork: "network error",
}

// Error implements error.
func (k Kind) Error() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// An Error tells what was being done, what sort of thing went wrong, and what
// caused it.
type Error struct {
	Op   string // what was being done, such as "handshake" or "request"
	Kind Kind
	Err  error // the cause, or nil
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return "channel: " + e.Op + ": " + e.Kind.Error()
	}
	return "channel: " + e.Op + ": " + e.Kind.Error() + ": " + e.Err.Error()
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// ioError returns an error of the transport with its kind.
func ioError(op string, err error) *Error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &Error{Op: op, Kind: ErrTimeout}
	}
	return &Error{Op: op, Kind: ErrNetwork, Err: err}
}

// contextError returns the end of a context as an error with its kind.
func contextError(op string, ctx context.Context) *Error {
	kind, cause := ErrClosed, context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		kind = ErrTimeout
	}
	return &Error{Op: op, Kind: kind, Err: cause}
}

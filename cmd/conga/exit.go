package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"

	"conga/httpapi/client"
)

// The exit codes, which scripts rely on.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitLogin   = 3
	exitRefused = 4
	exitTimeout = 5
)

const exitCodes = `Exit codes:
  0  done
  1  something failed: the network, a file, the server
  2  the command line is wrong
  3  not logged in, or the key has expired
  4  the server refuses: not allowed, not found, or something is in the way
  5  the time was up before the allocation was there

conga run exits as its command does: with the command's own code, or 128 and the
number of the signal that ended it. 125 means that the command was not run, for
there was no path; 126 that it cannot be run, and 127 that there is none.`

// The exit codes of conga run that are not its command's, as env and timeout
// have them.
const (
	exitNotRun   = 125
	exitCannot   = 126
	exitNotFound = 127
	exitSignal   = 128 // and the signal's number
)

// exitStatus ends conga with a code; what there is to say has been said, or is
// in its cause.
type exitStatus struct {
	code  int
	cause error // nil: nothing to say
}

// Error is the cause's.
func (e exitStatus) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.cause.Error()
}

// Unwrap is the cause.
func (e exitStatus) Unwrap() error { return e.cause }

// told is an error in words of our own, which say all that its cause does.
type told struct {
	text  string
	cause error
}

// Error is the text alone.
func (t told) Error() string { return t.text }

// Unwrap is the cause.
func (t told) Unwrap() error { return t.cause }

// usageError is a mistake on the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errTimeUp is why an allocation is not waited for any longer. An attempt to
// reach the server that takes too long is something else.
var errTimeUp = errors.New("the time is up")

// errNoKey means that there is nothing to authenticate with.
var errNoKey = errors.New("not logged in; run conga login, or set CONGA_KEY")

// exitCode is the exit code for err.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if e, ok := errors.AsType[exitStatus](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if refused, ok := errors.AsType[*client.Error](err); ok {
		switch s := refused.Status; {
		case s == http.StatusUnauthorized:
			return exitLogin
		case s == http.StatusTooManyRequests || s == http.StatusRequestTimeout:
			return exitFailure
		case s >= 400 && s < 500:
			return exitRefused
		}
		return exitFailure
	}
	switch {
	case errors.Is(err, errNoKey):
		return exitLogin
	case errors.Is(err, client.ErrEnded):
		return exitRefused
	case errors.Is(err, errTimeUp):
		return exitTimeout
	}
	return exitFailure
}

// hint is what to do about err, where that can be said; else "".
func hint(err error) string {
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusUnauthorized && refused.Op != "login" {
		return "log in with: conga login"
	}
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	if unknown || errors.Is(err, client.ErrFingerprint) {
		return "if the operator has changed the certificate, log in again to accept its new fingerprint: conga login --fingerprint, with what they tell you"
	}
	return ""
}

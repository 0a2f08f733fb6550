package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

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
  2  the command line is wrong, or a value in it, by what the server says
  3  not logged in, or the key has expired
  4  the server refuses: not allowed, not found, or something is in the way
  5  the time was up before the allocation was there

conga run exits as its command does: with the command's own code, or 128 and the
number of the signal that ended it. 125 means that the command was not run, for
there was no path; 126 that it cannot be run, and 127 that there is none.`

// The exit codes of conga run that are not its command's, as with env and
// timeout.
const (
	exitNotRun   = 125
	exitCannot   = 126
	exitNotFound = 127
	exitSignal   = 128 // plus the signal's number
)

// An exitStatus ends conga with a code. Its cause is still to be printed.
type exitStatus struct {
	code  int
	cause error // nil: nothing is printed
}

// Error returns the cause's text.
func (e exitStatus) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.cause.Error()
}

// Unwrap returns the cause.
func (e exitStatus) Unwrap() error { return e.cause }

// An explained is an error whose text replaces that of its cause.
type explained struct {
	text  string
	cause error
}

// Error returns the text alone.
func (t explained) Error() string { return t.text }

// Unwrap returns the cause.
func (t explained) Unwrap() error { return t.cause }

// A usageError is a mistake on the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errTimeUp means that the time to wait for an allocation is up. It does not
// stand for a single request that takes too long.
var errTimeUp = errors.New("the time is up")

// errNoKey means that there is nothing to authenticate with.
var errNoKey = errors.New("not logged in; run conga login, or set CONGA_KEY")

// exitCode returns the exit code for err.
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
		case s == http.StatusBadRequest || s == http.StatusUnprocessableEntity:
			return exitUsage // the server alone can tell, such as whether there is such a switch
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

// hint returns advice on what to do about err, or "".
func hint(err error) string {
	if refused, ok := errors.AsType[*client.Error](err); ok {
		switch {
		case refused.Status == http.StatusUnauthorized && refused.Op != "login":
			return "log in with: conga login"
		case refused.Op == "allocate" || refused.Op == "validate":
			return strings.Join(append(inTheWay(refused.Occurrences), alternatives(refused.Alternatives)...), "\n")
		}
	}
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	if unknown || errors.Is(err, client.ErrFingerprint) {
		return "if the operator has changed the certificate, log in again to accept its new fingerprint: conga login --fingerprint, with what they tell you"
	}
	return ""
}

package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// An Error is a call that the server refused.
type Error struct {
	Op         string        // such as "allocate"
	Status     int           // HTTP status
	Messages   []string      // the server's own, each naming the field and the reason
	RetryAfter time.Duration // how long the server asks to wait; 0 if it did not say
	// Alternatives are requests that the server would admit instead, if they
	// are made at once.
	Alternatives []Request
	Occurrences  []RefusedOccurrence // of a series: the first of those in the way
	RequestID    string              // what the server's log knows the call by; "" if it did not say
}

// Error prints the operation and the server's messages, or the status if there
// are none.
func (e *Error) Error() string {
	if len(e.Messages) == 0 {
		return fmt.Sprintf("%s: the server answered %d %s", e.Op, e.Status, http.StatusText(e.Status))
	}
	return e.Op + ": " + strings.Join(e.Messages, "; ")
}

// Transient reports whether the same call may go well later: the server was not
// reached, the connection broke, the server is busy, or it or a proxy in front
// of it has a fault.
func Transient(err error) bool {
	if refused, ok := errors.AsType[*Error](err); ok {
		switch refused.Status {
		case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return busy(err) || inFlight(err)
	}
	if _, ok := errors.AsType[malformed](err); ok || err == nil || errors.Is(err, ErrFingerprint) {
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	unknown, ok := errors.AsType[*net.DNSError](err)
	return !ok || !unknown.IsNotFound
}

// ErrOpen is wrapped by the error of a call of which the server may have
// carried out an attempt: its answer was lost, or was a fault.
var ErrOpen = errors.New("the server may have carried it out")

// open is an error that is [ErrOpen], too.
type open struct{ error }

// Unwrap returns the error itself.
func (o open) Unwrap() error { return o.error }

// Is implements errors.Is.
func (o open) Is(target error) bool { return target == ErrOpen }

// unsent reports whether the call has not left us.
func unsent(err error) bool {
	dialling, ok := errors.AsType[*net.OpError](err)
	return ok && dialling.Op == "dial"
}

// busy reports whether the server has not looked at the call.
func busy(err error) bool {
	refused, ok := errors.AsType[*Error](err)
	return ok && refused.Status == http.StatusTooManyRequests
}

// inFlight reports whether the server is at work on what the call is about: on
// an earlier attempt with the same Idempotency-Key, for one.
func inFlight(err error) bool {
	refused, ok := errors.AsType[*Error](err)
	return ok && refused.Status == http.StatusConflict && refused.RetryAfter > 0
}

// malformed is an answer that is not one of CONGA's; asking again gets it
// again.
type malformed struct{ error }

// Unwrap returns what is wrong.
func (m malformed) Unwrap() error { return m.error }

func malformedf(format string, args ...any) error { return malformed{fmt.Errorf(format, args...)} }

// retryAfter reads the header of the same name: seconds, or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

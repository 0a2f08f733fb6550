package client

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is a call that the server refused.
type Error struct {
	Op         string        // such as "allocate"
	Status     int           // HTTP status
	Messages   []string      // the server's own, each naming the field and the reason
	RetryAfter time.Duration // how long the server asks to wait; 0 if it did not say
	RequestID  string        // what the server's log knows the call by; "" if it did not say
}

// Error prints the operation and the server's messages, or the status if there
// are none.
func (e *Error) Error() string {
	if len(e.Messages) == 0 {
		return fmt.Sprintf("%s: the server answered %d %s", e.Op, e.Status, http.StatusText(e.Status))
	}
	return e.Op + ": " + strings.Join(e.Messages, "; ")
}

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

package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Fault is an error answer.
type Fault struct {
	Status     int           // HTTP
	Reasons    []string      // sentences; each names the field at fault, if there is one
	RetryAfter time.Duration // whole seconds; 0: no such header
	BadToken   bool          // the request shows a bearer token that is not valid
	Err        error         // the cause, or nil
}

// NewFault returns a fault without a cause.
func NewFault(status int, reasons ...string) *Fault { return &Fault{Status: status, Reasons: reasons} }

// After returns a copy of f that tells the client when to try again.
func (f *Fault) After(d time.Duration) *Fault {
	later := *f
	later.RetryAfter = d
	return &later
}

// Error joins the reasons.
func (f *Fault) Error() string { return strings.Join(f.Reasons, "; ") }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// SetHeader sets the header fields that belong to the answer.
func (f *Fault) SetHeader(h http.Header) {
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
	}
	switch f.Status {
	case http.StatusUnsupportedMediaType:
		h.Set("Accept", TypeJSON+", "+TypeVendor) // RFC 9110, section 15.5.16
	case http.StatusUnauthorized:
		challenge := `Bearer realm="conga"`
		if f.BadToken {
			challenge += `, error="invalid_token"` // RFC 6750: only if the request shows one
		}
		h.Set("WWW-Authenticate", challenge)
	}
}

// Envelope returns the body of the answer.
func (f *Fault) Envelope() Envelope {
	return Envelope{Status: f.Status, Results: []struct{}{}, Errors: f.Reasons}
}

// A Problem is an error answer in the form of RFC 9457.
type Problem struct {
	Type     string   `json:"type"`
	Title    string   `json:"title"`
	Status   int      `json:"status"`
	Detail   string   `json:"detail"`
	Instance string   `json:"instance"`
	Errors   []string `json:"errors"`
}

// Problem returns f as a problem. instance is a URI of the request.
func (f *Fault) Problem(instance string) Problem {
	title := http.StatusText(f.Status)
	return Problem{
		Type:     "urn:conga:problem:" + strings.ReplaceAll(strings.ToLower(title), " ", "-"),
		Title:    title,
		Status:   f.Status,
		Detail:   f.Error(),
		Instance: instance,
		Errors:   f.Reasons,
	}
}

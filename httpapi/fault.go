package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"conga/allocator"
	"conga/allocator/store"
	"conga/httpapi/auth"
	"conga/httpapi/connections"
)

// fault is an error answer.
type fault struct {
	status     int
	errs       []string // each names the field, where one is at fault, and the reason
	retry      int      // Retry-After in seconds; 0: none
	badKey     bool     // a key or token was shown, and is not valid
	bottleneck string   // the link in the way of an admission, or ""
	offer      *offer
}

// offer is what would have been admitted.
type offer struct {
	StartTime int64  `json:"start_time,omitempty"` // UNIX seconds
	Bandwidth uint64 `json:"bandwidth,omitempty"`  // bit/s
}

// Error joins the sentences.
func (f *fault) Error() string { return strings.Join(f.errs, "; ") }

func newFault(status int, errs ...string) *fault { return &fault{status: status, errs: errs} }

var errNoResource = newFault(http.StatusNotFound, "there is nothing at this address; /openapi.json lists what there is")

func errMethod(c *gin.Context) error {
	return newFault(http.StatusMethodNotAllowed, quote(c.Request.Method)+" is not possible here; "+c.Writer.Header().Get("Allow")+" is")
}

// faultOf is the one place where errors become answers. What it does not know
// is ours, and stays between us and the log.
func faultOf(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	if e, ok := errors.AsType[*allocator.Error](err); ok {
		return faultOfAllocator(e)
	}
	if e, ok := errors.AsType[*connections.Error](err); ok {
		return faultOfConnections(e)
	}
	if e, ok := errors.AsType[*auth.WaitError](err); ok {
		return &fault{status: http.StatusTooManyRequests, errs: []string{e.Error()}, retry: e.Seconds()}
	}
	if e, ok := errors.AsType[*auth.UnavailableError](err); ok {
		return &fault{status: http.StatusServiceUnavailable, errs: []string{e.Error()}, retry: 5}
	}
	switch {
	case errors.Is(err, auth.ErrToken):
		return &fault{status: http.StatusUnauthorized, errs: []string{auth.ErrToken.Error()}, badKey: true}
	case errors.Is(err, auth.ErrOperatorExists):
		return newFault(http.StatusConflict, "name: "+auth.ErrOperatorExists.Error())
	case errors.Is(err, auth.ErrNoOperator):
		return newFault(http.StatusNotFound, "name: "+auth.ErrNoOperator.Error())
	case errors.Is(err, auth.ErrCredentials):
		return newFault(http.StatusUnauthorized, auth.ErrCredentials.Error())
	case errors.Is(err, auth.ErrNotMember):
		return newFault(http.StatusForbidden, "project_id: "+auth.ErrNotMember.Error())
	case errors.Is(err, auth.ErrNotYours):
		return newFault(http.StatusForbidden, "user_id, project_id: "+auth.ErrNotYours.Error())
	case errors.Is(err, auth.ErrNoKey):
		return &fault{status: http.StatusUnauthorized, errs: []string{"api_key: " + auth.ErrNoKey.Error()}, badKey: true}
	case errors.Is(err, store.ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &fault{status: http.StatusServiceUnavailable, errs: []string{"the daemon is stopping or overloaded; try again"}, retry: 5}
	}
	return newFault(http.StatusInternalServerError, "an error of ours; the log has it under the X-Request-Id of this answer")
}

func faultOfAllocator(e *allocator.Error) *fault {
	f := newFault(http.StatusInternalServerError, e.Error())
	switch e.Kind {
	case allocator.Invalid:
		f.status = http.StatusUnprocessableEntity
	case allocator.NotFound:
		return errNoAllocation
	case allocator.Conflict:
		f.status = http.StatusConflict
	case allocator.Denied:
		f.status = http.StatusForbidden
	case allocator.Stale:
		f.status = http.StatusPreconditionFailed
	default:
		if errors.Is(e, store.ErrClosed) || errors.Is(e, context.Canceled) || errors.Is(e, context.DeadlineExceeded) {
			return faultOf(errors.Unwrap(e))
		}
		return faultOf(errors.New("internal")) // its sentence may tell of our insides
	}
	if e.Bottleneck != nil {
		f.bottleneck = e.Bottleneck.String()
	}
	if e.Offer != (allocator.Offer{}) {
		f.offer = &offer{StartTime: e.Offer.Later, Bandwidth: uint64(e.Offer.Slower)}
	}
	return f
}

// stale reports whether an update lost a race.
func stale(err error) bool {
	e, ok := errors.AsType[*allocator.Error](err)
	return ok && e.Kind == allocator.Stale
}

// fail answers with err.
func (a *api) fail(c *gin.Context, err error) {
	f := faultOf(err)
	if f.status == http.StatusInternalServerError {
		a.Log.LogAttrs(c.Request.Context(), slog.LevelError, "request failed",
			slog.String("request_id", requestID(c)), slog.String("error", auth.Redact(err.Error())))
	}
	h := c.Writer.Header()
	if f.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(f.retry))
	}
	if f.status == http.StatusUnsupportedMediaType {
		h.Set("Accept", typeJSON+", "+typeVendor) // RFC 9110, section 15.5.16
	}
	if f.status == http.StatusUnauthorized {
		challenge := `Bearer realm="conga"`
		if f.badKey {
			challenge += `, error="invalid_token"` // RFC 6750: only where one was shown
		}
		h.Set("WWW-Authenticate", challenge)
	}
	if c.Request.URL.Path == covalencePath {
		_ = send(c, f.status, typeJSON, failedReport(f))
		return
	}
	if accepts(c, typeProblem) {
		_ = send(c, f.status, typeProblem, problemOf(c, f))
		return
	}
	kind := typeJSON
	if accepts(c, typeVendor) {
		kind = typeVendor + "; version=1.0"
	}
	_ = send(c, f.status, kind, envelope{Status: f.status, Results: []struct{}{}, Errors: f.errs})
}

// problem is an error answer in the form of RFC 9457.
type problem struct {
	Type       string   `json:"type"`
	Title      string   `json:"title"`
	Status     int      `json:"status"`
	Detail     string   `json:"detail"`
	Instance   string   `json:"instance"` // the request, as the log knows it
	Errors     []string `json:"errors"`
	Bottleneck string   `json:"bottleneck,omitempty"`
	Offer      *offer   `json:"offer,omitempty"`
}

func problemOf(c *gin.Context, f *fault) problem {
	title := http.StatusText(f.status)
	return problem{
		Type:       "urn:conga:problem:" + strings.ReplaceAll(strings.ToLower(title), " ", "-"),
		Title:      title,
		Status:     f.status,
		Detail:     f.Error(),
		Instance:   "urn:conga:request:" + requestID(c),
		Errors:     f.errs,
		Bottleneck: f.bottleneck,
		Offer:      f.offer,
	}
}

package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"conga/allocator"
	"conga/allocator/store"
	"conga/httpapi/auth"
	"conga/httpapi/connections"
	"conga/httpapi/rest"
)

var (
	errNoResource = rest.NewFault(http.StatusNotFound, "there is nothing at this address; /openapi.json lists what there is")
	errInternal   = rest.NewFault(http.StatusInternalServerError, "an error of ours; the log has it under the X-Request-Id of this answer")
	errOverloaded = rest.NewFault(http.StatusServiceUnavailable, "the daemon is stopping or overloaded; try again").After(5 * time.Second)
)

func errMethod(c *gin.Context) error {
	return rest.NewFault(http.StatusMethodNotAllowed, rest.Quote(c.Request.Method)+" is not possible here; "+c.Writer.Header().Get("Allow")+" is")
}

// faultOf returns the answer to an error. An unknown one is internal: only the
// log has its sentence.
func faultOf(err error) *rest.Fault {
	if f, ok := errors.AsType[*rest.Fault](err); ok {
		return f
	}
	if f := faultOfStore(err); f != nil {
		return f
	}
	if e, ok := errors.AsType[*allocator.Error](err); ok {
		return faultOfAllocator(e)
	}
	if e, ok := errors.AsType[*connections.Error](err); ok {
		return faultOfConnections(e)
	}
	if e, ok := errors.AsType[*auth.ConsentError](err); ok {
		return rest.NewFault(http.StatusForbidden, e.Error())
	}
	if e, ok := errors.AsType[*auth.WaitError](err); ok {
		return rest.NewFault(http.StatusTooManyRequests, e.Error()).After(time.Duration(e.Seconds()) * time.Second)
	}
	if e, ok := errors.AsType[*auth.UnavailableError](err); ok {
		return rest.NewFault(http.StatusServiceUnavailable, e.Error()).After(5 * time.Second)
	}
	switch {
	case errors.Is(err, auth.ErrToken):
		return &rest.Fault{Status: http.StatusUnauthorized, Reasons: []string{auth.ErrToken.Error()}, BadToken: true}
	case errors.Is(err, auth.ErrCode):
		return rest.NewFault(http.StatusUnauthorized, auth.ErrCode.Error())
	case errors.Is(err, auth.ErrOperatorExists):
		return rest.NewFault(http.StatusConflict, "name: "+auth.ErrOperatorExists.Error())
	case errors.Is(err, auth.ErrNoOperator):
		return rest.NewFault(http.StatusNotFound, "name: "+auth.ErrNoOperator.Error())
	case errors.Is(err, auth.ErrCredentials):
		return rest.NewFault(http.StatusUnauthorized, auth.ErrCredentials.Error())
	case errors.Is(err, auth.ErrNotMember):
		return rest.NewFault(http.StatusForbidden, "project_id: "+auth.ErrNotMember.Error())
	case errors.Is(err, auth.ErrNotYours):
		return rest.NewFault(http.StatusForbidden, "user_id, project_id: "+auth.ErrNotYours.Error())
	case errors.Is(err, auth.ErrNoKey):
		return &rest.Fault{Status: http.StatusUnauthorized, Reasons: []string{"api_key: " + auth.ErrNoKey.Error()}, BadToken: true}
	case interrupted(err):
		return errOverloaded
	}
	return errInternal
}

// faultOfStore returns the answer where the store takes no changes, and nil for
// other errors.
func faultOfStore(err error) *rest.Fault {
	switch {
	case errors.Is(err, store.ErrDamaged):
		return rest.NewFault(http.StatusServiceUnavailable, "the store is damaged, and its operator has to see to it; nothing was changed").After(time.Minute)
	case errors.Is(err, store.ErrFailed):
		return rest.NewFault(http.StatusServiceUnavailable, "the disk failed in the middle of a change, which will be undone; look again before you repeat it").After(10 * time.Second)
	case errors.Is(err, store.ErrUnwritable):
		return rest.NewFault(http.StatusServiceUnavailable, "the disk is full or cannot be written; nothing was changed, try again later").After(10 * time.Second)
	}
	return nil
}

// interrupted reports whether err means that the daemon stops or that the
// request has taken too long.
func interrupted(err error) bool {
	return errors.Is(err, store.ErrClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// statusOf are the statuses of the allocator's errors. Other kinds are
// internal.
var statusOf = map[allocator.Kind]int{
	allocator.Invalid:  http.StatusUnprocessableEntity,
	allocator.Conflict: http.StatusConflict,
	allocator.Denied:   http.StatusForbidden,
	allocator.Stale:    http.StatusPreconditionFailed,
}

func faultOfAllocator(e *allocator.Error) *rest.Fault {
	switch status := statusOf[e.Kind]; {
	case status != 0:
		return &rest.Fault{Status: status, Reasons: []string{e.Error()}, Err: e}
	case e.Kind == allocator.NotFound:
		return errNoAllocation
	case interrupted(e):
		return errOverloaded
	}
	return errInternal
}

// stale reports whether an update lost a race.
func stale(err error) bool {
	e, ok := errors.AsType[*allocator.Error](err)
	return ok && e.Kind == allocator.Stale
}

// fail answers with err.
func (a *api) fail(c *gin.Context, err error) {
	f := faultOf(err)
	if f.Status == http.StatusInternalServerError {
		a.Log.LogAttrs(c.Request.Context(), slog.LevelError, "request failed",
			slog.String("request_id", requestID(c)), slog.String("err", auth.Redact(err.Error())))
	}
	f.SetHeader(c.Writer.Header())
	switch h := c.Request.Header; {
	case c.Request.URL.Path == covalencePath:
		_ = rest.Send(c, f.Status, rest.TypeJSON, failedReport(f))
	case rest.Accepts(h, rest.TypeProblem):
		_ = rest.Send(c, f.Status, rest.TypeProblem, problemOf(c, f))
	default:
		_ = rest.Send(c, f.Status, rest.AnswerType(h), refusal{f.Envelope(), helpOf(f.Err)})
	}
}

package httpapi

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

const headerRequestID = "X-Request-Id"

// keyAnswered is under which a stream says, in its context, how long the client
// waited for its beginning; its end is no measure of anything.
const keyAnswered = "conga.answered"

// careful are headers of every answer, which make browsers and caches careful.
// Their names are written as they are sent.
var (
	careful = http.Header{
		"X-Content-Type-Options":  {"nosniff"},
		"Cache-Control":           {"no-store"},
		"Vary":                    {"Accept"},      // see media.go
		"Referrer-Policy":         {"no-referrer"}, // addresses below /auth hold keys
		"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
	}
	secureOnly = []string{"max-age=31536000"}
)

// middleware wraps every request: it sets an ID and headers that make browsers
// careful, recovers from panics, writes the access log and counts.
func (a *api) middleware(c *gin.Context) {
	start := a.Now()
	id := c.GetHeader(headerRequestID)
	if !validRequestID(id) {
		id = rand.Text()
	}
	rest.Proxies(a.TrustedProxies).Identify(c)
	h := c.Writer.Header()
	h[headerRequestID] = []string{id}
	maps.Copy(h, careful)
	if c.Request.TLS != nil {
		h["Strict-Transport-Security"] = secureOnly
	}
	defer func() {
		if v := recover(); v != nil {
			a.recovered(c, v)
		}
		a.report(c, a.Now().Sub(start))
	}()
	c.Next()
}

// requestID returns the ID that middleware gave the request.
func requestID(c *gin.Context) string { return c.Writer.Header().Get(headerRequestID) }

// validRequestID reports whether a client's ID is short, and free of what could
// forge a log line or carry a key or a token into it.
func validRequestID(id string) bool {
	if id == "" || len(id) > 128 || auth.Redact(id) != id {
		return false
	}
	for _, r := range id {
		if !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("._:-", r)) {
			return false
		}
	}
	return true
}

// recovered answers a panicked request with 500, if nothing was written yet.
func (a *api) recovered(c *gin.Context, v any) {
	if v == http.ErrAbortHandler { // asks for the connection to be cut
		panic(v)
	}
	a.Log.LogAttrs(c.Request.Context(), slog.LevelError, "request panicked",
		slog.String("request_id", requestID(c)),
		slog.String("panic", auth.Redact(fmt.Sprint(v))),
		slog.String("stack", string(debug.Stack())))
	if !c.Writer.Written() {
		a.fail(c, rest.NewFault(http.StatusInternalServerError, "an error of ours; the log has it under the X-Request-Id of this answer"))
	}
}

// report logs and counts a request that has been answered. Query and headers
// are not logged: people put secrets there.
func (a *api) report(c *gin.Context, took time.Duration) {
	code, route := c.Writer.Status(), c.FullPath()
	observed := took
	if d, ok := c.Get(keyAnswered); ok {
		observed = d.(time.Duration)
	}
	a.Observe(Observation{Route: routeLabel(route), Method: methodLabel(c.Request.Method), Code: code, Took: observed})
	level := slog.LevelInfo
	if route == "/healthz" || route == "/readyz" || route == "/metrics" {
		level = slog.LevelDebug
	}
	ctx := c.Request.Context()
	if !a.Log.Enabled(ctx, level) {
		return
	}
	a.Log.LogAttrs(ctx, level, "request",
		slog.String("method", methodLabel(c.Request.Method)),
		slog.String("path", loggedPath(c)),
		slog.Int("status", code),
		slog.Duration("took", took),
		slog.Int("bytes", max(0, c.Writer.Size())),
		slog.String("client", rest.ClientText(c)),
		slog.String("request_id", requestID(c)))
}

// loggedPath returns where a request went, without secrets: people put those
// anywhere. It is the route's template, with the names in it that look like
// ours; what has no route is not shown.
func loggedPath(c *gin.Context) string {
	template := c.FullPath()
	if template == "" && c.GetBool(keyPage) {
		return "(the page)"
	}
	if template == "" {
		return "(no such address)"
	}
	if len(c.Params) == 0 {
		return template
	}
	for _, p := range c.Params {
		if ours.MatchString(p.Value) {
			template = strings.Replace(template, ":"+p.Key, p.Value, 1)
		}
	}
	return template
}

// ours are the names that we give: UUIDs and datapath IDs. None is a secret.
var ours = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^[0-9a-f]{16}$`)

// routeLabel returns the template of a route, the same for both its addresses.
func routeLabel(template string) string {
	if template == "" {
		return "none"
	}
	if below, ok := strings.CutPrefix(template, "/api/v1"); ok && (below == "" || below[0] == '/') {
		return "/api" + below
	}
	return template
}

func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return method
	}
	return "OTHER"
}

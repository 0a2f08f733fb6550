package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"conga/httpapi/auth"
)

// exchange is one request below /api and its answer.
type exchange struct {
	*gin.Context
	body *fields  // what the body holds; empty without one
	key  auth.Key // who asks; zero where no key is needed
}

// handler answers an exchange, or returns the error that is the answer.
type handler func(*exchange) error

// open serves a resource that needs no key.
func (a *api) open(h handler) gin.HandlerFunc { return a.reading(readBody, h) }

// reading serves a resource whose bodies read understands.
func (a *api) reading(read func(*gin.Context) (*fields, error), h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		body, err := read(c)
		if err == nil {
			err = h(&exchange{Context: c, body: body})
		}
		if err != nil {
			a.fail(c, err)
		}
	}
}

// keyed serves a resource that needs one. Who asks is settled before anything
// else about the request is judged.
func (a *api) keyed(h handler) gin.HandlerFunc { return a.open(a.asked(h)) }

// asked has h called once it is known who asks.
func (a *api) asked(h handler) handler {
	return func(x *exchange) error {
		if err := a.authenticate(x); err != nil {
			return err
		}
		return h(x)
	}
}

// path is an address of the API, in the form that the client used itself.
func (x *exchange) path(elem ...string) string {
	base := "/api"
	if strings.HasPrefix(x.FullPath(), "/api/v1/") {
		base = "/api/v1"
	}
	return base + "/" + strings.Join(elem, "/")
}

// envelope is the body of every answer below /api.
type envelope struct {
	Status  int      `json:"status"` // 0, or the HTTP status of an error
	Results any      `json:"results"`
	Errors  []string `json:"errors"`
}

// link and links are the hypermedia controls of a resource.
type link struct {
	Href string `json:"href"`
}

type links struct {
	Self link `json:"self"`
}

const (
	typeJSON    = "application/json"
	typeVendor  = "application/vnd.conga+json"
	typeProblem = "application/problem+json"
)

// succeed answers with results, which must be a slice.
func (x *exchange) succeed(code int, results any) error {
	kind := typeJSON
	if accepts(x.Context, typeVendor) {
		kind = typeVendor + "; version=1.0"
	}
	return send(x.Context, code, kind, envelope{Results: results, Errors: []string{}})
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// send writes v. Nothing has been written if it fails.
func send(c *gin.Context, code int, kind string, v any) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // no browser reads this as HTML, and links stay readable
	if err := enc.Encode(v); err != nil {
		return err
	}
	h := c.Writer.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(buf.Len())) // HEAD says it too
	c.Writer.WriteHeader(code)
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(buf.Bytes()) // the client has gone; nobody is left to tell
	} else {
		c.Writer.WriteHeaderNow()
	}
	return nil
}

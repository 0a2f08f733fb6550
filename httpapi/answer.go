package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"github.com/gin-gonic/gin"
)

// reply is an answer without errors before it is sent.
type reply struct {
	status  int
	header  map[string]string
	results any // a slice
}

// answer sends a reply. Under an Idempotency-Key it is kept first: with the
// change that was made, or alone if there was nothing to change.
func (x *exchange) answer(r reply) error {
	if x.attempt != nil {
		kept, err := r.kept()
		if err == nil && !x.attempt.Filed() {
			err = x.attempt.Save(x.Request.Context(), kept)
		}
		if err != nil {
			return err
		}
		// Before it is sent: who repeats the request at once gets the answer.
		x.attempt.End(true)
	}
	for name, value := range r.header {
		x.Header(name, value)
	}
	return x.succeed(r.status, r.results)
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

	typeMergePatch = "application/merge-patch+json" // RFC 7396
)

// succeed answers with results, which must be a slice.
func (x *exchange) succeed(code int, results any) error {
	return send(x.Context, code, x.mediaType(), success(results))
}

// success is the envelope of results.
func success(results any) any {
	if r, ok := results.(rendered); ok {
		return r // its own envelope
	}
	return envelope{Results: results, Errors: []string{}}
}

// mediaType is that of an answer without errors.
func (x *exchange) mediaType() string {
	if accepts(x.Context, typeVendor) {
		return typeVendor + "; version=1.0"
	}
	return typeJSON
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// send writes v. Nothing has been written if it fails.
func send(c *gin.Context, code int, kind string, v any) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if err := encode(buf, v); err != nil {
		return err
	}
	write(c, code, kind, buf.Bytes())
	return nil
}

// encode prints v as every answer is printed.
func encode(buf *bytes.Buffer, v any) error {
	if r, ok := v.(rendered); ok {
		r.writeTo(buf)
		return nil
	}
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // no browser reads this as HTML, and links stay readable
	return enc.Encode(v)
}

// write answers with body, which HEAD only hears the length of.
func write(c *gin.Context, code int, kind string, body []byte) {
	h := c.Writer.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Writer.WriteHeader(code)
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(body) // the client has gone; nobody is left to tell
	} else {
		c.Writer.WriteHeaderNow()
	}
}

package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"github.com/gin-gonic/gin"
)

// A Reply is an answer without errors that has not been sent.
type Reply struct {
	Status  int
	Header  map[string]string
	Results any // a slice, or Raw
}

// Raw is results that are JSON already.
type Raw [][]byte

// Envelope is the body of every answer below /api.
type Envelope struct {
	Status  int      `json:"status"` // 0, or the HTTP status of an error
	Results any      `json:"results"`
	Errors  []string `json:"errors"`
}

// Body returns the reply's body.
func (r Reply) Body() ([]byte, error) {
	var buf bytes.Buffer
	err := r.encode(&buf)
	return buf.Bytes(), err
}

// encode appends the reply's body to buf.
func (r Reply) encode(buf *bytes.Buffer) error {
	raw, ok := r.Results.(Raw)
	if !ok {
		return Encode(buf, Envelope{Results: r.Results, Errors: []string{}})
	}
	buf.WriteString(`{"status":0,"results":[`)
	for i, text := range raw {
		if i > 0 {
			buf.WriteByte(',')
		}
		buf.Write(text)
	}
	buf.WriteString("],\"errors\":[]}\n")
	return nil
}

// Send answers with the reply. Nothing has been written if it fails.
func (r Reply) Send(c *gin.Context) error {
	for name, value := range r.Header {
		c.Header(name, value)
	}
	return send(c, r.Status, AnswerType(c.Request.Header), r.encode)
}

// Send answers with the JSON of v. Nothing has been written if it fails.
func Send(c *gin.Context, code int, kind string, v any) error {
	return send(c, code, kind, func(buf *bytes.Buffer) error { return Encode(buf, v) })
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func send(c *gin.Context, code int, kind string, encode func(*bytes.Buffer) error) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if err := encode(buf); err != nil {
		return err
	}
	Write(c, code, kind, buf.Bytes())
	return nil
}

// Encode appends the JSON of v and a line feed to buf.
func Encode(buf *bytes.Buffer, v any) error {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // no browser reads this as HTML, and links stay readable
	return enc.Encode(v)
}

// Write answers with body, or for HEAD with its length alone.
func Write(c *gin.Context, code int, kind string, body []byte) {
	h := c.Writer.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Writer.WriteHeader(code)
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(body) // fails if the client has gone
	} else {
		c.Writer.WriteHeaderNow()
	}
}

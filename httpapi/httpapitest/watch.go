package httpapitest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Handler serves what next serves and has report hear of every answer that is
// not as documented. Report may be called by many goroutines at once.
func (c *Contract) Handler(next http.Handler, report func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &tee{ResponseWriter: w, code: http.StatusOK}
		method, path := r.Method, r.URL.EscapedPath()
		next.ServeHTTP(t, r)
		c.judge(method, path, t.code, w.Header(), t.body.String(), report)
	})
}

// A tee keeps what is written.
type tee struct {
	http.ResponseWriter
	code int
	body bytes.Buffer
}

func (t *tee) WriteHeader(code int) { t.code = code; t.ResponseWriter.WriteHeader(code) }

func (t *tee) Write(b []byte) (int, error) { t.body.Write(b); return t.ResponseWriter.Write(b) }

// Unwrap and Flush are what [http.ResponseController] and Gin look for.
func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }
func (t *tee) Flush()                      { _ = http.NewResponseController(t.ResponseWriter).Flush() }

// Transport makes requests by way of next and has report hear of every answer
// that is not as documented. An answer is checked when its body has been read
// to the end, or is closed.
func (c *Contract) Transport(next http.RoundTripper, report func(error)) http.RoundTripper {
	return transport{c, next, report}
}

type transport struct {
	*Contract
	next   http.RoundTripper
	report func(error)
}

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	// A client that stops half way has not read an answer, unless it is a
	// stream, which has no other end.
	whole := answer.Header.Get("Content-Type") == eventStream
	answer.Body = &copied{body: answer.Body, ended: func(text string, atEnd bool) {
		if atEnd || whole {
			t.judge(r.Method, r.URL.EscapedPath(), answer.StatusCode, answer.Header, text, t.report)
		}
	}}
	return answer, nil
}

// A copied keeps what is read, until there is no more.
type copied struct {
	body  io.ReadCloser
	text  bytes.Buffer
	ended func(text string, atEnd bool)
}

func (b *copied) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.text.Write(p[:n])
	if err == io.EOF {
		b.end(true)
	}
	return n, err
}

func (b *copied) Close() error { b.end(false); return b.body.Close() }

func (b *copied) end(atEnd bool) {
	if b.ended != nil {
		b.ended(b.text.String(), atEnd)
		b.ended = nil
	}
}

func (c *Contract) judge(method, path string, code int, header http.Header, body string, report func(error)) {
	if err := c.Check(method, path, code, header, body); err != nil {
		report(fmt.Errorf("%s %s: the answer is not as documented: %w\n%d %.2000s", method, path, err, code, body))
	}
}

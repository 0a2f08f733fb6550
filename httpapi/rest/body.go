package rest

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
)

const (
	firstRead  = 4 << 10   // bytes allocated for an unknown client's body before more has come
	maxDrained = 16 << 20  // bytes read and dropped of a refused body
	autoDrain  = 256 << 10 // bytes that net/http reads by itself
)

// Memory is what a body takes of the memory that all bodies share.
type Memory interface {
	Grow(ctx context.Context, bytes int64) error
	Shrink(bytes int64)
}

// Errors of ReadBody.
var (
	ErrTooLarge = NewFault(http.StatusRequestEntityTooLarge, "body: too large")
	ErrBrokeOff = NewFault(http.StatusBadRequest, "body: it broke off before its end")
	ErrNoMemory = errors.New("no memory is left for the body")
)

// ReadBody returns a body of at most limit bytes. Its memory grows as the bytes
// come, so that a client that announces much and sends nothing holds little;
// only a known client's is allocated at once. Errors are ErrTooLarge,
// ErrBrokeOff and ErrNoMemory.
func ReadBody(r *http.Request, m Memory, limit int64, known bool) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, ErrTooLarge
	}
	first, most := int64(firstRead), limit+1 // one more shows that there is too much
	if r.ContentLength > 0 {
		most = r.ContentLength
		if known {
			first = most
		}
	}
	var raw []byte
	for int64(len(raw)) < most {
		if len(raw) == cap(raw) {
			var err error
			if raw, err = enlarge(r.Context(), m, raw, first, most); err != nil {
				return nil, err
			}
		}
		n, err := r.Body.Read(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, ErrBrokeOff
		}
	}
	if int64(len(raw)) > limit {
		return nil, ErrTooLarge
	}
	return raw, nil
}

// enlarge returns raw with twice its capacity, at least first and at most most.
func enlarge(ctx context.Context, m Memory, raw []byte, first, most int64) ([]byte, error) {
	had := int64(cap(raw))
	size := min(max(first, 2*had), most)
	if m.Grow(ctx, size) != nil {
		return nil, ErrNoMemory
	}
	larger := append(make([]byte, 0, size), raw...)
	if had > 0 {
		m.Shrink(had)
	}
	return larger, nil
}

// Drain calls answer, and then reads what is left of the body and drops it:
// many clients read no answer before they have sent everything, and lose it if
// the connection is closed before. HTTP/2 can say that nothing more is wanted,
// and a client that waits for 100 Continue sends nothing. broken says that the
// body cannot be read on. Before answering, Drain calls release, if there is
// something to drain.
func Drain(c *gin.Context, broken bool, release, answer func()) {
	r := c.Request
	left := (r.ContentLength < 0 || r.ContentLength > autoDrain) && !broken
	if !left || r.ProtoMajor != 1 || r.Header.Get("Expect") != "" || http.NewResponseController(c.Writer).EnableFullDuplex() != nil {
		answer()
		return
	}
	release()
	// What is not read to its end must never be taken for the next request.
	c.Header("Connection", "close")
	answer()
	c.Writer.Flush()
	_, _ = io.CopyN(io.Discard, r.Body, maxDrained)
}

package httpapi

import (
	"fmt"
	"io"
	"net/http"

	"conga/httpapi/limits"
)

const (
	maxBody    = 1 << 20   // bytes
	maxReport  = 4 << 20   // of a report of connections
	maxUnkeyed = 64 << 10  // of anything, if no header shows a key
	firstRoom  = 4 << 10   // made for a stranger's body before more of it is there
	maxDrained = 16 << 20  // read and forgotten, of a body that is refused
	autoDrain  = 256 << 10 // what net/http reads by itself
)

// form is what the bodies of a resource look like.
type form struct {
	limit int64 // bytes
	parse func(h http.Header, raw []byte) (*fields, error)
}

var (
	objectForm = form{maxBody, readObject}
	changeForm = form{maxBody, readChange}
	smallForm  = form{maxUnkeyed, readObject}
	reportForm = form{maxReport, readReport}
)

// readObject reads an object. Without a body the fields are empty.
func readObject(h http.Header, raw []byte) (*fields, error) { return readKinds(h, raw) }

// readChange reads an object of changes, where null takes back, as it does in a
// merge patch.
func readChange(h http.Header, raw []byte) (*fields, error) {
	return readKinds(h, raw, typeMergePatch)
}

func readKinds(h http.Header, raw []byte, also ...string) (*fields, error) {
	if len(raw) == 0 {
		return &fields{}, nil
	}
	if err := checkContent(h, also...); err != nil {
		return nil, err
	}
	return parseObject(raw)
}

// allowance is how large the body may be, and on whose share it is counted. What
// the body itself says comes too late for that.
func (a *api) allowance(x *exchange, f form, g gate) (int64, limits.Payer) {
	if x.secret != "" {
		return f.limit, limits.Payer{Known: true, User: x.key.User} // in all their projects
	}
	p := limits.Payer{Net: limits.Net(clientAddr(x.Context))}
	if g == keyOrRule {
		if rule, ok := a.keylessRule(x); ok {
			p.Known, p.Project = true, rule.Project
			return f.limit, p
		}
	}
	return min(f.limit, maxUnkeyed), p
}

var (
	errTooLarge  = newFault(http.StatusRequestEntityTooLarge, "body: too large")
	errBrokeOff  = newFault(http.StatusBadRequest, "body: it broke off before its end")
	errBodiesMax = &fault{status: http.StatusServiceUnavailable, retry: 1,
		errs: []string{"body: too many are being read at this moment; try again, and if none shows it yet, show the key in a header, which gives a request other room"}}
)

// explain says in a refusal of a body what would have been taken.
func (f form) explain(err error, limit int64) error {
	switch {
	case err != errTooLarge:
		return err
	case limit < f.limit:
		return newFault(errTooLarge.status, fmt.Sprintf(
			"body: larger than %d bytes; up to %d are taken if a header shows the key: Authorization: Bearer", limit, f.limit))
	}
	return newFault(errTooLarge.status, fmt.Sprintf("body: larger than %d bytes", limit))
}

// readRaw reads the body's bytes, of which there may be limit. Its room grows,
// and is claimed, as they come: who announces much and sends nothing holds
// little. Only who is known has at once the room that was announced.
func readRaw(x *exchange, limit int64, known bool) ([]byte, error) {
	r := x.Request
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	first, most := int64(firstRoom), limit+1 // one more shows that there is too much
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
			if raw, err = x.enlarge(raw, first, most); err != nil {
				return nil, err
			}
		}
		n, err := r.Body.Read(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, errBrokeOff
		}
	}
	if int64(len(raw)) > limit {
		return nil, errTooLarge
	}
	return raw, nil
}

// enlarge makes room for twice as much, for first at the least and most at the
// most.
func (x *exchange) enlarge(raw []byte, first, most int64) ([]byte, error) {
	had := int64(cap(raw))
	size := min(max(first, 2*had), most)
	if x.room.Grow(x.Request.Context(), size) != nil {
		return nil, errBodiesMax
	}
	larger := append(make([]byte, 0, size), raw...)
	if had > 0 {
		x.room.Shrink(had)
	}
	return larger, nil
}

// refuse answers with err, and then reads what is left of the body and forgets
// it: many a client reads no answer before it has sent everything, and a
// connection closed on it costs it the answer. HTTP/2 can say that nothing more
// is wanted, and who waits for a 100 sends nothing.
func (a *api) refuse(x *exchange, err error) {
	r := x.Request
	left := (r.ContentLength < 0 || r.ContentLength > autoDrain) && err != errBrokeOff
	if !left || r.ProtoMajor != 1 || r.Header.Get("Expect") != "" || http.NewResponseController(x.Writer).EnableFullDuplex() != nil {
		a.fail(x.Context, err)
		return
	}
	x.room.Release() // nothing of it is looked at any more
	// What is not read to its end must never be taken for the next request.
	x.Header("Connection", "close")
	a.fail(x.Context, err)
	x.Writer.Flush()
	_, _ = io.CopyN(io.Discard, r.Body, maxDrained)
}

package httpapi

import (
	"fmt"
	"net/http"
	"time"

	"conga/httpapi/limits"
	"conga/httpapi/rest"
)

// The sizes of bodies, in bytes.
const (
	maxBody    = 1 << 20
	maxReport  = 4 << 20  // of a report of connections
	maxUnkeyed = 64 << 10 // of any, if no header shows a key
)

// A form is what the bodies of a resource look like.
type form struct {
	limit int64 // bytes
	parse func(h http.Header, raw []byte) (*rest.Fields, error)
}

var (
	objectForm = form{maxBody, readObject}
	changeForm = form{maxBody, readChange}
	smallForm  = form{maxUnkeyed, readObject}
	reportForm = form{maxReport, readReport}
)

// readObject returns the fields of an object. Without a body there are none.
func readObject(h http.Header, raw []byte) (*rest.Fields, error) { return readTypes(h, raw) }

// readChange returns the fields of an object in which null takes a field back,
// as in a merge patch.
func readChange(h http.Header, raw []byte) (*rest.Fields, error) {
	return readTypes(h, raw, rest.TypeMergePatch)
}

func readTypes(h http.Header, raw []byte, also ...string) (*rest.Fields, error) {
	if len(raw) == 0 {
		return &rest.Fields{}, nil
	}
	if err := rest.CheckContent(h, also...); err != nil {
		return nil, err
	}
	return rest.ParseObject(raw)
}

// readBody reads the request's body.
func (a *api) readBody(x *exchange, f form, rule keyRule) error {
	limit, payer := a.allowance(x, f, rule)
	x.memory = a.Bodies.Share(payer)
	raw, err := rest.ReadBody(x.Request, &x.memory, limit, payer.Known)
	if err != nil {
		return f.explain(err, limit)
	}
	body, err := f.parse(x.Request.Header, raw)
	if err != nil {
		return err
	}
	body.Explain(setByServer)
	x.body = body
	return nil
}

// allowance returns how large the body may be, and which payer it is counted
// for. What the body itself says comes too late for that.
func (a *api) allowance(x *exchange, f form, rule keyRule) (int64, limits.Payer) {
	if x.secret != "" {
		return f.limit, limits.Payer{Known: true, User: x.key.User} // in all the user's projects
	}
	p := limits.Payer{Net: limits.Net(rest.ClientAddr(x.Context))}
	if rule == needsKeyOrHost {
		if keyless, ok := a.keylessRule(x); ok {
			p.Known, p.Project = true, keyless.Project
			limits.Recognize(x.Request.Context())
			return f.limit, p
		}
	}
	return min(f.limit, maxUnkeyed), p
}

var errNoMemory = rest.NewFault(http.StatusServiceUnavailable,
	"body: too many are being read at this moment; try again, and if none shows it yet, show the key in a header, which gives a request other room").After(time.Second)

// explain returns the answer to an error of reading a body of at most limit
// bytes.
func (f form) explain(err error, limit int64) error {
	switch {
	case err == rest.ErrNoMemory:
		return errNoMemory
	case err != rest.ErrTooLarge:
		return err
	case limit < f.limit:
		return rest.NewFault(http.StatusRequestEntityTooLarge, fmt.Sprintf(
			"body: larger than %d bytes; up to %d are taken if a header shows the key: Authorization: Bearer", limit, f.limit))
	}
	return rest.NewFault(http.StatusRequestEntityTooLarge, fmt.Sprintf("body: larger than %d bytes", limit))
}

package httpapi

import (
	"strings"

	"github.com/gin-gonic/gin"

	"conga/httpapi/auth"
	"conga/httpapi/limits"
	"conga/httpapi/replay"
)

// exchange is one request below /api and its answer.
type exchange struct {
	*gin.Context
	body    *fields         // what the body holds; empty without one
	secret  string          // the key that the request shows, once that is known; "": none
	key     auth.Key        // who asks; zero where no key is needed
	detail  string          // what the audit log is to have of it besides
	room    limits.Claim    // of the memory that the body takes
	attempt *replay.Attempt // of a request with an Idempotency-Key; nil: none
	public  string          // origin of addresses, from the configuration; "": the client's own
	undo    []func()        // take back what the audit log has noted, should the request fail
}

// handler answers an exchange, or returns the error that is the answer.
type handler func(*exchange) error

// gate is what a resource wants of who asks.
type gate uint8

const (
	noKey     gate = iota // nothing; a key in a header is not looked at
	needsKey              // a key
	keyOrRule             // a key, or a place among the hosts that do without
)

// open serves a resource that needs no key.
func (a *api) open(h handler) gin.HandlerFunc { return a.serve(smallForm, noKey, h) }

// keyed serves a resource that needs one.
func (a *api) keyed(h handler) gin.HandlerFunc { return a.serve(objectForm, needsKey, h) }

// patched serves PATCH of a resource.
func (a *api) patched(h handler) gin.HandlerFunc { return a.serve(changeForm, needsKey, h) }

// serve serves a resource whose bodies have the form f.
func (a *api) serve(f form, g gate, h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		x := &exchange{Context: c, body: &fields{}, public: a.Origin}
		defer func() { x.room.Release() }()
		if err := a.carryOut(x, f, g, h); err != nil {
			a.refused(x, err)
			a.refuse(x, err)
		}
	}
}

// carryOut does what the request asks for. Who asks is settled before anything
// else about it is judged: by the headers before the body is read, so that a bad
// key costs no memory, and otherwise by the body, of which little is read then.
func (a *api) carryOut(x *exchange, f form, g gate, h handler) error {
	if g != noKey {
		if err := a.byHeaders(x); err != nil {
			return err
		}
	}
	limit, payer := a.allowance(x, f, g)
	x.room = a.Bodies.Claim(payer)
	raw, err := readRaw(x, limit, payer.Known)
	if err != nil {
		return f.explain(err, limit)
	}
	if x.body, err = f.parse(x.Request.Header, raw); err != nil {
		x.body = &fields{}
		return err
	}
	if g != noKey {
		if err := a.byBody(x, g); err != nil {
			return err
		}
	}
	return h(x)
}

// path is an address of the API, in the form that the client used itself.
func (x *exchange) path(elem ...string) string {
	return x.base() + "/" + strings.Join(elem, "/")
}

// base is what addresses begin with that the client uses.
func (x *exchange) base() string {
	if strings.HasPrefix(x.FullPath(), "/api/v1/") {
		return "/api/v1"
	}
	return "/api"
}

// origin is scheme and host of a whole address: as configured, or else what the
// client itself calls us.
func (x *exchange) origin() string {
	host := x.Request.Host
	switch {
	case x.public != "":
		return x.public
	case host == "" || strings.ContainsAny(host, "<>\"\\ ,;/"):
		return "" // an address without it is one too
	case x.Request.TLS == nil:
		return "http://" + host
	}
	return "https://" + host
}

// done is the error of everything that is wrong with a request that says all in
// its body and has no parameters.
func (x *exchange) done() error {
	_, err := soleParameters(x)
	return err
}

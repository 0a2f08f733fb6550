package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"conga/httpapi/auth"
	"conga/httpapi/limits"
	"conga/httpapi/replay"
	"conga/httpapi/rest"
)

// An exchange is one request below /api and its answer.
type exchange struct {
	*gin.Context
	body    *rest.Fields    // empty without a body
	secret  string          // the key that the request shows, once it is known; "": none
	key     auth.Key        // of the client; zero where no key is needed
	detail  string          // what the audit log records besides
	memory  limits.Share    // of all bodies' memory, that the request's body takes
	attempt *replay.Attempt // of a request with an Idempotency-Key; nil: none
	public  string          // origin of addresses, from the configuration; "": the client's own
	asks    bool            // it changes nothing, whatever its method
	undo    []func()        // remove what the audit log has noted, if the request fails
}

// A handler answers an exchange, or returns the error that is the answer.
type handler func(*exchange) error

// A keyRule says which requests a resource answers.
type keyRule uint8

const (
	noKey          keyRule = iota // all; a key in a header is not read
	needsKey                      // those with a key
	needsKeyOrHost                // those with a key, or from a host that needs none
)

// open serves a resource that needs no key.
func (a *api) open(h handler) gin.HandlerFunc { return a.serve(smallForm, noKey, h) }

// keyed serves a resource that needs a key.
func (a *api) keyed(h handler) gin.HandlerFunc { return a.serve(objectForm, needsKey, h) }

// patched serves PATCH of a resource.
func (a *api) patched(h handler) gin.HandlerFunc { return a.serve(changeForm, needsKey, h) }

// serve serves a resource whose bodies have the form f.
func (a *api) serve(f form, rule keyRule, h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		x := &exchange{Context: c, body: &rest.Fields{}, public: a.Origin}
		defer func() { x.memory.Release() }()
		if err := a.carryOut(x, f, rule, h); err != nil {
			a.recordRefusal(x, err)
			rest.Drain(c, err == rest.ErrBrokeOff, x.memory.Release, func() { a.fail(c, err) })
		}
	}
}

// carryOut does what the request asks for. It identifies the client before it
// judges anything else: by the headers before the body is read, so that a bad
// key costs no memory, and otherwise by a body of which little is read.
func (a *api) carryOut(x *exchange, f form, rule keyRule, h handler) error {
	if rule != noKey {
		if err := a.byHeaders(x); err != nil {
			return err
		}
	}
	if err := a.readBody(x, f, rule); err != nil {
		return err
	}
	if rule != noKey {
		if err := a.byBody(x, rule); err != nil {
			return err
		}
	}
	return h(x)
}

// path returns an address of the API, in the form that the client used itself.
func (x *exchange) path(elem ...string) string {
	return x.base() + "/" + strings.Join(elem, "/")
}

// base returns what the addresses begin with that the client uses.
func (x *exchange) base() string {
	if strings.HasPrefix(x.FullPath(), "/api/v1/") {
		return "/api/v1"
	}
	return "/api"
}

// origin returns scheme and host of whole addresses: as configured, or else as
// the client wrote them.
func (x *exchange) origin() string {
	host := x.Request.Host
	switch {
	case x.public != "":
		return x.public
	case host == "" || strings.ContainsAny(host, "<>\"\\ ,;/"):
		return "" // an address without them works too
	case x.Request.TLS == nil:
		return "http://" + host
	}
	return "https://" + host
}

// notInQuery says why parameters are refused that look like fields of a body.
var notInQuery = map[string]string{"api_key": "not taken from the query, where it would end up in logs"}

// done returns everything that is wrong with a request that takes no
// parameters. The fields of the body have been taken before, as for the two
// functions below.
func (x *exchange) done() error {
	_, err := x.parameters()
	return err
}

// parameters returns the named parameters of a request for a resource that is
// no list.
func (x *exchange) parameters(names ...string) (*rest.Parameters, error) {
	if err := x.body.Done(); err != nil {
		return nil, err
	}
	p, err := rest.ParseQuery(x.Request.URL.RawQuery, "resource", notInQuery, names...)
	if err != nil {
		return nil, err
	}
	return p, p.Done()
}

// listParameters returns the named parameters of a request for a list, and the
// page that it asks for.
func (x *exchange) listParameters(names ...string) (*rest.Parameters, rest.Page, error) {
	if err := x.body.Done(); err != nil {
		return nil, rest.Page{}, err
	}
	// A cursor is of the list as one project sees it, below any of the bases.
	scope := routeLabel(x.Request.URL.Path) + " " + strconv.Quote(x.key.Project)
	return rest.ParseListQuery(x.Request.URL.RawQuery, scope, notInQuery, names...)
}

// succeed answers with results, which must be a slice.
func (x *exchange) succeed(status int, results any) error {
	return rest.Reply{Status: status, Results: results}.Send(x.Context)
}

// linkPages sets the Link header that leads to the other pages of the list at
// path. Its addresses are whole, since many clients follow them as they stand.
func (x *exchange) linkPages(page rest.Page, path string, e rest.Edges) {
	x.Header("Link", page.Links(x.origin()+path, e))
}

// cutPage returns the page of a list at the request's address, and sets the
// header that leads to the others. position returns that of an item in the
// order of the list.
func cutPage[T any](x *exchange, page rest.Page, list []T, position func(T) string) ([]T, error) {
	first, last, e, err := page.Cut(len(list), func(i int) string { return position(list[i]) })
	if err != nil {
		return nil, err
	}
	x.linkPages(page, x.Request.URL.Path, e)
	return list[first:last], nil
}

// showPage answers with one page of a list at the request's address.
func showPage[T, V any](x *exchange, page rest.Page, list []T, position func(T) string, view func(T) V) error {
	list, err := cutPage(x, page, list, position)
	if err != nil {
		return err
	}
	views := make([]V, 0, len(list))
	for _, one := range list {
		views = append(views, view(one))
	}
	return x.succeed(http.StatusOK, views)
}

package httpapi

import (
	"net/http"
	"net/url"
	"slices"
)

// parameters are what the query of a request says.
type parameters struct {
	given map[string]string // by name; what is absent is not there
	errs  []string          // sentences; any makes the answer a 422
}

// reject notes that a parameter is not acceptable.
func (p *parameters) reject(name, reason string) { p.errs = append(p.errs, name+": "+reason) }

// done is the error of everything that was wrong, or nil.
func (p *parameters) done() error {
	if len(p.errs) == 0 {
		return nil
	}
	slices.Sort(p.errs)
	return newFault(http.StatusUnprocessableEntity, p.errs...)
}

// takeQuery takes the parameters that are named. It complains of everything else:
// a misspelt page would be the first one again and again. kind is what the client
// has asked for, a list or a resource.
func takeQuery(raw, kind string, names ...string) (*parameters, error) {
	p := &parameters{}
	if raw == "" { // nearly always
		return p, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, newFault(http.StatusBadRequest, "query: cannot be read")
	}
	p.given = make(map[string]string, len(values))
	for name, given := range values {
		switch {
		case len(given) > 1:
			p.reject(fieldName(name), "given twice in the query")
		case slices.Contains(names, name):
			p.given[name] = given[0]
		case name == "api_key":
			p.reject(name, "not taken from the query, where it would end up in logs")
		default:
			p.reject(fieldName(name), "is not a parameter of this "+kind)
		}
	}
	return p, nil
}

// listParameters are those of a list: the page, and what is named. The body must
// have been taken by then.
func listParameters(x *exchange, names ...string) (*parameters, listQuery, error) {
	if err := x.body.done(); err != nil {
		return nil, listQuery{}, err
	}
	p, err := takeQuery(x.Request.URL.RawQuery, "list", append(names, "page", "per_page")...)
	if err != nil {
		return nil, listQuery{}, err
	}
	q := p.list()
	return p, q, p.done()
}

// soleParameters are those of a resource that is not a list. The body must have
// been taken by then.
func soleParameters(x *exchange, names ...string) (*parameters, error) {
	if err := x.body.done(); err != nil {
		return nil, err
	}
	p, err := takeQuery(x.Request.URL.RawQuery, "resource", names...)
	if err != nil {
		return nil, err
	}
	return p, p.done()
}

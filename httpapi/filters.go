package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// parameters are what the query of a GET says beyond the page.
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

// listParameters are those of a list: the page, and the filters that are named.
func listParameters(x *exchange, names ...string) (*parameters, listQuery, error) {
	if err := x.body.done(); err != nil {
		return nil, listQuery{}, err
	}
	p, rest, err := takeParameters(x.Request.URL.RawQuery, names)
	if err != nil {
		return nil, listQuery{}, err
	}
	if rest.Has("project_id") { // the page's parser knows it, this list does not
		p.reject("project_id", "is not a parameter of this list")
		rest.Del("project_id")
	}
	q, err := parseListQuery(rest.Encode())
	if err != nil {
		return nil, q, err
	}
	for name, v := range p.given {
		q.values.Set(name, v)
	}
	return p, q, p.done()
}

// soleParameters are those of a resource that is not a list.
func soleParameters(x *exchange, names ...string) (*parameters, error) {
	if err := x.body.done(); err != nil {
		return nil, err
	}
	if x.Request.URL.RawQuery == "" { // nearly always
		return &parameters{}, nil
	}
	p, rest, err := takeParameters(x.Request.URL.RawQuery, names)
	if err != nil {
		return nil, err
	}
	for name := range rest {
		if name == "api_key" {
			p.reject(name, "not taken from the query, where it would end up in logs")
		} else {
			p.reject(fieldName(name), "is not a parameter of this resource")
		}
	}
	return p, p.done()
}

// takeParameters separates the named parameters from the rest of a query.
func takeParameters(raw string, names []string) (*parameters, url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, nil, newFault(http.StatusBadRequest, "query: cannot be read")
	}
	p := &parameters{given: map[string]string{}}
	for _, name := range names {
		switch given := values[name]; {
		case len(given) > 1:
			p.reject(name, "given twice in the query")
		case len(given) == 1:
			p.given[name] = given[0]
		}
		values.Del(name)
	}
	return p, values, nil
}

// showPage answers with one page of a list at this address.
func showPage[T, V any](x *exchange, q listQuery, list []T, view func(T) V) error {
	first, last := q.bounds(len(list))
	x.linkPages(q, x.Request.URL.Path, len(list))
	views := make([]V, 0, last-first)
	for _, one := range list[first:last] {
		views = append(views, view(one))
	}
	return x.succeed(http.StatusOK, views)
}

// relations are links of a resource to others, by what they are to it.
type relations map[string]link

// relate makes relations of name and address in turn; the first is self.
func relate(pairs ...string) relations {
	out := relations{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = link{pairs[i+1]}
	}
	return out
}

// withQuery is an address with parameters, given as name and value in turn.
func withQuery(path string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(path)
	for i := 0; i < len(pairs); i += 2 {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(pairs[i] + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String()
}

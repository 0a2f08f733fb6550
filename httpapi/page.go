package httpapi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	defaultPerPage = 128
	maxPerPage     = 1000
	maxPage        = 1 << 31
)

// listQuery is which page of a list is asked for.
type listQuery struct {
	page, perPage int
	values        url.Values // all parameters, for the links to other pages
}

// list reads the page out of the parameters.
func (p *parameters) list() listQuery {
	q := listQuery{page: 1, perPage: defaultPerPage, values: url.Values{}}
	for name, text := range p.given {
		q.values.Set(name, text)
	}
	q.page = int(takeNumber(p, "page", 1, maxPage, 1))
	q.perPage = int(takeNumber(p, "per_page", 1, maxPerPage, defaultPerPage))
	return q
}

// skip is how many items come before the page.
func (q listQuery) skip() int { return (q.page - 1) * q.perPage }

// bounds are the first item of the page and the one after its last.
func (q listQuery) bounds(total int) (first, last int) {
	first = min(q.skip(), total)
	return first, min(first+q.perPage, total)
}

// linkPages sets the Link header of RFC 8288: every other page of the list at path
// that there is. Its addresses are whole, since many clients follow them as they
// stand.
func (x *exchange) linkPages(q listQuery, path string, total int) {
	x.Header("Link", q.links(x.origin()+path, total))
}

// links are the pages of a list of so many items, as the Link header names them.
func (q listQuery) links(address string, total int) string {
	pages := max(1, (total+q.perPage-1)/q.perPage)
	var out []string
	add := func(page int, rel string) {
		q.values.Set("page", strconv.Itoa(page))
		q.values.Set("per_page", strconv.Itoa(q.perPage))
		out = append(out, "<"+address+"?"+q.values.Encode()+`>; rel="`+rel+`"`)
	}
	add(1, "first")
	if q.page > 1 {
		add(min(q.page-1, pages), "prev")
	}
	if q.page < pages {
		add(q.page+1, "next")
	}
	add(pages, "last")
	return strings.Join(out, ", ")
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

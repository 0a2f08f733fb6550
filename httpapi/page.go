package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultPerPage = 128
	maxPerPage     = 1000
	maxPage        = 1 << 31
)

// listQuery is what the query of a list can say.
type listQuery struct {
	project       string
	page, perPage int
	values        url.Values // as given, for the links to other pages
}

// parseListQuery refuses what it does not know: a misspelt page would
// otherwise be the first one, again and again. also names parameters of this
// list alone, which its handler reads itself.
func parseListQuery(raw string, also ...string) (listQuery, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return listQuery{}, newFault(http.StatusBadRequest, "query: cannot be read")
	}
	q := listQuery{page: 1, perPage: defaultPerPage, values: values}
	var errs []string
	number := func(name, text string, most int) int {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			errs = append(errs, name+": must be an integer from 1 to "+strconv.Itoa(most))
		}
		return n
	}
	for name, given := range values {
		if len(given) > 1 {
			errs = append(errs, fieldName(name)+": given twice in the query")
			continue
		}
		switch name {
		case "project_id":
			q.project = given[0]
		case "page":
			q.page = number(name, given[0], maxPage)
		case "per_page":
			q.perPage = number(name, given[0], maxPerPage)
		case "api_key":
			errs = append(errs, "api_key: not taken from the query, where it would end up in logs")
		default:
			if !slices.Contains(also, name) {
				errs = append(errs, fieldName(name)+": is not a parameter of this list")
			}
		}
	}
	if len(errs) > 0 {
		slices.Sort(errs)
		return listQuery{}, newFault(http.StatusUnprocessableEntity, errs...)
	}
	return q, nil
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

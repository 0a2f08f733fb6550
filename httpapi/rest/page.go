package rest

import (
	"net/url"
	"strconv"
	"strings"
)

const (
	defaultPerPage = 128
	maxPerPage     = 1000
	maxPage        = 1 << 31
)

// pageParameters choose a page of a list.
var pageParameters = []string{"page", "per_page"}

// A Page is the part of a list that a request asks for.
type Page struct {
	Size   int // items
	number int // from 1
	values url.Values
	asked  bool
}

// ParseListQuery returns the named parameters of the query of a list, and the
// page that it asks for. It is otherwise as ParseQuery.
func ParseListQuery(raw string, refused map[string]string, names ...string) (*Parameters, Page, error) {
	p, err := ParseQuery(raw, "list", refused, append(names, pageParameters...)...)
	if err != nil {
		return nil, Page{}, err
	}
	page := Page{values: url.Values{}}
	for name, text := range p.given {
		page.values.Set(name, text)
	}
	for _, name := range pageParameters {
		page.asked = page.asked || page.values.Has(name)
	}
	page.number = int(p.Integer("page", 1, maxPage, 1))
	page.Size = int(p.Integer("per_page", 1, maxPerPage, defaultPerPage))
	return p, page, p.Done()
}

// Asked reports whether the request names a page or its size.
func (p Page) Asked() bool { return p.asked }

// Narrow adds a parameter to the links to other pages.
func (p Page) Narrow(name, value string) { p.values.Set(name, value) }

// Skip returns how many items come before the page.
func (p Page) Skip() int { return (p.number - 1) * p.Size }

// Bounds returns the index of the page's first item, and of the one after its
// last, in a list of total items.
func (p Page) Bounds(total int) (first, last int) {
	first = min(p.Skip(), total)
	return first, min(first+p.Size, total)
}

// Links returns the Link header (RFC 8288) with the other pages of a list of
// total items. The address is that of the list.
func (p Page) Links(address string, total int) string {
	pages := max(1, (total+p.Size-1)/p.Size)
	var out []string
	add := func(page int, rel string) {
		p.values.Set("page", strconv.Itoa(page))
		p.values.Set("per_page", strconv.Itoa(p.Size))
		out = append(out, "<"+address+"?"+p.values.Encode()+`>; rel="`+rel+`"`)
	}
	add(1, "first")
	if p.number > 1 {
		add(min(p.number-1, pages), "prev")
	}
	if p.number < pages {
		add(p.number+1, "next")
	}
	add(pages, "last")
	return strings.Join(out, ", ")
}

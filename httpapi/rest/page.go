package rest

import (
	"net/url"
	"sort"
	"strconv"
	"strings"
)

const (
	defaultPerPage = 128
	maxPerPage     = 1000
	maxPage        = 1 << 31
)

// pageParameters choose a page of a list.
var pageParameters = []string{"page", "per_page", "cursor"}

// A Page is the part of a list that a request asks for. It is found by a
// cursor, which names a position in the order of the list, or counted from the
// first item. What comes and goes elsewhere shifts the pages that are counted,
// and no other.
type Page struct {
	Size   int // items
	number int // from 1; with a cursor, what the links count on from
	cursor string
	values url.Values
	scope  string
	asked  bool
}

// ParseListQuery returns the named parameters of the query of a list, and the
// page that it asks for. scope says what list it is: a cursor of another one is
// refused. It is otherwise as ParseQuery.
func ParseListQuery(raw, scope string, refused map[string]string, names ...string) (*Parameters, Page, error) {
	p, err := ParseQuery(raw, "list", refused, append(names, pageParameters...)...)
	if err != nil {
		return nil, Page{}, err
	}
	page := Page{values: url.Values{}, scope: scope}
	for name, text := range p.given {
		page.values.Set(name, text)
	}
	for _, name := range pageParameters {
		page.asked = page.asked || page.values.Has(name)
	}
	page.number = int(p.Integer("page", 1, maxPage, 1))
	page.Size = int(p.Integer("per_page", 1, maxPerPage, defaultPerPage))
	if cursor, ok := p.Lookup("cursor"); ok {
		if page.cursor = cursor; cursor == "" {
			return nil, Page{}, errCursor
		}
		page.values.Del("cursor")
	}
	return p, page, p.Done()
}

// Asked reports whether the request names a page or its size.
func (p Page) Asked() bool { return p.asked }

// Narrow adds a parameter to the links to other pages.
func (p Page) Narrow(name, value string) { p.values.Set(name, value) }

// Skip returns how many items come before a page that is counted.
func (p Page) Skip() int { return (p.number - 1) * p.Size }

// Edges are what the links to other pages are made of: the positions of the
// page's first and last items, both "" if it has none.
type Edges struct {
	First, Last   string
	Before, After bool // there may be items on that side
	Total         int  // of the list; -1: not known
}

// Cut returns the index of the page's first item, and of the one after its
// last, in a list of total items. position returns that of the item at an
// index; positions ascend. The error is a Fault about the cursor.
func (p Page) Cut(total int, position func(i int) string) (first, last int, e Edges, err error) {
	at, err := p.Start()
	if err != nil {
		return 0, 0, e, err
	}
	switch {
	case at.Counted:
		first = min(p.Skip(), total)
		last = min(first+p.Size, total)
	case at.Back:
		last = sort.Search(total, func(i int) bool { return position(i) >= at.Position })
		first = max(0, last-p.Size)
	default:
		first = sort.Search(total, func(i int) bool { return position(i) > at.Position })
		last = min(first+p.Size, total)
	}
	e = Edges{Before: first > 0, After: last < total, Total: total}
	if first < last {
		e.First, e.Last = position(first), position(last-1)
	}
	return first, last, e, nil
}

// Links returns the Link header (RFC 8288) with the other pages of a list. The
// address is that of the list.
func (p Page) Links(address string, e Edges) string {
	var out []string
	add := func(page int, cursor, rel string) {
		p.values.Set("page", strconv.Itoa(page))
		p.values.Set("per_page", strconv.Itoa(p.Size))
		if p.values.Del("cursor"); cursor != "" {
			p.values.Set("cursor", cursor)
		}
		out = append(out, "<"+address+"?"+p.values.Encode()+`>; rel="`+rel+`"`)
	}
	pages := max(1, (e.Total+p.Size-1)/p.Size)
	next, prev := p.token(e.Last, false), p.token(e.First, true)
	add(1, "", "first")
	switch {
	case e.Before && e.First != "":
		add(max(1, p.number-1), prev, "prev")
	case p.number > 1 && e.Total >= 0:
		add(min(p.number-1, pages), "", "prev")
	}
	if e.After {
		add(p.number+1, next, "next")
	}
	if e.Total >= 0 {
		add(pages, "", "last")
	}
	return strings.Join(out, ", ")
}

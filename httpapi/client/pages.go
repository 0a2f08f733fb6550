package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// perPage is how many items of a list are asked for at a time, which is the
// most that the server gives.
const perPage = "per_page=1000"

// A Filter chooses allocations; zero fields choose all that the key may see.
type Filter struct {
	Project string // ID
	State   State
	User    string
	Series  string // that they are occurrences of
	Address string // IP address, or prefix, of the source or the destination
	After   int64  // ends later than this UNIX second
	Before  int64  // starts before this UNIX second
	Newest  bool   // the newest first, else the oldest
}

// query returns the filter as the parameters of a list.
func (f Filter) query() string {
	q := perPage
	add := func(name, value string) {
		if value != "" {
			q += "&" + name + "=" + url.QueryEscape(value)
		}
	}
	add("project_id", f.Project)
	add("state", string(f.State))
	add("user_id", f.User)
	add("address", f.Address)
	add("series", f.Series)
	for name, t := range map[string]int64{"after": f.After, "before": f.Before} {
		if t != 0 {
			add(name, strconv.FormatInt(t, 10))
		}
	}
	if f.Newest {
		add("order", "newest")
	}
	return q
}

// List yields the allocations of a project in a state, or in any for "", as
// Search does.
func (c *Client) List(ctx context.Context, projectID string, state State) iter.Seq2[Allocation, error] {
	return c.Search(ctx, Filter{Project: projectID, State: state})
}

// Search yields the allocations that the filter chooses, page by page as the
// server links them. The first error ends it. None comes twice, and what is
// there from the first page to the last is not missed.
func (c *Client) Search(ctx context.Context, f Filter) iter.Seq2[Allocation, error] {
	return func(yield func(Allocation, error) bool) {
		seen := map[string]bool{}
		for al, err := range each[Allocation](ctx, c, "list", "/allocations?"+f.query()) {
			if err == nil && seen[al.ID] {
				continue
			}
			seen[al.ID] = true
			if !yield(al, err) {
				return
			}
		}
	}
}

// each yields the items of a list, page by page as the server links them. The
// first error ends it.
func each[T any](ctx context.Context, c *Client, op, path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		next := path
		for seen := map[string]bool{}; next != "" && !seen[next]; {
			seen[next] = true // a server that links in a circle must not keep us
			results, header, err := c.do(ctx, call{op: op, method: http.MethodGet, path: next, idempotent: true})
			for _, r := range results {
				var item T
				if err := json.Unmarshal(r, &item); err != nil {
					yield(none, malformedf("%s: the answer is not one of CONGA's: %w", op, err))
					return
				}
				if !yield(item, nil) {
					return
				}
			}
			if err != nil {
				yield(none, err)
				return
			}
			next = c.link(header, "next")
		}
	}
}

// all returns the whole of a list.
func all[T any](ctx context.Context, c *Client, op, path string) ([]T, error) {
	list := []T{}
	for item, err := range each[T](ctx, c, op, path) {
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

// link finds the target of a relation in the Link header (RFC 8288), on the
// server that c knows, whatever that calls itself: no other server is given the
// key. It is "" if there is none.
func (c *Client) link(h http.Header, rel string) string {
	for part := range strings.SplitSeq(strings.Join(h.Values("Link"), ","), ",") {
		target, params, _ := strings.Cut(strings.TrimSpace(part), ">")
		if !strings.HasPrefix(target, "<") || !strings.Contains(params, `rel="`+rel+`"`) {
			continue
		}
		u, err := c.base.Parse(target[1:])
		if err != nil {
			return ""
		}
		u.Scheme, u.Host, u.User = c.base.Scheme, c.base.Host, nil
		return u.String()
	}
	return ""
}

package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A State is where an allocation is in its life.
type State string

// The states, in their order.
const (
	Pending  State = "pending"
	Active   State = "active"
	Complete State = "complete"
)

// A Request asks for an allocation; what is optional may be left zero.
type Request struct {
	UserID    string `json:"user_id,omitempty"` // default: the key's
	ProjectID string `json:"project_id"`
	SrcIP     string `json:"src_ip"`
	SrcPort   uint16 `json:"src_port,omitempty"` // 0: any
	DstIP     string `json:"dst_ip"`
	DstPort   uint16 `json:"dst_port,omitempty"`
	Protocol  string `json:"protocol,omitempty"`   // tcp, udp or any
	Duration  int64  `json:"duration,omitempty"`   // seconds; 0: it follows from Volume
	Bandwidth uint64 `json:"bandwidth,omitempty"`  // bit/s; 0: priority without a guarantee
	StartTime int64  `json:"start_time,omitempty"` // UNIX seconds; 0: as early as it fits
	StartIn   *int64 `json:"-"`                    // seconds from now by the server's clock, instead of StartTime
	Lease     int64  `json:"lease,omitempty"`      // seconds that it waits for its start unless they are asked for again; 0: as long as it takes

	ActiveLease int64 `json:"active_lease,omitempty"` // seconds that it keeps its path, once active, unless they are asked for again; 0: to its end

	Earliest   int64  `json:"earliest,omitempty"` // UNIX seconds before which it does not start; 0: none
	EarliestIn *int64 `json:"-"`                  // seconds from now, as StartIn
	Deadline   int64  `json:"deadline,omitempty"` // UNIX seconds by which it has ended; 0: none
	DeadlineIn *int64 `json:"-"`                  // seconds from now, as StartIn

	Volume       uint64 `json:"volume,omitempty"`        // bytes to be carried, at Bandwidth or a rate that CONGA picks; 0: none
	MinBandwidth uint64 `json:"min_bandwidth,omitempty"` // bit/s, the least rate to pick; 0: any
	MaxBandwidth uint64 `json:"max_bandwidth,omitempty"` // bit/s, the highest rate to pick; 0: what fits

	Include      []string `json:"include,omitempty"`       // DPIDs and link IDs, all of which the path crosses
	Avoid        []string `json:"avoid,omitempty"`         // and none of which
	DisjointFrom string   `json:"disjoint_from,omitempty"` // ID of another allocation, with whose path it has no link between switches in common
	MaxHops      int64    `json:"max_hops,omitempty"`      // switches that the path crosses at most; 0: any number
	MaxLatency   int64    `json:"max_latency,omitempty"`   // microseconds; 0: any
}

// MarshalJSON writes what is set.
func (r Request) MarshalJSON() ([]byte, error) {
	type plain Request
	return json.Marshal(struct {
		plain
		StartTime any `json:"start_time,omitempty"` // instead of those in plain
		Earliest  any `json:"earliest,omitempty"`
		Deadline  any `json:"deadline,omitempty"`
	}{plain(r), moment(r.StartTime, r.StartIn), moment(r.Earliest, r.EarliestIn), moment(r.Deadline, r.DeadlineIn)})
}

// moment returns a time in UNIX seconds or, if in is not nil, one that counts
// from the server's now; nil if there is neither.
func moment(at int64, in *int64) any {
	switch {
	case in != nil && *in == 0:
		return "now"
	case in != nil:
		return "+" + strconv.FormatInt(*in, 10)
	case at != 0:
		return at
	}
	return nil
}

// A Change names the fields of an update; nil leaves a field as it is. A zero
// port, bandwidth or start time takes back what was asked for.
type Change struct {
	ProjectID *string
	SrcIP     *string
	SrcPort   *uint16
	DstIP     *string
	DstPort   *uint16
	Protocol  *string
	Duration  *int64  // seconds
	Bandwidth *uint64 // bit/s
	StartTime *int64  // UNIX seconds
	StartIn   *int64  // seconds from now by the server's clock, instead of StartTime
	Lease     *int64  // seconds, which begin anew

	ActiveLease *int64 // seconds, which begin anew

	Earliest   *int64 // UNIX seconds
	EarliestIn *int64 // as StartIn
	Deadline   *int64 // UNIX seconds
	DeadlineIn *int64 // as StartIn

	Volume       *uint64 // bytes
	MinBandwidth *uint64 // bit/s
	MaxBandwidth *uint64 // bit/s

	Include      *[]string
	Avoid        *[]string
	DisjointFrom *string
	MaxHops      *int64 // switches
	MaxLatency   *int64 // microseconds
}

// MarshalJSON writes what is named, and null for what is taken back.
func (c Change) MarshalJSON() ([]byte, error) {
	fields := map[string]any{}
	put(fields, "project_id", c.ProjectID, false)
	put(fields, "src_ip", c.SrcIP, false)
	put(fields, "src_port", c.SrcPort, true)
	put(fields, "dst_ip", c.DstIP, false)
	put(fields, "dst_port", c.DstPort, true)
	put(fields, "protocol", c.Protocol, false)
	put(fields, "duration", c.Duration, false)
	put(fields, "bandwidth", c.Bandwidth, true)
	putMoment(fields, "start_time", c.StartTime, c.StartIn)
	put(fields, "lease", c.Lease, true)
	put(fields, "active_lease", c.ActiveLease, true)
	putMoment(fields, "earliest", c.Earliest, c.EarliestIn)
	putMoment(fields, "deadline", c.Deadline, c.DeadlineIn)
	put(fields, "volume", c.Volume, true)
	put(fields, "min_bandwidth", c.MinBandwidth, true)
	put(fields, "max_bandwidth", c.MaxBandwidth, true)
	putList(fields, "include", c.Include)
	putList(fields, "avoid", c.Avoid)
	put(fields, "disjoint_from", c.DisjointFrom, true)
	put(fields, "max_hops", c.MaxHops, true)
	put(fields, "max_latency", c.MaxLatency, true)
	return json.Marshal(fields)
}

// putMoment sets a time that is named in one of its forms.
func putMoment(fields map[string]any, name string, at, in *int64) {
	if in != nil {
		fields[name] = moment(0, in)
	} else {
		put(fields, name, at, true)
	}
}

// putList sets a list that is named; an empty one takes back what was asked
// for.
func putList(fields map[string]any, name string, list *[]string) {
	switch {
	case list == nil:
	case len(*list) == 0:
		fields[name] = nil
	default:
		fields[name] = *list
	}
}

// put sets a field that is named; optional ones may be null.
func put[T comparable](fields map[string]any, name string, v *T, optional bool) {
	switch {
	case v == nil:
	case optional && *v == *new(T):
		fields[name] = nil
	default:
		fields[name] = *v
	}
}

// Allocate asks for an allocation and returns it with its ID and state; the
// other fields may be missing, [Client.Show] has them.
func (c *Client) Allocate(ctx context.Context, r Request) (Allocation, error) {
	return c.AllocateAs(ctx, rand.Text(), r)
}

// AllocateAs does what Allocate does, with an idempotency key of the caller's:
// printable ASCII without spaces. A call with the same key and request, because
// the answer was lost ([ErrOpen]), returns the same allocation and makes no
// second one.
func (c *Client) AllocateAs(ctx context.Context, key string, r Request) (Allocation, error) {
	const op = "allocate"
	results, _, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: "/allocations", body: r,
		header: http.Header{"Idempotency-Key": {key}}, idempotent: true,
	})
	if err != nil {
		return Allocation{}, err
	}
	return one[Allocation](op, results)
}

// Show returns everything known of one allocation.
func (c *Client) Show(ctx context.Context, id string) (Allocation, error) {
	const op = "show"
	results, _, err := c.do(ctx, call{op: op, method: http.MethodGet, path: allocation(id), idempotent: true})
	if err != nil {
		return Allocation{}, err
	}
	return one[Allocation](op, results)
}

// Update changes what ch names and returns the allocation as it is then. What
// is refused changes nothing.
func (c *Client) Update(ctx context.Context, id string, ch Change) (Allocation, error) {
	const op = "update"
	results, _, err := c.do(ctx, call{op: op, method: http.MethodPost, path: allocation(id), body: ch, idempotent: true})
	if err != nil {
		return Allocation{}, err
	}
	return one[Allocation](op, results)
}

// Release removes an allocation and with it its priority path.
func (c *Client) Release(ctx context.Context, id string) error {
	_, _, err := c.do(ctx, call{op: "release", method: http.MethodDelete, path: allocation(id), idempotent: true, removes: true})
	return err
}

// perPage is how many items of a list are asked for at a time, which is the
// most that the server gives.
const perPage = "per_page=1000"

// A Filter chooses allocations; zero fields choose all that the key may see.
type Filter struct {
	Project string // ID
	State   State
	User    string
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

func allocation(id string) string { return "/allocations/" + url.PathEscape(id) }

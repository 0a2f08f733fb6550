package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
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
	SrcIP     string `json:"src_ip"`             // an address, or a prefix
	SrcPort   Ports  `json:"src_port,omitempty"` // "": any
	DstIP     string `json:"dst_ip"`
	DstPort   Ports  `json:"dst_port,omitempty"`
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

	Hold int64 `json:"hold,omitempty"` // seconds for which it is reserved and not installed, unless it is committed; 0: it is not held

	ReverseBandwidth *uint64 `json:"reverse_bandwidth,omitempty"` // bit/s of the traffic back, 0 of which is none; nil: as much as Bandwidth

	Include      []string `json:"include,omitempty"`       // DPIDs and link IDs, all of which the path crosses
	Avoid        []string `json:"avoid,omitempty"`         // and none of which
	DisjointFrom string   `json:"disjoint_from,omitempty"` // ID of another allocation, with whose path it has no link between switches in common
	MaxHops      int64    `json:"max_hops,omitempty"`      // switches that the path crosses at most; 0: any number
	MaxLatency   int64    `json:"max_latency,omitempty"`   // microseconds; 0: any
	Protection   string   `json:"protection,omitempty"`    // none, or path: a second path is held
	Class        string   `json:"class,omitempty"`         // normal, or scavenger: it has what is spare, from MinBandwidth to MaxBandwidth

	Recurrence *Recurrence `json:"recurrence,omitempty"` // of a series, see [Client.AllocateSeries]; nil: it is for one allocation
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

// A Change names the fields of an update; nil leaves a field as it is. No
// ports, and a zero bandwidth or start time takes back what was asked for.
type Change struct {
	ProjectID *string
	SrcIP     *string
	SrcPort   *Ports
	DstIP     *string
	DstPort   *Ports
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

	Hold *int64 // seconds, which begin anew; 0 commits

	ReverseBandwidth *uint64 // bit/s; 0: none
	SameBothWays     bool    // takes ReverseBandwidth back: as much as Bandwidth

	Include      *[]string
	Avoid        *[]string
	DisjointFrom *string
	MaxHops      *int64 // switches
	MaxLatency   *int64 // microseconds
	Protection   *string
	Class        *string // as it is: it cannot be changed
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
	put(fields, "hold", c.Hold, true)
	putMoment(fields, "earliest", c.Earliest, c.EarliestIn)
	putMoment(fields, "deadline", c.Deadline, c.DeadlineIn)
	put(fields, "volume", c.Volume, true)
	put(fields, "min_bandwidth", c.MinBandwidth, true)
	put(fields, "max_bandwidth", c.MaxBandwidth, true)
	if put(fields, "reverse_bandwidth", c.ReverseBandwidth, false); c.SameBothWays {
		fields["reverse_bandwidth"] = nil
	}
	putList(fields, "include", c.Include)
	putList(fields, "avoid", c.Avoid)
	put(fields, "disjoint_from", c.DisjointFrom, true)
	put(fields, "max_hops", c.MaxHops, true)
	put(fields, "max_latency", c.MaxLatency, true)
	put(fields, "protection", c.Protection, true)
	put(fields, "class", c.Class, true)
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
	_, _, err := c.do(ctx, call{
		op: "release", method: http.MethodDelete, path: allocation(id),
		header: http.Header{"Idempotency-Key": {rand.Text()}}, idempotent: true, removes: true, // else it would remove what it has released
	})
	return err
}

func allocation(id string) string { return "/allocations/" + url.PathEscape(id) }

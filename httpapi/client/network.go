package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A Port is a port of a switch, as the end of something.
type Port struct {
	DPID string `json:"dpid"`
	Port uint32 `json:"port"`
}

// A Switch is a switch of the network. Nil is what is not known.
type Switch struct {
	DPID        string       `json:"dpid"`
	Connected   bool         `json:"connected"`
	Role        *string      `json:"role"`  // of CONGA: master, equal or slave; nil: not connected
	Since       *int64       `json:"since"` // UNIX seconds
	Address     *string      `json:"address"`
	Description *string      `json:"description"`
	Tables      uint8        `json:"tables"`
	Meters      uint32       `json:"meters"` // how many it has room for
	Limitations []string     `json:"limitations"`
	Ports       []SwitchPort `json:"ports"`
}

// A SwitchPort is a port of a switch.
type SwitchPort struct {
	Port     uint32  `json:"port"`
	Name     string  `json:"name"`
	MAC      string  `json:"mac"`
	Up       bool    `json:"up"`
	Role     string  `json:"role"`     // edge, trunk or undetermined
	Capacity uint64  `json:"capacity"` // bit/s
	Queue    *uint32 `json:"queue"`

	Limitation *string `json:"limitation"` // what is wrong with what hangs on it
}

// A Link is a directed link between switches; nil is the outside.
type Link struct {
	ID       string `json:"link_id"`
	From     *Port  `json:"from"`
	To       *Port  `json:"to"`
	Kind     string `json:"kind"`     // trunk or access
	Capacity uint64 `json:"capacity"` // bit/s
	Metric   uint32 `json:"metric"`
	Latency  *int64 `json:"latency"` // microseconds; nil: not known
}

// A Host is a host that has been heard.
type Host struct {
	MAC       string   `json:"mac"`
	VLAN      *int     `json:"vlan"` // the only one in which this is the host with the MAC; 0: without a tag; nil: in all where no other is
	Addresses []string `json:"addresses"`
	At        *Port    `json:"at"`
	Second    *Port    `json:"second"` // another port by which it sends, with a second network card; nil: none
	Seen      *int64   `json:"seen"`   // UNIX seconds
}

// Switches returns the switches that have ever connected. Like the methods
// below it needs an operator's key. Pages are small, since each switch has all
// its ports.
func (c *Client) Switches(ctx context.Context) ([]Switch, error) {
	return all[Switch](ctx, c, "switches", "/switches")
}

// Links returns the directed links between switches.
func (c *Client) Links(ctx context.Context) ([]Link, error) {
	return all[Link](ctx, c, "links", "/links?"+perPage)
}

// Hosts returns the hosts that have been heard.
func (c *Client) Hosts(ctx context.Context) ([]Host, error) {
	return all[Host](ctx, c, "hosts", "/hosts?"+perPage)
}

// A Path is what an allocation would get now. Rates are bit/s; nil is what is
// not known, or does not apply.
type Path struct {
	Src        string  `json:"src"`
	Dst        string  `json:"dst"`
	Bandwidth  *uint64 `json:"bandwidth"`
	Duration   int64   `json:"duration"` // seconds
	From       *Port   `json:"from"`
	To         *Port   `json:"to"`
	Fits       bool    `json:"fits"`
	Path       []Hop   `json:"path"`
	Backup     []Hop   `json:"backup_path"` // nil: there is none, or it was not asked for
	Free       *uint64 `json:"free"`
	Bottleneck *Room   `json:"bottleneck"`
	Links      []Room  `json:"links"`
	Reason     *string `json:"reason"` // why it does not fit
	Offer      *Offer  `json:"offer"`  // what would
}

// A Room is what a link has for allocations, in bit/s.
type Room struct {
	ID         string `json:"link_id"`
	From       *Port  `json:"from"`
	To         *Port  `json:"to"`
	Capacity   uint64 `json:"capacity"`
	Reservable uint64 `json:"reservable"`
	Reserved   uint64 `json:"reserved"`
	Free       uint64 `json:"free"`
}

// An Offer is what would be admitted instead.
type Offer struct {
	StartTime int64  `json:"start_time,omitempty"` // UNIX seconds
	Bandwidth uint64 `json:"bandwidth,omitempty"`  // bit/s
}

// Outlook returns the path that an allocation would get now. What counts of the
// request are its addresses, rates, duration, constraints and protection; all
// but the addresses may be left zero. Nothing is reserved.
func (c *Client) Outlook(ctx context.Context, r Request) (Path, error) {
	const op = "paths"
	q := url.Values{"src": {r.SrcIP}, "dst": {r.DstIP}}
	set := func(name, value string, is bool) {
		if is {
			q.Set(name, value)
		}
	}
	set("bandwidth", strconv.FormatUint(r.Bandwidth, 10), r.Bandwidth > 0)
	set("duration", strconv.FormatInt(r.Duration, 10), r.Duration > 0)
	if r.ReverseBandwidth != nil {
		set("reverse_bandwidth", strconv.FormatUint(*r.ReverseBandwidth, 10), true)
	}
	set("include", strings.Join(r.Include, ","), len(r.Include) > 0)
	set("avoid", strings.Join(r.Avoid, ","), len(r.Avoid) > 0)
	set("disjoint_from", r.DisjointFrom, r.DisjointFrom != "")
	set("max_hops", strconv.FormatInt(r.MaxHops, 10), r.MaxHops > 0)
	set("max_latency", strconv.FormatInt(r.MaxLatency, 10), r.MaxLatency > 0)
	set("protection", r.Protection, r.Protection != "")
	results, _, err := c.do(ctx, call{op: op, method: http.MethodGet, path: "/paths?" + q.Encode(), idempotent: true})
	if err != nil {
		return Path{}, err
	}
	return one[Path](op, results)
}

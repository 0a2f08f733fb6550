package httpapi

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"conga/allocator"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/httpapi/rest"
)

// A Planner is what the API needs of the allocator beside the allocations.
type Planner interface {
	// Outlook tells which path a request would be given now.
	Outlook(r allocator.Request) (allocator.Outlook, error)
	// Availability tells what a request would be given, and what is free
	// within so many seconds.
	Availability(r allocator.Request, horizon allocator.Seconds) (allocator.Availability, error)
	// Validate tells what a request would make.
	Validate(r allocator.Request) (allocator.Allocation, error)
	// ValidateSeries tells what a request with a recurrence would make.
	ValidateSeries(r allocator.Request) (allocator.Series, error)
	// Reserved is the most that allocations hold of a directed link at any
	// moment of the window, in bit/s.
	Reserved(link topology.LinkID, w allocator.Window) bitrate.Rate
	// OccupancyOfLink and OccupancyOfProject tell how much allocations hold of
	// a directed link, and those of a project together, over a window.
	OccupancyOfLink(link topology.LinkID, w allocator.Window) allocator.Occupancy
	OccupancyOfProject(project string, w allocator.Window) allocator.Occupancy
}

var _ Planner = (*allocator.Allocator)(nil)

// A pathView holds what a request would get now.
type pathView struct {
	Src        string         `json:"src"`
	Dst        string         `json:"dst"`
	Bandwidth  *uint64        `json:"bandwidth"` // bit/s asked for
	Duration   int64          `json:"duration"`  // seconds from now
	From       *portIDView    `json:"from"`      // null: not known
	To         *portIDView    `json:"to"`
	Fits       bool           `json:"fits"`
	Path       []hopView      `json:"path"`        // null: there is none
	Backup     []hopView      `json:"backup_path"` // null: there is none, or it is not asked for
	Free       *uint64        `json:"free"`        // bit/s that an allocation may take of all of it
	Bottleneck *roomView      `json:"bottleneck"`  // the link that has least free
	Rooms      []roomView     `json:"links"`       // of the path, each cable with its fuller direction
	Reason     *string        `json:"reason"`      // why it does not fit
	Offer      *offer         `json:"offer"`       // what would
	Links      rest.Relations `json:"_links"`
}

// A roomView holds what a link has for allocations. All rates are bit/s.
type roomView struct {
	ID         string      `json:"link_id"`
	From       *portIDView `json:"from"`
	To         *portIDView `json:"to"`
	Capacity   uint64      `json:"capacity"`
	Reservable uint64      `json:"reservable"`
	Reserved   uint64      `json:"reserved"`
	Free       uint64      `json:"free"`
}

func viewRoom(r allocator.Room) roomView {
	return roomView{
		ID: r.Link.String(), From: viewPortID(r.Link.From), To: viewPortID(r.Link.To),
		Capacity: uint64(r.Capacity), Reservable: uint64(r.Limit), Reserved: uint64(r.Held), Free: uint64(r.Free()),
	}
}

// outlookParameters are the parameters of /paths that may be left out.
var outlookParameters = []string{
	"bandwidth", "duration", "reverse_bandwidth", "include", "avoid", "disjoint_from", "max_hops", "max_latency", "protection",
}

// showPath serves GET and HEAD /paths. A project may ask of what it may have:
// it could ask by making an allocation, too.
func (a *api) showPath(x *exchange) error {
	p, err := x.parameters(append([]string{"src", "dst"}, outlookParameters...)...)
	if err != nil {
		return err
	}
	r := takeOutlook(p)
	r.ProjectID = x.key.Project
	if err := p.Done(); err != nil {
		return err
	}
	if a.Planner == nil {
		return errNoResource
	}
	if !x.key.Operator {
		err = a.consented(x, r)
	}
	var o allocator.Outlook
	if err == nil {
		o, err = a.Planner.Outlook(r)
	}
	if err != nil {
		return renamed(err)
	}
	v := viewPath(o)
	v.Src, v.Dst, v.Bandwidth, v.Duration = r.Key.Src.String(), r.Key.Dst.String(), orNull(uint64(r.Bandwidth)), int64(r.Duration)
	self := []string{"src", v.Src, "dst", v.Dst}
	for _, name := range outlookParameters {
		if given, ok := p.Lookup(name); ok {
			self = append(self, name, given)
		}
	}
	v.Links = rest.Relate("self", rest.WithQuery(x.path("paths"), self...))
	return x.succeed(http.StatusOK, []pathView{v})
}

// takeOutlook takes what a path is asked for.
func takeOutlook(p *rest.Parameters) (r allocator.Request) {
	r.Key = path.FlowKey{Src: sideOf(p, "src"), Dst: sideOf(p, "dst")}
	for _, name := range []string{"src", "dst"} {
		if _, ok := p.Lookup(name); !ok {
			p.Reject(name, "is required, an IP address or prefix")
		}
	}
	r.Bandwidth = bitrate.Rate(p.Integer("bandwidth", 1, math.MaxInt64, 0))
	r.Duration = allocator.Seconds(p.Integer("duration", 1, allocator.MaxDuration, 1))
	if back := p.Integer("reverse_bandwidth", 0, math.MaxInt64, -1); back >= 0 {
		r.Reverse = path.Reverse{Apart: true, Rate: bitrate.Rate(back)}
	}
	r.Include, r.Avoid = elementsOf(p, "include", allocator.MaxInclude), elementsOf(p, "avoid", allocator.MaxAvoid)
	r.DisjointFrom = p.Text("disjoint_from")
	r.MaxHops = int(p.Integer("max_hops", 1, allocator.MaxHops, 0))
	r.MaxLatency = time.Duration(p.Integer("max_latency", 1, allocator.MaxLatency.Microseconds(), 0)) * time.Microsecond
	switch text := p.Text("protection"); text {
	case byPath:
		r.Protected = true
	case unprotected, "":
	default:
		p.Reject("protection", "must be none or path, not "+rest.Quote(text))
	}
	return r
}

// elementsOf returns a parameter that is a list of switches and links with
// commas between, at most so many.
func elementsOf(p *rest.Parameters, name string, most int) allocator.Elements {
	text := p.Text(name)
	if text == "" {
		return ""
	}
	texts := strings.Split(text, ",")
	if len(texts) > most {
		p.Reject(name, fmt.Sprintf("must have at most %d elements", most))
		return ""
	}
	var list []path.Element
	for _, text := range texts {
		e, err := path.ParseElement(text)
		if err != nil {
			p.Reject(name, rest.Quote(text)+" is neither a switch nor a link between two; write 0000000000000001, or 0000000000000001:3->0000000000000002:1")
			return ""
		}
		list = append(list, e)
	}
	return allocator.ElementsOf(list...)
}

// renamed calls the addresses at fault what this resource calls them.
func renamed(err error) error {
	f := *faultOf(err)
	f.Reasons = slices.Clone(f.Reasons)
	for i, e := range f.Reasons {
		f.Reasons[i] = strings.NewReplacer("src_ip", "src", "dst_ip", "dst").Replace(e)
	}
	return &f
}

func viewPath(o allocator.Outlook) pathView {
	v := pathView{
		From: viewPortID(o.From), To: viewPortID(o.To), Fits: o.Fits, Path: viewHops(o.Path), Backup: viewHops(o.Backup),
		Rooms: []roomView{}, Reason: orNull(o.Reason), Offer: viewOffer(o.Offer),
	}
	for _, r := range o.Rooms {
		v.Rooms = append(v.Rooms, viewRoom(r))
	}
	if least, ok := o.Bottleneck(); ok {
		room, free := viewRoom(least), uint64(least.Free())
		v.Bottleneck, v.Free = &room, &free
	}
	return v
}

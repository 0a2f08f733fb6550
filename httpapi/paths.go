package httpapi

import (
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"conga/allocator"
	"conga/controller/path"
	"conga/controller/topology"
)

// Planner is what the API needs of the allocator beside the allocations.
type Planner interface {
	// Outlook tells which path a request would be given now.
	Outlook(key path.FlowKey, rate topology.BitRate, duration int64) (allocator.Outlook, error)
	// Reserved is the most that allocations hold of a directed link at any moment
	// of the window, in bit/s.
	Reserved(link topology.LinkID, w allocator.Window) topology.BitRate
}

var _ Planner = (*allocator.Allocator)(nil)

// pathView is what a request would get now.
type pathView struct {
	Src        string     `json:"src"`
	Dst        string     `json:"dst"`
	Bandwidth  *uint64    `json:"bandwidth"` // bit/s asked for
	Duration   int64      `json:"duration"`  // seconds from now
	From       *placeView `json:"from"`      // null: not known
	To         *placeView `json:"to"`
	Fits       bool       `json:"fits"`
	Path       []hopView  `json:"path"`       // null: there is none
	Free       *uint64    `json:"free"`       // bit/s that an allocation may take of all of it
	Bottleneck *roomView  `json:"bottleneck"` // the link that has least free
	Rooms      []roomView `json:"links"`      // of the path, each cable with its fuller direction
	Reason     *string    `json:"reason"`     // why it does not fit
	Offer      *offer     `json:"offer"`      // what would
	Links      relations  `json:"_links"`
}

// roomView is what a link has for allocations. All rates are bit/s.
type roomView struct {
	ID         string     `json:"link_id"`
	From       *placeView `json:"from"`
	To         *placeView `json:"to"`
	Capacity   uint64     `json:"capacity"`
	Reservable uint64     `json:"reservable"`
	Reserved   uint64     `json:"reserved"`
	Free       uint64     `json:"free"`
}

func viewRoom(r allocator.Room) roomView {
	return roomView{
		ID: r.Link.String(), From: viewPlace(r.Link.From), To: viewPlace(r.Link.To),
		Capacity: uint64(r.Capacity), Reservable: uint64(r.Limit), Reserved: uint64(r.Held), Free: uint64(r.Free()),
	}
}

// takeAddress reads a parameter that is an IP address; the zero one is absent.
func takeAddress(p *parameters, name string) netip.Addr {
	text, ok := p.given[name]
	if !ok {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		p.reject(name, quote(text)+" is not an IP address")
	case addr.Zone() != "":
		p.reject(name, quote(text)+" has a zone, which means nothing outside its host")
	}
	return addr.Unmap()
}

// takePrefix reads a parameter that is an IP prefix; the zero one is absent.
func takePrefix(p *parameters, name string) netip.Prefix {
	text, ok := p.given[name]
	if !ok {
		return netip.Prefix{}
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		p.reject(name, quote(text)+" is not an IP prefix; write 192.127.1.0/24 or 2001:db8::/64")
	}
	return prefix
}

// takeNumber reads a parameter that is a whole number; def if it is absent.
func takeNumber(p *parameters, name string, lo, hi, def int64) int64 {
	text, ok := p.given[name]
	if !ok {
		return def
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < lo || n > hi {
		p.reject(name, "must be an integer from "+strconv.FormatInt(lo, 10)+" to "+strconv.FormatInt(hi, 10))
	}
	return n
}

// showPath is GET and HEAD /paths. A project may ask: it could ask by making an
// allocation, too.
func (a *api) showPath(x *exchange) error {
	p, err := soleParameters(x, "src", "dst", "bandwidth", "duration")
	if err != nil {
		return err
	}
	key := path.FlowKey{Src: takeAddress(p, "src"), Dst: takeAddress(p, "dst")}
	for _, name := range []string{"src", "dst"} {
		if _, ok := p.given[name]; !ok {
			p.reject(name, "is required, an IP address")
		}
	}
	rate := takeNumber(p, "bandwidth", 1, math.MaxInt64, 0)
	duration := takeNumber(p, "duration", 1, allocator.MaxDuration, 1)
	if err := p.done(); err != nil {
		return err
	}
	if a.Planner == nil {
		return errNoResource
	}
	o, err := a.Planner.Outlook(key, topology.BitRate(rate), duration)
	if err != nil {
		return renamed(err)
	}
	v := viewPath(o)
	v.Src, v.Dst, v.Bandwidth, v.Duration = key.Src.String(), key.Dst.String(), orNull(uint64(rate)), duration
	self := []string{"src", v.Src, "dst", v.Dst}
	for _, name := range []string{"bandwidth", "duration"} {
		if given, ok := p.given[name]; ok {
			self = append(self, name, given)
		}
	}
	v.Links = relate("self", withQuery(x.path("paths"), self...))
	return x.succeed(http.StatusOK, []pathView{v})
}

// renamed calls the addresses at fault what this resource calls them.
func renamed(err error) error {
	f := *faultOf(err)
	f.errs = slices.Clone(f.errs)
	for i, e := range f.errs {
		f.errs[i] = strings.NewReplacer("src_ip", "src", "dst_ip", "dst").Replace(e)
	}
	return &f
}

func viewPath(o allocator.Outlook) pathView {
	v := pathView{
		From: viewPlace(o.From), To: viewPlace(o.To), Fits: o.Fits, Path: viewHops(o.Path),
		Rooms: []roomView{}, Reason: orNull(o.Reason),
	}
	for _, r := range o.Rooms {
		v.Rooms = append(v.Rooms, viewRoom(r))
	}
	if least, ok := o.Bottleneck(); ok {
		room, free := viewRoom(least), uint64(least.Free())
		v.Bottleneck, v.Free = &room, &free
	}
	if o.Offer != (allocator.Offer{}) {
		v.Offer = &offer{StartTime: o.Offer.Later, Bandwidth: uint64(o.Offer.Slower)}
	}
	return v
}

func viewHops(p path.Path) (out []hopView) {
	for _, h := range p {
		out = append(out, hopView{DPID: h.DPID.String(), In: uint32(h.In), Out: uint32(h.Out)})
	}
	return out
}

package httpapi

import (
	"cmp"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"conga/controller/topology"
	"conga/httpapi/rest"
)

// A linkView is a directed link.
type linkView struct {
	ID       string         `json:"link_id"` // as reasons and bottlenecks name it
	From     *portIDView    `json:"from"`    // null: outside, where a host is
	To       *portIDView    `json:"to"`      // null: outside
	Kind     string         `json:"kind"`    // trunk or access
	Capacity uint64         `json:"capacity"`
	Metric   uint32         `json:"metric"`
	Latency  *int64         `json:"latency"` // microseconds; null: not known
	Links    rest.Relations `json:"_links"`
}

// The kinds of link: between two switches, or between an edge port and what is
// behind it.
const (
	kindTrunk  = "trunk"
	kindAccess = "access"
)

func kindOfLink(l topology.Link) string {
	if l.ID.From == topology.External || l.ID.To == topology.External {
		return kindAccess
	}
	return kindTrunk
}

// A linkFilter holds the parameters of both lists of links.
type linkFilter struct {
	trunk, access bool
	from, to      *topology.PortID
}

// linkFilterOf reads kind, from and to.
func linkFilterOf(p *rest.Parameters) (f linkFilter) {
	switch kind := p.Text("kind"); kind {
	case "", kindTrunk:
		f.trunk = true
	case kindAccess:
		f.access = true
	case "all":
		f.trunk, f.access = true, true
	default:
		p.Reject("kind", rest.Quote(kind)+" is none; it must be trunk, access or all")
	}
	end := func(name string) *topology.PortID {
		text, ok := p.Lookup(name)
		if !ok {
			return nil
		}
		if text == topology.External.String() {
			return &topology.External
		}
		id, err := topology.ParsePortID(text)
		if err != nil {
			p.Reject(name, rest.Quote(text)+" is no port; write DPID:port, such as 0000000000000001:3, or outside")
			return nil
		}
		return &id
	}
	f.from, f.to = end("from"), end("to")
	return f
}

// links returns those of the network that pass, in order.
func (f linkFilter) links(o *ordered) (out []topology.LinkID) {
	switch {
	case f.trunk && f.access:
		out = slices.Concat(o.trunks, o.access())
		slices.SortFunc(out, topology.CompareLinks)
	case f.trunk:
		out = o.trunks
	default:
		out = o.access()
	}
	if f.from != nil {
		first, _ := slices.BinarySearchFunc(out, *f.from, func(l topology.LinkID, from topology.PortID) int { return topology.ComparePorts(l.From, from) })
		out = out[first:]
		if n := slices.IndexFunc(out, func(l topology.LinkID) bool { return l.From != *f.from }); n >= 0 {
			out = out[:n]
		}
	}
	if f.to != nil {
		out = slices.DeleteFunc(slices.Clone(out), func(l topology.LinkID) bool { return l.To != *f.to })
	}
	return out
}

// positionOfLink returns that of a link in the order of links.
func positionOfLink(l topology.LinkID) string {
	from, to := l.From, l.To
	return rest.Order(uint64(from.DPID), uint64(from.Port), uint64(to.DPID), uint64(to.Port))
}

// linkAddress returns the address of a link, below one of the two lists of
// links.
func linkAddress(x *exchange, l topology.Link, list ...string) string {
	return rest.WithQuery(x.path(list...), "from", l.ID.From.String(), "to", l.ID.To.String(), "kind", kindOfLink(l))
}

func (a *api) viewLink(x *exchange, l topology.Link) linkView {
	v := linkView{
		ID: l.ID.String(), From: viewPortID(l.ID.From), To: viewPortID(l.ID.To), Kind: kindOfLink(l),
		Capacity: uint64(l.Capacity), Metric: max(1, l.Metric), Latency: orNull(l.Latency.Microseconds()),
		Links: rest.Relate("self", linkAddress(x, l, "links"), "statistics", linkAddress(x, l, "stats", "links")),
	}
	if a.Planner != nil {
		v.Links["calendar"] = rest.LinkTo(calendarOfLink(x, l.ID))
	}
	return v
}

// linkInPath returns the directed link that the request's address names by its
// ends, which need not be there now.
func (a *api) linkInPath(x *exchange) (id topology.LinkID, err error) {
	s, err := a.network()
	if err != nil {
		return id, err
	}
	for name, to := range map[string]*topology.PortID{"from": &id.From, "to": &id.To} {
		text := x.Param(name)
		if text == topology.External.String() {
			*to = topology.External
			continue
		}
		at, err := topology.ParsePortID(text)
		if _, known := s.Switches[at.DPID]; err != nil || !known {
			return id, rest.NewFault(http.StatusNotFound, name+": "+rest.Quote(text)+" is no port of the network; write DPID:port, such as 0000000000000001:3, or outside")
		}
		*to = at
	}
	if id.From == id.To {
		return id, rest.NewFault(http.StatusNotFound, "to: no link leads from a port to itself")
	}
	return id, nil
}

// listLinks serves GET and HEAD /links.
func (a *api) listLinks(x *exchange) error {
	o, f, q, err := a.takeLinks(x)
	if err != nil {
		return err
	}
	return showPage(x, q, f.links(o), positionOfLink, func(id topology.LinkID) linkView {
		l, _ := o.Link(id)
		return a.viewLink(x, l)
	})
}

// takeLinks reads what both lists of links have in common.
func (a *api) takeLinks(x *exchange) (*ordered, linkFilter, rest.Page, error) {
	p, q, err := x.listParameters("kind", "from", "to")
	if err != nil {
		return nil, linkFilter{}, q, err
	}
	f := linkFilterOf(p)
	if err := p.Done(); err != nil {
		return nil, f, q, err
	}
	s, err := a.network()
	if err != nil {
		return nil, f, q, err
	}
	return a.ordered.of(s), f, q, nil
}

// A hostView is a learned host.
type hostView struct {
	MAC       string         `json:"mac"`
	VLAN      *int           `json:"vlan"` // 0: without a tag; null: it is the only host with this address, or has it in all other VLANs
	Addresses []string       `json:"addresses"`
	At        *portIDView    `json:"at"`
	Second    *portIDView    `json:"second"` // another port by which it sends, with a second network card; null: none
	Seen      *int64         `json:"seen"`   // UNIX seconds: when it was last news
	Links     rest.Relations `json:"_links"`
}

// listHosts serves GET and HEAD /hosts.
func (a *api) listHosts(x *exchange) error {
	p, q, err := x.listParameters("mac", "vlan", "address")
	if err != nil {
		return err
	}
	address, vlan := p.Address("address"), p.Integer("vlan", 0, 4095, -1)
	if err := p.Done(); err != nil {
		return err
	}
	s, err := a.network()
	if err != nil {
		return err
	}
	o := a.ordered.of(s)
	hosts := o.hosts
	if text, named := p.Lookup("mac"); named {
		var ok bool
		if hosts, ok = topology.HostsWith(hosts, text); !ok && strings.Count(text, ":")+strings.Count(text, "-") != 5 {
			p.Reject("mac", rest.Quote(text)+" is not an Ethernet address; write it as 02:00:00:00:00:01")
			return p.Done()
		}
	}
	if address.IsValid() {
		hosts = onlyHost(hosts, o, address)
	}
	if p.Text("mac") != "" || vlan >= 0 {
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(id topology.HostID) bool { return shownVLAN(id) != int(vlan) })
	}
	return showPage(x, q, hosts, topology.HostID.String, func(id topology.HostID) hostView {
		h, _ := o.Hosts.Get(id)
		return viewHost(x, h)
	})
}

// onlyHost returns the one of hosts, which are in order, that has an address,
// if it is among them.
func onlyHost(hosts []topology.HostID, o *ordered, address netip.Addr) []topology.HostID {
	id, known := o.HostAt(address)
	i, among := slices.BinarySearchFunc(hosts, id, topology.CompareHosts)
	if !known || !among {
		return nil
	}
	return hosts[i : i+1]
}

func viewHost(x *exchange, h topology.Host) hostView {
	v := hostView{MAC: h.MAC.String(), Addresses: []string{}, At: viewPortID(h.At), Second: viewPortID(h.Second), Seen: unixOrNull(h.Seen)}
	for _, addr := range h.Addrs {
		v.Addresses = append(v.Addresses, addr.String())
	}
	self := rest.WithQuery(x.path("hosts"), "mac", v.MAC)
	if v.VLAN = viewVLAN(h.VLAN); v.VLAN != nil {
		self = rest.WithQuery(x.path("hosts"), "mac", v.MAC, "vlan", strconv.Itoa(*v.VLAN))
	}
	v.Links = rest.Relate("self", self, "switch", x.path("switches", v.At.DPID))
	return v
}

// shownVLAN returns the VLAN of a host that is known in one only; 0: it sends
// no tags; -1: it is not.
func shownVLAN(id topology.HostID) int {
	if id.VLAN == 0 {
		return -1
	}
	return int(id.VLAN &^ topology.Untagged)
}

// viewVLAN returns a VLAN, 0: no tag, or nil if it is not said.
func viewVLAN(vlan uint16) *int {
	if vlan == 0 {
		return nil
	}
	id := int(vlan &^ topology.Untagged)
	return &id
}

// An attachmentView is a prefix that the configuration places behind a port.
type attachmentView struct {
	Prefix  string         `json:"prefix"`
	At      *portIDView    `json:"at"`
	VLAN    *int           `json:"vlan"`    // of the frames there, 0: without a tag; null: it does not say
	Present bool           `json:"present"` // the port is there, and an edge port
	Links   rest.Relations `json:"_links"`
}

// positionOfAttachment returns that of an attachment in the order of
// attachments.
func positionOfAttachment(at topology.Attachment) string {
	addr := at.Prefix.Addr().As16()
	return rest.Order(math.MaxUint64-uint64(at.Prefix.Bits())) + string(addr[:])
}

// listAttachments serves GET and HEAD /attachments, the longest prefix first.
func (a *api) listAttachments(x *exchange) error {
	p, q, err := x.listParameters("prefix", "address")
	if err != nil {
		return err
	}
	address, prefix := p.Address("address"), p.Prefix("prefix")
	if err := p.Done(); err != nil {
		return err
	}
	s, err := a.network()
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(slices.Clone(s.Attachments), func(at topology.Attachment) bool {
		return prefix.IsValid() && at.Prefix != prefix || address.IsValid() && !at.Prefix.Contains(address)
	})
	slices.SortStableFunc(list, func(a, b topology.Attachment) int {
		return cmp.Compare(positionOfAttachment(a), positionOfAttachment(b))
	})
	return showPage(x, q, list, positionOfAttachment, func(at topology.Attachment) attachmentView {
		port, ok := s.Port(at.At)
		v := attachmentView{Prefix: at.Prefix.String(), At: viewPortID(at.At), VLAN: viewVLAN(at.VLAN), Present: ok && port.Role == topology.Edge}
		v.Links = rest.Relate("self", rest.WithQuery(x.path("attachments"), "prefix", v.Prefix), "switch", x.path("switches", v.At.DPID))
		return v
	})
}

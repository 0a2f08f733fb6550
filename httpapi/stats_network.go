package httpapi

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"conga/allocator"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/httpapi/rest"
	"conga/stats"
)

// A freshness says how old numbers are.
type freshness struct {
	Sampled *int64 `json:"sampled_at"` // UNIX seconds; null: never
	Stale   bool   `json:"stale"`      // nothing was told for a while: the numbers are as of sampled_at
}

// switchStats holds what a switch counts, in sum.
type switchStats struct {
	DPID      string      `json:"dpid"`
	Connected bool        `json:"connected"`
	Ports     *int        `json:"ports"` // how many; null: not told yet
	Flows     *int        `json:"flows"`
	Tables    *int        `json:"tables"`
	Meters    *int        `json:"meters"`
	Received  trafficView `json:"received"` // at all ports of the network together
	Sent      trafficView `json:"sent"`
	freshness
	Links rest.Relations `json:"_links"`
}

// read returns the last sample of a switch; an empty one if there is none.
func (a *api) read(sw topology.Switch) (stats.Reading, freshness, bool) {
	r, ok := a.Statistics.Switch(sw)
	if !ok {
		return stats.Reading{Sample: &stats.Sample{}, Stale: true}, freshness{nil, true}, false
	}
	return r, freshness{unixOrNull(r.At), r.Stale}, true
}

func (a *api) viewSwitchStats(x *exchange, sw topology.Switch) switchStats {
	r, fresh, told := a.read(sw)
	dpid := sw.DPID.String()
	self := x.path("stats", "switches", dpid)
	v := switchStats{DPID: dpid, Connected: sw.Connected, freshness: fresh, Links: rest.Relate("self", self,
		"ports", self+"/ports", "flows", self+"/flows", "tables", self+"/tables", "meters", self+"/meters",
		"switch", x.path("switches", dpid))}
	if !told {
		return v
	}
	counts := [3]int{len(r.Ports), len(r.Tables), len(r.Meters)}
	v.Ports, v.Tables, v.Meters = &counts[0], &counts[1], &counts[2]
	if n, ok := r.Entries(); ok {
		v.Flows = &n
	}
	var received, sent sum
	for _, p := range r.Ports {
		if _, ok := sw.Ports[p.No]; ok {
			received.add(p.Received, p.ReceiveRate)
			sent.add(p.Sent, p.SendRate)
		}
	}
	v.Received, v.Sent = received.view(), sent.view()
	return v
}

// listSwitchStats serves GET and HEAD /stats/switches.
func (a *api) listSwitchStats(x *exchange) error {
	_, q, err := x.listParameters()
	if err != nil {
		return err
	}
	s, err := a.network()
	if err != nil {
		return err
	}
	return showPage(x, q, a.ordered.of(s).switches, positionOfSwitch, func(sw topology.Switch) switchStats { return a.viewSwitchStats(x, sw) })
}

// showSwitchStats serves GET and HEAD /stats/switches/{dpid}.
func (a *api) showSwitchStats(x *exchange) error {
	if _, err := x.parameters(); err != nil {
		return err
	}
	_, sw, err := a.findSwitch(x)
	if err != nil {
		return err
	}
	return x.succeed(http.StatusOK, []switchStats{a.viewSwitchStats(x, sw)})
}

// details reads what the lists below a switch have in common. filter is the one
// parameter that picks an element, and low its least value.
func (a *api) details(x *exchange, filter string, low int64) (d detail, err error) {
	p, q, err := x.listParameters(filter)
	if err != nil {
		return d, err
	}
	d.query = q
	d.pick = p.Integer(filter, low, 1<<32-1, -1)
	if err := p.Done(); err != nil {
		return d, err
	}
	if _, d.sw, err = a.findSwitch(x); err != nil {
		return d, err
	}
	d.reading, d.fresh, _ = a.read(d.sw)
	d.list = x.path("stats", "switches", d.sw.DPID.String())
	d.filter = filter
	return d, nil
}

// A detail is a list below a switch.
type detail struct {
	query   rest.Page
	pick    int64 // -1: all
	sw      topology.Switch
	reading stats.Reading
	fresh   freshness
	list    string // address of the switch's statistics
	filter  string
}

// picked reports whether the element with this number is to be shown.
func (d *detail) picked(n uint32) bool { return d.pick < 0 || d.pick == int64(n) }

// links returns those of the element with this number.
func (d *detail) links(list string, n uint32, more ...string) rest.Relations {
	return rest.Relate(append([]string{"self", rest.WithQuery(d.list+"/"+list, d.filter, fmt.Sprint(n)), "switch", d.list}, more...)...)
}

// portStats holds what a switch counts of a port.
type portStats struct {
	Port     uint32       `json:"port"`
	Name     *string      `json:"name"` // null: not a port of the network, such as LOCAL
	Received portWayStats `json:"received"`
	Sent     portWayStats `json:"sent"`
	Age      float64      `json:"age"` // seconds
	freshness
	Links rest.Relations `json:"_links"`
}

type portWayStats struct {
	trafficView
	Dropped *uint64 `json:"dropped"` // packets
	Errors  *uint64 `json:"errors"`
}

// listPortStats serves GET and HEAD /stats/switches/{dpid}/ports.
func (a *api) listPortStats(x *exchange) error {
	d, err := a.details(x, "port", 1)
	if err != nil {
		return err
	}
	ports := slices.DeleteFunc(slices.Clone(d.reading.Ports), func(p stats.Port) bool { return !d.picked(uint32(p.No)) })
	slices.SortFunc(ports, func(a, b stats.Port) int { return cmp.Compare(a.No, b.No) })
	return showPage(x, d.query, ports, func(p stats.Port) string { return rest.Order(uint64(p.No)) }, func(p stats.Port) portStats {
		return portStats{
			Port: uint32(p.No), Name: orNull(d.sw.Ports[p.No].Name), Age: round(p.Age.Seconds()), freshness: d.fresh,
			Received: portWayStats{viewTraffic(p.Received, p.ReceiveRate), keptOrNull(p.ReceiveDropped), keptOrNull(p.ReceiveErrors)},
			Sent:     portWayStats{viewTraffic(p.Sent, p.SendRate), keptOrNull(p.SendDropped), keptOrNull(p.SendErrors)},
			Links:    d.links("ports", uint32(p.No), "history", historyOfPort(d.list, uint32(p.No))),
		}
	})
}

// tableStats holds what a switch counts of a flow table.
type tableStats struct {
	Table      uint32   `json:"table"`
	Entries    uint32   `json:"entries"`
	Lookups    *uint64  `json:"lookups"` // packets
	Matched    *uint64  `json:"matched"`
	LookupRate *float64 `json:"lookup_rate"` // packets/s
	freshness
	Links rest.Relations `json:"_links"`
}

// listTableStats serves GET and HEAD /stats/switches/{dpid}/tables.
func (a *api) listTableStats(x *exchange) error {
	d, err := a.details(x, "table", 0)
	if err != nil {
		return err
	}
	d.fresh.Sampled = unixOrNull(d.reading.TablesAt) // it may be looked at less often than the rest
	tables := slices.DeleteFunc(slices.Clone(d.reading.Tables), func(t stats.Table) bool { return !d.picked(uint32(t.ID)) })
	slices.SortFunc(tables, func(a, b stats.Table) int { return cmp.Compare(a.ID, b.ID) })
	return showPage(x, d.query, tables, func(t stats.Table) string { return rest.Order(uint64(t.ID)) }, func(t stats.Table) tableStats {
		v := tableStats{
			Table: uint32(t.ID), Entries: t.Entries, Lookups: keptOrNull(t.Lookups), Matched: keptOrNull(t.Matched),
			freshness: d.fresh, Links: d.links("tables", uint32(t.ID), "flows", rest.WithQuery(d.list+"/flows", "table", fmt.Sprint(t.ID))),
		}
		if t.LookupRate != nil {
			rate := round(*t.LookupRate)
			v.LookupRate = &rate
		}
		return v
	})
}

// meterStats holds what a switch counts of a meter.
type meterStats struct {
	Meter      uint32      `json:"meter"`
	Kind       string      `json:"kind"`          // best-effort, policer, flood, unknown-sources, teaching or foreign
	Port       *uint32     `json:"port"`          // that a best-effort or teaching meter is of
	Allocation *string     `json:"allocation_id"` // that a policer is of
	Entries    uint32      `json:"entries"`       // that use it
	Entered    trafficView `json:"entered"`       // all that came in, dropped or not
	Passed     trafficView `json:"passed"`        // the same, under its earlier name
	Dropped    trafficView `json:"dropped"`
	Age        float64     `json:"age"` // seconds
	freshness
	Links rest.Relations `json:"_links"`
}

// listMeterStats serves GET and HEAD /stats/switches/{dpid}/meters.
func (a *api) listMeterStats(x *exchange) error {
	d, err := a.details(x, "meter", 1)
	if err != nil {
		return err
	}
	meters := slices.DeleteFunc(slices.Clone(d.reading.Meters), func(m stats.Meter) bool { return !d.picked(uint32(m.ID)) })
	slices.SortFunc(meters, func(a, b stats.Meter) int { return cmp.Compare(a.ID, b.ID) })
	return showPage(x, d.query, meters, func(m stats.Meter) string { return rest.Order(uint64(m.ID)) }, func(m stats.Meter) meterStats {
		entered := viewTraffic(m.Entered, m.EnteredRate)
		v := meterStats{
			Meter: uint32(m.ID), Kind: m.Kind.String(), Allocation: orNull(m.Allocation), Entries: m.Entries,
			Entered: entered, Passed: entered, Dropped: viewTraffic(m.Dropped, m.DroppedRate),
			Age: round(m.Age.Seconds()), freshness: d.fresh, Links: d.links("meters", uint32(m.ID)),
		}
		if m.Kind == purpose.MeterBestEffort || m.Kind == purpose.MeterTeaching && m.Of != 0 {
			v.Port = &m.Of
		}
		if m.Allocation != "" {
			v.Links["allocation"] = rest.LinkTo(x.path("stats", "allocations", m.Allocation))
		}
		return v
	})
}

// linkStats holds the load of a directed link.
type linkStats struct {
	ID          string      `json:"link_id"`
	From        *portIDView `json:"from"` // null: outside
	To          *portIDView `json:"to"`
	Kind        string      `json:"kind"`
	Capacity    uint64      `json:"capacity"`    // bit/s
	Rate        *uint64     `json:"rate"`        // bit/s
	PacketRate  *float64    `json:"packet_rate"` // packets/s
	Utilisation *float64    `json:"utilisation"` // rate of capacity
	Reserved    *uint64     `json:"reserved"`    // bit/s that allocations hold now
	Reservation *float64    `json:"reservation"` // reserved of capacity
	freshness
	Links rest.Relations `json:"_links"`
}

// listLinkStats serves GET and HEAD /stats/links.
func (a *api) listLinkStats(x *exchange) error {
	o, f, q, err := a.takeLinks(x)
	if err != nil {
		return err
	}
	now := path.SecondsOf(a.Now())
	return showPage(x, q, f.links(o), positionOfLink, func(id topology.LinkID) linkStats {
		l, _ := o.Link(id)
		load := a.Statistics.Link(o.Snapshot, l.ID)
		t := viewTraffic(stats.Volume{}, load.Rate)
		v := linkStats{
			ID: l.ID.String(), From: viewPortID(l.ID.From), To: viewPortID(l.ID.To), Kind: kindOfLink(l),
			Capacity: uint64(l.Capacity), Rate: t.Rate, PacketRate: t.PacketRate,
			Utilisation: shareOf(load.Rate, l.Capacity), freshness: freshness{unixOrNull(load.At), load.Stale},
			Links: rest.Relate("self", linkAddress(x, l, "stats", "links"), "link", linkAddress(x, l, "links"), "history", historyOfLink(x, l.ID)),
		}
		if a.Planner != nil {
			held := a.Planner.Reserved(l.ID, allocator.Window{Start: now, End: now + 1})
			bits := uint64(held)
			v.Reserved, v.Reservation = &bits, shareOf(&stats.Rate{Bits: held}, l.Capacity)
		}
		return v
	})
}

package httpapi

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"conga/controller/topology"
	"conga/httpapi/rest"
)

// A switchView is a switch as the operator sees it.
type switchView struct {
	DPID        string         `json:"dpid"`
	Connected   bool           `json:"connected"`
	Role        *string        `json:"role"`  // master, equal or slave; null: not connected
	Since       *int64         `json:"since"` // UNIX seconds: connected since; null before the first time
	Address     *string        `json:"address"`
	Description *string        `json:"description"`
	Tables      uint8          `json:"tables"`
	Meters      uint32         `json:"meters"` // how many it has room for
	Limitations []string       `json:"limitations"`
	Position    *Position      `json:"position"` // null: it is not configured
	Ports       []portView     `json:"ports"`
	Links       rest.Relations `json:"_links"`
}

// A Position is where a map shows a switch: on a plane, or on the earth. It has
// one of the two pairs.
type Position struct {
	X         *float64 `json:"x,omitempty"`         // to the right, in any unit
	Y         *float64 `json:"y,omitempty"`         // down
	Latitude  *float64 `json:"latitude,omitempty"`  // degrees north
	Longitude *float64 `json:"longitude,omitempty"` // degrees east
}

// A portView is a port of a switch.
type portView struct {
	Port     uint32  `json:"port"`
	Name     string  `json:"name"`
	MAC      string  `json:"mac"`
	Up       bool    `json:"up"`
	Role     string  `json:"role"`     // edge, trunk or undetermined
	Capacity uint64  `json:"capacity"` // bit/s
	Queue    *uint32 `json:"queue"`

	Limitation *string `json:"limitation"` // what is wrong with what hangs on it
}

// A portIDView is a port as the end of something.
type portIDView struct {
	DPID string `json:"dpid"`
	Port uint32 `json:"port"`
}

// viewPortID returns nil for the outside.
func viewPortID(p topology.PortID) *portIDView {
	if p == topology.External {
		return nil
	}
	return &portIDView{p.DPID.String(), uint32(p.Port)}
}

// unixOrNull returns a time in UNIX seconds, or nil if it is zero.
func unixOrNull(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	s := t.Unix()
	return &s
}

// positions returns where a map shows switches.
func (a *api) positions() map[string]Position {
	if a.Positions == nil {
		return nil
	}
	return a.Positions()
}

func viewSwitch(x *exchange, sw topology.Switch, positions map[string]Position) switchView {
	dpid := sw.DPID.String()
	v := switchView{
		DPID: dpid, Connected: sw.Connected, Role: orNull(sw.RoleName()), Since: unixOrNull(sw.Since),
		Address: orNull(sw.Addr), Description: orNull(sw.Desc), Tables: sw.Tables, Meters: sw.Meters,
		Limitations: append([]string{}, sw.Limitations...),
		Ports:       []portView{},
		Links:       rest.Relate("self", x.path("switches", dpid), "statistics", x.path("stats", "switches", dpid)),
	}
	if p, ok := positions[dpid]; ok {
		v.Position = &p
	}
	for _, p := range portsOf(sw) {
		v.Ports = append(v.Ports, portView{
			Port: uint32(p.ID.Port), Name: p.Name, MAC: p.MAC.String(), Up: p.Up,
			Role: p.Role.String(), Capacity: uint64(p.Capacity), Queue: p.Queue,
			Limitation: orNull(limitationOf(p)),
		})
	}
	return v
}

// limitationOf says what is wrong with what hangs on a port, and what helps; ""
// if nothing is.
func limitationOf(p topology.Port) string {
	switch {
	case p.Trouble == topology.Reflecting:
		return "closed: its own probes come back, so there is a ring behind it; it opens when they stay away"
	case p.Trouble == topology.Relayed && p.Closed:
		return fmt.Sprintf("closed: probes of port %v arrive as over a cable, which cannot be one: hosts pass them on, or the link is not configured", p.Peer)
	case p.Trouble == topology.Relayed:
		return fmt.Sprintf("probes of port %v arrive as over a cable, which cannot be one: hosts pass them on, or the link is not configured", p.Peer)
	case p.Trouble == topology.Deaf:
		return fmt.Sprintf("its link is not used: it carries to port %v and not back; look at the cable and at what receives here", p.Peer)
	case p.Trouble == topology.Unheard:
		return fmt.Sprintf("its link is not used: it carries from port %v and not there; look at the cable and at what receives there", p.Peer)
	case p.Closed:
		return fmt.Sprintf("closed: a ring leads to port %v through a bridge or switch that is not managed; it opens when the ring has gone", p.Peer)
	case p.Shared:
		return fmt.Sprintf("shares a segment with port %v, which carries best effort but no allocations; a link in network.links with static: true carries both", p.Peer)
	case p.Trouble == topology.SharedSegment:
		return fmt.Sprintf("shares a segment with port %v", p.Peer)
	}
	return unrestOf(p)
}

// unrestOf says what hosts behind a port do more of than is usual, and what
// becomes of that; "" if nothing.
func unrestOf(p topology.Port) string {
	switch {
	case p.Echoing:
		return "brings frames of hosts that are known elsewhere, as a ring or an access point that reflects would: what it sends to all is held to 200 packets/s"
	case p.Storming:
		return "its hosts announce addresses without end: these announcements are held to 200 packets/s"
	case p.Crowded:
		return "has more hosts behind it than network.learning.hosts_per_port, or than its share of network.learning.hosts: those that are not learned are carried, and have no allocations"
	}
	return ""
}

// portsOf returns the ports of a switch, ascending.
func portsOf(sw topology.Switch) []topology.Port {
	return slices.SortedFunc(maps.Values(sw.Ports), func(a, b topology.Port) int { return topology.ComparePorts(a.ID, b.ID) })
}

// switchesOf returns the switches of the network, ascending.
func switchesOf(s *topology.Snapshot) []topology.Switch {
	return slices.SortedFunc(maps.Values(s.Switches), func(a, b topology.Switch) int { return cmp.Compare(a.DPID, b.DPID) })
}

// positionOfSwitch returns that of a switch in the order of switches.
func positionOfSwitch(sw topology.Switch) string { return rest.Order(uint64(sw.DPID)) }

// network returns the snapshot of the network. It fails while there is none.
func (a *api) network() (*topology.Snapshot, error) {
	if a.Snapshot != nil {
		if s := a.Snapshot(); s != nil {
			return s, nil
		}
	}
	return nil, rest.NewFault(http.StatusServiceUnavailable, "there is no picture of the network yet; try again").After(time.Second)
}

// listSwitches serves GET and HEAD /switches.
func (a *api) listSwitches(x *exchange) error {
	_, q, err := x.listParameters()
	if err != nil {
		return err
	}
	s, err := a.network()
	if err != nil {
		return err
	}
	positions := a.positions()
	return showPage(x, q, a.ordered.of(s).switches, positionOfSwitch, func(sw topology.Switch) switchView { return viewSwitch(x, sw, positions) })
}

// showSwitch serves GET and HEAD /switches/{dpid}.
func (a *api) showSwitch(x *exchange) error {
	if _, err := x.parameters(); err != nil {
		return err
	}
	_, sw, err := a.findSwitch(x)
	if err != nil {
		return err
	}
	return x.succeed(http.StatusOK, []switchView{viewSwitch(x, sw, a.positions())})
}

// findSwitch returns the switch in the address.
func (a *api) findSwitch(x *exchange) (*topology.Snapshot, topology.Switch, error) {
	s, err := a.network()
	if err != nil {
		return nil, topology.Switch{}, err
	}
	sw, ok := s.Find(x.Param("dpid"))
	if !ok {
		return nil, topology.Switch{}, rest.NewFault(http.StatusNotFound, "dpid: no switch "+rest.Quote(x.Param("dpid"))+" has ever connected")
	}
	return s, sw, nil
}

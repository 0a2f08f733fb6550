package events

import (
	"context"
	"maps"
	"slices"
	"time"

	"conga/controller/topology"
)

// topologyRest is the least time between two topology events: hosts that are
// seen again and again would otherwise fill the ring.
const topologyRest = time.Second

// A Network is where the topology comes from.
type Network interface {
	// Snapshot is the network as it is known now.
	Snapshot() *topology.Snapshot
	// Changed is closed at the next snapshot.
	Changed() <-chan struct{}
}

// A Topology is the body of a topology event.
type Topology struct {
	Revision  uint64 `json:"revision"`
	Switches  int    `json:"switches"`
	Connected int    `json:"connected"` // of the switches
	Links     int    `json:"links"`     // directed
	Hosts     int    `json:"hosts"`
}

// ProbeRelayed is the type of the event that a port hears probes as over a
// cable where none can be.
const ProbeRelayed = "security.probe_relayed"

// A Relay is the body of such an event: the port, and the one whose probes
// arrive there.
type Relay struct {
	Port Port  `json:"port"`
	Peer *Port `json:"peer"`
}

// A Port names a port of a switch.
type Port struct {
	DPID string `json:"dpid"`
	Port uint32 `json:"port"`
}

// SwitchLimited is the type of the event that what a switch cannot do, or the
// controller's role there, is not what it was.
const SwitchLimited = "switch.limited"

// A Limited is the body of such an event, under the key switch.
type Limited struct {
	DPID        string   `json:"dpid"`
	Role        *string  `json:"role"` // nil: it is not connected
	Limitations []string `json:"limitations"`
}

// known is what was published of a network's troubles last.
type known struct {
	relayed map[topology.PortID]bool
	limited map[string][]string // limitations by switch; none is published of a switch that is not here
}

// limit publishes which switches have other limitations than before. One that
// another controller has taken is limited, too.
func (h *Hub) limit(s *topology.Snapshot, known map[string][]string) {
	for _, sw := range s.Switches {
		dpid := sw.DPID.String()
		was, published := known[dpid]
		if slices.Equal(sw.Limitations, was) || !published && len(sw.Limitations) == 0 {
			continue
		}
		if known[dpid] = sw.Limitations; len(sw.Limitations) == 0 {
			delete(known, dpid)
		}
		body := Limited{DPID: dpid, Limitations: append([]string{}, sw.Limitations...)}
		if role := sw.RoleName(); role != "" {
			body.Role = &role
		}
		h.Publish(SwitchLimited, "", func() any { return map[string]Limited{"switch": body} })
	}
}

func portOf(id topology.PortID) Port { return Port{id.DPID.String(), uint32(id.Port)} }

// alert publishes which ports have come to hear relayed probes; known are those
// that were reported. A port that ceases to is forgotten.
func (h *Hub) alert(s *topology.Snapshot, known map[topology.PortID]bool) {
	now := map[topology.PortID]bool{}
	for _, sw := range s.Switches {
		for _, p := range sw.Ports {
			if p.Trouble != topology.Relayed {
				continue
			}
			now[p.ID] = true
			if known[p.ID] {
				continue
			}
			known[p.ID] = true
			body := Relay{Port: portOf(p.ID)}
			if p.Peer != topology.External {
				peer := portOf(p.Peer)
				body.Peer = &peer
			}
			h.Publish(ProbeRelayed, "", func() any { return body })
		}
	}
	maps.DeleteFunc(known, func(id topology.PortID, _ bool) bool { return !now[id] })
}

// Watch publishes what becomes of the network, at most once a second, until ctx
// ends.
func (h *Hub) Watch(ctx context.Context, n Network) {
	last := n.Snapshot().Revision
	known := known{map[topology.PortID]bool{}, map[string][]string{}}
	for {
		changed := n.Changed() // asked for first: what happens in between is not missed
		if s := n.Snapshot(); s.Revision != last {
			last = s.Revision
			t := summary(s) // now: events must not keep old snapshots alive
			h.alert(s, known.relayed)
			h.limit(s, known.limited)
			h.Publish("topology.changed", "", func() any { return map[string]Topology{"topology": t} })
			select {
			case <-ctx.Done():
				return
			case <-time.After(topologyRest):
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

func summary(s *topology.Snapshot) Topology {
	t := Topology{Revision: s.Revision, Switches: len(s.Switches), Links: len(s.Links), Hosts: s.Hosts.Len()}
	for _, sw := range s.Switches {
		if sw.Connected {
			t.Connected++
		}
	}
	return t
}

package events

import (
	"context"
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

// Watch publishes what becomes of the network, at most once a second, until ctx
// ends.
func (h *Hub) Watch(ctx context.Context, n Network) {
	last := n.Snapshot().Revision
	for {
		changed := n.Changed() // asked for first: what happens in between is not missed
		if s := n.Snapshot(); s.Revision != last {
			last = s.Revision
			t := summary(s) // now: events must not keep old snapshots alive
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

package flow

import (
	"maps"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// Forwarding says how best-effort traffic travels.
type Forwarding string

// The ways of forwarding best-effort traffic.
const (
	ForwardL2     Forwarding = "l2"     // along shortest paths that the controller computes
	ForwardNormal Forwarding = "normal" // as the switch would without a controller
	ForwardNone   Forwarding = "none"   // not our business: allocations only
)

// Policy is what the configuration says of forwarding and priority.
type Policy struct {
	Forwarding Forwarding
	Meter      bool   // hold best effort back on links that carry reservations
	Mark       bool   // mark allocated traffic with DSCP
	DSCP       uint8  // the mark, 0 to 63
	UseQueue   bool   // put allocated traffic into a queue where the port has it
	Queue      uint32 // which
}

// Network is everything that the states of the switches follow from.
type Network struct {
	*topology.Snapshot
	Routes *Routes
	Policy Policy
	// Circuits are in order of precedence: where two want the same entry, as
	// the old and the new path of a circuit that moves may, the first has it.
	Circuits []path.Circuit
	Policed  map[string]bool // circuits that are held to their rate, by ID; see [Policed]
}

// The tables of the pipeline.
const (
	tableAllocations openflow.TableID = 0
	tableLearning    openflow.TableID = 1
	tableForwarding  openflow.TableID = 2

	pipelineTables = 3
)

// Compile returns what the switch should hold, from nothing. It is the
// definition of what [Wanted] keeps.
func Compile(n *Network, dpid openflow.DPID) *State {
	sw, ok := n.Switches[dpid]
	st := NewState()
	if !ok {
		return st
	}
	v := newView(n.Policy, sw, n.Tree, reserved(n.Circuits, dpid))
	for _, r := range v.base() {
		st.add(r)
	}
	for _, c := range n.Circuits {
		v.circuit(c, n.Policed[c.ID], st.add, st.addMeter)
	}
	for _, h := range n.Hosts.All() {
		x := newStation(h.MAC)
		port := h.At.Port
		if h.At.DPID == dpid {
			if r := v.fromHost(x, port); r != nil {
				st.add(r)
			}
		} else if port, ok = n.Routes.Next(dpid, h.At.DPID); !ok {
			continue
		}
		if r := v.toHost(x, port); r != nil {
			st.add(r)
		}
	}
	maps.Copy(st.Meters, v.meters)
	return st
}

// Policed returns the circuits that must be held to their rate where they enter
// the network: those that share a link with another circuit that has a rate. A
// circuit that shares no link may use what is free beyond what it reserved; it
// takes that from best effort only.
func Policed(circuits []path.Circuit) map[string]bool {
	owner := map[topology.LinkID]string{}
	policed := map[string]bool{}
	for _, c := range circuits {
		if c.Rate == 0 {
			continue
		}
		for _, l := range c.Path.BothWays() {
			other, taken := owner[l]
			if taken && other != c.ID {
				policed[c.ID], policed[other] = true, true
			}
			owner[l] = c.ID
		}
	}
	return policed
}

// reserved sums what circuits hold on the ports of a switch, by the port that
// sends. A circuit that moves is listed with both its paths and counts once on
// a port that both use.
func reserved(circuits []path.Circuit, dpid openflow.DPID) map[openflow.PortNo]bitrate.Rate {
	byID := map[string][]path.Circuit{}
	for _, c := range circuits {
		byID[c.ID] = append(byID[c.ID], c)
	}
	sums := map[openflow.PortNo]bitrate.Rate{}
	for _, listed := range byID {
		for port, rate := range claims(listed) {
			if port.DPID == dpid {
				sums[port.Port] += rate
			}
		}
	}
	return sums
}

// claims returns what one circuit, as it is listed, holds of each port that its
// traffic leaves by in either direction.
func claims(listed []path.Circuit) map[topology.PortID]bitrate.Rate {
	held := map[topology.PortID]bitrate.Rate{}
	for _, c := range listed {
		if c.Rate == 0 {
			continue
		}
		for _, h := range c.Path {
			for _, no := range []openflow.PortNo{h.In, h.Out} {
				p := topology.PortID{DPID: h.DPID, Port: no}
				held[p] = max(held[p], c.Rate)
			}
		}
	}
	return held
}

package flow

import (
	"maps"
	"time"

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
	Meter      bool    // hold best effort back on links that carry reservations
	Spare      float64 // the part of a link's capacity that is never reserved
	Frames     Frames  // how much of a link frames take
	Mark       bool    // mark allocated traffic with DSCP
	DSCP       uint8   // the mark, 0 to 63
	UseQueue   bool    // put allocated traffic into a queue where the port has it
	Queue      uint32  // which

	// MeterBurst is how long a burst meters of best effort let through; 0: as
	// long as the switch needs.
	MeterBurst time.Duration
}

// Network is everything that the states of the switches follow from.
type Network struct {
	*topology.Snapshot
	Routes *Routes
	Policy Policy
	// Circuits are in order of precedence: where two want the same entry, as
	// the old and the new path of a circuit that moves may, the first has it.
	Circuits []path.Circuit
	Policed  map[string]PerDirection // circuits that are held to a rate, by ID; see [Policed]
	// Contested are circuits that are policed though they share no port; see
	// [Wanted.Contested].
	Contested map[string]bool
	Lent      map[string]PerDirection // what is lent to some of them; see [Wanted.Lend]
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
	v := newView(n.Policy, sw, n.Tree, n.reserved(dpid))
	for _, r := range v.base() {
		st.add(r)
	}
	bound, rivals := n.firstUnpoliced(v), n.rivals()
	for _, c := range n.Circuits {
		least, policed := n.Policed[c.ID]
		policed = policed && (bound == 0 || c.Handle < bound)
		st.enter(v, c, c.Key.VLANs(n.Snapshot), policed, n.cornersOf(c, rivals), c.Key.ApartKeys(n.Snapshot, c.Path))
		if policed {
			v.policers(c, least, st.addMeter)
		}
	}
	for _, h := range n.Hosts.All() {
		x := newStation(h.ID())
		x.at, x.beside, x.second = h.At, h.Beside, h.Second
		if x.second.DPID == dpid {
			if r := v.fromSecond(x); r != nil {
				st.add(r)
			}
		}
		if x.beside.DPID == dpid {
			if r := v.beside(x); r != nil {
				st.add(r)
			}
		}
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

// enter puts in the entries of a circuit, and the groups that they lead to.
func (s *State) enter(v *view, c path.Circuit, vlans path.VLANs, policed bool, corners []corner, apart []path.FlowKey) {
	v.circuit(c, vlans, policed, func(c path.Circuit, x incoming) []selection {
		return withApart(withCorners(selections(x), corners, c, x), apart, c, x)
	}, func(r Rule) {
		if s.add(&r); r.group() != 0 {
			s.Groups[r.group()] = v.bucketsOf(r.group())
		}
	})
}

// heldRates returns what one circuit, as it is listed, holds of each port that
// its traffic leaves by in either direction.
func heldRates(listed []path.Circuit) map[topology.PortID]egress {
	held := map[topology.PortID]egress{}
	for i := range listed {
		for by, rate := range listed[i].Egress() {
			h := held[by.PortID]
			h.reserve(by, rate)
			held[by.PortID] = h
		}
	}
	return held
}

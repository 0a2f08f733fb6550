package flow

import (
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
	// Circuits are in order of precedence: where two want the same entry, as the
	// old and the new path of a circuit that moves may, the first has it.
	Circuits []path.Circuit
	Policed  map[string]bool // circuits that are held to their rate, by ID; see [Policed]
	// Hosts' rules differ between switches and moments in little but the port;
	// a memo that outlives the network saves making them again. nil: none.
	Memo *Memo
}

// Memo keeps the matches of hosts and their keys. It is not safe for
// concurrent use.
type Memo struct{ toHost map[openflow.MAC]Rule }

// destination is a rule for frames to a host, without instructions.
func (m *Memo) destination(mac openflow.MAC) Rule {
	if m == nil {
		return Rule{Match: openflow.Match{openflow.EthDst(mac)}}
	}
	r, ok := m.toHost[mac]
	if !ok {
		r.Match = openflow.Match{openflow.EthDst(mac)}
		r.key = r.Match.Key()
		if len(m.toHost) >= maxMemo || m.toHost == nil {
			m.toHost = map[openflow.MAC]Rule{} // hosts come and go
		}
		m.toHost[mac] = r
	}
	return r
}

const maxMemo = 1 << 17 // hosts

// The tables of the pipeline.
const (
	tableAllocations openflow.TableID = 0
	tableLearning    openflow.TableID = 1
	tableForwarding  openflow.TableID = 2

	pipelineTables = 3
)

// Compile returns what the switch should hold.
func Compile(n *Network, dpid openflow.DPID) *State {
	sw, ok := n.Switches[dpid]
	st := NewState()
	if !ok {
		return st
	}
	st.Rules = make(map[Key]Rule, n.Hosts.Len()+4*len(sw.Ports)+16)
	c := &compiler{Network: n, sw: sw, state: st, ways: map[openflow.PortNo][]openflow.Instruction{}}
	if sw.Meters > 0 {
		st.Meters[meterTrial] = drop(minRate)
	}
	c.meters = c.bestEffortMeters()
	c.control()
	for _, circuit := range n.Circuits {
		c.circuit(circuit)
	}
	switch {
	case n.Policy.Forwarding == ForwardNormal:
		c.normal()
	case n.Policy.Forwarding == ForwardL2 && sw.Tables >= pipelineTables:
		c.learning()
		c.forwarding(tableForwarding)
		c.flood(tableForwarding)
	case n.Policy.Forwarding == ForwardL2:
		c.singleTable()
	}
	return st
}

// compiler builds the state of one switch.
type compiler struct {
	*Network
	sw     topology.Switch
	state  *State
	meters map[openflow.PortNo]openflow.MeterID // best-effort meter of each port that carries reservations
	ways   map[openflow.PortNo][]openflow.Instruction
}

func (c *compiler) rule(k Kind, t openflow.TableID, prio uint16, m openflow.Match, in ...openflow.Instruction) {
	c.state.add(Rule{Table: t, Priority: prio, Cookie: MakeCookie(k, 0), Match: m, Instructions: in})
}

// control keeps probes and what bridges say to their neighbours out of the
// data path.
func (c *compiler) control() {
	c.rule(KindControl, tableAllocations, prioProbe,
		openflow.Match{openflow.EthType(etherTypeLLDP)}, openflow.ApplyActions(toController))
	if c.Policy.Forwarding == ForwardL2 {
		c.rule(KindControl, tableAllocations, prioReserved,
			openflow.Match{openflow.EthDstMasked(reservedGroup, reservedMask)})
	}
}

var toController = openflow.Output(openflow.PortController, openflow.MaxLenNoBuffer)

// usable reports whether traffic may be sent out of a port.
func usable(p topology.Port) bool { return p.Up && p.Role != topology.Undetermined }

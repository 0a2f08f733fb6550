package flow

import (
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// station is a host with the rules about it that have been made. Switches share
// them: they differ in little but the port.
type station struct {
	id     topology.HostID
	at     topology.PortID // External: it has gone
	beside topology.PortID // where what has its address in other VLANs is; External: nowhere
	second topology.PortID // another port by which it sends; External: none
	slot   int             // of its hops; or noSlot
	live   int             // how many switches may have an entry towards it
	to     openflow.Match  // frames to the host
	key    string          // of to
	had    []passage
}

// noSlot is the slot of a host that is forgotten.
const noSlot = -1

// way is what tells rules towards the same host apart.
type way struct {
	table openflow.TableID
	port  openflow.PortNo
	meter openflow.MeterID
}

// passage is a rule towards a host that has been made.
type passage struct {
	way  way
	rule *Rule
}

func newStation(id topology.HostID) *station {
	m := openflow.Match{openflow.EthDst(id.MAC)}
	if id.VLAN != 0 {
		m = append(m, inVLAN(id.VLAN))
	}
	m = m.Canonical()
	return &station{id: id, at: topology.External, to: m, key: m.Key()}
}

// inVLAN returns what matches the frames of a host's VLAN.
func inVLAN(vlan uint16) openflow.OXM {
	if vlan == topology.Untagged {
		return openflow.VLANNone()
	}
	return openflow.VLANVID(vlan)
}

// toPriority returns the priority of entries towards a host.
func (h *station) toPriority() uint16 {
	if h.id.VLAN != 0 {
		return prioTagged
	}
	return prioHost
}

// toKey returns the key of what toHost returns.
func (h *station) toKey(v *view) openflow.EntryKey {
	return openflow.EntryKey{Table: v.hostTable(), Priority: h.toPriority(), Match: h.key}
}

// hostTable returns the table with the rules towards hosts.
func (v *view) hostTable() openflow.TableID {
	if v.pipelined() {
		return tableForwarding
	}
	return tableAllocations
}

// toHost returns the rule that sends frames to a host by a port, nil if there
// is none: of the port 0. What is for a host whose own port is not usable goes
// to the other edge ports, where it may be by now, and not over links, by which
// it would come back.
func (v *view) toHost(h *station, port openflow.PortNo) *Rule {
	if v.policy.Forwarding != ForwardL2 || port == 0 {
		return nil
	}
	p, known := v.sw.Ports[port]
	switch {
	case h.at == p.ID && known && !usable(p):
		return v.hostRule(h, through(v.flood, v.edges()...))
	case !known || p.Up && !usable(p):
		port = sink
	}
	w := way{v.hostTable(), port, v.limits[port]}
	for _, had := range h.had {
		if had.way == w {
			return had.rule
		}
	}
	r := v.hostRule(h, v.towards(port))
	h.had = append(h.had, passage{w, r})
	return r
}

func (v *view) hostRule(h *station, in []openflow.Instruction) *Rule {
	return &Rule{
		Table: v.hostTable(), Priority: h.toPriority(), Cookie: purpose.MakeCookie(purpose.Forward, 0),
		Match: h.to, Instructions: in, key: h.key, host: true,
	}
}

// fromHost returns the rule that lets frames of a host that is known at a port
// of the switch pass without the controller; nil if there is none.
func (v *view) fromHost(h *station, port openflow.PortNo) *Rule {
	if p, ok := v.sw.Ports[port]; !ok || p.Role != topology.Edge || !v.pipelined() {
		return nil
	}
	return newRule(purpose.Control, tableLearning, prioHost, fromMatch(h.id, port), openflow.GotoTable(tableForwarding))
}

// beside returns the rule that has the controller hear a host which is known in
// one VLAN where its Ethernet address is another host's in all others, that it
// may have moved there; nil if there is none.
func (v *view) beside(h *station) *Rule {
	if p, ok := v.sw.Ports[h.beside.Port]; !ok || p.Role != topology.Edge || h.at == h.beside || h.at == topology.External || !v.pipelined() {
		return nil
	}
	return newRule(purpose.Control, tableLearning, prioTagged, fromMatch(h.id, h.beside.Port),
		append(through(v.upMeter(purpose.UnknownID), toController), openflow.GotoTable(tableForwarding))...)
}

// besideKey returns the key of what beside returns.
func besideKey(h *station) openflow.EntryKey {
	return openflow.EntryKey{Table: tableLearning, Priority: prioTagged, Match: fromMatch(h.id, h.beside.Port).Key()}
}

// fromSecond returns the rule that lets pass, without the controller, what a
// host sends to another one by its second port; nil if there is none. What it
// sends to all is heard, as frames are that a ring brings.
func (v *view) fromSecond(h *station) *Rule {
	if p, ok := v.sw.Ports[h.second.Port]; !ok || p.Role != topology.Edge || h.at == topology.External || !v.pipelined() || v.lacks(topology.LacksMasks) {
		return nil
	}
	return newRule(purpose.Control, tableLearning, prioHost, secondMatch(h), openflow.GotoTable(tableForwarding))
}

func secondMatch(h *station) openflow.Match {
	return append(fromMatch(h.id, h.second.Port), openflow.EthDstMasked(openflow.MAC{}, groupBit))
}

// secondKey returns the key of what fromSecond returns.
func secondKey(h *station) openflow.EntryKey {
	return openflow.EntryKey{Table: tableLearning, Priority: prioHost, Match: secondMatch(h).Key()}
}

func fromMatch(id topology.HostID, port openflow.PortNo) openflow.Match {
	m := openflow.Match{openflow.InPort(port), openflow.EthSrc(id.MAC)}
	if id.VLAN != 0 {
		m = append(m, inVLAN(id.VLAN))
	}
	return m
}

// fromKey returns the key of what fromHost returns.
func fromKey(id topology.HostID, port openflow.PortNo) openflow.EntryKey {
	return openflow.EntryKey{Table: tableLearning, Priority: prioHost, Match: fromMatch(id, port).Key()}
}

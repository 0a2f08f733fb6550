package flow

import (
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// station is a host with the rules about it that have been made. Switches share
// them: they differ in little but the port.
type station struct {
	mac  openflow.MAC
	at   topology.PortID // External: it has gone
	slot int             // of its hops; or noSlot
	live int             // how many switches may have an entry towards it
	to   openflow.Match  // frames to the host
	key  string          // of to
	had  []passage
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

func newStation(mac openflow.MAC) *station {
	m := openflow.Match{openflow.EthDst(mac)}.Canonical()
	return &station{mac: mac, at: topology.External, to: m, key: m.Key()}
}

// toKey returns the key of what toHost returns.
func (h *station) toKey(v *view) openflow.EntryKey {
	return openflow.EntryKey{Table: v.hostTable(), Priority: prioHost, Match: h.key}
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
		Table: v.hostTable(), Priority: prioHost, Cookie: purpose.MakeCookie(purpose.Forward, 0),
		Match: h.to, Instructions: in, key: h.key, host: true,
	}
}

// fromHost returns the rule that lets frames of a host that is known at a port
// of the switch pass without the controller; nil if there is none.
func (v *view) fromHost(h *station, port openflow.PortNo) *Rule {
	if p, ok := v.sw.Ports[port]; !ok || p.Role != topology.Edge || !v.pipelined() {
		return nil
	}
	return newRule(purpose.Control, tableLearning, prioHost, fromMatch(h.mac, port), openflow.GotoTable(tableForwarding))
}

func fromMatch(mac openflow.MAC, port openflow.PortNo) openflow.Match {
	return openflow.Match{openflow.InPort(port), openflow.EthSrc(mac)}
}

// fromKey returns the key of what fromHost returns.
func fromKey(mac openflow.MAC, port openflow.PortNo) openflow.EntryKey {
	return openflow.EntryKey{Table: tableLearning, Priority: prioHost, Match: fromMatch(mac, port).Key()}
}

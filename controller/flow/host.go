package flow

import (
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// station is a host with the rules about it that have been made. Switches share
// them: they differ in little but the port.
type station struct {
	mac openflow.MAC
	at  topology.PortID
	to  openflow.Match // frames to the host
	key string         // of to
	had []passage
}

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
	return &station{mac: mac, to: m, key: m.Key()}
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
// is none.
func (v *view) toHost(h *station, port openflow.PortNo) *Rule {
	if v.policy.Forwarding != ForwardL2 || !usable(v.sw.Ports[port]) {
		return nil
	}
	w := way{v.hostTable(), port, v.limits[port]}
	for _, had := range h.had {
		if had.way == w {
			return had.rule
		}
	}
	r := &Rule{
		Table: w.table, Priority: prioHost, Cookie: purpose.MakeCookie(purpose.Forward, 0),
		Match: h.to, Instructions: v.towards(port), key: h.key,
	}
	h.had = append(h.had, passage{w, r})
	return r
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

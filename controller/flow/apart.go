package flow

import (
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// Of a circuit's prefix a host may be behind another port than the one at which
// the path ends. What is sent to it would be carried to the wrong port, and
// what it sends would come into the path where no policer is. So there are
// entries, above those of the circuit, by which what such hosts send and get is
// best effort. They are of the circuit's protocol, since a wider circuit of
// another one may end where such a host is, and of all ports, since circuits of
// the same prefixes, which mostly end at the same port, then share them: so a
// host takes two entries, or few more, however many circuits there are. Which
// hosts these are follows from the snapshot.

// apart is the traffic of a circuit's hosts that are not behind their end of a
// path.
type apart struct {
	of   path.FlowKey // the circuit's
	ends [2]topology.PortID
	keys []path.FlowKey // as seen from the same source
}

// apartOf returns that of a circuit.
func apartOf(s *topology.Snapshot, c *path.Circuit) (a apart, ok bool) {
	keys := c.Key.ApartKeys(s, c.Path)
	if len(keys) == 0 {
		return a, false
	}
	from, to := c.Path.Ends()
	return apart{c.Key, [2]topology.PortID{from, to}, keys}, true
}

// apartFrom returns the traffic that is not to be carried of a circuit as it is
// listed once.
func (m *member) apartFrom(c path.Circuit) []path.FlowKey {
	for _, a := range m.apart {
		if from, to := c.Path.Ends(); a.of == c.Key && a.ends == [2]topology.PortID{from, to} {
			return a.keys
		}
	}
	return nil
}

// withApart returns a list of selections of traffic of a circuit, and those of
// hosts that are not behind their end of the path.
func withApart(list []selection, keys []path.FlowKey, c path.Circuit, of incoming) []selection {
	for _, k := range keys {
		if of.key != c.Key {
			k = k.Reverse()
		}
		add := func(prio uint16, m openflow.Match, needs []topology.Lacks) {
			list = append(slices.Clip(list), selection{match: m, key: m.Key(), prio: prio, needs: needs, apart: true})
		}
		for _, proto := range protocols(k) {
			add(prioApart-widthOf(c.Key), of.only(between(k, of.in, proto)), nil)
		}
		if m, ok := tooBig(k, of.in); ok && k.Dst != of.key.Dst {
			add(of.tooBigPriority()+1, of.within(m), matchNeeds(m))
		}
	}
	return list
}

// protocols returns those of all packets that entries of a key match, fragments
// among them.
func protocols(k path.FlowKey) (list []uint8) {
	if list = append(list, k.Proto); k.Proto == path.ProtoAny && k.Ported() {
		list = append(list[:0], path.ProtoTCP, path.ProtoUDP)
	}
	if !k.Src.Is4() && k.Specificity() > 0 && k.Proto != path.ProtoTCP {
		list = append(list, protoFragment)
	}
	return list
}

// ordinary returns the instructions by which what an entry of table 0 matches
// is best effort all the same; nil if the switch has no way to say so, since
// best effort is in that table, too, or not ours.
func (v *view) ordinary() []openflow.Instruction {
	switch {
	case v.pipelined():
		return []openflow.Instruction{openflow.GotoTable(tableLearning)}
	case v.policy.Forwarding == ForwardNormal:
		return []openflow.Instruction{openflow.ApplyActions(openflow.Output(openflow.PortNormal, 0))}
	}
	return nil
}

func (w *Wanted) apartOf(m *member) (list []apart) {
	for i := range m.listed {
		if a, ok := apartOf(w.snapshot, &m.listed[i]); ok {
			list = append(list, a)
		}
	}
	return list
}

func sameApart(a, b apart) bool {
	return a.of == b.of && a.ends == b.ends && slices.Equal(a.keys, b.keys)
}

package flow

import (
	"net/netip"
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
			add(prioTooBig+uint16(2*of.key.Dst.Narrowness())+1, m, matchNeeds(m))
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

// setApart brings what is known of a circuit's hosts in line with how it is
// listed. Its rules are made again anyhow.
func (w *Wanted) setApart(m *member) {
	for _, side := range m.wide {
		if delete(w.wide[side], m); len(w.wide[side]) == 0 {
			delete(w.wide, side)
		}
	}
	m.apart, m.wide = w.apartOf(m), nil
	for i := range m.listed {
		for _, side := range [...]path.Prefix{m.listed[i].Key.Src, m.listed[i].Key.Dst} {
			if side.IsHost() || slices.Contains(m.wide, side) {
				continue
			}
			m.wide = append(m.wide, side)
			w.lengths.Note(side)
			if w.wide[side] == nil {
				w.wide[side] = map[*member]bool{}
			}
			w.wide[side][m] = true
		}
	}
}

func (w *Wanted) apartOf(m *member) (list []apart) {
	for i := range m.listed {
		if a, ok := apartOf(w.snapshot, &m.listed[i]); ok {
			list = append(list, a)
		}
	}
	return list
}

// lookForApart has the rules of circuits made again of whose prefixes other
// hosts are not behind the ends of their paths now, after hosts have changed.
func (w *Wanted) lookForApart(old *topology.Snapshot, hosts []topology.HostID) {
	if len(w.wide) == 0 {
		return
	}
	if !sameAttachments(old.Attachments, w.snapshot.Attachments) {
		for _, members := range w.wide {
			w.lookAtApart(members)
		}
		return
	}
	var addrs []netip.Addr
	for _, id := range hosts {
		was, _ := old.Hosts.Get(id)
		is, _ := w.snapshot.Hosts.Get(id)
		addrs = append(append(addrs, was.Addrs...), is.Addrs...)
	}
	for _, side := range w.lengths.Covering(addrs) {
		w.lookAtApart(w.wide[side])
	}
}

// sameAttachments reports whether attachments are the same; those of snapshots
// that follow on each other are one list.
func sameAttachments(a, b []topology.Attachment) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

func (w *Wanted) lookAtApart(members map[*member]bool) {
	for m := range members {
		now := w.apartOf(m)
		same := slices.EqualFunc(now, m.apart, func(a, b apart) bool {
			return a.of == b.of && a.ends == b.ends && slices.Equal(a.keys, b.keys)
		})
		if m.apart = now; !same {
			w.touchMember(m)
		}
	}
}

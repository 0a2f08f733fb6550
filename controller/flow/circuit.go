package flow

import (
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// circuit calls rule with each of a circuit's entries for this switch, in both
// directions, where selected returns what [selections] does.
func (v *view) circuit(c path.Circuit, vlans path.VLANs, policed bool, selected func(path.Circuit, incoming) []selection, rule func(Rule)) {
	exact, unicast := v.exact(c.Key), !c.Key.Hosts() && !v.lacks(topology.LacksMasks)
	for n, p := range c.Ways() {
		for i, h := range p {
			if h.DPID != v.sw.DPID {
				continue
			}
			var spare path.Hop // where the backup leaves, if there is one
			if n == 0 {
				spare = c.Backup.At(h.DPID)
			}
			for _, way := range [...]struct {
				key            path.FlowKey
				in, out, spare openflow.PortNo
				rate           bitrate.Rate
				enters, leaves bool // the network
				policer        openflow.MeterID
				vlans          path.VLANs
			}{
				{c.Key, h.In, h.Out, spare.Out, c.Rate, i == 0, i == len(p)-1, purpose.PolicerID(c.Handle), vlans},
				{c.Key.Reverse(), h.Out, h.In, spare.In, c.Back(), i == len(p)-1, i == 0, purpose.BackPolicerID(c.Handle), vlans.Reverse()},
			} {
				var id openflow.MeterID
				switch {
				case way.rate == 0:
					id = v.limits[way.out]
				case policed && v.metering() && way.enters:
					id = way.policer
				}
				t := crossing{in: way.in, out: way.out, spare: way.spare, meter: id}
				if way.leaves {
					t.vlans = way.vlans
				}
				v.direction(c, selected(c, incoming{way.key, way.in, exact, unicast, way.vlans.Src}), t, rule)
			}
		}
	}
}

// policers calls meter with each of a policed circuit's policers for this
// switch, which let through the least rates in kbit/s even where its own are
// lower.
func (v *view) policers(c path.Circuit, least PerDirection, meter func(openflow.MeterID, Meter)) {
	if !v.metering() {
		return
	}
	forth, back := policedAt(&c, v.sw.DPID)
	if forth {
		meter(purpose.PolicerID(c.Handle), policer(c.Rate, least[forward], v.burst()))
	}
	if back {
		meter(purpose.BackPolicerID(c.Handle), policer(c.Back(), least[reverse], v.burst()))
	}
}

// policedAt reports whether what a circuit carries from its source, and what it
// carries back, enters the network at a switch and has a rate.
func policedAt(c *path.Circuit, dpid openflow.DPID) (forth, back bool) {
	if len(c.Path) == 0 {
		return false, false
	}
	first, last := c.Path[0].DPID, c.Path[len(c.Path)-1].DPID
	return c.Rate > 0 && first == dpid, c.Back() > 0 && last == dpid
}

// direction calls rule with the entries of one direction. The ingress port is
// part of the match: traffic with the same addresses that comes in by another
// port gets no priority.
func (v *view) direction(c path.Circuit, selected []selection, t crossing, rule func(Rule)) {
	// Specificity counts from the circuit's own key, so that both directions
	// rank alike.
	prio := priorityOf(c)
	does := v.crossed(t)
	cookie := purpose.MakeCookie(purpose.Allocation, uint64(c.Handle))
	for i := range selected {
		s := &selected[i]
		if v.lacksAny(s.needs) {
			continue
		}
		r := Rule{Table: tableAllocations, Priority: prio, Cookie: cookie, Match: s.match, Instructions: does, key: s.key}
		if s.bare {
			bare := t
			bare.bare = true
			r.Instructions = v.crossed(bare)
		}
		if s.apart {
			if r.Instructions = v.ordinary(); r.Instructions == nil {
				continue
			}
		}
		if s.prio != 0 {
			r.Priority = s.prio
		}
		rule(r)
	}
}

// crossed returns what priority does, which entries with the same crossing
// share.
func (v *view) crossed(t crossing) []openflow.Instruction {
	does, ok := v.crossings[t]
	if !ok {
		does = v.priority(t)
		if t.meter == 0 || t.meter == v.limits[t.out] { // a policer is one circuit's alone
			v.crossings[t] = does
		}
	}
	return does
}

// widthOf returns how much lower the priorities of a key's entries are than
// those of two hosts. Those of each two lengths of prefixes are above all of
// less narrow ones.
func widthOf(k path.FlowKey) uint16 {
	return uint16(prioNarrower * (path.MaxNarrowness - k.Narrowness()))
}

// priorityOf returns the priority of a circuit's entries.
func priorityOf(c path.Circuit) uint16 {
	prio := prioAllocation - widthOf(c.Key) + uint16(6*c.Key.Specificity())
	if c.Rate > 0 {
		prio += 3 // one without a rate gives way to one that has the same traffic and a rate
	}
	return prio
}

// A selection is a match of traffic of a circuit that comes in by a port.
type selection struct {
	match openflow.Match
	key   string           // of the match
	prio  uint16           // of the entry; 0: that which follows from the circuit
	needs []topology.Lacks // without which there is none
	apart bool             // it is best effort; see apart.go
	bare  bool             // it is not marked; see vlans.go
}

// incoming is which traffic is to be selected: what comes in by a port and has
// a key.
type incoming struct {
	key   path.FlowKey
	in    openflow.PortNo
	exact bool // by each port alone, not by masks; see [view.exact]
	// unicast leaves frames for groups alone, for which a prefix may have the
	// address: that of all hosts of its network.
	unicast bool
	vlan    uint16 // in which it is, or Untagged; 0: in any
}

// only returns a match of no more than is to be selected.
func (x incoming) only(m openflow.Match) openflow.Match {
	if m = x.within(m); !x.unicast {
		return m
	}
	return append(slices.Clip(m), openflow.EthDstMasked(openflow.MAC{}, groupBit)).Canonical()
}

// selections returns how traffic is selected.
func selections(x incoming) (list []selection) {
	add := func(prio uint16, m openflow.Match, needs []topology.Lacks) {
		list = append(list, selection{match: m, key: m.Key(), prio: prio, needs: needs})
	}
	all := matches(x.key, x.in, x.exact)
	list = make([]selection, 0, len(all))
	for _, m := range all {
		add(0, x.only(m), nil)
	}
	// Circuits between the same hosts or prefixes want the same entries for
	// what does not say its ports, so these have the same priority whatever the
	// rate: the circuit that came first has them.
	for _, m := range fragments(x.key, x.in) {
		add(prioFragment-widthOf(x.key), x.only(m), nil)
	}
	if m, ok := tooBig(x.key, x.in); ok {
		add(x.tooBigPriority(), x.within(m), matchNeeds(m))
	}
	if x.vlan == 0 {
		return list
	}
	for _, m := range resolution(x.key, x.in) { // which the first circuit between the same hosts has, too
		m = x.within(m)
		list = append(list, selection{match: m, key: m.Key(), prio: prioFragment - widthOf(x.key), bare: true})
	}
	return list
}

// tooBigPriority returns that of messages to the destination that packets are
// too big. Any router may send them, so those in a VLAN are above those in any.
func (x incoming) tooBigPriority() uint16 {
	prio := uint16(2 * x.key.Dst.Narrowness())
	if x.vlan != 0 {
		return prioTooBigVLAN + prio
	}
	return prioTooBig + prio
}

// crossing is how allocated traffic crosses a switch; entries with the same
// crossing share their instructions.
type crossing struct {
	in, out openflow.PortNo
	spare   openflow.PortNo // by which it leaves if out is down; 0, or out: none
	meter   openflow.MeterID
	vlans   path.VLANs // the tag changes between these
	bare    bool       // nothing is marked
}

// priority returns the instructions that make allocated traffic go first: they
// mark it, put it into the queue, and pass by the best-effort meter. A circuit
// that is policed goes through its own meter where it enters the network. A
// circuit without a rate has nothing reserved for it and shares the best-effort
// meter, or it could take what others reserved; so does the direction of one
// that has a rate in the other only.
func (v *view) priority(t crossing) []openflow.Instruction {
	var acts []openflow.Action
	if v.policy.Mark && !t.bare && !v.lacks(topology.LacksMarks) {
		acts = append(acts, openflow.SetField(openflow.IPDSCP(v.policy.DSCP)))
	}
	acts = append(acts, retag(t.vlans)...)
	if t.spare != 0 && t.spare != t.out && t.in != t.out && t.in != t.spare {
		if id, ok := v.failover(t.out, t.spare); ok {
			return through(t.meter, append(acts, openflow.GroupAction(id))...)
		}
	}
	if q := v.sw.Ports[t.out].Queue; v.policy.UseQueue && q != nil {
		acts = append(acts, openflow.SetQueue(*q))
	}
	out := t.out
	if t.in == out {
		out = openflow.PortInPort // only this sends a frame back by the port that it came in by
	}
	return through(t.meter, append(acts, openflow.Output(out, 0))...)
}

package flow

import (
	"net/netip"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// circuit tells of a circuit's entries for this switch, in both directions, and
// of its policers.
func (v *view) circuit(c path.Circuit, policed bool, rule func(*Rule), meter func(openflow.MeterID, Meter)) {
	for _, h := range c.Path {
		if h.DPID != v.sw.DPID {
			continue
		}
		for _, way := range []struct {
			key     path.FlowKey
			in, out openflow.PortNo
		}{{c.Key, h.In, h.Out}, {c.Key.Reverse(), h.Out, h.In}} {
			var id openflow.MeterID
			switch {
			case c.Rate == 0:
				id = v.limits[way.out]
			case policed && v.metering() && v.entrance(way.in):
				var m Meter
				id, m = policer(c)
				meter(id, m)
			}
			v.direction(c, way.key, way.in, way.out, id, rule)
		}
	}
}

// direction tells of the entries of one direction. The ingress port is part of
// the match: the same addresses from another port are somebody else's claim and
// get no priority.
func (v *view) direction(c path.Circuit, key path.FlowKey, in, out openflow.PortNo, meter openflow.MeterID, rule func(*Rule)) {
	// Specificity counts from the circuit's own key, so that both directions rank alike.
	prio := uint16(prioAllocation + c.Key.Specificity())
	does := v.priority(in, out, meter)
	for _, m := range matches(key) {
		m = append(openflow.Match{openflow.InPort(in)}, m...)
		r := newRule(KindAllocation, tableAllocations, prio, m, does...)
		r.Cookie = MakeCookie(KindAllocation, uint64(c.Handle))
		rule(r)
	}
}

// priority is what makes allocated traffic go first: the mark, the queue, and
// passing by the best-effort meter. A circuit that is policed goes through its
// own meter where it enters the network. A circuit without a rate has nothing
// reserved for it and shares the best-effort meter, or it could take what others
// reserved.
func (v *view) priority(in, out openflow.PortNo, meter openflow.MeterID) []openflow.Instruction {
	var acts []openflow.Action
	if v.policy.Mark {
		acts = append(acts, openflow.SetField(openflow.IPDSCP(v.policy.DSCP)))
	}
	if q := v.sw.Ports[out].Queue; v.policy.UseQueue && q != nil {
		acts = append(acts, openflow.SetQueue(*q))
	}
	if in == out {
		out = openflow.PortInPort // a switch sends nothing back where it came from unless told so
	}
	return through(meter, append(acts, openflow.Output(out, 0))...)
}

// entrance reports whether traffic that comes in through a port comes from
// outside the network.
func (v *view) entrance(in openflow.PortNo) bool { return v.sw.Ports[in].Role != topology.Trunk }

// matches are the matches of a key: one, or two where ports are given without a
// protocol.
func matches(k path.FlowKey) []openflow.Match {
	base := addresses(k.Src, k.Dst)
	with := func(proto uint8, src, dst func(uint16) openflow.OXM) openflow.Match {
		m := append(base[:len(base):len(base)], openflow.IPProto(proto))
		if k.SrcPort != 0 {
			m = append(m, src(k.SrcPort))
		}
		if k.DstPort != 0 {
			m = append(m, dst(k.DstPort))
		}
		return m
	}
	tcp := func() openflow.Match { return with(path.ProtoTCP, openflow.TCPSrc, openflow.TCPDst) }
	udp := func() openflow.Match { return with(path.ProtoUDP, openflow.UDPSrc, openflow.UDPDst) }
	switch {
	case k.Proto == path.ProtoTCP:
		return []openflow.Match{tcp()}
	case k.Proto == path.ProtoUDP:
		return []openflow.Match{udp()}
	case k.SrcPort != 0 || k.DstPort != 0:
		return []openflow.Match{tcp(), udp()}
	}
	return []openflow.Match{base}
}

func addresses(src, dst netip.Addr) openflow.Match {
	if src.Is4() {
		return openflow.Match{openflow.EthType(etherTypeIPv4), openflow.IPv4Src(src), openflow.IPv4Dst(dst)}
	}
	return openflow.Match{openflow.EthType(etherTypeIPv6), openflow.IPv6Src(src), openflow.IPv6Dst(dst)}
}

package flow

import (
	"net/netip"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// circuit adds a circuit's entries for this switch, in both directions.
func (c *compiler) circuit(circuit path.Circuit) {
	for _, h := range circuit.Path {
		if h.DPID != c.sw.DPID {
			continue
		}
		c.direction(circuit, circuit.Key, h.In, h.Out)
		c.direction(circuit, circuit.Key.Reverse(), h.Out, h.In)
	}
}

// direction adds the entries of one direction. The ingress port is part of the
// match: the same addresses from another port are somebody else's claim and get
// no priority.
func (c *compiler) direction(circuit path.Circuit, key path.FlowKey, in, out openflow.PortNo) {
	// Specificity counts from the circuit's own key, so that both directions rank alike.
	prio := uint16(prioAllocation + circuit.Key.Specificity())
	cookie := MakeCookie(KindAllocation, uint64(circuit.Handle))
	for _, m := range matches(key) {
		m = append(openflow.Match{openflow.InPort(in)}, m...)
		c.state.add(Rule{
			Table: tableAllocations, Priority: prio, Cookie: cookie,
			Match: m, Instructions: c.priority(circuit, in, out),
		})
	}
}

// priority is what makes allocated traffic go first: the mark, the queue, and
// passing by the best-effort meter. A circuit that is policed goes through its
// own meter where it enters the network. A circuit without a rate has nothing
// reserved for it and shares that meter, or it could take what others reserved.
func (c *compiler) priority(circuit path.Circuit, in, out openflow.PortNo) []openflow.Instruction {
	var acts []openflow.Action
	if c.Policy.Mark {
		acts = append(acts, openflow.SetField(openflow.IPDSCP(c.Policy.DSCP)))
	}
	if q := c.sw.Ports[out].Queue; c.Policy.UseQueue && q != nil {
		acts = append(acts, openflow.SetQueue(*q))
	}
	var meter openflow.MeterID
	switch {
	case circuit.Rate == 0:
		meter = c.meters[out]
	case c.Policed[circuit.ID] && c.metering() && c.entrance(in):
		meter = c.policer(circuit)
	}
	if in == out {
		out = openflow.PortInPort // a switch sends nothing back where it came from unless told so
	}
	return c.through(meter, append(acts, openflow.Output(out, 0))...)
}

// entrance reports whether traffic that comes in through a port comes from
// outside the network.
func (c *compiler) entrance(in openflow.PortNo) bool { return c.sw.Ports[in].Role != topology.Trunk }

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

// reserved sums what circuits hold on the ports of this switch, by the port
// that sends. A circuit that moves is listed with both its paths and counts
// once on a port that both use.
func (c *compiler) reserved() map[openflow.PortNo]topology.BitRate {
	type claim struct {
		id   string
		port openflow.PortNo
	}
	claims := map[claim]topology.BitRate{}
	for _, circuit := range c.Circuits {
		for _, h := range circuit.Path {
			if h.DPID != c.sw.DPID || circuit.Rate == 0 {
				continue
			}
			for _, p := range []openflow.PortNo{h.In, h.Out} {
				k := claim{circuit.ID, p}
				claims[k] = max(claims[k], circuit.Rate)
			}
		}
	}
	sums := map[openflow.PortNo]topology.BitRate{}
	for k, rate := range claims {
		sums[k.port] += rate
	}
	return sums
}

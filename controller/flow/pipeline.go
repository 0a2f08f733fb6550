package flow

import (
	"maps"
	"slices"

	"conga/controller/topology"
	"conga/openflow"
)

// Priorities within the tables; the picture is in ARCHITECTURE.md.
const (
	prioProbe      = 61000
	prioReserved   = 60000
	prioAllocation = 20000 // plus specificity

	prioPort  = 400 // what the role of the port decides
	prioLearn = 300 // what teaches addresses
	prioHost  = 200 // what is known of hosts
	prioGroup = 110 // what came in off the tree and is for a group
	prioStray = 100 // what came in off the tree for a host that is not known here
	prioMiss  = 0
)

const (
	etherTypeIPv4 = 0x0800
	etherTypeARP  = 0x0806
	etherTypeIPv6 = 0x86dd
	etherTypeLLDP = 0x88cc

	protoICMPv6 = 58
)

// neighbour solicitation and advertisement (RFC 4861 section 4).
var icmpv6Neighbour = []uint8{135, 136}

// maxFloodPorts is how many outputs an entry has room for: a message has 64 KB,
// an output takes 16 bytes.
const maxFloodPorts = 4000

// offTree in the metadata marks a packet that came in over a trunk that is not
// on the broadcast tree: it may be forwarded, but not flooded.
const offTree = 1

// Group addresses that bridges keep to themselves (IEEE 802.1Q table 8-1).
var (
	reservedGroup = openflow.MAC{0x01, 0x80, 0xc2, 0, 0, 0}
	reservedMask  = openflow.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xf0}
	groupBit      = openflow.MAC{0x01}
)

// learning is table 1, and the way there: every source is known, or the
// controller hears of it.
func (c *compiler) learning() {
	onward := openflow.GotoTable(tableForwarding)
	c.rule(KindControl, tableAllocations, prioMiss, nil, openflow.GotoTable(tableLearning))
	for _, p := range c.sw.Ports {
		in := openflow.Match{openflow.InPort(p.ID.Port)}
		switch {
		case p.Role == topology.Trunk && c.Tree[p.ID]:
			c.rule(KindControl, tableLearning, prioPort, in, onward)
		case p.Role == topology.Trunk:
			c.rule(KindControl, tableLearning, prioPort, in, openflow.WriteMetadata(offTree, offTree), onward)
		case p.Role == topology.Undetermined:
			c.rule(KindControl, tableLearning, prioPort, in)
		}
	}
	for _, m := range teaching() {
		c.rule(KindControl, tableLearning, prioLearn, m, append(c.through(c.upMeter(meterTeaching), toController), onward)...)
	}
	for _, h := range c.Hosts.All() {
		if p, ok := c.Port(h.At); ok && h.At.DPID == c.sw.DPID && p.Role == topology.Edge {
			c.rule(KindControl, tableLearning, prioHost,
				openflow.Match{openflow.InPort(h.At.Port), openflow.EthSrc(h.MAC)}, onward)
		}
	}
	c.rule(KindControl, tableLearning, prioMiss, nil, append(c.through(c.upMeter(meterUnknown), toController), onward)...)
}

// teaching are the matches of frames in which a host tells its address.
func teaching() []openflow.Match {
	ms := []openflow.Match{{openflow.EthType(etherTypeARP)}}
	for _, t := range icmpv6Neighbour {
		ms = append(ms, openflow.Match{
			openflow.EthType(etherTypeIPv6), openflow.IPProto(protoICMPv6), openflow.ICMPv6Type(t),
		})
	}
	return ms
}

// forwarding sends frames to known hosts along shortest paths.
func (c *compiler) forwarding(t openflow.TableID) {
	for _, h := range c.Hosts.All() {
		port, ok := h.At.Port, h.At.DPID == c.sw.DPID
		if !ok {
			port, ok = c.Routes.Next(c.sw.DPID, h.At.DPID)
		}
		if p := c.sw.Ports[port]; !ok || !usable(p) {
			continue
		}
		r := c.Memo.destination(h.MAC)
		r.Table, r.Priority, r.Cookie = t, prioHost, MakeCookie(KindForward, 0)
		r.Instructions = c.towards(port)
		c.state.add(r)
	}
}

// towards sends a frame to a port; hosts behind the same port share the
// instructions.
func (c *compiler) towards(port openflow.PortNo) []openflow.Instruction {
	in, ok := c.ways[port]
	if !ok {
		in = c.through(c.meters[port], openflow.Output(port, 0))
		c.ways[port] = in
	}
	return in
}

// flood sends everything else over the tree and to all edge ports; a switch
// never sends a frame back to where it came from.
func (c *compiler) flood(t openflow.TableID) {
	if t == tableForwarding {
		c.strays()
	}
	c.rule(KindForward, t, prioMiss, nil, c.through(c.floodMeter(), c.floodPorts()...)...)
}

// strays are frames that came in off the tree for a host that this switch does
// not know. The switch before knows it, so this one is about to: while a new
// host's entries spread, the controller takes such frames to where they belong.
func (c *compiler) strays() {
	off := openflow.Metadata(offTree, offTree)
	c.rule(KindForward, tableForwarding, prioGroup, openflow.Match{off, openflow.EthDstMasked(groupBit, groupBit)})
	c.rule(KindForward, tableForwarding, prioStray, openflow.Match{off}, c.through(c.upMeter(meterUnknown), toController)...)
}

// upMeter is a meter that limits what the switch sends up to the controller, so
// that one host cannot keep it from hearing others.
func (c *compiler) upMeter(id openflow.MeterID) openflow.MeterID {
	if c.sw.Meters == 0 {
		return 0
	}
	c.state.Meters[id] = Meter{Packets: true, Rate: upRate, Burst: upRate}
	return id
}

func (c *compiler) floodPorts() (out []openflow.Action) {
	for _, no := range slices.Sorted(maps.Keys(c.sw.Ports)) {
		if len(out) == maxFloodPorts {
			break
		}
		if p := c.sw.Ports[no]; usable(p) && (p.Role == topology.Edge || c.Tree[p.ID]) {
			out = append(out, openflow.Output(no, 0))
		}
	}
	return out
}

// through sends a frame through a meter, where there is one, and then does out.
func (c *compiler) through(meter openflow.MeterID, out ...openflow.Action) []openflow.Instruction {
	if len(out) == 0 {
		return nil // drop
	}
	in := []openflow.Instruction{openflow.ApplyActions(out...)}
	if meter != 0 {
		in = append(in, openflow.Meter(meter))
	}
	return in
}

// singleTable is the pipeline of a switch that has no room for three tables:
// hosts are learned from their broadcasts only.
func (c *compiler) singleTable() {
	const t = tableAllocations
	for _, p := range c.sw.Ports {
		switch {
		case p.Role == topology.Trunk && !c.Tree[p.ID]:
			in := openflow.InPort(p.ID.Port)
			c.rule(KindControl, t, prioPort, openflow.Match{in, openflow.EthDstMasked(groupBit, groupBit)})
			c.rule(KindForward, t, prioStray, openflow.Match{in}, c.through(c.upMeter(meterUnknown), toController)...)
		case p.Role == topology.Undetermined:
			c.rule(KindControl, t, prioPort, openflow.Match{openflow.InPort(p.ID.Port)})
		}
	}
	out := append(c.floodPorts(), toController)
	for _, m := range teaching() {
		c.rule(KindControl, t, prioLearn, append(m, openflow.EthDstMasked(groupBit, groupBit)),
			c.through(c.floodMeter(), out...)...)
	}
	c.forwarding(t)
	c.flood(t)
}

// normal leaves best effort to the switch's own bridging and only listens to
// what teaches addresses.
func (c *compiler) normal() {
	out := openflow.Output(openflow.PortNormal, 0)
	for _, m := range teaching() {
		c.rule(KindControl, tableAllocations, prioLearn, m, openflow.ApplyActions(toController, out))
	}
	c.rule(KindForward, tableAllocations, prioMiss, nil, openflow.ApplyActions(out))
}

package flow

import (
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// Priorities within the tables; the table is in ARCHITECTURE.md.
const (
	prioProbe      = 61000
	prioReserved   = 60000
	prioApart      = 20030 // above all of its allocation: what hosts send and get that are not behind an end of the path
	prioFragment   = 20029 // above all allocations between the same hosts: none that came later takes fragments
	prioAllocation = 20000 // plus six times the specificity, plus 3 for a rate, plus 1 or 2 for a corner
	prioNarrower   = 31    // less for each step that prefixes are less narrow than hosts
	prioTooBig     = 600   // plus twice the narrowness of the destination, plus 1 for hosts that are not behind an end; below all allocations: takes nothing that one matches
	prioTooBigVLAN = 650   // the same in a VLAN

	prioPort    = 400 // what the role of the port decides
	prioAnswer  = 350 // what hosts answer the controller
	prioBar     = 320 // what the hosts behind a port may not announce
	prioEcho    = 315 // what they send to all, while it seems to go round
	prioStorm   = 310 // what they announce without end
	prioLearn   = 300 // what teaches addresses
	prioShared  = 250 // what comes from a segment that other ports of ours are on
	prioTagged  = 210 // what is known of hosts in one VLAN
	prioHost    = 200 // what is known of hosts
	prioCrowded = 150 // what comes from a port with more hosts than can be known
	prioStray   = 100 // what came in off the tree and is for a host that is not known here
	prioMiss    = 0
)

const (
	etherTypeIPv4 = 0x0800
	etherTypeARP  = 0x0806
	etherTypeVLAN = 0x8100
	etherTypeIPv6 = 0x86dd
	etherTypeLLDP = 0x88cc
	etherTypeWide = 0x8942 // of probes that bridges forward

	protoICMP     = 1
	protoFragment = 44 // IPv6 fragment header
	protoICMPv6   = 58

	icmpUnreachable         = 3
	icmpFragmentationNeeded = 4
	icmpv6PacketTooBig      = 2
)

// neighbour solicitation and advertisement (RFC 4861 section 4).
var icmpv6Neighbour = []uint8{135, 136}

// maxFloodPorts is how many outputs an entry has room for: a message has 64 KB,
// an output takes 16 bytes.
const maxFloodPorts = 4000

// Group addresses that bridges keep to themselves (IEEE 802.1Q table 8-1).
var (
	reservedGroup = openflow.MAC{0x01, 0x80, 0xc2, 0, 0, 0}
	reservedMask  = openflow.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xf0}
	groupBit      = openflow.MAC{0x01}
	broadcast     = openflow.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

var toController = openflow.Output(openflow.PortController, openflow.MaxLenNoBuffer)

// rules collects the rules of a pipeline.
type rules []*Rule

func (l *rules) add(k purpose.Kind, t openflow.TableID, prio uint16, m openflow.Match, in ...openflow.Instruction) {
	*l = append(*l, newRule(k, t, prio, m, in...))
}

// guard adds a rule that keeps loops out.
func (l *rules) guard(k purpose.Kind, t openflow.TableID, prio uint16, m openflow.Match, in ...openflow.Instruction) {
	r := newRule(k, t, prio, m, in...)
	r.guard = bar
	*l = append(*l, r)
}

// base returns all rules that are about neither a circuit nor a host.
func (v *view) base() []*Rule {
	var l rules
	v.control(&l)
	switch {
	case v.policy.Forwarding == ForwardNormal:
		v.normal(&l)
	case v.pipelined():
		v.learning(&l)
		v.ports(&l)
		v.strays(&l, tableForwarding)
		v.miss(&l)
	case v.policy.Forwarding == ForwardL2:
		v.singleTable(&l)
		v.miss(&l)
	}
	return l
}

// control keeps probes and what bridges say to their neighbours out of the
// data path.
func (v *view) control(l *rules) {
	l.guard(purpose.Control, tableAllocations, prioProbe,
		openflow.Match{openflow.EthType(etherTypeLLDP)}, openflow.ApplyActions(toController))
	wide := newRule(purpose.Control, tableAllocations, prioProbe,
		openflow.Match{openflow.EthType(etherTypeWide)}, openflow.ApplyActions(toController))
	wide.guard = watch
	*l = append(*l, wide)
	switch {
	case v.policy.Forwarding != ForwardL2:
	case v.lacks(topology.LacksMasks):
		for last := range byte(^reservedMask[5] + 1) {
			mac := reservedGroup
			mac[5] = last
			l.add(purpose.Control, tableAllocations, prioReserved, openflow.Match{openflow.EthDst(mac)})
		}
	default:
		l.add(purpose.Control, tableAllocations, prioReserved,
			openflow.Match{openflow.EthDstMasked(reservedGroup, reservedMask)})
	}
}

// learning adds table 1, and the way there: every source is known, or the
// controller hears of it.
func (v *view) learning(l *rules) {
	onward := openflow.GotoTable(tableForwarding)
	l.add(purpose.Control, tableAllocations, prioMiss, nil, openflow.GotoTable(tableLearning))
	for _, p := range v.sw.Ports {
		in := openflow.Match{openflow.InPort(p.ID.Port)}
		switch {
		case p.Role == topology.Trunk:
			l.add(purpose.Control, tableLearning, prioPort, in, onward)
		case p.Role == topology.Undetermined:
			l.guard(purpose.Control, tableLearning, prioPort, in, v.unused(p)...)
		case p.Shared:
			l.add(purpose.Control, tableLearning, prioShared, in, onward)
		}
	}
	for _, m := range v.teaching() {
		l.add(purpose.Control, tableLearning, prioLearn, m, append(through(v.upMeter(purpose.TeachingID), toController), onward)...)
	}
	l.add(purpose.Control, tableLearning, prioMiss, nil, append(through(v.upMeter(purpose.UnknownID), toController), onward)...)
}

// unused returns what becomes of frames that come in by an undetermined port.
// They are dropped. From a port that is down none should come: the controller
// is to see those, and asks whether it is up.
func (v *view) unused(p topology.Port) []openflow.Instruction {
	if meter := v.upMeter(purpose.UnknownID); meter != 0 && !p.Up {
		return through(meter, toController)
	}
	return nil
}

// teaching returns the matches of frames in which a host announces its address.
func (v *view) teaching() []openflow.Match {
	ms := []openflow.Match{{openflow.EthType(etherTypeARP)}}
	if v.lacks(topology.LacksICMPv6Type) { // then with all ICMPv6
		return append(ms, openflow.Match{openflow.EthType(etherTypeIPv6), openflow.IPProto(protoICMPv6)})
	}
	for _, t := range icmpv6Neighbour {
		ms = append(ms, openflow.Match{
			openflow.EthType(etherTypeIPv6), openflow.IPProto(protoICMPv6), openflow.ICMPv6Type(t),
		})
	}
	return ms
}

// miss sends everything else over the tree and to all edge ports; a switch
// never sends a frame back to where it came from.
func (v *view) miss(l *rules) {
	l.add(purpose.Forward, v.hostTable(), prioMiss, nil, through(v.flood, v.floods...)...)
}

// strays adds the rules about frames that come in by a trunk that is not on the
// tree: they are forwarded, but never flooded. The switch before knows their
// host, so this one is about to: while a new host's entries spread, the
// controller takes such frames to where they belong, and drops those for
// groups.
func (v *view) strays(l *rules, t openflow.TableID) {
	group := v.group()
	for _, p := range v.sw.Ports {
		if p.Role == topology.Trunk && !v.tree[p.ID] {
			in := openflow.InPort(p.ID.Port)
			l.guard(purpose.Control, t, prioPort, openflow.Match{in, group})
			l.guard(purpose.Forward, t, prioStray, openflow.Match{in}, through(v.upMeter(purpose.UnknownID), toController)...)
		}
	}
}

// group returns what matches frames for groups; without masks, for all hosts.
func (v *view) group() openflow.OXM {
	if v.lacks(topology.LacksMasks) {
		return openflow.EthDst(broadcast)
	}
	return openflow.EthDstMasked(groupBit, groupBit)
}

// strayPorts reports whether a trunk is off the tree.
func (v *view) strayPorts() bool {
	for _, p := range v.sw.Ports {
		if p.Role == topology.Trunk && !v.tree[p.ID] {
			return true
		}
	}
	return false
}

// singleTable adds the pipeline of a switch that has no room for three tables:
// hosts are learned from their broadcasts only. Without masks neighbour
// discovery, which has many group addresses, does not teach.
func (v *view) singleTable(l *rules) {
	const t = tableAllocations
	v.strays(l, t)
	for _, p := range v.sw.Ports {
		if p.Role == topology.Undetermined {
			l.guard(purpose.Control, t, prioPort, openflow.Match{openflow.InPort(p.ID.Port)})
		}
	}
	l.add(purpose.Control, t, prioAnswer, openflow.Match{openflow.EthDst(topology.Asker)}, openflow.ApplyActions(toController))
	out := append(v.floods[:len(v.floods):len(v.floods)], toController)
	group, ms := openflow.EthDstMasked(groupBit, groupBit), v.teaching()
	if v.lacks(topology.LacksMasks) {
		group, ms = openflow.EthDst(broadcast), ms[:1]
	}
	for _, m := range ms {
		l.add(purpose.Control, t, prioLearn, append(m, group), through(v.flood, out...)...)
	}
}

// normal leaves best effort to the switch's own bridging and only listens to
// what teaches addresses.
func (v *view) normal(l *rules) {
	out := openflow.Output(openflow.PortNormal, 0)
	for _, m := range v.teaching() {
		l.add(purpose.Control, tableAllocations, prioLearn, m, openflow.ApplyActions(toController, out))
	}
	l.add(purpose.Forward, tableAllocations, prioMiss, nil, openflow.ApplyActions(out))
}

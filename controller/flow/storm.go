package flow

import (
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// stormRate is how many announcements a second are taken from a port whose
// hosts announce addresses without end. What is announced is flooded, too, and
// must leave room to others in the smallest flood meter.
const stormRate = 200

// ports adds the rules of table 1 about single ports that depend on what the
// hosts behind them do.
//
// A storming port has a budget of its own for announcements, so that it uses up
// none of the others'; without meters the controller does not hear it. From a
// crowded port everything passes unheard but announcements: its hosts cannot
// all be learned, and need not share what is left to unknown sources. What an
// echoing port sends to groups has the budget of a storming one, so that a ring
// carries little until it is found. What a port's hosts may not announce the
// controller hears, and nothing else does.
func (v *view) ports(l *rules) {
	onward := openflow.GotoTable(tableForwarding)
	for no, p := range v.sw.Ports {
		if p.Role != topology.Edge {
			continue
		}
		in := openflow.InPort(no)
		if p.Crowded {
			l.add(purpose.Control, tableLearning, prioCrowded, openflow.Match{in}, onward)
		}
		heard := []openflow.Instruction{onward}
		if meter := v.announceMeter(p); meter != 0 && v.budget().storms {
			heard = append(through(meter, toController), onward)
		}
		if p.Echoing && v.budget().storms {
			l.add(purpose.Control, tableLearning, prioEcho, openflow.Match{in, v.group()}, heard...)
		}
		if !p.Storming {
			continue
		}
		for _, m := range v.teaching() {
			l.add(purpose.Control, tableLearning, prioStorm, append(openflow.Match{in}, m...), heard...)
		}
	}
	for _, bar := range v.sw.Barred {
		p, ok := v.sw.Ports[bar.Port]
		if !ok || p.Role != topology.Edge {
			continue
		}
		for _, m := range v.barred(bar) {
			l.add(purpose.Control, tableLearning, prioBar, m, through(v.announceMeter(p), toController)...)
		}
	}
	l.add(purpose.Forward, tableForwarding, prioAnswer, openflow.Match{openflow.EthDst(topology.Asker)})
}

// barred returns the matches of announcements of an address. A solicitation
// announces where it comes from (RFC 4861 section 7.2.3). A switch that cannot
// match the type of ICMPv6 bars ARP only.
func (v *view) barred(b topology.Bar) []openflow.Match {
	from := openflow.Match{openflow.InPort(b.Port)}
	if b.VLAN != 0 {
		from = append(from, openflow.VLANVID(b.VLAN))
	}
	if b.Addr.Is4() {
		return []openflow.Match{append(from, openflow.EthType(etherTypeARP), openflow.ARPSPA(b.Addr))}
	}
	if v.lacks(topology.LacksICMPv6Type) {
		return nil
	}
	nd := append(from, openflow.EthType(etherTypeIPv6), openflow.IPProto(protoICMPv6))
	return []openflow.Match{
		append(nd[:len(nd):len(nd)], openflow.IPv6Src(b.Addr), openflow.ICMPv6Type(icmpv6Neighbour[0])),
		append(nd[:len(nd):len(nd)], openflow.ICMPv6Type(icmpv6Neighbour[1]), openflow.IPv6NDTarget(b.Addr)),
	}
}

// announceMeter returns the meter of what hosts behind an edge port announce; 0
// if there is none.
func (v *view) announceMeter(p topology.Port) openflow.MeterID {
	if id, ok := purpose.StormID(p.ID.Port); ok && limited(p) && v.budget().storms {
		return id
	}
	return v.upMeter(purpose.TeachingID)
}

// limited reports whether a port has a budget of its own.
func limited(p topology.Port) bool { return p.Storming || p.Echoing }

// stormMeters adds the meters of storming and echoing ports.
func (v *view) stormMeters() {
	if !v.budget().storms {
		return
	}
	for no, p := range v.sw.Ports {
		if id, ok := purpose.StormID(no); ok && limited(p) {
			v.meters[id] = v.up(stormRate)
		}
	}
}

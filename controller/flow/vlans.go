package flow

import (
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// The ends of a circuit may be in different VLANs. Then what comes in is
// matched in the VLAN that it comes from, in all switches, and the last one
// changes its tag. So each switch counts and polices frames as they were sent;
// what has another tag takes no entry of the circuit on its way, behind the
// policer; and a frame leaves in the other VLAN by the port of that end only.
//
// What the ends ask each other to find their Ethernet addresses is in one VLAN
// only, so the circuit carries that, too.

// tagged is where the tags of a key's traffic change.
type tagged struct {
	of    path.FlowKey // a circuit's
	vlans path.VLANs
}

// retag returns the actions that change the tag of frames from one VLAN to
// another; none if they keep it. A tag that stays keeps its priority, and a new
// one has none.
func retag(v path.VLANs) []openflow.Action {
	switch {
	case v == path.VLANs{}:
		return nil
	case v.Dst == topology.Untagged:
		return []openflow.Action{openflow.PopVLAN()}
	case v.Src == topology.Untagged:
		return []openflow.Action{openflow.PushVLAN(etherTypeVLAN), openflow.SetField(openflow.VLANVID(v.Dst))}
	}
	return []openflow.Action{openflow.SetField(openflow.VLANVID(v.Dst))}
}

// within returns a match of what is in the VLAN alone, if there is one.
func (x incoming) within(m openflow.Match) openflow.Match {
	if x.vlan == 0 {
		return m
	}
	return append(m[:len(m):len(m)], inVLAN(x.vlan)).Canonical()
}

// resolution returns the matches of what hosts of a key's source send to find
// the Ethernet address of one at its destination, or to answer that. With IPv6
// these have to be two hosts, since no target of a solicitation can be masked
// (OpenFlow 1.3.5, table 12). An answer may be of the key's own traffic.
func resolution(k path.FlowKey, in openflow.PortNo) (ms []openflow.Match) {
	if k.Src.Is4() {
		return append(ms, openflow.Match{
			openflow.InPort(in), openflow.EthType(etherTypeARP), openflow.ARPSPAPrefix(k.Src.Net()), openflow.ARPTPAPrefix(k.Dst.Net()),
		}.Canonical())
	}
	of := func(kind uint8, more openflow.OXM) {
		ms = append(ms, openflow.Match{
			openflow.InPort(in), openflow.EthType(etherTypeIPv6), openflow.IPProto(protoICMPv6),
			openflow.IPv6SrcPrefix(k.Src.Net()), openflow.ICMPv6Type(kind), more,
		}.Canonical())
	}
	if k.Hosts() {
		of(icmpv6Neighbour[0], openflow.IPv6NDTarget(k.Dst.Addr()))
		of(icmpv6Neighbour[1], openflow.IPv6DstPrefix(k.Dst.Net()))
	}
	return ms
}

// vlansOf returns where the tags of the circuits' traffic change, as they are
// listed.
func (w *Wanted) vlansOf(m *member) (list []tagged) {
	for i := range m.listed {
		t := tagged{m.listed[i].Key, m.listed[i].Key.VLANs(w.snapshot)}
		if t.vlans != (path.VLANs{}) && (len(list) == 0 || list[len(list)-1] != t) {
			list = append(list, t)
		}
	}
	return list
}

// vlansFrom returns those of the traffic of a key.
func (m *member) vlansFrom(k path.FlowKey) path.VLANs {
	for _, t := range m.vlans {
		if t.of == k {
			return t.vlans
		}
	}
	return path.VLANs{}
}

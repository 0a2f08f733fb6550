package flow

import (
	"conga/controller/path"
	"conga/openflow"
)

// fragments returns the matches of the fragments among what comes in by a port
// and has a key. A fragment does not say its ports: a switch has 0 for both,
// also for the first one, which has them (as Open vSwitch does, and it takes
// no field of OpenFlow that tells fragments from others). So a match is of all
// fragments between two addresses, whatever their ports, and of datagrams of
// port 0, which is reserved. Of IPv6, later fragments do not even say their
// protocol, but that of the fragment header.
//
// There are none for a key that matches fragments anyway, and none for TCP,
// which has path MTU discovery in place of fragments: entries are scarce.
func fragments(k path.FlowKey, in openflow.PortNo) (ms []openflow.Match) {
	if k.Proto == path.ProtoTCP {
		return nil
	}
	if k.Ported() {
		m := between(k, in, path.ProtoUDP)
		ms = append(ms, append(m, openflow.UDPSrc(0), openflow.UDPDst(0)).Canonical())
	}
	if !k.Src.Is4() && k.Specificity() > 0 {
		ms = append(ms, between(k, in, protoFragment))
	}
	return ms
}

// tooBig returns the match of the messages that come in by a port and tell the
// host to which the key's traffic goes that its packets are too big for a link
// further on (RFC 1191 and RFC 8201, path MTU discovery). The router that has
// the link sends them, so they come from any address. An allocation of all
// traffic between two addresses has none: it is about these addresses only. One
// of UDP has none either, since its datagrams are fragmented.
func tooBig(k path.FlowKey, in openflow.PortNo) (m openflow.Match, ok bool) {
	if k.Specificity() == 0 || k.Proto == path.ProtoUDP {
		return nil, false
	}
	if k.Dst.Is4() {
		return openflow.Match{
			openflow.InPort(in), openflow.EthType(etherTypeIPv4), openflow.IPProto(protoICMP), openflow.IPv4DstPrefix(k.Dst.Net()),
			openflow.ICMPv4Type(icmpUnreachable), openflow.ICMPv4Code(icmpFragmentationNeeded),
		}.Canonical(), true
	}
	return openflow.Match{
		openflow.InPort(in), openflow.EthType(etherTypeIPv6), openflow.IPProto(protoICMPv6), openflow.IPv6DstPrefix(k.Dst.Net()),
		openflow.ICMPv6Type(icmpv6PacketTooBig),
	}.Canonical(), true
}

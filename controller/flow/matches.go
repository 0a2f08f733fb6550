package flow

import (
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// exact reports whether a switch is to have an entry for each port of a key. It
// is asked for masks if these were too many: so it says that it takes none.
func (v *view) exact(k path.FlowKey) bool {
	if !v.lacks(topology.LacksPortMasks) {
		return false
	}
	_, exact := k.Entries()
	return exact <= path.MaxExact
}

// matches returns the matches of what comes in by a port and has a key, in
// canonical form: one, or two where ports are given without a protocol, or as
// many for each mask of several ports, or if exact for each of them.
func matches(k path.FlowKey, in openflow.PortNo, exact bool) []openflow.Match {
	protos := [...]uint8{k.Proto, 0}
	some := protos[:1]
	if k.Proto == path.ProtoAny && k.Ported() {
		protos = [...]uint8{path.ProtoTCP, path.ProtoUDP}
		some = protos[:]
	}
	var room [2][1]path.PortMask
	src, dst := appendMasks(room[0][:0], k.SrcPort, exact), appendMasks(room[1][:0], k.DstPort, exact)
	list := make([]openflow.Match, 0, len(some)*len(src)*len(dst))
	for _, proto := range some {
		for _, s := range src {
			for _, d := range dst {
				list = append(list, match(k, in, proto, s, d))
			}
		}
	}
	return list
}

// anyPort is the mask of any port.
var anyPort path.PortMask

// appendMasks appends the masks of ports, or if exact each of them; of any
// ports that of any.
func appendMasks(list []path.PortMask, p path.Ports, exact bool) []path.PortMask {
	if n, one := p.One(); one {
		if n == 0 {
			return append(list, anyPort)
		}
		return append(list, path.MaskOf(n))
	}
	if !exact {
		return append(list, p.Masks()...)
	}
	for r := range p.Ranges() {
		for n := int(r.First); n <= int(r.Last); n++ {
			list = append(list, path.MaskOf(uint16(n)))
		}
	}
	return list
}

// between returns the match of what comes in by a port, has the addresses of a
// key and a protocol.
func between(k path.FlowKey, in openflow.PortNo, proto uint8) openflow.Match {
	return match(k, in, proto, anyPort, anyPort)
}

func match(k path.FlowKey, in openflow.PortNo, proto uint8, from, to path.PortMask) openflow.Match {
	fields := 4
	for _, more := range [...]bool{proto != path.ProtoAny, from != anyPort, to != anyPort} {
		if more {
			fields++
		}
	}
	m := make(openflow.Match, 0, fields)
	if k.Src.Is4() {
		m = append(m, openflow.InPort(in), openflow.EthType(etherTypeIPv4))
	} else {
		m = append(m, openflow.InPort(in), openflow.EthType(etherTypeIPv6))
	}
	if proto != path.ProtoAny {
		m = append(m, openflow.IPProto(proto))
	}
	if k.Src.Is4() { // the numbers of the ports' fields are between those of the addresses
		return appendPorts(append(m, openflow.IPv4SrcPrefix(k.Src.Net()), openflow.IPv4DstPrefix(k.Dst.Net())), proto, from, to)
	}
	return append(appendPorts(m, proto, from, to), openflow.IPv6SrcPrefix(k.Src.Net()), openflow.IPv6DstPrefix(k.Dst.Net()))
}

func appendPorts(m openflow.Match, proto uint8, from, to path.PortMask) openflow.Match {
	src, dst := openflow.FieldTCPSrc, openflow.FieldTCPDst
	if proto == path.ProtoUDP {
		src, dst = openflow.FieldUDPSrc, openflow.FieldUDPDst
	}
	if from != anyPort {
		m = append(m, openflow.L4Port(src, from.Value, from.Mask))
	}
	if to != anyPort {
		m = append(m, openflow.L4Port(dst, to.Value, to.Mask))
	}
	return m
}

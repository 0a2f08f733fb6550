package discovery

import (
	"encoding/binary"
	"net/netip"

	"conga/controller/topology"
	"conga/openflow"
)

var (
	allHosts  = openflow.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	allNodes  = netip.MustParseAddr("ff02::1")
	askerAddr = netip.MustParseAddr("fe80::c0:9aff:fe00:1") // of topology.Asker, by EUI-64
)

// Options of neighbour discovery that hold an Ethernet address (RFC 4861
// section 4.6.1).
const (
	optionSource = 1
	optionTarget = 2
)

const minFrame = 60 // bytes, without the checksum

// Question returns the frame that asks the host mac, and no other, whether it
// has addr: an ARP request, or a neighbour solicitation. vlan is the VLAN of
// the host; 0: no tag.
//
// The ARP request comes from no IPv4 address (RFC 5227 section 1.1), so that
// it changes nothing in what the host knows of others.
func Question(mac openflow.MAC, addr netip.Addr, vlan uint16) []byte {
	if addr.Is4() {
		b := header(mac, topology.Asker, vlan, etherTypeARP)
		return pad(appendARP(b, 1, topology.Asker, netip.IPv4Unspecified(), openflow.MAC{}, addr))
	}
	b := header(mac, topology.Asker, vlan, etherTypeIPv6)
	return appendNeighbour(b, ndSolicitation, 0, askerAddr, solicited(addr), addr, optionSource, topology.Asker)
}

// Announcement returns the frame with which the host mac would announce that it
// has addr: a gratuitous ARP request, or an unsolicited neighbour
// advertisement. It undoes what another host's announcement has done.
func Announcement(mac openflow.MAC, addr netip.Addr, vlan uint16) []byte {
	if addr.Is4() {
		b := header(allHosts, mac, vlan, etherTypeARP)
		return pad(appendARP(b, 1, mac, addr, openflow.MAC{}, addr))
	}
	const override = 0x20
	b := header(openflow.MAC{0x33, 0x33, 0, 0, 0, 1}, mac, vlan, etherTypeIPv6)
	return appendNeighbour(b, ndAdvertisement, override, addr, allNodes, addr, optionTarget, mac)
}

// IsAnswer reports whether the frame answers a [Question].
func IsAnswer(frame []byte) bool {
	return len(frame) >= 14 && openflow.MAC(frame[:6]) == topology.Asker
}

func header(to, from openflow.MAC, vlan, kind uint16) []byte {
	b := append(make([]byte, 0, 96), to[:]...)
	b = append(b, from[:]...)
	if vlan != 0 {
		b = binary.BigEndian.AppendUint16(b, etherTypeVLAN)
		b = binary.BigEndian.AppendUint16(b, vlan)
	}
	return binary.BigEndian.AppendUint16(b, kind)
}

func pad(b []byte) []byte {
	if len(b) < minFrame {
		b = append(b, make([]byte, minFrame-len(b))...)
	}
	return b
}

func appendARP(b []byte, op uint16, from openflow.MAC, sender netip.Addr, to openflow.MAC, target netip.Addr) []byte {
	b = append(b, ethernetIPv4...)
	b = binary.BigEndian.AppendUint16(b, op)
	b = append(append(b, from[:]...), sender.AsSlice()...)
	return append(append(b, to[:]...), target.AsSlice()...)
}

// appendNeighbour appends an IPv6 packet with a message of neighbour discovery
// that has one option.
func appendNeighbour(b []byte, kind, flags byte, src, dst, target netip.Addr, option byte, mac openflow.MAC) []byte {
	const size = 24 + 8
	b = append(b, 0x60, 0, 0, 0, 0, size, protoICMPv6, 255)
	b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
	body := append([]byte{kind, 0, 0, 0, flags, 0, 0, 0}, target.AsSlice()...)
	body = append(append(body, option, 1), mac[:]...)
	binary.BigEndian.PutUint16(body[2:], checksum(b[len(b)-32:], body))
	return append(b, body...)
}

// solicited returns the group that a host with the address addr listens to
// (RFC 4291 section 2.7.1).
func solicited(addr netip.Addr) netip.Addr {
	group := [16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff}
	a := addr.As16()
	copy(group[13:], a[13:])
	return netip.AddrFrom16(group)
}

// checksum returns that of an ICMPv6 message (RFC 4443 section 2.3); addrs are
// source and destination.
func checksum(addrs, body []byte) uint16 {
	sum := uint32(len(body)) + protoICMPv6
	for _, b := range [][]byte{addrs, body} {
		for i := 0; i+1 < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

package ofswitch

import (
	"encoding/binary"
	"net/netip"

	"conga/openflow"
)

// minFrame is the length of the shortest Ethernet frame without its checksum.
const minFrame = 60

// A Datagram describes a UDP or TCP frame to build.
type Datagram struct {
	SrcMAC, DstMAC openflow.MAC
	Src, Dst       netip.AddrPort // of the same family
	DSCP           uint8
	TTL            uint8  // 0: 64
	VLAN           uint16 // 1 to 4094; 0: no tag
	Size           int    // bytes of the frame; 0: as short as possible
	Payload        []byte
}

// UDP returns the frame as UDP, with right checksums.
func (d Datagram) UDP() []byte {
	b := d.body(8, protoUDP)
	l4 := b[len(b)-d.l4Len(8):]
	binary.BigEndian.PutUint16(l4[4:], uint16(len(l4)))
	return d.finish(b, len(l4), 6, protoUDP)
}

// TCP returns the frame as the first segment of a TCP connection, with right
// checksums.
func (d Datagram) TCP() []byte {
	b := d.body(20, protoTCP)
	l4 := b[len(b)-d.l4Len(20):]
	l4[12], l4[13] = 5<<4, 2 // header length, SYN
	binary.BigEndian.PutUint16(l4[14:], 65535)
	return d.finish(b, len(l4), 16, protoTCP)
}

func (d Datagram) headers() int {
	n := ethLen + ipv4Len
	if d.Src.Addr().Is6() {
		n = ethLen + ipv6Len
	}
	if d.VLAN != 0 {
		n += vlanLen
	}
	return n
}

// l4Len returns the length of the transport header, the payload, and the
// filling up to Size.
func (d Datagram) l4Len(header int) int {
	return max(header+len(d.Payload), max(d.Size, minFrame)-d.headers())
}

func (d Datagram) body(header int, proto byte) []byte {
	l4 := make([]byte, d.l4Len(header))
	binary.BigEndian.PutUint16(l4, d.Src.Port())
	binary.BigEndian.PutUint16(l4[2:], d.Dst.Port())
	copy(l4[header:], d.Payload)
	b := ipPacket(d.Src.Addr(), d.Dst.Addr(), proto, d.DSCP, l4)
	if d.TTL != 0 {
		at := 8
		if d.Src.Addr().Is6() {
			at = 7
		}
		b[at] = d.TTL
	}
	return b
}

// finish sets the checksums and adds the Ethernet header.
func (d Datagram) finish(ip []byte, l4Len, sumAt int, proto byte) []byte {
	l4 := ip[len(ip)-l4Len:]
	sum := l4Sum(d.Src.Addr(), d.Dst.Addr(), proto, l4)
	if sum == 0 && proto == protoUDP {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(l4[sumAt:], sum)
	sumIPv4(ip)
	etherType := uint16(etherIPv4)
	if d.Src.Addr().Is6() {
		etherType = etherIPv6
	}
	out := append(append(make([]byte, 0, ethLen+vlanLen+len(ip)), d.DstMAC[:]...), d.SrcMAC[:]...)
	if d.VLAN != 0 {
		out = binary.BigEndian.AppendUint16(out, etherVLAN)
		out = binary.BigEndian.AppendUint16(out, d.VLAN)
	}
	out = binary.BigEndian.AppendUint16(out, etherType)
	return append(out, ip...)
}

// ipPacket returns an IP packet around the payload. Its header checksum is not
// set yet.
func ipPacket(src, dst netip.Addr, proto, dscp byte, payload []byte) []byte {
	if src.Is6() {
		b := make([]byte, ipv6Len, ipv6Len+len(payload))
		binary.BigEndian.PutUint32(b, 6<<28|uint32(dscp)<<22)
		binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
		b[6], b[7] = proto, 64
		if proto == protoICMPv6 {
			b[7] = 255 // neighbour discovery insists on it
		}
		copy(b[8:], src.AsSlice())
		copy(b[24:], dst.AsSlice())
		return append(b, payload...)
	}
	b := make([]byte, ipv4Len, ipv4Len+len(payload))
	b[0], b[1], b[8], b[9] = 0x45, dscp<<2, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(ipv4Len+len(payload)))
	copy(b[12:], src.AsSlice())
	copy(b[16:], dst.AsSlice())
	return append(b, payload...)
}

// sumIPv4 sets the header checksum of an IPv4 packet and leaves others alone.
func sumIPv4(b []byte) {
	if b[0]>>4 == 4 {
		binary.BigEndian.PutUint16(b[10:], 0)
		binary.BigEndian.PutUint16(b[10:], ^fold(addUp(0, b[:ipv4Len])))
	}
}

// l4Sum returns the checksum over the pseudo header and the transport segment,
// whose own must be zero.
func l4Sum(src, dst netip.Addr, proto byte, l4 []byte) uint16 {
	sum := uint32(0)
	if proto != protoICMP {
		sum = addUp(addUp(sum, src.AsSlice()), dst.AsSlice()) + uint32(proto) + uint32(len(l4))
	}
	return ^fold(addUp(sum, l4))
}

func addUp(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}

func ethernet(dst, src openflow.MAC, etherType uint16, payload []byte) []byte {
	out := append(append(make([]byte, 0, minFrame), dst[:]...), src[:]...)
	out = binary.BigEndian.AppendUint16(out, etherType)
	out = append(out, payload...)
	for len(out) < minFrame {
		out = append(out, 0)
	}
	return out
}

var broadcast = openflow.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// arp returns an ARP frame. A request has the zero target hardware address and
// is broadcast.
func arp(op uint16, sha openflow.MAC, spa netip.Addr, tha openflow.MAC, tpa netip.Addr) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, byte(op)}
	b = append(append(b, sha[:]...), spa.AsSlice()...)
	b = append(append(b, tha[:]...), tpa.AsSlice()...)
	dst := tha
	if op == 1 {
		dst = broadcast
	}
	return ethernet(dst, sha, etherARP, b)
}

// ARPRequest returns a broadcast frame that asks for the Ethernet address of an
// IP address.
func ARPRequest(mac openflow.MAC, from, whoHas netip.Addr) []byte {
	return arp(1, mac, from, openflow.MAC{}, whoHas)
}

// ARPReply returns a frame that answers a request.
func ARPReply(mac openflow.MAC, addr netip.Addr, to openflow.MAC, toAddr netip.Addr) []byte {
	return arp(2, mac, addr, to, toAddr)
}

// icmp returns a frame with an ICMP or ICMPv6 message of at least 8 bytes.
func icmp(dstMAC, srcMAC openflow.MAC, src, dst netip.Addr, body []byte) []byte {
	proto, etherType := byte(protoICMP), uint16(etherIPv4)
	if src.Is6() {
		proto, etherType = protoICMPv6, etherIPv6
	}
	body[2], body[3] = 0, 0
	binary.BigEndian.PutUint16(body[2:], l4Sum(src, dst, proto, body))
	ip := ipPacket(src, dst, proto, 0, body)
	sumIPv4(ip)
	return ethernet(dstMAC, srcMAC, etherType, ip)
}

// NeighborSolicit returns the multicast frame that asks for the link-layer
// address of target (RFC 4861 §4.3).
func NeighborSolicit(mac openflow.MAC, from, target netip.Addr) []byte {
	t := target.As16()
	group := netip.AddrFrom16([16]byte{0xff, 2, 11: 1, 12: 0xff, 13: t[13], 14: t[14], 15: t[15]})
	body := append([]byte{icmpv6Solicit, 0, 0, 0, 0, 0, 0, 0}, t[:]...)
	body = append(append(body, 1, 1), mac[:]...)
	return icmp(openflow.MAC{0x33, 0x33, 0xff, t[13], t[14], t[15]}, mac, from, group, body)
}

// NeighborAdvert returns the frame that tells the link-layer address of addr
// (RFC 4861 §4.4). It is unsolicited and multicast if to is the zero Addr.
func NeighborAdvert(mac openflow.MAC, addr netip.Addr, toMAC openflow.MAC, to netip.Addr) []byte {
	a := addr.As16()
	flags := byte(0x60) // solicited, override
	if !to.IsValid() {
		to, toMAC, flags = netip.MustParseAddr("ff02::1"), openflow.MAC{0x33, 0x33, 5: 1}, 0x20
	}
	body := append([]byte{icmpv6Advert, 0, 0, 0, flags, 0, 0, 0}, a[:]...)
	body = append(append(body, 2, 1), mac[:]...)
	return icmp(toMAC, mac, addr, to, body)
}

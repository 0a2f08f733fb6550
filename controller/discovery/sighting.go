package discovery

import (
	"encoding/binary"
	"net/netip"

	"conga/openflow"
)

// Ethernet types and IP protocol numbers that tell of a host.
const (
	etherTypeIPv4 = 0x0800
	etherTypeARP  = 0x0806
	etherTypeVLAN = 0x8100
	etherTypeIPv6 = 0x86dd

	etherTypeServiceVLAN = 0x88a8

	protoICMPv6 = 58

	headerHopByHop       = 0
	headerRouting        = 43
	headerAuthentication = 51
	headerDestination    = 60

	ndSolicitation  = 135
	ndAdvertisement = 136
)

// A Sighting is what a frame says of the host that sent it.
type Sighting struct {
	MAC   openflow.MAC
	VLAN  uint16       // of the tag; 0: none
	Addrs []netip.Addr // the sender's own, at most two
	// Claimed says that the host gives the addresses as its own, in address
	// resolution. Otherwise they are the source of a packet, which may have
	// been routed.
	Claimed bool
	// Foreign are addresses that the frame announces under another hardware
	// address than its own, or under a group address. Hosts that hear it send
	// what is for them there.
	Foreign []netip.Addr
}

// Sight reads a frame. ok is false if the frame cannot come from a host: it is
// too short, or its source is a group address; all addresses that it announces
// are foreign then.
//
// ARP and neighbour discovery name the sender's address only if the hardware
// address inside is the frame's own; a proxy that answers for others would
// otherwise have their addresses. A frame that is malformed further in gives a
// sighting without the address.
func Sight(frame []byte) (s Sighting, ok bool) {
	if len(frame) < 14 {
		return s, false
	}
	copy(s.MAC[:], frame[6:12])
	kind, body := binary.BigEndian.Uint16(frame[12:]), frame[14:]
	if s.VLAN = VLAN(frame); kind == etherTypeVLAN && len(body) >= 4 {
		kind, body = binary.BigEndian.Uint16(body[2:]), body[4:]
	}
	switch kind {
	case etherTypeARP:
		s.Claimed = true
		s.arp(body)
	case etherTypeIPv4:
		s.ipv4(body)
	case etherTypeIPv6:
		s.ipv6(body)
	}
	if s.MAC[0]&1 == 0 && s.MAC != (openflow.MAC{}) {
		return s, true
	}
	if s.Claimed {
		s.Foreign = append(s.Foreign, s.Addrs...)
	}
	s.Addrs = nil
	return s, false
}

// Announces reports whether a frame is of a sort in which hosts announce
// addresses, whatever else it says, and to whom. So a switch sees it, which
// cannot tell more.
func Announces(frame []byte) bool {
	if len(frame) < 14 {
		return false
	}
	kind, body := binary.BigEndian.Uint16(frame[12:]), frame[14:]
	for (kind == etherTypeVLAN || kind == etherTypeServiceVLAN) && len(body) >= 4 {
		kind, body = binary.BigEndian.Uint16(body[2:]), body[4:]
	}
	if kind == etherTypeARP {
		return true
	}
	if kind != etherTypeIPv6 || len(body) < 40 {
		return false
	}
	proto, _ := upper(body)
	return proto == protoICMPv6
}

// VLAN returns the VLAN of a frame's tag; 0: it has none.
func VLAN(frame []byte) uint16 {
	if len(frame) < 18 || binary.BigEndian.Uint16(frame[12:]) != etherTypeVLAN {
		return 0
	}
	return binary.BigEndian.Uint16(frame[14:]) & 0xfff
}

// upper returns the protocol that an IPv6 packet carries behind its extension
// headers (RFC 8200 section 4), and where that begins. Neighbour discovery in
// fragments is ignored by all (RFC 6980).
func upper(b []byte) (proto byte, off int) {
	proto, off = b[6], 40
	for len(b) >= off+8 {
		switch proto {
		case headerHopByHop, headerRouting, headerDestination:
			proto, off = b[off], off+8+8*int(b[off+1])
		case headerAuthentication:
			proto, off = b[off], off+8+4*int(b[off+1])
		default:
			return proto, off
		}
	}
	return proto, off
}

func (s *Sighting) add(a netip.Addr) {
	if isHosts(a) {
		s.Addrs = append(s.Addrs, a)
	}
}

// announce adds an address that a frame announces under a hardware address.
func (s *Sighting) announce(a netip.Addr, under openflow.MAC) {
	switch {
	case under == s.MAC:
		s.add(a)
	case under != (openflow.MAC{}) && isHosts(a):
		s.Foreign = append(s.Foreign, a)
	}
}

// isHosts reports whether an address can be a host's.
func isHosts(a netip.Addr) bool { return !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() }

// ethernetIPv4 is how ARP for IPv4 over Ethernet begins (RFC 826).
const ethernetIPv4 = "\x00\x01\x08\x00\x06\x04"

// arp reads Ethernet/IPv4 ARP.
func (s *Sighting) arp(b []byte) {
	if len(b) >= 28 && string(b[:6]) == ethernetIPv4 {
		s.announce(netip.AddrFrom4([4]byte(b[14:18])), openflow.MAC(b[8:14]))
	}
}

func (s *Sighting) ipv4(b []byte) {
	if len(b) >= 20 && b[0]>>4 == 4 && netip.AddrFrom4([4]byte(b[12:16])) != broadcast {
		s.add(netip.AddrFrom4([4]byte(b[12:16])))
	}
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// ipv6 reads the source address, and from an advertisement (RFC 4861 section
// 4.4) the target, which may be another address of the same host.
func (s *Sighting) ipv6(b []byte) {
	if len(b) < 40 || b[0]>>4 != 6 {
		return
	}
	src := netip.AddrFrom16([16]byte(b[8:24]))
	s.add(src)
	proto, off := upper(b)
	if proto != protoICMPv6 || len(b) < off+24 {
		return
	}
	nd := b[off:]
	if nd[0] != ndAdvertisement && nd[0] != ndSolicitation {
		return
	}
	// RFC 4861 section 7.1: neighbour discovery was not routed if its hop limit
	// is whole.
	s.Claimed = b[7] == 255
	if nd[0] == ndSolicitation {
		return
	}
	if target := netip.AddrFrom16([16]byte(nd[8:24])); target != src {
		s.announce(target, linkLayerOption(nd[24:], optionTarget))
	}
}

// linkLayerOption returns the Ethernet address among neighbour discovery
// options (RFC 4861 section 4.6.1); zero if there is none.
func linkLayerOption(b []byte, kind byte) (mac openflow.MAC) {
	for len(b) >= 8 && b[1] != 0 && len(b) >= 8*int(b[1]) {
		if b[0] == kind && b[1] == 1 {
			return openflow.MAC(b[2:8])
		}
		b = b[8*int(b[1]):]
	}
	return mac
}

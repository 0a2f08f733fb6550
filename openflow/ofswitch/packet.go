package ofswitch

import (
	"encoding/binary"

	"conga/openflow"
)

const (
	ethLen  = 14
	vlanLen = 4
	arpLen  = 28
	ipv4Len = 20
	ipv6Len = 40

	icmpv6EchoRequest = 128
	icmpv6EchoReply   = 129
	icmpv6Solicit     = 135
	icmpv6Advert      = 136
)

// A packet is a frame in the pipeline: its bytes, where the headers are, and
// the fields that entries match.
type packet struct {
	data  []byte
	owned bool // data may be changed in place; otherwise it is shared and copied first
	key   flowKey
	queue uint32 // set queue
	hops  *hopList

	// pushed is how many tags the switch put around others. It looks through
	// these; an inner tag that a packet came with is its EtherType, as in Open
	// vSwitch's default configuration.
	pushed int

	// Offsets into data, 0 where the packet has no such header.
	l3 int // IP, ARP or MPLS
	l4 int // TCP, UDP, SCTP or ICMP, unless this is a fragment
}

// The pipeline's own fields, which parse leaves alone.
var pipelineFields = [...]openflow.Field{
	openflow.FieldInPort, openflow.FieldMetadata, openflow.FieldTunnelID,
}

// parse fills the key and the offsets from the bytes. What is cut short is left
// zero, as if absent.
func (p *packet) parse() {
	var k flowKey
	for _, f := range pipelineFields {
		k.set(f, p.key.get(f))
	}
	p.l3, p.l4 = 0, 0
	p.key = k
	if len(p.data) < ethLen {
		return
	}
	k = p.key
	k.set(openflow.FieldEthDst, mac48(p.data))
	k.set(openflow.FieldEthSrc, mac48(p.data[6:]))
	off, etherType := 12, binary.BigEndian.Uint16(p.data[12:])
	for tag := 0; tag <= p.pushed && isVLAN(etherType) && len(p.data) >= off+vlanLen+2; tag++ {
		if tag == 0 {
			tci := binary.BigEndian.Uint16(p.data[off+2:])
			k.set(openflow.FieldVLANVID, uint64(tci&0xfff|openflow.VLANPresent))
			k.set(openflow.FieldVLANPCP, uint64(tci>>13))
		}
		off += vlanLen
		etherType = binary.BigEndian.Uint16(p.data[off:])
	}
	k.set(openflow.FieldEthType, uint64(etherType))
	p.key = k
	p.parseL3(etherType, off+2)
}

func isVLAN(etherType uint16) bool { return etherType == etherVLAN || etherType == etherQinQ }

func mac48(b []byte) uint64 {
	return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
}

func (p *packet) parseL3(etherType uint16, off int) {
	b := p.data[off:]
	switch {
	case etherType == etherIPv4 && len(b) >= ipv4Len && b[0]>>4 == 4:
		p.l3 = off
		p.parseIPv4(b)
	case etherType == etherIPv6 && len(b) >= ipv6Len && b[0]>>4 == 6:
		p.l3 = off
		p.parseIPv6(b)
	case etherType == etherARP && len(b) >= arpLen:
		p.l3 = off
		p.key.set(openflow.FieldARPOp, uint64(binary.BigEndian.Uint16(b[6:])))
		p.key.set(openflow.FieldARPSHA, mac48(b[8:]))
		p.key.set(openflow.FieldARPSPA, uint64(binary.BigEndian.Uint32(b[14:])))
		p.key.set(openflow.FieldARPTHA, mac48(b[18:]))
		p.key.set(openflow.FieldARPTPA, uint64(binary.BigEndian.Uint32(b[24:])))
	case (etherType == etherMPLS || etherType == etherMPLSM) && len(b) >= 4:
		p.l3 = off
		label := binary.BigEndian.Uint32(b)
		p.key.set(openflow.FieldMPLSLabel, uint64(label>>12))
		p.key.set(openflow.FieldMPLSTC, uint64(label>>9&7))
		p.key.set(openflow.FieldMPLSBOS, uint64(label>>8&1))
	}
}

func (p *packet) parseIPv4(b []byte) {
	p.key.set(openflow.FieldIPDSCP, uint64(b[1]>>2))
	p.key.set(openflow.FieldIPECN, uint64(b[1]&3))
	p.key.set(openflow.FieldIPProto, uint64(b[9]))
	p.key.set(openflow.FieldIPv4Src, uint64(binary.BigEndian.Uint32(b[12:])))
	p.key.set(openflow.FieldIPv4Dst, uint64(binary.BigEndian.Uint32(b[16:])))
	header := int(b[0]&0xf) * 4
	fragment := binary.BigEndian.Uint16(b[6:])&0x3fff != 0 // an offset, or more to come
	if header >= ipv4Len && header <= len(b) && !fragment {
		p.parseL4(b[9], p.l3+header)
	}
}

func (p *packet) parseIPv6(b []byte) {
	word := binary.BigEndian.Uint32(b)
	p.key.set(openflow.FieldIPDSCP, uint64(word>>22&0x3f))
	p.key.set(openflow.FieldIPECN, uint64(word>>20&3))
	p.key.set(openflow.FieldIPv6FLabel, uint64(word&0xfffff))
	p.key.set128(wordIPSrc, b[8:])
	p.key.set128(wordIPDst, b[24:])
	proto, off, ok := skipIPv6Ext(b)
	p.key.set(openflow.FieldIPProto, uint64(proto))
	if ok {
		p.parseL4(proto, p.l3+off)
	}
}

// skipIPv6Ext returns the upper-layer protocol and its offset; false if this is
// a fragment, or cut off. As in Open vSwitch no fragment has ports, the first
// one included, and the protocol of a later one is that of the fragment header.
func skipIPv6Ext(b []byte) (proto byte, off int, ok bool) {
	proto, off, ok = b[6], ipv6Len, true
	for {
		if off+8 > len(b) {
			return proto, off, false
		}
		switch proto {
		case 0, 43, 60: // hop-by-hop, routing, destination options
			proto, off = b[off], off+8+int(b[off+1])*8
		case 51: // authentication
			proto, off = b[off], off+8+int(b[off+1])*4
		case 44: // fragment
			at := binary.BigEndian.Uint16(b[off+2:])
			if at&0xfff8 != 0 {
				return proto, off, false
			}
			ok = at&1 == 0 // otherwise there is more to come
			proto, off = b[off], off+8
		default:
			return proto, off, ok
		}
	}
}

func (p *packet) parseL4(proto byte, off int) {
	b := p.data[off:]
	switch {
	case proto == protoTCP && len(b) >= 20, proto == protoUDP && len(b) >= 8, proto == protoSCTP && len(b) >= 12:
		p.key.set(openflow.FieldTCPSrc, uint64(binary.BigEndian.Uint16(b)))
		p.key.set(openflow.FieldTCPDst, uint64(binary.BigEndian.Uint16(b[2:])))
	case proto == protoICMP && p.isIPv4() && len(b) >= 8:
		p.key.set(openflow.FieldICMPv4Type, uint64(b[0]))
		p.key.set(openflow.FieldICMPv4Code, uint64(b[1]))
	case proto == protoICMPv6 && !p.isIPv4() && len(b) >= 4:
		p.key.set(openflow.FieldICMPv6Type, uint64(b[0]))
		p.key.set(openflow.FieldICMPv6Code, uint64(b[1]))
		if (b[0] == icmpv6Solicit || b[0] == icmpv6Advert) && len(b) >= 24 {
			p.parseND(b)
		}
	default:
		return
	}
	p.l4 = off
}

// parseND reads the target and the first link-layer address option that belongs
// to the message (RFC 4861 §4).
func (p *packet) parseND(b []byte) {
	p.key.set128(wordNDTarget, b[8:])
	option, field := byte(1), openflow.FieldIPv6NDSLL
	if b[0] == icmpv6Advert {
		option, field = 2, openflow.FieldIPv6NDTLL
	}
	for o := b[24:]; len(o) >= 8 && o[1] != 0 && len(o) >= int(o[1])*8; o = o[int(o[1])*8:] {
		if o[0] == option {
			p.key.set(field, mac48(o[2:]))
			return
		}
	}
}

func (p *packet) etherType() uint16 { return uint16(p.key.get(openflow.FieldEthType)) }
func (p *packet) isIPv4() bool      { return p.l3 != 0 && p.etherType() == etherIPv4 }
func (p *packet) isIPv6() bool      { return p.l3 != 0 && p.etherType() == etherIPv6 }
func (p *packet) proto() byte       { return byte(p.key.get(openflow.FieldIPProto)) }
func (p *packet) inPort() openflow.PortNo {
	return openflow.PortNo(p.key.get(openflow.FieldInPort))
}
func (p *packet) hasVLAN() bool { return p.key.get(openflow.FieldVLANVID) != 0 }

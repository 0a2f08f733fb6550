package ofswitch

import (
	"encoding/binary"
	"hash/crc32"

	"conga/openflow"
)

// pushVLAN adds an outermost tag, with the ID and priority of the tag inside it
// (§5.12.2).
func (p *packet) pushVLAN(etherType uint16) {
	if len(p.data) < ethLen {
		return
	}
	var tci uint16
	if p.hasVLAN() {
		tci = binary.BigEndian.Uint16(p.data[14:])
		p.pushed++
	}
	p.insert(12, vlanLen)
	binary.BigEndian.PutUint16(p.data[12:], etherType)
	binary.BigEndian.PutUint16(p.data[14:], tci)
	p.parse()
}

func (p *packet) popVLAN() {
	if p.hasVLAN() {
		p.remove(12, vlanLen)
		p.pushed = max(p.pushed-1, 0)
		p.parse()
	}
}

// insert makes room for n bytes at offset at.
func (p *packet) insert(at, n int) {
	data := make([]byte, len(p.data)+n, len(p.data)+n+16)
	copy(data, p.data[:at])
	copy(data[at+n:], p.data[at:])
	p.data, p.owned = data, true
}

func (p *packet) remove(at, n int) {
	p.own()
	p.data = append(p.data[:at], p.data[at+n:]...)
}

// l3Start returns the offset behind the Ethernet header and the VLAN tags.
func (p *packet) l3Start() int {
	if p.hasVLAN() {
		return ethLen + vlanLen*(1+p.pushed)
	}
	return ethLen
}

// pushMPLS adds a label, with label, class and TTL of the one inside it or the
// TTL of the IP header (§5.12.2).
func (p *packet) pushMPLS(etherType uint16) {
	if len(p.data) < ethLen {
		return
	}
	entry := uint32(64)
	switch {
	case p.isMPLS():
		entry = binary.BigEndian.Uint32(p.data[p.l3:]) &^ 0x100
	case p.ttlAt() != 0:
		entry = uint32(p.data[p.ttlAt()]) | 0x100
	default:
		entry |= 0x100
	}
	at := p.l3Start()
	p.insert(at, 4)
	binary.BigEndian.PutUint16(p.data[at-2:], etherType)
	binary.BigEndian.PutUint32(p.data[at:], entry)
	p.parse()
}

func (p *packet) popMPLS(etherType uint16) {
	if !p.isMPLS() {
		return
	}
	p.remove(p.l3, 4)
	binary.BigEndian.PutUint16(p.data[p.l3-2:], etherType)
	p.parse()
}

func (p *packet) isMPLS() bool {
	et := p.etherType()
	return p.l3 != 0 && (et == etherMPLS || et == etherMPLSM)
}

// ttlAt returns the offset of the TTL or hop limit of the IP header, 0 if there
// is none.
func (p *packet) ttlAt() int {
	switch {
	case p.isIPv4():
		return p.l3 + 8
	case p.isIPv6():
		return p.l3 + 7
	}
	return 0
}

func (p *packet) setTTL(ttl uint8) {
	at := p.ttlAt()
	if at == 0 {
		return
	}
	p.own()
	if p.isIPv4() {
		p.fixSum(p.l3+10, at, ttl)
	}
	p.data[at] = ttl
}

// decTTL takes one from the TTL. It reports false, and changes nothing, if none
// would be left (§5.12.2).
func (p *packet) decTTL() bool {
	at := p.ttlAt()
	if at == 0 {
		return true
	}
	if p.data[at] <= 1 {
		return false
	}
	p.setTTL(p.data[at] - 1)
	return true
}

func (p *packet) setMPLSTTL(ttl uint8) {
	if p.isMPLS() {
		p.own()
		p.data[p.l3+3] = ttl
	}
}

func (p *packet) decMPLSTTL() bool {
	if !p.isMPLS() {
		return true
	}
	if p.data[p.l3+3] <= 1 {
		return false
	}
	p.setMPLSTTL(p.data[p.l3+3] - 1)
	return true
}

// sumSCTP computes the CRC32c of an SCTP packet anew (RFC 9260 §6.8).
func (p *packet) sumSCTP() {
	b := p.data[p.l4:]
	if len(b) < 12 {
		return
	}
	clear(b[8:12])
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, castagnoli))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// selectHash spreads packets over the buckets of a select group, the same flow
// always the same way.
func (p *packet) selectHash() uint64 {
	const prime = 0x9E3779B97F4A7C15
	h := p.key.get(openflow.FieldEthSrc)*prime ^ p.key.get(openflow.FieldEthDst)
	for _, word := range [...]int{wordIPSrc, wordIPSrc + 1, wordIPDst, wordIPDst + 1, 9} {
		h = (h ^ p.key[word]) * prime
		h ^= h >> 32
	}
	return h * prime >> 32 // the high bits of a product depend on all bits of the factors
}

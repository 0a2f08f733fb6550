package discovery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"sync"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// Ethernet types of probes: LLDP (IEEE 802.1AB), and the one under which other
// controllers send LLDP through bridges, too.
const (
	EtherTypeLLDP = 0x88cc
	EtherTypeWide = 0x8942
)

// ErrForeign is returned for LLDP that is not a probe of this controller: a
// host or another switch speaks LLDP itself, or the frame is forged.
var ErrForeign = errors.New("discovery: LLDP frame is not a probe of ours")

// A Reach is how far a probe goes.
type Reach uint8

// A Near probe ends at the next bridge, ours or not: where it arrives there is
// a cable. A Wide one is forwarded by bridges that are not ours and arrives at
// every port of the segment.
const (
	Near Reach = iota
	Wide
)

var (
	nearest  = openflow.MAC{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e} // that bridges never forward
	everyone = openflow.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

// TLV types and the one subtype used here (IEEE 802.1AB-2016 section 8.4): an
// identifier that means something only where it was assigned.
const (
	tlvEnd      = 0
	tlvChassis  = 1
	tlvPort     = 2
	tlvTTL      = 3
	tlvSpecific = 127

	subtypeLocal = 7
)

// probeTTL is how long another receiver may keep what a probe says, in seconds.
const probeTTL = 10

// oui marks the organizationally specific TLV that holds the signature; it has
// the locally administered bit set and so is not assigned.
var oui = []byte{0x02, 0xc0, 0x9a}

const (
	macSize  = 16                  // bytes of HMAC-SHA256 that are kept
	sealSize = 3 + 1 + 8 + macSize // OUI, subtype, milliseconds since 1970, signature

	frameSize = 14 + (2 + 9) + (2 + 5) + (2 + 2) + (2 + sealSize) + 2
)

// MaxAge is how long after it was sent a probe counts: longer than any queue on
// its way, those of a controller that is late included, and too short for a
// host to use one that it overheard.
const MaxAge = 10 * time.Second

// A Prober makes and reads probes. It signs and dates them, so that a host can
// neither invent links nor play back what it heard. Two hosts that pass on each
// other's probes at once still look like a cable. Its methods are safe for
// concurrent use.
type Prober struct{ signers sync.Pool }

// A signer computes one signature at a time.
type signer struct {
	hash hash.Hash
	id   [21]byte
	sum  [sha256.Size]byte
}

// NewProber returns a prober. secret should be at least 16 random bytes.
func NewProber(secret []byte) *Prober {
	return &Prober{signers: sync.Pool{New: func() any { return &signer{hash: hmac.New(sha256.New, secret)} }}}
}

// Frame returns the Ethernet frame that is to leave the switch now, at port at,
// whose address is mac.
func (p *Prober) Frame(at topology.PortID, mac openflow.MAC, reach Reach, now time.Time) []byte {
	to, kind := nearest, uint16(EtherTypeLLDP)
	if reach == Wide {
		to, kind = everyone, EtherTypeWide
	}
	b := make([]byte, 0, frameSize)
	b = append(b, to[:]...)
	b = append(b, mac[:]...)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = append(appendTLV(b, tlvChassis, 9), subtypeLocal)
	b = binary.BigEndian.AppendUint64(b, uint64(at.DPID))
	b = append(appendTLV(b, tlvPort, 5), subtypeLocal)
	b = binary.BigEndian.AppendUint32(b, uint32(at.Port))
	b = append(appendTLV(b, tlvTTL, 2), 0, probeTTL)
	b = append(append(appendTLV(b, tlvSpecific, sealSize), oui...), 1)
	b = binary.BigEndian.AppendUint64(b, uint64(now.UnixMilli()))
	signature := p.sign(Origin{at, now, reach})
	b = append(b, signature[:]...)
	return appendTLV(b, tlvEnd, 0)
}

// appendTLV appends the head of a TLV, whose value is to follow.
func appendTLV(b []byte, kind, size int) []byte {
	return binary.BigEndian.AppendUint16(b, uint16(kind<<9|size))
}

// sign includes the reach: what was overheard of a wide probe makes no near
// one.
func (p *Prober) sign(o Origin) (signature [macSize]byte) {
	s := p.signers.Get().(*signer)
	defer p.signers.Put(s)
	binary.BigEndian.PutUint64(s.id[:], uint64(o.From.DPID))
	binary.BigEndian.PutUint64(s.id[8:], uint64(o.Left.UnixMilli()))
	binary.BigEndian.PutUint32(s.id[16:], uint32(o.From.Port))
	s.id[20] = byte(o.Reach)
	s.hash.Reset()
	s.hash.Write(s.id[:])
	copy(signature[:], s.hash.Sum(s.sum[:0]))
	return signature
}

// An Origin is where a probe comes from.
type Origin struct {
	From  topology.PortID // the port that it left from
	Left  time.Time       // when, to the millisecond
	Reach Reach
}

// Origin reads a probe that has arrived now. The error is [ErrForeign] for
// every other frame, and for a probe that is old.
func (p *Prober) Origin(frame []byte, now time.Time) (o Origin, err error) {
	if !IsProbe(frame) {
		return o, ErrForeign
	}
	if binary.BigEndian.Uint16(frame[12:]) == EtherTypeWide {
		o.Reach = Wide
	}
	var signature []byte
	for b := frame[14:]; len(b) >= 2; {
		head := binary.BigEndian.Uint16(b)
		kind, size := head>>9, int(head&0x1ff)
		if kind == tlvEnd || len(b) < 2+size {
			break
		}
		value := b[2 : 2+size]
		switch {
		case kind == tlvChassis && size == 9 && value[0] == subtypeLocal:
			o.From.DPID = openflow.DPID(binary.BigEndian.Uint64(value[1:]))
		case kind == tlvPort && size == 5 && value[0] == subtypeLocal:
			o.From.Port = openflow.PortNo(binary.BigEndian.Uint32(value[1:]))
		case kind == tlvSpecific && size == sealSize && string(value[:len(oui)]) == string(oui):
			o.Left = time.UnixMilli(int64(binary.BigEndian.Uint64(value[len(oui)+1:])))
			signature = value[len(oui)+1+8:]
		}
		b = b[2+size:]
	}
	age := now.Sub(o.Left)
	if expected := p.sign(o); !hmac.Equal(signature, expected[:]) || age > MaxAge || age < -MaxAge {
		return Origin{}, ErrForeign
	}
	return o, nil
}

// IsProbe reports whether the frame is LLDP, ours or not, of either reach.
func IsProbe(frame []byte) bool {
	if len(frame) < 14 {
		return false
	}
	kind := binary.BigEndian.Uint16(frame[12:])
	return kind == EtherTypeLLDP || kind == EtherTypeWide
}

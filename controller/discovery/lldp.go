package discovery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// EtherTypeLLDP is the Ethernet type of LLDP (IEEE 802.1AB).
const EtherTypeLLDP = 0x88cc

// ErrForeign is returned for LLDP that is not a probe of this controller: a
// host or another switch speaks it for its own reasons, or somebody forged it.
var ErrForeign = errors.New("discovery: LLDP frame is not a probe of ours")

// nearest is the group address that bridges never forward.
var nearest = openflow.MAC{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}

// TLV types and the one subtype used here (IEEE 802.1AB-2016 section 8.4): an
// identifier that means something only to who assigned it.
const (
	tlvEnd      = 0
	tlvChassis  = 1
	tlvPort     = 2
	tlvTTL      = 3
	tlvSpecific = 127

	subtypeLocal = 7
)

// probeTTL is how long a bystander may keep what a probe says, in seconds.
const probeTTL = 10

// oui marks the organizationally specific TLV that holds the signature; it has
// the locally administered bit set and so belongs to nobody.
var oui = []byte{0x02, 0xc0, 0x9a}

const (
	macSize  = 16                  // bytes of HMAC-SHA256 that are kept
	sealSize = 3 + 1 + 8 + macSize // OUI, subtype, milliseconds since 1970, signature
)

// maxAge is how long after it was sent a probe is believed: longer than any
// queue on its way, too short to be of use to who has overheard it.
const maxAge = 5 * time.Second

// Prober makes and reads probes. It signs and dates them, so that a host can
// neither invent links nor play back what it heard. Two hosts that pass on each
// other's probes at once still look like a cable. Its methods are safe for
// concurrent use.
type Prober struct{ secret []byte }

// NewProber makes a prober; secret should be at least 16 random bytes.
func NewProber(secret []byte) *Prober { return &Prober{secret: secret} }

// Frame is the Ethernet frame that is to leave the switch now, at port at, whose
// address is mac.
func (p *Prober) Frame(at topology.PortID, mac openflow.MAC, now time.Time) []byte {
	b := make([]byte, 0, 80)
	b = append(b, nearest[:]...)
	b = append(b, mac[:]...)
	b = binary.BigEndian.AppendUint16(b, EtherTypeLLDP)
	b = appendTLV(b, tlvChassis, binary.BigEndian.AppendUint64([]byte{subtypeLocal}, uint64(at.DPID)))
	b = appendTLV(b, tlvPort, binary.BigEndian.AppendUint32([]byte{subtypeLocal}, uint32(at.Port)))
	b = appendTLV(b, tlvTTL, []byte{0, probeTTL})
	seal := binary.BigEndian.AppendUint64(append(oui[:len(oui):len(oui)], 1), uint64(now.UnixMilli()))
	b = appendTLV(b, tlvSpecific, append(seal, p.sign(at, now.UnixMilli())...))
	return appendTLV(b, tlvEnd, nil)
}

func appendTLV(b []byte, kind int, value []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(kind<<9|len(value)))
	return append(b, value...)
}

func (p *Prober) sign(at topology.PortID, sent int64) []byte {
	h := hmac.New(sha256.New, p.secret)
	var id [20]byte
	binary.BigEndian.PutUint64(id[:], uint64(at.DPID))
	binary.BigEndian.PutUint64(id[8:], uint64(sent))
	binary.BigEndian.PutUint32(id[16:], uint32(at.Port))
	h.Write(id[:])
	return h.Sum(nil)[:macSize]
}

// Origin reads a probe that has arrived now: the port that it left from. The
// error is [ErrForeign] for every other frame, and for a probe that is old.
func (p *Prober) Origin(frame []byte, now time.Time) (topology.PortID, error) {
	var at topology.PortID
	var sent int64
	if !IsLLDP(frame) {
		return at, ErrForeign
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
			at.DPID = openflow.DPID(binary.BigEndian.Uint64(value[1:]))
		case kind == tlvPort && size == 5 && value[0] == subtypeLocal:
			at.Port = openflow.PortNo(binary.BigEndian.Uint32(value[1:]))
		case kind == tlvSpecific && size == sealSize && string(value[:len(oui)]) == string(oui):
			sent = int64(binary.BigEndian.Uint64(value[len(oui)+1:]))
			signature = value[len(oui)+1+8:]
		}
		b = b[2+size:]
	}
	age := now.Sub(time.UnixMilli(sent))
	if !hmac.Equal(signature, p.sign(at, sent)) || age > maxAge || age < -maxAge {
		return topology.PortID{}, ErrForeign
	}
	return at, nil
}

// IsLLDP reports whether the frame is LLDP, ours or not.
func IsLLDP(frame []byte) bool {
	return len(frame) >= 14 && binary.BigEndian.Uint16(frame[12:]) == EtherTypeLLDP
}

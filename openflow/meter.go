package openflow

import (
	"encoding/binary"
	"slices"
)

// MeterModCommand is what a meter mod does (§7.3.4.4).
type MeterModCommand uint16

// The meter mod commands (§7.3.4.4).
const (
	MeterAdd    MeterModCommand = 0
	MeterModify MeterModCommand = 1
	MeterDelete MeterModCommand = 2
)

// MeterFlags say how a meter counts (§7.3.4.4).
type MeterFlags uint16

// The meter flags (§7.3.4.4).
const (
	MeterKbps  MeterFlags = 1 << 0 // rates are kbit/s
	MeterPktps MeterFlags = 1 << 1 // rates are packets/s
	MeterBurst MeterFlags = 1 << 2 // burst sizes count
	MeterStats MeterFlags = 1 << 3 // collect statistics
)

// MeterBandType is what a band does with the packets beyond its rate
// (§7.3.4.4).
type MeterBandType uint16

// The meter band types (§7.3.4.4).
const (
	MeterBandDrop         MeterBandType = 1
	MeterBandDSCPRemark   MeterBandType = 2
	MeterBandExperimenter MeterBandType = 0xffff
)

// A MeterBand applies to the traffic beyond its rate (§7.3.4.4).
type MeterBand struct {
	Type         MeterBandType
	Rate         uint32 // kbit/s, or packets/s with MeterPktps
	BurstSize    uint32 // kbit, or packets with MeterPktps
	PrecLevel    uint8  // of DSCP remark: by how much to raise the drop precedence
	Experimenter uint32 // of an experimenter band: the experimenter ID
	Data         []byte // of an experimenter or unknown band: what follows
}

// MeterMod adds, changes or deletes a meter (§7.3.4.4).
type MeterMod struct {
	Command MeterModCommand
	Flags   MeterFlags
	ID      MeterID
	Bands   []MeterBand

	asSent
}

// Type implements [Message].
func (*MeterMod) Type() Type { return TypeMeterMod }

func parseMeterMod(c *cursor) Message {
	p := c.take(8, "meter mod")
	if p == nil {
		return nil
	}
	return &MeterMod{
		Command: MeterModCommand(binary.BigEndian.Uint16(p)),
		Flags:   MeterFlags(binary.BigEndian.Uint16(p[2:])),
		ID:      MeterID(binary.BigEndian.Uint32(p[4:])),
		Bands:   c.bands(),
	}
}

func (m *MeterMod) appendBody(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 8)
	binary.BigEndian.PutUint16(p, uint16(m.Command))
	binary.BigEndian.PutUint16(p[2:], uint16(m.Flags))
	binary.BigEndian.PutUint32(p[4:], uint32(m.ID))
	return appendBands(dst, m.Bands)
}

// bands reads meter bands up to the cursor's end.
func (c *cursor) bands() (bands []MeterBand) {
	bands = slices.Grow(bands, c.ahead(2, 12))
	for c.more() {
		outer, ok := c.enter("meter band", 2, 12)
		if !ok {
			return nil
		}
		p := c.take(12, "meter band")
		b := MeterBand{
			Type:      MeterBandType(binary.BigEndian.Uint16(p)),
			Rate:      binary.BigEndian.Uint32(p[4:]),
			BurstSize: binary.BigEndian.Uint32(p[8:]),
		}
		switch b.Type {
		case MeterBandDrop:
			c.zeros(c.take(4, "meter band"))
		case MeterBandDSCPRemark:
			if p := c.take(4, "meter band"); p != nil {
				b.PrecLevel = p[0]
				c.zeros(p[1:])
			}
		case MeterBandExperimenter:
			if p := c.take(4, "meter band"); p != nil {
				b.Experimenter = binary.BigEndian.Uint32(p)
			}
			b.Data = c.rest()
		default:
			b.Data = c.rest()
		}
		c.leave("meter band", outer)
		bands = append(bands, b)
	}
	return bands
}

func appendBands(dst []byte, bands []MeterBand) ([]byte, error) {
	for i := range bands {
		b := &bands[i]
		start := len(dst)
		var p []byte
		dst, p = grow(dst, 12)
		binary.BigEndian.PutUint16(p, uint16(b.Type))
		binary.BigEndian.PutUint32(p[4:], b.Rate)
		binary.BigEndian.PutUint32(p[8:], b.BurstSize)
		switch b.Type {
		case MeterBandDrop:
			dst = append(dst, 0, 0, 0, 0)
		case MeterBandDSCPRemark:
			dst = append(dst, b.PrecLevel, 0, 0, 0)
		case MeterBandExperimenter:
			dst = binary.BigEndian.AppendUint32(dst, b.Experimenter)
			dst = append(dst, b.Data...)
		default:
			dst = append(dst, b.Data...)
		}
		if err := putLength(dst, start, 2, "meter band"); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

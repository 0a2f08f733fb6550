package openflow

import (
	"encoding/binary"
	"slices"
)

// MeterStatsRequest asks for the counters of a meter (§7.3.5.12).
type MeterStatsRequest struct {
	Meter MeterID // MeterAll: of all meters
}

// MeterStatsReply lists meter counters (§7.3.5.12).
type MeterStatsReply []MeterCounters

// MeterCounters are the counters of one meter (§7.3.5.12).
type MeterCounters struct {
	Meter         MeterID
	FlowCount     uint32 // flow entries that use it
	PacketInCount uint64 // packets that passed through
	ByteInCount   uint64 // bytes that passed through
	DurationSec   uint32 // whole seconds it has lived
	DurationNsec  uint32 // nanoseconds beyond those
	Bands         []BandCounter
}

// A BandCounter counts what one band was applied to (§7.3.5.12).
type BandCounter struct {
	PacketCount uint64
	ByteCount   uint64
}

// MeterConfigRequest asks for the configuration of a meter (§7.3.5.13).
type MeterConfigRequest struct {
	Meter MeterID // MeterAll: of all meters
}

// MeterConfigReply lists meters and their bands (§7.3.5.13).
type MeterConfigReply []MeterConfig

// MeterConfig is one meter and its bands (§7.3.5.13).
type MeterConfig struct {
	Flags MeterFlags
	Meter MeterID
	Bands []MeterBand
}

// MeterFeatures is what a switch's meters can do (§7.3.5.14).
type MeterFeatures struct {
	MaxMeter     uint32 // how many meters
	BandTypes    uint32 // bit n: MeterBandType n
	Capabilities uint32 // MeterFlags bits
	MaxBands     uint8  // a meter
	MaxColor     uint8
}

func (*MeterStatsRequest) requestType() MultipartType { return MultipartMeter }

func (MeterStatsReply) replyType() MultipartType { return MultipartMeter }

func (*MeterConfigRequest) requestType() MultipartType { return MultipartMeterConfig }

func (MeterConfigReply) replyType() MultipartType { return MultipartMeterConfig }

func (*MeterFeatures) replyType() MultipartType { return MultipartMeterFeatures }

func (r *MeterStatsRequest) appendRequest(dst []byte) ([]byte, error) {
	return appendPaddedID(dst, uint32(r.Meter)), nil
}

func (r *MeterConfigRequest) appendRequest(dst []byte) ([]byte, error) {
	return appendPaddedID(dst, uint32(r.Meter)), nil
}

const meterStatsLen = 40 // without band counters

func parseMeterStats(c *cursor) (r MeterStatsReply) {
	r = slices.Grow(r, c.ahead(4, meterStatsLen))
	for c.more() {
		outer, ok := c.enter("meter stats", 4, meterStatsLen)
		if !ok {
			return nil
		}
		p := c.take(meterStatsLen, "meter stats")
		c.zeros(p[6:12])
		s := MeterCounters{
			Meter:         MeterID(binary.BigEndian.Uint32(p)),
			FlowCount:     binary.BigEndian.Uint32(p[12:]),
			PacketInCount: binary.BigEndian.Uint64(p[16:]),
			ByteInCount:   binary.BigEndian.Uint64(p[24:]),
			DurationSec:   binary.BigEndian.Uint32(p[32:]),
			DurationNsec:  binary.BigEndian.Uint32(p[36:]),
		}
		s.Bands = slices.Grow(s.Bands, c.left()/16)
		for c.more() {
			packets, bytes := c.counterPair("band counter")
			s.Bands = append(s.Bands, BandCounter{PacketCount: packets, ByteCount: bytes})
		}
		c.leave("meter stats", outer)
		r = append(r, s)
	}
	return r
}

func (r MeterStatsReply) appendReply(dst []byte) ([]byte, error) {
	for i := range r {
		s := &r[i]
		start := len(dst)
		var p []byte
		dst, p = grow(dst, meterStatsLen)
		binary.BigEndian.PutUint32(p, uint32(s.Meter))
		binary.BigEndian.PutUint32(p[12:], s.FlowCount)
		binary.BigEndian.PutUint64(p[16:], s.PacketInCount)
		binary.BigEndian.PutUint64(p[24:], s.ByteInCount)
		binary.BigEndian.PutUint32(p[32:], s.DurationSec)
		binary.BigEndian.PutUint32(p[36:], s.DurationNsec)
		for _, b := range s.Bands {
			dst = binary.BigEndian.AppendUint64(dst, b.PacketCount)
			dst = binary.BigEndian.AppendUint64(dst, b.ByteCount)
		}
		if err := putLength(dst, start, 4, "meter stats"); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func parseMeterConfig(c *cursor) (r MeterConfigReply) {
	r = slices.Grow(r, c.ahead(0, 8))
	for c.more() {
		outer, ok := c.enter("meter configuration", 0, 8)
		if !ok {
			return nil
		}
		p := c.take(8, "meter configuration")
		r = append(r, MeterConfig{
			Flags: MeterFlags(binary.BigEndian.Uint16(p[2:])),
			Meter: MeterID(binary.BigEndian.Uint32(p[4:])),
			Bands: c.bands(),
		})
		c.leave("meter configuration", outer)
	}
	return r
}

func (r MeterConfigReply) appendReply(dst []byte) ([]byte, error) {
	for i := range r {
		m := &r[i]
		start := len(dst)
		dst = append(dst, 0, 0)
		dst = binary.BigEndian.AppendUint16(dst, uint16(m.Flags))
		dst = binary.BigEndian.AppendUint32(dst, uint32(m.Meter))
		var err error
		if dst, err = appendBands(dst, m.Bands); err != nil {
			return nil, err
		}
		if err := putLength(dst, start, 0, "meter configuration"); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func parseMeterFeatures(c *cursor) *MeterFeatures {
	p := c.take(16, "meter features")
	if p == nil {
		return nil
	}
	c.zeros(p[14:])
	return &MeterFeatures{
		MaxMeter:     binary.BigEndian.Uint32(p),
		BandTypes:    binary.BigEndian.Uint32(p[4:]),
		Capabilities: binary.BigEndian.Uint32(p[8:]),
		MaxBands:     p[12],
		MaxColor:     p[13],
	}
}

func (f *MeterFeatures) appendReply(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 16)
	binary.BigEndian.PutUint32(p, f.MaxMeter)
	binary.BigEndian.PutUint32(p[4:], f.BandTypes)
	binary.BigEndian.PutUint32(p[8:], f.Capabilities)
	p[12] = f.MaxBands
	p[13] = f.MaxColor
	return dst, nil
}

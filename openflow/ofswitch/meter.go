package ofswitch

import (
	"slices"
	"time"

	"conga/openflow"
)

const (
	maxBands   = 8
	meterFlags = openflow.MeterKbps | openflow.MeterPktps | openflow.MeterBurst | openflow.MeterStats
)

// A meter polices with one token bucket a band, as Open vSwitch's userspace
// datapath does: a bucket starts full and holds the burst, whether or not the
// flag for it is set. Where no burst is given it holds a second's worth of the
// rate, and the meter's configuration says so from then on.
type meter struct {
	id      openflow.MeterID
	flags   openflow.MeterFlags
	bands   []band
	created time.Time
	tick    time.Duration // how often the buckets are filled; 0: with each packet

	packets, bytes uint64
}

type band struct {
	openflow.MeterBand
	tokens float64 // bits, or packets
	size   float64
	at     time.Time // when tokens was right

	packets, bytes uint64
}

func newMeter(m *openflow.MeterMod, now time.Time) *meter {
	out := &meter{id: m.ID, flags: m.Flags, created: now}
	for _, b := range m.Bands {
		if b.BurstSize == 0 {
			b.BurstSize = b.Rate
		}
		size := float64(b.BurstSize) * out.unit()
		out.bands = append(out.bands, band{MeterBand: b, tokens: size, size: size, at: now})
	}
	return out
}

// unit returns how many tokens a unit of rate gives a second.
func (m *meter) unit() float64 {
	if m.flags&openflow.MeterPktps != 0 {
		return 1
	}
	return 1000
}

// pass counts a packet and reports whether it may go on. Of several bands that
// are exceeded, the one with the highest rate drops it (§5.7.1).
func (m *meter) pass(size int, now time.Time) bool {
	if m.tick > 0 { // the buckets are as the last tick has filled them
		now = now.Truncate(m.tick)
	}
	m.packets++
	m.bytes += uint64(size)
	cost := float64(size) * 8
	if m.flags&openflow.MeterPktps != 0 {
		cost = 1
	}
	var hit *band
	for i := range m.bands {
		b := &m.bands[i]
		if elapsed := now.Sub(b.at); elapsed > 0 {
			b.tokens = min(b.size, b.tokens+elapsed.Seconds()*float64(b.Rate)*m.unit())
			b.at = now
		}
		if b.tokens >= cost {
			b.tokens -= cost
		} else if hit == nil || b.Rate > hit.Rate {
			hit = b
		}
	}
	if hit == nil {
		return true
	}
	hit.packets++
	hit.bytes += uint64(size)
	return false
}

func (m *meter) config() openflow.MeterConfig {
	c := openflow.MeterConfig{Flags: m.flags, Meter: m.id}
	for _, b := range m.bands {
		c.Bands = append(c.Bands, b.MeterBand)
	}
	return c
}

func (m *meter) stats(flows uint32, now time.Time) openflow.MeterCounters {
	age := now.Sub(m.created)
	c := openflow.MeterCounters{
		Meter: m.id, FlowCount: flows, PacketInCount: m.packets, ByteInCount: m.bytes,
		DurationSec: uint32(age / time.Second), DurationNsec: uint32(age % time.Second),
	}
	for _, b := range m.bands {
		c.Bands = append(c.Bands, openflow.BandCounter{PacketCount: b.packets, ByteCount: b.bytes})
	}
	return c
}

// meterModLocked obeys a meter mod (§6.5).
func (s *Switch) meterModLocked(m *openflow.MeterMod) *openflow.Error {
	if m.Command == openflow.MeterDelete {
		s.meterDeleteLocked(m.ID)
		return nil
	}
	if m.Command > openflow.MeterDelete {
		return errMeterCommand()
	}
	if err := s.checkMeterLocked(m); err != nil {
		return err
	}
	old := s.meters[m.ID]
	if m.Command == openflow.MeterAdd {
		switch {
		case old != nil:
			return errMeterExists()
		case uint32(len(s.meters)) >= s.cfg.MaxMeters:
			return errOutOfMeters()
		}
	} else if old == nil {
		return errUnknownMeter()
	}
	fresh := newMeter(m, s.now())
	fresh.tick = s.cfg.Habits.MeterTick
	if old != nil {
		fresh.created = old.created
	}
	s.meters[m.ID] = fresh
	return nil
}

func (s *Switch) checkMeterLocked(m *openflow.MeterMod) *openflow.Error {
	kbps, pktps := m.Flags&openflow.MeterKbps != 0, m.Flags&openflow.MeterPktps != 0
	switch {
	case m.ID == 0 || m.ID > openflow.MeterMax || s.cfg.NoMeters,
		s.cfg.Habits.MeterRange && uint32(m.ID) > s.cfg.MaxMeters:
		return errInvalidMeter()
	case m.Flags&^(meterFlags&^s.cfg.Habits.NoMeterFlags) != 0, kbps == pktps:
		return errMeterFlags()
	case len(m.Bands) == 0 || len(m.Bands) > maxBands:
		return errOutOfBands()
	}
	for _, b := range m.Bands {
		switch {
		case b.Type != openflow.MeterBandDrop, s.cfg.Habits.NoDropBands:
			return errMeterBand()
		case b.Rate == 0:
			return errMeterRate()
		case s.cfg.Habits.MostBurst > 0 && m.Flags&openflow.MeterBurst != 0 && b.BurstSize > s.cfg.Habits.MostBurst:
			return errMeterBurst()
		}
	}
	return nil
}

// meterDeleteLocked deletes a meter, or all, and the flow entries that use it.
// A meter that is not there is no error. OpenFlow 1.3 has no reason for such a
// flow removed message, so Open vSwitch sends none.
func (s *Switch) meterDeleteLocked(id openflow.MeterID) {
	users := s.usersLocked(func(p *program) bool {
		return p.meter != 0 && (p.meter == id || id == openflow.MeterAll)
	})
	for _, e := range users {
		s.dropLocked(e)
	}
	if id == openflow.MeterAll {
		clear(s.meters)
	}
	delete(s.meters, id)
}

func (s *Switch) sortedMetersLocked() []*meter {
	out := make([]*meter, 0, len(s.meters))
	for _, m := range s.meters {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *meter) int { return int(int64(a.id) - int64(b.id)) })
	return out
}

func (s *Switch) meterStatsLocked() []openflow.MeterCounters {
	flows := map[openflow.MeterID]uint32{}
	for _, p := range s.programs {
		flows[p.meter] += uint32(p.users)
	}
	out := []openflow.MeterCounters{}
	for _, m := range s.sortedMetersLocked() {
		out = append(out, m.stats(flows[m.id], s.now()))
	}
	return out
}

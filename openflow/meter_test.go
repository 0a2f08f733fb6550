package openflow

import (
	"errors"
	"testing"
)

var sampleBands = []MeterBand{
	{Type: MeterBandDrop, Rate: 100_000, BurstSize: 10_000},
	{Type: MeterBandDSCPRemark, Rate: 50_000, BurstSize: 5_000, PrecLevel: 1},
	{Type: MeterBandExperimenter, Rate: 1, BurstSize: 2, Experimenter: 0x2320, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}},
	{Type: 9, Rate: 1, BurstSize: 2, Data: []byte{1, 2, 3, 4}},
}

var meterSamples = []sample{
	{"meter mod", &MeterMod{Command: MeterAdd, Flags: MeterKbps | MeterBurst | MeterStats, ID: 5, Bands: sampleBands}},
	{"meter mod of standard bands", &MeterMod{Command: MeterModify, Flags: MeterKbps | MeterBurst, ID: 5, Bands: sampleBands[:2]}},
	{"meter mod delete", &MeterMod{Command: MeterDelete, ID: MeterAll}},
}

func TestDropBandIs16Bytes(t *testing.T) {
	b := mustAppend(t, 1, &MeterMod{Bands: []MeterBand{{Type: MeterBandDrop}}})
	if len(b) != 16+16 || b[19] != 16 {
		t.Errorf("meter mod with a drop band: %x", b)
	}
	b[19] = 12
	b = b[:28]
	b[3] = 28
	if _, _, err := Parse(b); !errors.Is(err, ErrShort) {
		t.Errorf("drop band of 12 bytes: %v, want ErrShort", err)
	}
}

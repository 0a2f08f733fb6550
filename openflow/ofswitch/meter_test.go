package ofswitch

import (
	"math"
	"testing"
	"time"

	"conga/openflow"
)

// A meter must let through the burst, then the rate, whatever the packets'
// size.
func TestMeterPolices(t *testing.T) {
	tests := []struct {
		name        string
		flags       openflow.MeterFlags
		rate, burst uint32
		size        int
		offered     float64 // packets a second
		want        float64 // packets in 10 s
	}{
		{"under the rate", openflow.MeterKbps, 8000, 800, 1000, 500, 5000},
		{"kbit/s", openflow.MeterKbps | openflow.MeterBurst, 8000, 800, 1000, 5000, 100 + 10*1000},
		{"small packets", openflow.MeterKbps, 8000, 800, 100, 20_000, 1000 + 10*10_000},
		{"packets/s", openflow.MeterPktps, 100, 10, 1000, 1000, 10 + 10*100},
		{"no burst given: a second's worth", openflow.MeterPktps, 100, 0, 1000, 1000, 100 + 10*100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, 2, Config{})
			r.must(&openflow.MeterMod{ID: 1, Flags: tt.flags, Bands: []openflow.MeterBand{
				{Type: openflow.MeterBandDrop, Rate: tt.rate, BurstSize: tt.burst},
			}}, flow(1, nil, openflow.Meter(1), to(2)))
			d := udp4
			d.Size = tt.size
			frame := d.UDP()
			sent, through := int(tt.offered*10), 0.0
			for range sent {
				r.at = r.at.Add(time.Duration(float64(time.Second) / tt.offered))
				if r.inject(1, frame) == "2" {
					through++
				}
			}
			if math.Abs(through-tt.want) > tt.want*0.01+1 {
				t.Errorf("%v of %d packets went through, want %v", through, sent, tt.want)
			}
			m := r.Meters()[0]
			if m.PacketInCount != uint64(sent) || m.Bands[0].PacketCount != uint64(sent)-uint64(through) || m.FlowCount != 1 {
				t.Errorf("counters: %+v", m)
			}
		})
	}
}

func TestMeterDeleteTakesItsEntries(t *testing.T) {
	r := newRig(t, 2, Config{})
	r.must(&openflow.MeterMod{ID: 1, Flags: openflow.MeterKbps, Bands: []openflow.MeterBand{{Type: openflow.MeterBandDrop, Rate: 1}}},
		flow(1, nil, openflow.Meter(1), to(2)), flow(2, nil, to(2)),
		&openflow.MeterMod{Command: openflow.MeterDelete, ID: 1})
	if got := r.priorities(); got != "2" {
		t.Errorf("left are %q", got)
	}
}

func TestNoMeters(t *testing.T) {
	r := newRig(t, 2, Config{NoMeters: true})
	err := r.Apply(&openflow.MeterMod{ID: 1, Flags: openflow.MeterKbps, Bands: []openflow.MeterBand{{Type: openflow.MeterBandDrop, Rate: 1}}})
	if describe(err) != "error 12/2" {
		t.Errorf("meter mod: %v", describe(err))
	}
}

// A modified meter begins anew, as one of Open vSwitch does, though nothing
// differs: its bucket is full, its counts are nothing, and it is as old as
// before.
func TestMeterModifyBeginsAnew(t *testing.T) {
	r := newRig(t, 2, Config{})
	meter := openflow.MeterMod{ID: 1, Flags: openflow.MeterPktps | openflow.MeterBurst, Bands: []openflow.MeterBand{
		{Type: openflow.MeterBandDrop, Rate: 10, BurstSize: 10},
	}}
	through := func() (n int) {
		for range 30 {
			if r.inject(1, udp4.UDP()) == "2" {
				n++
			}
		}
		return n
	}
	r.must(&meter, flow(1, nil, openflow.Meter(1), to(2)))
	if n := through(); n != 10 {
		t.Errorf("%d packets went through at once, want the burst of 10", n)
	}
	r.at = r.at.Add(time.Second / 2)
	again := meter
	again.Command = openflow.MeterModify
	r.must(&again)
	if m := r.Meters()[0]; m.PacketInCount != 0 || m.Bands[0].PacketCount != 0 || m.DurationNsec != 500_000_000 {
		t.Errorf("after it was modified the meter shows %+v", m)
	}
	if n := through(); n != 10 {
		t.Errorf("%d packets went through after it was modified, want the burst of 10", n)
	}
}

package stats

import (
	"maps"
	"slices"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// Of the meters those of ports' best effort are reported, once they have a
// rate.
func TestFramesOfBestEffort(t *testing.T) {
	got := map[topology.PortID]Rate{}
	p := &Poller{cfg: Config{Frames: func(at topology.PortID, r Rate) { got[at] = r }}}
	entered := &Rate{Bits: 4 * bitrate.Mbps, Packets: 8333}
	p.frames(&Sample{DPID: 7, Meters: []Meter{
		{Kind: purpose.MeterBestEffort, Of: 3, EnteredRate: entered},
		{Kind: purpose.MeterBestEffort, Of: 4},
		{Kind: purpose.MeterBestEffort, Of: uint32(openflow.PortLocal), EnteredRate: idle},
		{Kind: purpose.MeterPolicer, Of: 5, EnteredRate: entered},
	}})
	want := map[topology.PortID]Rate{{DPID: 7, Port: 3}: *entered, {DPID: 7, Port: openflow.PortLocal}: {}}
	if !maps.Equal(got, want) {
		t.Errorf("reported %v; want %v", got, want)
	}
}

// Loads are reported of best effort and of circuits that are not idle: since
// the sample before, or since the meter is there.
func TestLoadsOfMeters(t *testing.T) {
	var got []MeterLoad
	p := &Poller{cfg: Config{Interval: 5 * time.Second, Loads: func(_ openflow.DPID, _ time.Time, loads []MeterLoad) { got = loads }}}
	rate := func(n bitrate.Rate) *Rate { return &Rate{Bits: n * bitrate.Mbps} }
	some := Volume{1000, 1_000_000}
	p.loads(&Sample{DPID: 7, Meters: []Meter{
		{Kind: purpose.MeterBestEffort, Of: 3, EnteredRate: idle, DroppedRate: idle, Age: time.Hour},
		{Kind: purpose.MeterPolicer, Of: 4, Entered: some, EnteredRate: rate(4), DroppedRate: rate(1), Age: time.Hour},
		{Kind: purpose.MeterPolicer, Of: 5, Entered: some, EnteredRate: idle, DroppedRate: idle, Age: time.Hour},
		{Kind: purpose.MeterPolicer, Of: 6, Age: time.Second},
		{Kind: purpose.MeterPolicer, Of: 7, Entered: some, Dropped: Volume{500, 500_000}, Age: 2 * time.Second},
		{Kind: purpose.MeterPolicer, Of: 8, Entered: some, Age: leastAge / 2},
		{Kind: purpose.MeterPolicer, Of: 9, Entered: some, Age: time.Minute},
		{Kind: purpose.MeterFlood, Entered: some, EnteredRate: rate(4), DroppedRate: rate(1)},
	}}, 4*time.Second)
	want := []MeterLoad{
		{Kind: purpose.MeterBestEffort, Of: 3, Span: 4 * time.Second},
		{Kind: purpose.MeterPolicer, Of: 4, Span: 4 * time.Second, Entered: 4 * bitrate.Mbps, Dropped: bitrate.Mbps},
		{Kind: purpose.MeterPolicer, Of: 7, Span: 2 * time.Second, Entered: 4 * bitrate.Mbps, Dropped: 2 * bitrate.Mbps},
	}
	if !slices.Equal(got, want) {
		t.Errorf("reported %+v; want %+v", got, want)
	}
}

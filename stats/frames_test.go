package stats

import (
	"maps"
	"testing"

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

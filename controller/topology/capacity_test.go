package topology

import (
	"testing"

	"conga/bitrate"
	"conga/openflow"
)

// A speed that no port has is made up, and the default holds.
func TestSpeedThatIsToBeBelieved(t *testing.T) {
	mode := openflow.PortFeature100GFull
	for name, c := range map[string]struct {
		port openflow.Port
		want bitrate.Rate
	}{
		"fast":    {openflow.Port{CurrSpeed: 800_000_000, Supported: mode}, 800 * bitrate.Gbps},
		"fastest": {openflow.Port{CurrSpeed: 1_600_000_000, Supported: mode}, 1600 * bitrate.Gbps},
		"beyond":  {openflow.Port{CurrSpeed: 1_600_000_001, Supported: mode}, bitrate.Gbps},
		"ones":    {openflow.Port{CurrSpeed: 1<<32 - 1, Supported: mode}, bitrate.Gbps},
		"unknown": {openflow.Port{Supported: mode}, bitrate.Gbps},
		"virtual": {openflow.Port{CurrSpeed: 10_000_000, Curr: openflow.PortFeature10GFull}, bitrate.Gbps},
	} {
		c.port.No = 1
		b := NewBuilder(Config{DefaultCapacity: bitrate.Gbps}, t0)
		b.SwitchUp(Switch{DPID: 1}, []openflow.Port{c.port}, t0)
		if got := b.Snapshot(t0).Switches[1].Ports[1].Capacity; got != c.want {
			t.Errorf("%s: %v; want %v", name, got, c.want)
		}
	}
}

// Only what has another capacity than before differs in the next snapshot.
func TestCapacitiesAreSetAnew(t *testing.T) {
	links := []LinkOverride{{A: at(1, 2), B: at(2, 1), Capacity: 100 * bitrate.Mbps}}
	b := NewBuilder(Config{DefaultCapacity: bitrate.Gbps, Links: links}, t0)
	up(b, 1, 2, t0)
	up(b, 2, 2, t0)
	up(b, 3, 2, t0)
	plug(b, at(1, 2), at(2, 1), t0)
	plug(b, at(2, 2), at(3, 1), t0)
	b.Snapshot(t0)
	b.SetCapacities(links)
	if b.Changed() {
		t.Error("the same capacities are a change")
	}
	b.SetCapacities([]LinkOverride{{A: at(2, 2), B: at(3, 1), Capacity: 10 * bitrate.Mbps}})
	s := b.Snapshot(t0)
	for from, want := range map[PortID]bitrate.Rate{
		at(1, 2): bitrate.Gbps, at(2, 1): bitrate.Gbps, at(2, 2): 10 * bitrate.Mbps, at(3, 1): 10 * bitrate.Mbps,
	} {
		if got := s.Links[from].Capacity; got != want {
			t.Errorf("from %v %v; want %v", from, got, want)
		}
		if got := s.Switches[from.DPID].Ports[from.Port].Capacity; got != want {
			t.Errorf("port %v has %v; want %v", from, got, want)
		}
	}
	if s.Wiring != s.Revision {
		t.Error("paths do not hear of it")
	}
}

// The fastest port of a switch is known if each says how fast it is.
func TestFastestPort(t *testing.T) {
	mode := openflow.PortFeature100GFull
	slow, fast := openflow.Port{No: 1, CurrSpeed: 1_000_000, Supported: mode}, openflow.Port{No: 2, CurrSpeed: 40_000_000, Supported: mode}
	b := NewBuilder(Config{}, t0)
	b.SwitchUp(Switch{DPID: 1}, []openflow.Port{slow, fast}, t0)
	if got := b.Snapshot(t0).Switches[1].Fastest; got != 40*bitrate.Gbps {
		t.Errorf("%v; want 40 Gbit/s", got)
	}
	fast.CurrSpeed = 1<<32 - 1
	b.PortChanged(1, openflow.PortModified, fast, t0)
	if got := b.Snapshot(t0).Switches[1].Fastest; got != FastestPort {
		t.Errorf("%v; want %v", got, FastestPort)
	}
}

package openflow

import (
	"errors"
	"testing"
)

var samplePort = Port{
	No: 3, HWAddr: MAC{0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}, Name: "s1-eth3",
	Config: PortConfigNoFwd, State: PortStateLive,
	Curr: PortFeature10GFull | PortFeatureCopper, Advertised: PortFeature1GFull,
	Supported: PortFeature100MFull, Peer: PortFeatureAutoneg,
	CurrSpeed: 10_000_000, MaxSpeed: 40_000_000,
}

var portSamples = []sample{
	{"port status", &PortStatus{Reason: PortModified, Port: samplePort}},
	{"port status of a long name", &PortStatus{Reason: PortAdded, Port: Port{No: 1, Name: "fifteen-letters"}}},
	{"port mod", &PortMod{
		PortNo: 3, HWAddr: samplePort.HWAddr, Config: PortConfigDown, Mask: PortConfigDown | PortConfigNoRecv,
		Advertise: PortFeature1GFull,
	}},
}

func TestPortName(t *testing.T) {
	for name, want := range map[string]error{
		"sixteen-letters!":  nil, // fills the field; some switches do
		"seventeen-letters": ErrValue,
		"nul\x00":           ErrValue,
	} {
		if _, err := Append(nil, 1, &PortStatus{Port: Port{Name: name}}); !errors.Is(err, want) {
			t.Errorf("name %q: %v, want %v", name, err, want)
		}
	}
}

package flow

import "conga/openflow"

// MeterKind says what a meter is for.
type MeterKind uint8

// The kinds of meter. A switch's meters have no cookie; their identifiers tell.
const (
	MeterForeign MeterKind = iota // not one of ours
	MeterUnknown                  // packets of unknown sources
	MeterFlood                    // what is flooded, where several ports carry reservations
	MeterPort                     // best effort that leaves by a port
	MeterPolicer                  // a circuit's
)

// ReadMeter takes a meter identifier apart: of [MeterPort], of is the port's
// number, and of [MeterPolicer] the low 24 bits of the circuit's handle.
func ReadMeter(id openflow.MeterID) (kind MeterKind, of uint32) {
	switch {
	case id == meterUnknown:
		return MeterUnknown, 0
	case id == meterFlood:
		return MeterFlood, 0
	case id >= meterPorts && id < meterPolicers:
		return MeterPort, uint32(id) & meterSuffix
	case id >= meterPolicers && id < meterTrial:
		return MeterPolicer, uint32(id) & meterSuffix
	}
	return MeterForeign, 0
}

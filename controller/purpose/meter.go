package purpose

import "conga/openflow"

// Identifiers of our meters. A switch's meters are a space of their own without
// cookies; these ranges mark ours. Open vSwitch takes identifiers up to
// 0xffff0000 as numbers, whatever number of meters it says it has room for; on
// switches that do not a meter has another number.
const (
	FirstID    openflow.MeterID = 0xc000_0000 // the lowest of ours
	UnknownID                   = FirstID     // packets of unknown sources
	FloodID                     = FirstID + 1 // what is flooded, where several ports carry reservations
	TeachingID                  = FirstID + 2 // ARP and neighbour discovery
	TrialID    openflow.MeterID = 0xc300_0000 // used by no entry; shows that a switch takes our identifiers
	LastID     openflow.MeterID = 0xc4ff_ffff // the highest of ours

	// StrayIDs is the first identifier of meters that are ours in a switch with
	// numbers of its own, and of which nothing else is known.
	StrayIDs openflow.MeterID = 0xc500_0000

	stormIDs   openflow.MeterID = 0xc080_0000 // plus the port number, of 23 bits
	portIDs    openflow.MeterID = 0xc100_0000 // plus the port number
	policerIDs openflow.MeterID = 0xc200_0000 // plus the low 24 bits of the circuit's handle
	backIDs                     = policerIDs + backwards

	suffix      = 0x00ff_ffff
	stormSuffix = 0x007f_ffff
	backwards   = 0x0200_0000
)

// A MeterKind says what a meter is for.
type MeterKind uint8

// The kinds of meter.
const (
	MeterForeign    MeterKind = iota // not one of ours
	MeterUnknown                     // packets of unknown sources
	MeterFlood                       // what is flooded, where several ports carry reservations
	MeterBestEffort                  // best effort that leaves by a port
	MeterPolicer                     // a circuit's
	MeterTeaching                    // ARP and neighbour discovery, of all ports or of one
)

var meterNames = [...]string{
	MeterForeign: "foreign", MeterUnknown: "unknown-sources", MeterFlood: "flood",
	MeterBestEffort: "best-effort", MeterPolicer: "policer", MeterTeaching: "teaching",
}

// String returns the name of the kind.
func (k MeterKind) String() string { return meterNames[k] }

// PortID returns the identifier of the meter of the best effort that leaves by
// a port; ok is false if the port's number has more than 24 bits, or all of
// them set, which stands for [openflow.PortLocal].
func PortID(no openflow.PortNo) (id openflow.MeterID, ok bool) {
	if no == openflow.PortLocal {
		return portIDs + suffix, true
	}
	return portIDs + openflow.MeterID(no), no < suffix
}

// StormID returns the identifier of the meter of what the hosts behind a
// storming port announce; ok is false if the port's number has more than 23
// bits, or all of them set, as with [PortID].
func StormID(no openflow.PortNo) (id openflow.MeterID, ok bool) {
	if no == openflow.PortLocal {
		return stormIDs + stormSuffix, true
	}
	return stormIDs + openflow.MeterID(no), no < stormSuffix
}

// portIn returns the number of the port that a meter's identifier has in the
// bits of mask.
func portIn(id openflow.MeterID, mask uint32) uint32 {
	if uint32(id)&mask == mask {
		return uint32(openflow.PortLocal)
	}
	return uint32(id) & mask
}

// PolicerID returns the identifier of the meter of what a circuit with this
// handle, whose low 24 bits count, carries from its source.
func PolicerID(handle uint32) openflow.MeterID {
	return PolicerOf(PolicerSuffix(handle))
}

// BackPolicerID returns the identifier of the meter of what such a circuit
// carries back.
func BackPolicerID(handle uint32) openflow.MeterID {
	return PolicerOf(PolicerSuffix(handle) | backwards)
}

// PolicerOf returns the identifier of the meter of which [ReadMeter] returns
// of.
func PolicerOf(of uint32) openflow.MeterID { return policerIDs + openflow.MeterID(of) }

// PolicerSuffix returns what [ReadMeter] returns of the meter of what a circuit
// with this handle carries from its source.
func PolicerSuffix(handle uint32) uint32 { return handle & suffix }

// Backwards takes apart what [ReadMeter] returns of a policer: whose it is, as
// [PolicerSuffix] does, and whether it is of what the circuit carries back.
func Backwards(of uint32) (circuit uint32, back bool) { return of & suffix, of&backwards != 0 }

// ReadMeter returns what a meter is for. Of [MeterBestEffort], of is the port's
// number, of [MeterTeaching] the same, or 0 for all ports, and of
// [MeterPolicer] what [Backwards] takes apart.
func ReadMeter(id openflow.MeterID) (kind MeterKind, of uint32) {
	switch {
	case id == UnknownID:
		return MeterUnknown, 0
	case id == FloodID:
		return MeterFlood, 0
	case id == TeachingID:
		return MeterTeaching, 0
	case id >= stormIDs && id < portIDs:
		return MeterTeaching, portIn(id, stormSuffix)
	case id >= portIDs && id < policerIDs:
		return MeterBestEffort, portIn(id, suffix)
	case id >= policerIDs && id < TrialID, id >= backIDs && id <= LastID:
		return MeterPolicer, uint32(id - policerIDs)
	}
	return MeterForeign, 0
}

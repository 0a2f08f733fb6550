package openflow

// MeterModCommand is what a meter mod does (§7.3.4.4).
type MeterModCommand uint16

// The meter mod commands (§7.3.4.4).
const (
	MeterAdd    MeterModCommand = 0
	MeterModify MeterModCommand = 1
	MeterDelete MeterModCommand = 2
)

// MeterFlags say how a meter counts (§7.3.4.4).
type MeterFlags uint16

// The meter flags (§7.3.4.4).
const (
	MeterKbps  MeterFlags = 1 << 0 // rates are kbit/s
	MeterPktps MeterFlags = 1 << 1 // rates are packets/s
	MeterBurst MeterFlags = 1 << 2 // burst sizes count
	MeterStats MeterFlags = 1 << 3 // collect statistics
)

// MeterBandType is what a band does with the packets beyond its rate (§7.3.4.4).
type MeterBandType uint16

// The meter band types (§7.3.4.4).
const (
	MeterBandDrop         MeterBandType = 1
	MeterBandDSCPRemark   MeterBandType = 2
	MeterBandExperimenter MeterBandType = 0xffff
)

// A MeterBand applies to the traffic beyond its rate (§7.3.4.4).
type MeterBand struct {
	Type         MeterBandType
	Rate         uint32 // kbit/s, or packets/s with MeterPktps
	BurstSize    uint32 // kbit, or packets with MeterPktps
	PrecLevel    uint8  // of DSCP remark: by how much to raise the drop precedence
	Experimenter uint32 // of an experimenter band: whose
	Data         []byte // of an experimenter or unknown band: what follows
}

// MeterMod adds, changes or deletes a meter (§7.3.4.4).
type MeterMod struct {
	Command MeterModCommand
	Flags   MeterFlags
	ID      MeterID
	Bands   []MeterBand
}

// Type implements [Message].
func (*MeterMod) Type() Type { return TypeMeterMod }

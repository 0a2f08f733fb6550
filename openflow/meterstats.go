package openflow

// MeterStatsRequest asks for the counters of a meter (§7.3.5.12).
type MeterStatsRequest struct {
	Meter MeterID // MeterAll: of all meters
}

// MeterStatsReply lists meter counters (§7.3.5.12).
type MeterStatsReply []MeterCounters

// MeterCounters are the counters of one meter (§7.3.5.12).
type MeterCounters struct {
	Meter         MeterID
	FlowCount     uint32 // flow entries that use it
	PacketInCount uint64 // packets that passed through
	ByteInCount   uint64 // bytes that passed through
	DurationSec   uint32 // whole seconds it has lived
	DurationNsec  uint32 // nanoseconds beyond those
	Bands         []BandCounter
}

// A BandCounter counts what one band was applied to (§7.3.5.12).
type BandCounter struct {
	PacketCount uint64
	ByteCount   uint64
}

// MeterConfigRequest asks for the configuration of a meter (§7.3.5.13).
type MeterConfigRequest struct {
	Meter MeterID // MeterAll: of all meters
}

// MeterConfigReply lists meters and their bands (§7.3.5.13).
type MeterConfigReply []MeterConfig

// MeterConfig is one meter and its bands (§7.3.5.13).
type MeterConfig struct {
	Flags MeterFlags
	Meter MeterID
	Bands []MeterBand
}

// MeterFeatures is what a switch's meters can do (§7.3.5.14).
type MeterFeatures struct {
	MaxMeter     uint32 // how many meters
	BandTypes    uint32 // bit n: MeterBandType n
	Capabilities uint32 // MeterFlags bits
	MaxBands     uint8  // a meter
	MaxColor     uint8
}

package openflow

// A Port describes one port of a switch (§7.2.1).
type Port struct {
	No         PortNo
	HWAddr     MAC
	Name       string // at most 15 bytes
	Config     PortConfig
	State      PortState
	Curr       PortFeatures
	Advertised PortFeatures
	Supported  PortFeatures
	Peer       PortFeatures
	CurrSpeed  uint32 // kbit/s
	MaxSpeed   uint32 // kbit/s
}

// PortConfig is what the administrator asked of a port (§7.2.1).
type PortConfig uint32

// The port configuration bits (§7.2.1).
const (
	PortConfigDown       PortConfig = 1 << 0 // administratively down
	PortConfigNoRecv     PortConfig = 1 << 2 // drop what comes in
	PortConfigNoFwd      PortConfig = 1 << 5 // drop what would go out
	PortConfigNoPacketIn PortConfig = 1 << 6 // send no packet-in
)

// PortState is what the switch sees of a port (§7.2.1).
type PortState uint32

// The port state bits (§7.2.1).
const (
	PortStateLinkDown PortState = 1 << 0 // no physical link
	PortStateBlocked  PortState = 1 << 1 // blocked by the switch, for example by a spanning tree
	PortStateLive     PortState = 1 << 2 // live for fast failover
)

// PortFeatures are the link modes of a port (§7.2.1).
type PortFeatures uint32

// The port feature bits (§7.2.1).
const (
	PortFeature10MHalf   PortFeatures = 1 << 0
	PortFeature10MFull   PortFeatures = 1 << 1
	PortFeature100MHalf  PortFeatures = 1 << 2
	PortFeature100MFull  PortFeatures = 1 << 3
	PortFeature1GHalf    PortFeatures = 1 << 4
	PortFeature1GFull    PortFeatures = 1 << 5
	PortFeature10GFull   PortFeatures = 1 << 6
	PortFeature40GFull   PortFeatures = 1 << 7
	PortFeature100GFull  PortFeatures = 1 << 8
	PortFeature1TFull    PortFeatures = 1 << 9
	PortFeatureOther     PortFeatures = 1 << 10
	PortFeatureCopper    PortFeatures = 1 << 11
	PortFeatureFiber     PortFeatures = 1 << 12
	PortFeatureAutoneg   PortFeatures = 1 << 13
	PortFeaturePause     PortFeatures = 1 << 14
	PortFeaturePauseAsym PortFeatures = 1 << 15
)

// PortReason says what happened to a port (§7.4.3).
type PortReason uint8

// The reasons for a port status message (§7.4.3).
const (
	PortAdded    PortReason = 0
	PortDeleted  PortReason = 1
	PortModified PortReason = 2
)

// PortStatus tells that a port came, went or changed (§7.4.3).
type PortStatus struct {
	Reason PortReason
	Port   Port
}

// PortMod changes a port's configuration (§7.3.4.3).
type PortMod struct {
	PortNo    PortNo
	HWAddr    MAC        // must be the port's own, as a check
	Config    PortConfig // the new bits
	Mask      PortConfig // which bits to change
	Advertise PortFeatures
}

// Type implements [Message].
func (*PortStatus) Type() Type { return TypePortStatus }

// Type implements [Message].
func (*PortMod) Type() Type { return TypePortMod }

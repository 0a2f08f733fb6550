package openflow

// FeaturesRequest asks who the switch is and what it can do (§7.3.1).
type FeaturesRequest struct{}

// FeaturesReply answers a features request (§7.3.1).
type FeaturesReply struct {
	DPID         DPID
	NBuffers     uint32 // packets the switch can hold at once
	NTables      uint8
	AuxiliaryID  uint8 // 0 on the main connection
	Capabilities Capabilities
	Reserved     uint32
}

// Capabilities are what a datapath can do (§7.3.1).
type Capabilities uint32

// The capability bits (§7.3.1).
const (
	CapFlowStats   Capabilities = 1 << 0
	CapTableStats  Capabilities = 1 << 1
	CapPortStats   Capabilities = 1 << 2
	CapGroupStats  Capabilities = 1 << 3
	CapIPReasm     Capabilities = 1 << 5 // can reassemble IP fragments
	CapQueueStats  Capabilities = 1 << 6
	CapPortBlocked Capabilities = 1 << 8 // blocks looping ports by itself
)

// ConfigFlags say how the switch treats IP fragments (§7.3.2).
type ConfigFlags uint16

// The configuration flags (§7.3.2).
const (
	ConfigFragNormal ConfigFlags = 0
	ConfigFragDrop   ConfigFlags = 1
	ConfigFragReasm  ConfigFlags = 2
	ConfigFragMask   ConfigFlags = 3
)

// GetConfigRequest asks for the switch's configuration (§7.3.2).
type GetConfigRequest struct{}

// GetConfigReply answers a get config request (§7.3.2).
type GetConfigReply struct {
	Flags       ConfigFlags
	MissSendLen uint16 // bytes of a packet-in that no output action asked for
}

// SetConfig changes the switch's configuration; there is no reply (§7.3.2).
type SetConfig struct {
	Flags       ConfigFlags
	MissSendLen uint16 // bytes of a packet-in that no output action asked for
}

// TableMod configures a flow table (§7.3.3).
type TableMod struct {
	Table  TableID
	Config TableConfig
}

// TableConfig is deprecated in the protocol and has no defined bits in OpenFlow 1.3 (§7.3.3).
type TableConfig uint32

// Type implements [Message].
func (*FeaturesRequest) Type() Type { return TypeFeaturesRequest }

// Type implements [Message].
func (*FeaturesReply) Type() Type { return TypeFeaturesReply }

// Type implements [Message].
func (*GetConfigRequest) Type() Type { return TypeGetConfigRequest }

// Type implements [Message].
func (*GetConfigReply) Type() Type { return TypeGetConfigReply }

// Type implements [Message].
func (*SetConfig) Type() Type { return TypeSetConfig }

// Type implements [Message].
func (*TableMod) Type() Type { return TypeTableMod }

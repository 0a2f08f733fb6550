package openflow

import "encoding/binary"

// FeaturesRequest asks for the switch's identity and capabilities (§7.3.1).
type FeaturesRequest struct{}

// FeaturesReply answers a features request (§7.3.1).
type FeaturesReply struct {
	DPID         DPID
	NBuffers     uint32 // packets the switch can hold at once
	NTables      uint8
	AuxiliaryID  uint8 // 0 on the main connection
	Capabilities Capabilities
	Reserved     uint32

	asSent
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

	asSent
}

// TableConfig is deprecated in the protocol and has no defined bits in OpenFlow
// 1.3 (§7.3.3).
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

func (*FeaturesRequest) appendBody(dst []byte) ([]byte, error) { return dst, nil }

func parseFeaturesReply(c *cursor) Message {
	p := c.take(24, "features")
	if p == nil {
		return nil
	}
	c.zeros(p[14:16])
	return &FeaturesReply{
		DPID:         DPID(binary.BigEndian.Uint64(p)),
		NBuffers:     binary.BigEndian.Uint32(p[8:]),
		NTables:      p[12],
		AuxiliaryID:  p[13],
		Capabilities: Capabilities(binary.BigEndian.Uint32(p[16:])),
		Reserved:     binary.BigEndian.Uint32(p[20:]),
	}
}

func (m *FeaturesReply) appendBody(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 24)
	binary.BigEndian.PutUint64(p, uint64(m.DPID))
	binary.BigEndian.PutUint32(p[8:], m.NBuffers)
	p[12] = m.NTables
	p[13] = m.AuxiliaryID
	binary.BigEndian.PutUint32(p[16:], uint32(m.Capabilities))
	binary.BigEndian.PutUint32(p[20:], m.Reserved)
	return dst, nil
}

func (*GetConfigRequest) appendBody(dst []byte) ([]byte, error) { return dst, nil }

func parseConfig(c *cursor) (flags ConfigFlags, missSendLen uint16) {
	p := c.take(4, "switch configuration")
	if p == nil {
		return 0, 0
	}
	return ConfigFlags(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint16(p[2:])
}

func (m *GetConfigReply) appendBody(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint16(dst, uint16(m.Flags))
	return binary.BigEndian.AppendUint16(dst, m.MissSendLen), nil
}

func (m *SetConfig) appendBody(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint16(dst, uint16(m.Flags))
	return binary.BigEndian.AppendUint16(dst, m.MissSendLen), nil
}

func parseTableMod(c *cursor) Message {
	p := c.take(8, "table mod")
	if p == nil {
		return nil
	}
	c.zeros(p[1:4])
	return &TableMod{Table: TableID(p[0]), Config: TableConfig(binary.BigEndian.Uint32(p[4:]))}
}

func (m *TableMod) appendBody(dst []byte) ([]byte, error) {
	dst = append(dst, byte(m.Table), 0, 0, 0)
	return binary.BigEndian.AppendUint32(dst, uint32(m.Config)), nil
}

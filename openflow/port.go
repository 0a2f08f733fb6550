package openflow

import "encoding/binary"

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

var portReasonNames = [...]string{"added", "deleted", "modified"}

// String returns the reason's name in lower case.
func (r PortReason) String() string { return enumName("reason", portReasonNames[:], r) }

// PortStatus tells that a port came, went or changed (§7.4.3).
type PortStatus struct {
	Reason PortReason
	Port   Port

	asSent
}

// PortMod changes a port's configuration (§7.3.4.3).
type PortMod struct {
	PortNo    PortNo
	HWAddr    MAC        // must be the port's own, as a check
	Config    PortConfig // the new bits
	Mask      PortConfig // which bits to change
	Advertise PortFeatures

	asSent
}

// Type implements [Message].
func (*PortStatus) Type() Type { return TypePortStatus }

// Type implements [Message].
func (*PortMod) Type() Type { return TypePortMod }

const portLen = 64

func (c *cursor) port() (v Port) {
	p := c.take(portLen, "port")
	if p == nil {
		return Port{}
	}
	c.zeros(p[4:8])
	c.zeros(p[14:16])
	return Port{
		No:         PortNo(binary.BigEndian.Uint32(p)),
		HWAddr:     MAC(p[8:14]),
		Name:       c.text(p[16:32]),
		Config:     PortConfig(binary.BigEndian.Uint32(p[32:])),
		State:      PortState(binary.BigEndian.Uint32(p[36:])),
		Curr:       PortFeatures(binary.BigEndian.Uint32(p[40:])),
		Advertised: PortFeatures(binary.BigEndian.Uint32(p[44:])),
		Supported:  PortFeatures(binary.BigEndian.Uint32(p[48:])),
		Peer:       PortFeatures(binary.BigEndian.Uint32(p[52:])),
		CurrSpeed:  binary.BigEndian.Uint32(p[56:]),
		MaxSpeed:   binary.BigEndian.Uint32(p[60:]),
	}
}

func (v *Port) append(dst []byte) ([]byte, error) {
	dst, p := grow(dst, portLen)
	binary.BigEndian.PutUint32(p, uint32(v.No))
	copy(p[8:14], v.HWAddr[:])
	if err := putText(p[16:32], "port name", v.Name); err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(p[32:], uint32(v.Config))
	binary.BigEndian.PutUint32(p[36:], uint32(v.State))
	binary.BigEndian.PutUint32(p[40:], uint32(v.Curr))
	binary.BigEndian.PutUint32(p[44:], uint32(v.Advertised))
	binary.BigEndian.PutUint32(p[48:], uint32(v.Supported))
	binary.BigEndian.PutUint32(p[52:], uint32(v.Peer))
	binary.BigEndian.PutUint32(p[56:], v.CurrSpeed)
	binary.BigEndian.PutUint32(p[60:], v.MaxSpeed)
	return dst, nil
}

func parsePortStatus(c *cursor) Message {
	p := c.take(8, "port status")
	if p == nil {
		return nil
	}
	c.zeros(p[1:])
	return &PortStatus{Reason: PortReason(p[0]), Port: c.port()}
}

func (m *PortStatus) appendBody(dst []byte) ([]byte, error) {
	dst = append(dst, byte(m.Reason), 0, 0, 0, 0, 0, 0, 0)
	return m.Port.append(dst)
}

func parsePortMod(c *cursor) Message {
	p := c.take(32, "port mod")
	if p == nil {
		return nil
	}
	c.zeros(p[4:8])
	c.zeros(p[14:16])
	c.zeros(p[28:])
	return &PortMod{
		PortNo:    PortNo(binary.BigEndian.Uint32(p)),
		HWAddr:    MAC(p[8:14]),
		Config:    PortConfig(binary.BigEndian.Uint32(p[16:])),
		Mask:      PortConfig(binary.BigEndian.Uint32(p[20:])),
		Advertise: PortFeatures(binary.BigEndian.Uint32(p[24:])),
	}
}

func (m *PortMod) appendBody(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 32)
	binary.BigEndian.PutUint32(p, uint32(m.PortNo))
	copy(p[8:14], m.HWAddr[:])
	binary.BigEndian.PutUint32(p[16:], uint32(m.Config))
	binary.BigEndian.PutUint32(p[20:], uint32(m.Mask))
	binary.BigEndian.PutUint32(p[24:], uint32(m.Advertise))
	return dst, nil
}

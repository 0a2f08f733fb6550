package openflow

import "encoding/binary"

// The ONF extension for OpenFlow 1.3 that commits messages together (ONF
// EXT-230).
const (
	ExperimenterONF   uint32 = 0x4f4e4600
	expTypeBundleCtrl uint32 = 2300
	expTypeBundleAdd  uint32 = 2301
)

// BundleControlType is what a bundle control message asks or answers (ONF
// EXT-230).
type BundleControlType uint16

// The bundle control types (ONF EXT-230).
const (
	BundleOpenRequest    BundleControlType = 0
	BundleOpenReply      BundleControlType = 1
	BundleCloseRequest   BundleControlType = 2
	BundleCloseReply     BundleControlType = 3
	BundleCommitRequest  BundleControlType = 4
	BundleCommitReply    BundleControlType = 5
	BundleDiscardRequest BundleControlType = 6
	BundleDiscardReply   BundleControlType = 7
)

// BundleFlags say how a bundle is committed (ONF EXT-230).
type BundleFlags uint16

// The bundle flags (ONF EXT-230).
const (
	BundleAtomic  BundleFlags = 1 << 0 // all messages or none
	BundleOrdered BundleFlags = 1 << 1 // in the order they were added
)

// BundleControl opens, closes, commits or discards a bundle, or answers that it
// did (ONF EXT-230).
type BundleControl struct {
	ID    uint32
	Type  BundleControlType
	Flags BundleFlags
}

// BundleAdd adds a message to an open bundle. Its header carries XID as the
// bundle add's own does, so that an error can be matched to it (ONF EXT-230).
type BundleAdd struct {
	ID      uint32
	Flags   BundleFlags
	XID     uint32
	Message Message
}

const bundleHeaderLen = 8 // of both messages, after the experimenter's own header

// Experimenter returns the message that carries c.
func (c *BundleControl) Experimenter() *Experimenter {
	data := make([]byte, 0, bundleHeaderLen)
	data = binary.BigEndian.AppendUint32(data, c.ID)
	data = binary.BigEndian.AppendUint16(data, uint16(c.Type))
	data = binary.BigEndian.AppendUint16(data, uint16(c.Flags))
	return &Experimenter{Experimenter: ExperimenterONF, ExpType: expTypeBundleCtrl, Data: data}
}

// BundleControl returns the bundle control message that m carries. It reports
// false if m is something else, and an error if it is one that cannot be read.
// Bundle properties are passed over: ONF EXT-230 defines none but
// experimenters' own.
func (m *Experimenter) BundleControl() (*BundleControl, bool, error) {
	if m.Experimenter != ExperimenterONF || m.ExpType != expTypeBundleCtrl {
		return nil, false, nil
	}
	if len(m.Data) < bundleHeaderLen {
		return nil, true, &ParseError{Msg: TypeExperimenter, Field: "bundle control", Offset: bundleOffset, Err: ErrShort}
	}
	return &BundleControl{
		ID:    binary.BigEndian.Uint32(m.Data),
		Type:  BundleControlType(binary.BigEndian.Uint16(m.Data[4:])),
		Flags: BundleFlags(binary.BigEndian.Uint16(m.Data[6:])),
	}, true, nil
}

// bundleOffset is where a bundle message begins in its experimenter message.
const bundleOffset = HeaderLen + 8

// Experimenter returns the message that carries a, or an error if its inner
// message does not fit.
func (a *BundleAdd) Experimenter() (*Experimenter, error) {
	data := make([]byte, 0, 256)
	data = binary.BigEndian.AppendUint32(data, a.ID)
	data = append(data, 0, 0)
	data = binary.BigEndian.AppendUint16(data, uint16(a.Flags))
	data, err := Append(data, a.XID, a.Message)
	if err != nil {
		return nil, err
	}
	return &Experimenter{Experimenter: ExperimenterONF, ExpType: expTypeBundleAdd, Data: data}, nil
}

// BundleAdd returns the bundle add message that m carries. It reports false if
// m is something else, and an error if it is one that cannot be read; a
// ParseError in the inner message counts from its start. Padding and properties
// after the inner message are passed over.
func (m *Experimenter) BundleAdd() (*BundleAdd, bool, error) {
	if m.Experimenter != ExperimenterONF || m.ExpType != expTypeBundleAdd {
		return nil, false, nil
	}
	if len(m.Data) < bundleHeaderLen+HeaderLen {
		return nil, true, &ParseError{Msg: TypeExperimenter, Field: "bundle add", Offset: bundleOffset, Err: ErrShort}
	}
	inner := m.Data[bundleHeaderLen:]
	h, err := ParseHeader(inner)
	if err != nil {
		return nil, true, err
	}
	h, message, err := Parse(inner[:min(int(h.Length), len(inner))])
	if err != nil {
		return nil, true, err
	}
	return &BundleAdd{
		ID:      binary.BigEndian.Uint32(m.Data),
		Flags:   BundleFlags(binary.BigEndian.Uint16(m.Data[6:])),
		XID:     h.XID,
		Message: message,
	}, true, nil
}

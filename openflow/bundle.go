package openflow

// The ONF extension for OpenFlow 1.3 that commits messages together (ONF EXT-230).
const (
	ExperimenterONF   uint32 = 0x4f4e4600
	expTypeBundleCtrl uint32 = 2300
	expTypeBundleAdd  uint32 = 2301
)

// BundleControlType is what a bundle control message asks or answers (ONF EXT-230).
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

// BundleControl opens, closes, commits or discards a bundle, or answers that it did (ONF EXT-230).
type BundleControl struct {
	ID    uint32
	Type  BundleControlType
	Flags BundleFlags
}

// BundleAdd adds a message to an open bundle. Its header carries XID as the bundle add's own does, so
// that an error can be matched to it (ONF EXT-230).
type BundleAdd struct {
	ID      uint32
	Flags   BundleFlags
	XID     uint32
	Message Message
}

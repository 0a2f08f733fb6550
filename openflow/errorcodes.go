package openflow

// An ErrorCode is a code of one error type; see [Error.Has] and [NewError].
type ErrorCode interface {
	errorType() ErrorType
	code() uint16
}

// HelloFailedCode is a code of ErrorTypeHelloFailed (§7.4.4).
type HelloFailedCode uint16

// The codes of ErrorTypeHelloFailed (§7.4.4).
const (
	HelloFailedIncompatible HelloFailedCode = 0
	HelloFailedEPerm        HelloFailedCode = 1
)

// BadRequestCode is a code of ErrorTypeBadRequest (§7.4.4).
type BadRequestCode uint16

// The codes of ErrorTypeBadRequest (§7.4.4).
const (
	BadRequestBadVersion              BadRequestCode = 0
	BadRequestBadType                 BadRequestCode = 1
	BadRequestBadMultipart            BadRequestCode = 2
	BadRequestBadExperimenter         BadRequestCode = 3
	BadRequestBadExpType              BadRequestCode = 4
	BadRequestEPerm                   BadRequestCode = 5
	BadRequestBadLen                  BadRequestCode = 6
	BadRequestBufferEmpty             BadRequestCode = 7
	BadRequestBufferUnknown           BadRequestCode = 8
	BadRequestBadTableID              BadRequestCode = 9
	BadRequestIsSlave                 BadRequestCode = 10
	BadRequestBadPort                 BadRequestCode = 11
	BadRequestBadPacket               BadRequestCode = 12
	BadRequestMultipartBufferOverflow BadRequestCode = 13
)

// BadActionCode is a code of ErrorTypeBadAction (§7.4.4).
type BadActionCode uint16

// The codes of ErrorTypeBadAction (§7.4.4).
const (
	BadActionBadType           BadActionCode = 0
	BadActionBadLen            BadActionCode = 1
	BadActionBadExperimenter   BadActionCode = 2
	BadActionBadExpType        BadActionCode = 3
	BadActionBadOutPort        BadActionCode = 4
	BadActionBadArgument       BadActionCode = 5
	BadActionEPerm             BadActionCode = 6
	BadActionTooMany           BadActionCode = 7
	BadActionBadQueue          BadActionCode = 8
	BadActionBadOutGroup       BadActionCode = 9
	BadActionMatchInconsistent BadActionCode = 10
	BadActionUnsupportedOrder  BadActionCode = 11
	BadActionBadTag            BadActionCode = 12
	BadActionBadSetType        BadActionCode = 13
	BadActionBadSetLen         BadActionCode = 14
	BadActionBadSetArgument    BadActionCode = 15
)

// BadInstructionCode is a code of ErrorTypeBadInstruction (§7.4.4).
type BadInstructionCode uint16

// The codes of ErrorTypeBadInstruction (§7.4.4).
const (
	BadInstructionUnknownInst       BadInstructionCode = 0
	BadInstructionUnsupInst         BadInstructionCode = 1
	BadInstructionBadTableID        BadInstructionCode = 2
	BadInstructionUnsupMetadata     BadInstructionCode = 3
	BadInstructionUnsupMetadataMask BadInstructionCode = 4
	BadInstructionBadExperimenter   BadInstructionCode = 5
	BadInstructionBadExpType        BadInstructionCode = 6
	BadInstructionBadLen            BadInstructionCode = 7
	BadInstructionEPerm             BadInstructionCode = 8
	BadInstructionDupInst           BadInstructionCode = 9 // of OpenFlow 1.4; Open vSwitch sends ONF's error 2600 instead
)

// BadMatchCode is a code of ErrorTypeBadMatch (§7.4.4).
type BadMatchCode uint16

// The codes of ErrorTypeBadMatch (§7.4.4).
const (
	BadMatchBadType       BadMatchCode = 0
	BadMatchBadLen        BadMatchCode = 1
	BadMatchBadTag        BadMatchCode = 2
	BadMatchBadDLAddrMask BadMatchCode = 3
	BadMatchBadNWAddrMask BadMatchCode = 4
	BadMatchBadWildcards  BadMatchCode = 5
	BadMatchBadField      BadMatchCode = 6
	BadMatchBadValue      BadMatchCode = 7
	BadMatchBadMask       BadMatchCode = 8
	BadMatchBadPrereq     BadMatchCode = 9
	BadMatchDupField      BadMatchCode = 10
	BadMatchEPerm         BadMatchCode = 11
)

// FlowModFailedCode is a code of ErrorTypeFlowModFailed (§7.4.4).
type FlowModFailedCode uint16

// The codes of ErrorTypeFlowModFailed (§7.4.4).
const (
	FlowModFailedUnknown    FlowModFailedCode = 0
	FlowModFailedTableFull  FlowModFailedCode = 1
	FlowModFailedBadTableID FlowModFailedCode = 2
	FlowModFailedOverlap    FlowModFailedCode = 3
	FlowModFailedEPerm      FlowModFailedCode = 4
	FlowModFailedBadTimeout FlowModFailedCode = 5
	FlowModFailedBadCommand FlowModFailedCode = 6
	FlowModFailedBadFlags   FlowModFailedCode = 7
)

// GroupModFailedCode is a code of ErrorTypeGroupModFailed (§7.4.4).
type GroupModFailedCode uint16

// The codes of ErrorTypeGroupModFailed (§7.4.4).
const (
	GroupModFailedGroupExists         GroupModFailedCode = 0
	GroupModFailedInvalidGroup        GroupModFailedCode = 1
	GroupModFailedWeightUnsupported   GroupModFailedCode = 2
	GroupModFailedOutOfGroups         GroupModFailedCode = 3
	GroupModFailedOutOfBuckets        GroupModFailedCode = 4
	GroupModFailedChainingUnsupported GroupModFailedCode = 5
	GroupModFailedWatchUnsupported    GroupModFailedCode = 6
	GroupModFailedLoop                GroupModFailedCode = 7
	GroupModFailedUnknownGroup        GroupModFailedCode = 8
	GroupModFailedChainedGroup        GroupModFailedCode = 9
	GroupModFailedBadType             GroupModFailedCode = 10
	GroupModFailedBadCommand          GroupModFailedCode = 11
	GroupModFailedBadBucket           GroupModFailedCode = 12
	GroupModFailedBadWatch            GroupModFailedCode = 13
	GroupModFailedEPerm               GroupModFailedCode = 14
)

// PortModFailedCode is a code of ErrorTypePortModFailed (§7.4.4).
type PortModFailedCode uint16

// The codes of ErrorTypePortModFailed (§7.4.4).
const (
	PortModFailedBadPort      PortModFailedCode = 0
	PortModFailedBadHWAddr    PortModFailedCode = 1
	PortModFailedBadConfig    PortModFailedCode = 2
	PortModFailedBadAdvertise PortModFailedCode = 3
	PortModFailedEPerm        PortModFailedCode = 4
)

// TableModFailedCode is a code of ErrorTypeTableModFailed (§7.4.4).
type TableModFailedCode uint16

// The codes of ErrorTypeTableModFailed (§7.4.4).
const (
	TableModFailedBadTable  TableModFailedCode = 0
	TableModFailedBadConfig TableModFailedCode = 1
	TableModFailedEPerm     TableModFailedCode = 2
)

// QueueOpFailedCode is a code of ErrorTypeQueueOpFailed (§7.4.4).
type QueueOpFailedCode uint16

// The codes of ErrorTypeQueueOpFailed (§7.4.4).
const (
	QueueOpFailedBadPort  QueueOpFailedCode = 0
	QueueOpFailedBadQueue QueueOpFailedCode = 1
	QueueOpFailedEPerm    QueueOpFailedCode = 2
)

// SwitchConfigFailedCode is a code of ErrorTypeSwitchConfigFailed (§7.4.4).
type SwitchConfigFailedCode uint16

// The codes of ErrorTypeSwitchConfigFailed (§7.4.4).
const (
	SwitchConfigFailedBadFlags SwitchConfigFailedCode = 0
	SwitchConfigFailedBadLen   SwitchConfigFailedCode = 1
	SwitchConfigFailedEPerm    SwitchConfigFailedCode = 2
)

// RoleRequestFailedCode is a code of ErrorTypeRoleRequestFailed (§7.4.4).
type RoleRequestFailedCode uint16

// The codes of ErrorTypeRoleRequestFailed (§7.4.4).
const (
	RoleRequestFailedStale   RoleRequestFailedCode = 0
	RoleRequestFailedUnsup   RoleRequestFailedCode = 1
	RoleRequestFailedBadRole RoleRequestFailedCode = 2
)

// MeterModFailedCode is a code of ErrorTypeMeterModFailed (§7.4.4).
type MeterModFailedCode uint16

// The codes of ErrorTypeMeterModFailed (§7.4.4).
const (
	MeterModFailedUnknown      MeterModFailedCode = 0
	MeterModFailedMeterExists  MeterModFailedCode = 1
	MeterModFailedInvalidMeter MeterModFailedCode = 2
	MeterModFailedUnknownMeter MeterModFailedCode = 3
	MeterModFailedBadCommand   MeterModFailedCode = 4
	MeterModFailedBadFlags     MeterModFailedCode = 5
	MeterModFailedBadRate      MeterModFailedCode = 6
	MeterModFailedBadBurst     MeterModFailedCode = 7
	MeterModFailedBadBand      MeterModFailedCode = 8
	MeterModFailedBadBandValue MeterModFailedCode = 9
	MeterModFailedOutOfMeters  MeterModFailedCode = 10
	MeterModFailedOutOfBands   MeterModFailedCode = 11
)

// TableFeaturesFailedCode is a code of ErrorTypeTableFeaturesFailed (§7.4.4).
type TableFeaturesFailedCode uint16

// The codes of ErrorTypeTableFeaturesFailed (§7.4.4).
const (
	TableFeaturesFailedBadTable    TableFeaturesFailedCode = 0
	TableFeaturesFailedBadMetadata TableFeaturesFailedCode = 1
	TableFeaturesFailedBadType     TableFeaturesFailedCode = 2
	TableFeaturesFailedBadLen      TableFeaturesFailedCode = 3
	TableFeaturesFailedBadArgument TableFeaturesFailedCode = 4
	TableFeaturesFailedEPerm       TableFeaturesFailedCode = 5
)

func (HelloFailedCode) errorType() ErrorType         { return ErrorTypeHelloFailed }
func (BadRequestCode) errorType() ErrorType          { return ErrorTypeBadRequest }
func (BadActionCode) errorType() ErrorType           { return ErrorTypeBadAction }
func (BadInstructionCode) errorType() ErrorType      { return ErrorTypeBadInstruction }
func (BadMatchCode) errorType() ErrorType            { return ErrorTypeBadMatch }
func (FlowModFailedCode) errorType() ErrorType       { return ErrorTypeFlowModFailed }
func (GroupModFailedCode) errorType() ErrorType      { return ErrorTypeGroupModFailed }
func (PortModFailedCode) errorType() ErrorType       { return ErrorTypePortModFailed }
func (TableModFailedCode) errorType() ErrorType      { return ErrorTypeTableModFailed }
func (QueueOpFailedCode) errorType() ErrorType       { return ErrorTypeQueueOpFailed }
func (SwitchConfigFailedCode) errorType() ErrorType  { return ErrorTypeSwitchConfigFailed }
func (RoleRequestFailedCode) errorType() ErrorType   { return ErrorTypeRoleRequestFailed }
func (MeterModFailedCode) errorType() ErrorType      { return ErrorTypeMeterModFailed }
func (TableFeaturesFailedCode) errorType() ErrorType { return ErrorTypeTableFeaturesFailed }

func (c HelloFailedCode) code() uint16         { return uint16(c) }
func (c BadRequestCode) code() uint16          { return uint16(c) }
func (c BadActionCode) code() uint16           { return uint16(c) }
func (c BadInstructionCode) code() uint16      { return uint16(c) }
func (c BadMatchCode) code() uint16            { return uint16(c) }
func (c FlowModFailedCode) code() uint16       { return uint16(c) }
func (c GroupModFailedCode) code() uint16      { return uint16(c) }
func (c PortModFailedCode) code() uint16       { return uint16(c) }
func (c TableModFailedCode) code() uint16      { return uint16(c) }
func (c QueueOpFailedCode) code() uint16       { return uint16(c) }
func (c SwitchConfigFailedCode) code() uint16  { return uint16(c) }
func (c RoleRequestFailedCode) code() uint16   { return uint16(c) }
func (c MeterModFailedCode) code() uint16      { return uint16(c) }
func (c TableFeaturesFailedCode) code() uint16 { return uint16(c) }

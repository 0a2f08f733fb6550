package ofswitch

import "conga/openflow"

func refusal(t openflow.ErrorType, code uint16) *openflow.Error {
	return &openflow.Error{ErrType: t, Code: code}
}

// sameError reports whether two errors are of the same type and code.
func sameError(a, b *openflow.Error) bool { return a.ErrType == b.ErrType && a.Code == b.Code }

// The errors that the switch gives (§7.5.4). Each is made anew, because the
// answer carries the refused message.
func errBadVersion() *openflow.Error      { return refusal(openflow.ErrorTypeBadRequest, 0) }
func errBadType() *openflow.Error         { return refusal(openflow.ErrorTypeBadRequest, 1) }
func errBadMultipart() *openflow.Error    { return refusal(openflow.ErrorTypeBadRequest, 2) }
func errBadExperimenter() *openflow.Error { return refusal(openflow.ErrorTypeBadRequest, 3) }
func errPermission() *openflow.Error      { return refusal(openflow.ErrorTypeBadRequest, 5) }
func errBadLen() *openflow.Error          { return refusal(openflow.ErrorTypeBadRequest, 6) }
func errBufferUnknown() *openflow.Error   { return refusal(openflow.ErrorTypeBadRequest, 8) }
func errIsSlave() *openflow.Error         { return refusal(openflow.ErrorTypeBadRequest, 10) }
func errBadPort() *openflow.Error         { return refusal(openflow.ErrorTypeBadRequest, 11) }

func errBadActionType() *openflow.Error { return refusal(openflow.ErrorTypeBadAction, 0) }
func errBadActionExp() *openflow.Error  { return refusal(openflow.ErrorTypeBadAction, 2) }
func errBadOutPort() *openflow.Error    { return refusal(openflow.ErrorTypeBadAction, 4) }
func errBadArgument() *openflow.Error   { return refusal(openflow.ErrorTypeBadAction, 5) }
func errBadOutGroup() *openflow.Error   { return refusal(openflow.ErrorTypeBadAction, 9) }
func errInconsistent() *openflow.Error  { return refusal(openflow.ErrorTypeBadAction, 10) }
func errBadTag() *openflow.Error        { return refusal(openflow.ErrorTypeBadAction, 12) }
func errBadSetType() *openflow.Error    { return refusal(openflow.ErrorTypeBadAction, 13) }
func errBadSetLen() *openflow.Error     { return refusal(openflow.ErrorTypeBadAction, 14) }
func errBadSetArg() *openflow.Error     { return refusal(openflow.ErrorTypeBadAction, 15) }

func errUnknownInst() *openflow.Error  { return refusal(openflow.ErrorTypeBadInstruction, 0) }
func errUnsupInst() *openflow.Error    { return refusal(openflow.ErrorTypeBadInstruction, 1) }
func errBadNextTable() *openflow.Error { return refusal(openflow.ErrorTypeBadInstruction, 2) }
func errBadInstExp() *openflow.Error   { return refusal(openflow.ErrorTypeBadInstruction, 5) }

// errDupInst has no code of its own in OpenFlow 1.3; ONF gave it one as an
// extension.
func errDupInst() *openflow.Error { return onfError(2600) }

// onfError returns an error of the ONF's extensions to OpenFlow 1.3.
func onfError(code uint16) *openflow.Error {
	return &openflow.Error{ErrType: openflow.ErrorTypeExperimenter, Code: code, Experimenter: openflow.ExperimenterONF}
}

func errBadMatchLen() *openflow.Error   { return refusal(openflow.ErrorTypeBadMatch, 1) }
func errBadDLMask() *openflow.Error     { return refusal(openflow.ErrorTypeBadMatch, 3) }
func errBadWildcards() *openflow.Error  { return refusal(openflow.ErrorTypeBadMatch, 5) }
func errBadMatchField() *openflow.Error { return refusal(openflow.ErrorTypeBadMatch, 6) }
func errBadValue() *openflow.Error      { return refusal(openflow.ErrorTypeBadMatch, 7) }
func errBadMask() *openflow.Error       { return refusal(openflow.ErrorTypeBadMatch, 8) }
func errBadPrereq() *openflow.Error     { return refusal(openflow.ErrorTypeBadMatch, 9) }
func errDupField() *openflow.Error      { return refusal(openflow.ErrorTypeBadMatch, 10) }

func errTableFull() *openflow.Error  { return refusal(openflow.ErrorTypeFlowModFailed, 1) }
func errBadTable() *openflow.Error   { return refusal(openflow.ErrorTypeFlowModFailed, 2) }
func errOverlap() *openflow.Error    { return refusal(openflow.ErrorTypeFlowModFailed, 3) }
func errBadCommand() *openflow.Error { return refusal(openflow.ErrorTypeFlowModFailed, 6) }
func errBadFlags() *openflow.Error   { return refusal(openflow.ErrorTypeFlowModFailed, 7) }

func errGroupExists() *openflow.Error      { return refusal(openflow.ErrorTypeGroupModFailed, 0) }
func errInvalidGroup() *openflow.Error     { return refusal(openflow.ErrorTypeGroupModFailed, 1) }
func errWatchUnsupported() *openflow.Error { return refusal(openflow.ErrorTypeGroupModFailed, 6) }
func errUnknownGroup() *openflow.Error     { return refusal(openflow.ErrorTypeGroupModFailed, 8) }
func errBadGroupType() *openflow.Error     { return refusal(openflow.ErrorTypeGroupModFailed, 10) }
func errBadGroupCommand() *openflow.Error  { return refusal(openflow.ErrorTypeGroupModFailed, 11) }

func errPortModPort() *openflow.Error { return refusal(openflow.ErrorTypePortModFailed, 0) }
func errPortModHW() *openflow.Error   { return refusal(openflow.ErrorTypePortModFailed, 1) }

func errTableModTable() *openflow.Error { return refusal(openflow.ErrorTypeTableModFailed, 0) }
func errTableModPerm() *openflow.Error  { return refusal(openflow.ErrorTypeTableModFailed, 2) }

func errQueueBadPort() *openflow.Error  { return refusal(openflow.ErrorTypeQueueOpFailed, 0) }
func errQueueBadQueue() *openflow.Error { return refusal(openflow.ErrorTypeQueueOpFailed, 1) }

func errBadConfigFlags() *openflow.Error { return refusal(openflow.ErrorTypeSwitchConfigFailed, 0) }

func errStaleRole() *openflow.Error { return refusal(openflow.ErrorTypeRoleRequestFailed, 0) }
func errBadRole() *openflow.Error   { return refusal(openflow.ErrorTypeRoleRequestFailed, 2) }

func errMeterExists() *openflow.Error  { return refusal(openflow.ErrorTypeMeterModFailed, 1) }
func errInvalidMeter() *openflow.Error { return refusal(openflow.ErrorTypeMeterModFailed, 2) }
func errUnknownMeter() *openflow.Error { return refusal(openflow.ErrorTypeMeterModFailed, 3) }
func errMeterCommand() *openflow.Error { return refusal(openflow.ErrorTypeMeterModFailed, 4) }
func errMeterFlags() *openflow.Error   { return refusal(openflow.ErrorTypeMeterModFailed, 5) }
func errOutOfMeters() *openflow.Error  { return refusal(openflow.ErrorTypeMeterModFailed, 10) }
func errMeterBand() *openflow.Error    { return refusal(openflow.ErrorTypeMeterModFailed, 8) }
func errMeterRate() *openflow.Error    { return refusal(openflow.ErrorTypeMeterModFailed, 6) }
func errMeterBurst() *openflow.Error   { return refusal(openflow.ErrorTypeMeterModFailed, 7) }
func errOutOfBands() *openflow.Error   { return refusal(openflow.ErrorTypeMeterModFailed, 11) }

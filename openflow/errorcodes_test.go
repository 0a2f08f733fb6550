package openflow

import (
	"strings"
	"testing"
)

// errorCodes holds every code with its number and the name that ovs-ofctl has
// for it; where OpenFlow has renamed an error, ovs-ofctl goes by another
// version's name.
var errorCodes = []struct {
	code   ErrorCode
	number uint16
	name   string
}{
	{HelloFailedIncompatible, 0, "OFPHFC_INCOMPATIBLE"},
	{HelloFailedEPerm, 1, "OFPHFC_EPERM"},
	{BadRequestBadVersion, 0, "OFPBRC_BAD_VERSION"},
	{BadRequestBadType, 1, "OFPBRC_BAD_TYPE"},
	{BadRequestBadMultipart, 2, "OFPBRC_BAD_STAT"},
	{BadRequestBadExperimenter, 3, "OFPBRC_BAD_VENDOR"},
	{BadRequestBadExpType, 4, "OFPBRC_BAD_SUBTYPE"},
	{BadRequestEPerm, 5, "OFPBRC_EPERM"},
	{BadRequestBadLen, 6, "OFPBRC_BAD_LEN"},
	{BadRequestBufferEmpty, 7, "OFPBRC_BUFFER_EMPTY"},
	{BadRequestBufferUnknown, 8, "OFPBRC_BUFFER_UNKNOWN"},
	{BadRequestBadTableID, 9, "OFPBRC_BAD_TABLE_ID"},
	{BadRequestIsSlave, 10, "OFPBRC_IS_SECONDARY"},
	{BadRequestBadPort, 11, "OFPBRC_BAD_PORT"},
	{BadRequestBadPacket, 12, "OFPBRC_BAD_PACKET"},
	{BadRequestMultipartBufferOverflow, 13, "OFPBRC_MULTIPART_BUFFER_OVERFLOW"},
	{BadActionBadType, 0, "OFPBAC_BAD_TYPE"},
	{BadActionBadLen, 1, "OFPBAC_BAD_LEN"},
	{BadActionBadExperimenter, 2, "OFPBAC_BAD_VENDOR"},
	{BadActionBadExpType, 3, "OFPBAC_BAD_VENDOR_TYPE"},
	{BadActionBadOutPort, 4, "OFPBAC_BAD_OUT_PORT"},
	{BadActionBadArgument, 5, "OFPBAC_BAD_ARGUMENT"},
	{BadActionEPerm, 6, "OFPBAC_EPERM"},
	{BadActionTooMany, 7, "OFPBAC_TOO_MANY"},
	{BadActionBadQueue, 8, "OFPBAC_BAD_QUEUE"},
	{BadActionBadOutGroup, 9, "OFPBAC_BAD_OUT_GROUP"},
	{BadActionMatchInconsistent, 10, "OFPBAC_MATCH_INCONSISTENT"},
	{BadActionUnsupportedOrder, 11, "OFPBAC_UNSUPPORTED_ORDER"},
	{BadActionBadTag, 12, "OFPBAC_BAD_TAG"},
	{BadActionBadSetType, 13, "OFPBAC_BAD_SET_TYPE"},
	{BadActionBadSetLen, 14, "OFPBAC_BAD_SET_LEN"},
	{BadActionBadSetArgument, 15, "OFPBAC_BAD_SET_ARGUMENT"},
	{BadInstructionUnknownInst, 0, "OFPBIC_UNKNOWN_INST"},
	{BadInstructionUnsupInst, 1, "OFPBIC_UNSUP_INST"},
	{BadInstructionBadTableID, 2, "OFPBIC_BAD_TABLE_ID"},
	{BadInstructionUnsupMetadata, 3, "OFPBIC_UNSUP_METADATA"},
	{BadInstructionUnsupMetadataMask, 4, "OFPBIC_UNSUP_METADATA_MASK"},
	{BadInstructionBadExperimenter, 5, "OFPBIC_BAD_EXPERIMENTER"},
	{BadInstructionBadExpType, 6, "OFPBIC_BAD_EXP_TYPE"},
	{BadInstructionBadLen, 7, "OFPBIC_BAD_LEN"},
	{BadInstructionEPerm, 8, "OFPBIC_EPERM"},
	{BadMatchBadType, 0, "OFPBMC_BAD_TYPE"},
	{BadMatchBadLen, 1, "OFPBMC_BAD_LEN"},
	{BadMatchBadTag, 2, "OFPBMC_BAD_TAG"},
	{BadMatchBadDLAddrMask, 3, "OFPBMC_BAD_DL_ADDR_MASK"},
	{BadMatchBadNWAddrMask, 4, "OFPBMC_BAD_NW_ADDR_MASK"},
	{BadMatchBadWildcards, 5, "OFPBMC_BAD_WILDCARDS"},
	{BadMatchBadField, 6, "OFPBMC_BAD_FIELD"},
	{BadMatchBadValue, 7, "OFPBMC_BAD_VALUE"},
	{BadMatchBadMask, 8, "OFPBMC_BAD_MASK"},
	{BadMatchBadPrereq, 9, "OFPBMC_BAD_PREREQ"},
	{BadMatchDupField, 10, "OFPBMC_DUP_FIELD"},
	{BadMatchEPerm, 11, "OFPBMC_EPERM"},
	{FlowModFailedUnknown, 0, "OFPFMFC_UNKNOWN"},
	{FlowModFailedTableFull, 1, "OFPFMFC_TABLE_FULL"},
	{FlowModFailedBadTableID, 2, "OFPFMFC_BAD_TABLE_ID"},
	{FlowModFailedOverlap, 3, "OFPFMFC_OVERLAP"},
	{FlowModFailedEPerm, 4, "OFPFMFC_EPERM"},
	{FlowModFailedBadTimeout, 5, "OFPFMFC_BAD_TIMEOUT"},
	{FlowModFailedBadCommand, 6, "OFPFMFC_BAD_COMMAND"},
	{FlowModFailedBadFlags, 7, "OFPFMFC_BAD_FLAGS"},
	{GroupModFailedGroupExists, 0, "OFPGMFC_GROUP_EXISTS"},
	{GroupModFailedInvalidGroup, 1, "OFPGMFC_INVALID_GROUP"},
	{GroupModFailedWeightUnsupported, 2, "OFPGMFC_WEIGHT_UNSUPPORTED"},
	{GroupModFailedOutOfGroups, 3, "OFPGMFC_OUT_OF_GROUPS"},
	{GroupModFailedOutOfBuckets, 4, "OFPGMFC_OUT_OF_BUCKETS"},
	{GroupModFailedChainingUnsupported, 5, "OFPGMFC_CHAINING_UNSUPPORTED"},
	{GroupModFailedWatchUnsupported, 6, "OFPGMFC_WATCH_UNSUPPORTED"},
	{GroupModFailedLoop, 7, "OFPGMFC_LOOP"},
	{GroupModFailedUnknownGroup, 8, "OFPGMFC_UNKNOWN_GROUP"},
	{GroupModFailedChainedGroup, 9, "OFPGMFC_CHAINED_GROUP"},
	{GroupModFailedBadType, 10, "OFPGMFC_BAD_TYPE"},
	{GroupModFailedBadCommand, 11, "OFPGMFC_BAD_COMMAND"},
	{GroupModFailedBadBucket, 12, "OFPGMFC_BAD_BUCKET"},
	{GroupModFailedBadWatch, 13, "OFPGMFC_BAD_WATCH"},
	{GroupModFailedEPerm, 14, "OFPGMFC_EPERM"},
	{PortModFailedBadPort, 0, "OFPPMFC_BAD_PORT"},
	{PortModFailedBadHWAddr, 1, "OFPPMFC_BAD_HW_ADDR"},
	{PortModFailedBadConfig, 2, "OFPPMFC_BAD_CONFIG"},
	{PortModFailedBadAdvertise, 3, "OFPPMFC_BAD_ADVERTISE"},
	{PortModFailedEPerm, 4, "OFPPMFC_EPERM"},
	{TableModFailedBadTable, 0, "OFPTMFC_BAD_TABLE"},
	{TableModFailedBadConfig, 1, "OFPTMFC_BAD_CONFIG"},
	{TableModFailedEPerm, 2, "OFPTMFC_EPERM"},
	{QueueOpFailedBadPort, 0, "OFPQOFC_BAD_PORT"},
	{QueueOpFailedBadQueue, 1, "OFPQOFC_BAD_QUEUE"},
	{QueueOpFailedEPerm, 2, "OFPQOFC_EPERM"},
	{SwitchConfigFailedBadFlags, 0, "OFPSCFC_BAD_FLAGS"},
	{SwitchConfigFailedBadLen, 1, "OFPSCFC_BAD_LEN"},
	{SwitchConfigFailedEPerm, 2, "OFPSCFC_EPERM"},
	{RoleRequestFailedStale, 0, "OFPRRFC_STALE"},
	{RoleRequestFailedUnsup, 1, "OFPRRFC_UNSUP"},
	{RoleRequestFailedBadRole, 2, "OFPRRFC_BAD_ROLE"},
	{MeterModFailedUnknown, 0, "OFPMMFC_UNKNOWN"},
	{MeterModFailedMeterExists, 1, "OFPMMFC_METER_EXISTS"},
	{MeterModFailedInvalidMeter, 2, "OFPMMFC_INVALID_METER"},
	{MeterModFailedUnknownMeter, 3, "OFPMMFC_UNKNOWN_METER"},
	{MeterModFailedBadCommand, 4, "OFPMMFC_BAD_COMMAND"},
	{MeterModFailedBadFlags, 5, "OFPMMFC_BAD_FLAGS"},
	{MeterModFailedBadRate, 6, "OFPMMFC_BAD_RATE"},
	{MeterModFailedBadBurst, 7, "OFPMMFC_BAD_BURST"},
	{MeterModFailedBadBand, 8, "OFPMMFC_BAD_BAND"},
	{MeterModFailedBadBandValue, 9, "OFPMMFC_BAD_BAND_VALUE"},
	{MeterModFailedOutOfMeters, 10, "OFPMMFC_OUT_OF_METERS"},
	{MeterModFailedOutOfBands, 11, "OFPMMFC_OUT_OF_BANDS"},
	{TableFeaturesFailedBadTable, 0, "OFPTFFC_BAD_TABLE"},
	{TableFeaturesFailedBadMetadata, 1, "OFPTFFC_BAD_METADATA"},
	{TableFeaturesFailedBadType, 2, "OFPBPC_BAD_TYPE"},
	{TableFeaturesFailedBadLen, 3, "OFPBPC_BAD_LEN"},
	{TableFeaturesFailedBadArgument, 4, "OFPBPC_BAD_VALUE"},
	{TableFeaturesFailedEPerm, 5, "OFPTFFC_EPERM"},
}

// onfErrors are the errors that ONF added to OpenFlow 1.3 as an experimenter.
var onfErrors = map[uint16]string{
	2300: "OFPBFC_UNKNOWN", 2301: "OFPBFC_EPERM", 2302: "OFPBFC_BAD_ID", 2303: "OFPBFC_BUNDLE_EXIST", 2304: "OFPBFC_BUNDLE_CLOSED",
	2305: "OFPBFC_OUT_OF_BUNDLES", 2306: "OFPBFC_BAD_TYPE", 2307: "OFPBFC_BAD_FLAGS", 2308: "OFPBFC_MSG_BAD_LEN",
	2309: "OFPBFC_MSG_BAD_XID", 2310: "OFPBFC_MSG_UNSUP", 2311: "OFPBFC_MSG_CONFLICT", 2312: "OFPBFC_MSG_TOO_MANY",
	2313: "OFPBFC_MSG_FAILED", 2314: "OFPBFC_TIMEOUT", 2315: "OFPBFC_BUNDLE_IN_PROGRESS", 2360: "OFPFMFC_BAD_PRIORITY",
	2600: "OFPBIC_DUP_INST", 2640: "OFPBRC_MULTIPART_REQUEST_TIMEOUT", 2641: "OFPBRC_MULTIPART_REPLY_TIMEOUT",
	4250: "OFPBAC_BAD_SET_MASK",
}

func TestErrorNumbers(t *testing.T) {
	for _, c := range errorCodes {
		e := NewError(c.code, nil)
		if e.Code != c.number || !e.Has(c.code) {
			t.Errorf("%s is %d, want %d", c.name, e.Code, c.number)
		}
		if text := e.Error(); strings.Contains(text, "code ") || strings.Contains(text, "error type") {
			t.Errorf("%s has no text: %q", c.name, text)
		}
	}
	for code, name := range onfErrors {
		e := &Error{ErrType: ErrorTypeExperimenter, Experimenter: ExperimenterONF, Code: code}
		if strings.Contains(e.Error(), "experimenter") {
			t.Errorf("%s has no text: %q", name, e)
		}
	}
}

// TestOpenVSwitchNamesErrors demands that ovs-ofctl takes every error for what
// it is meant to be.
func TestOpenVSwitchNamesErrors(t *testing.T) {
	var messages []printed
	for _, c := range errorCodes {
		messages = append(messages, printed{NewError(c.code, nil), "OFPT_ERROR", " " + c.name + "\n"})
	}
	for code, name := range onfErrors {
		e := &Error{ErrType: ErrorTypeExperimenter, Experimenter: ExperimenterONF, Code: code}
		messages = append(messages, printed{e, "OFPT_ERROR", " " + name + "\n"})
	}
	texts := printAll(t, messages)
	for i, p := range messages {
		if _, text, _ := strings.Cut(texts[i], "):"); !strings.HasPrefix(text, p.text) {
			t.Errorf("%v: ovs-ofctl prints%swant%s", p.m, text, p.text)
		}
	}
}

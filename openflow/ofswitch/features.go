package ofswitch

import "conga/openflow"

// actionTypes are the actions that the switch can do.
var actionTypes = []openflow.ActionType{
	openflow.ActionOutput, openflow.ActionSetMPLSTTL, openflow.ActionDecMPLSTTL, openflow.ActionPushVLAN,
	openflow.ActionPopVLAN, openflow.ActionPushMPLS, openflow.ActionPopMPLS, openflow.ActionSetQueue,
	openflow.ActionGroup, openflow.ActionSetNwTTL, openflow.ActionDecNwTTL, openflow.ActionSetField,
}

func groupFeatures() *openflow.GroupFeatures {
	var actions uint32
	for _, a := range actionTypes {
		actions |= 1 << a
	}
	f := &openflow.GroupFeatures{
		Types:        1<<openflow.GroupTypeAll | 1<<openflow.GroupTypeSelect | 1<<openflow.GroupTypeIndirect | 1<<openflow.GroupTypeFF,
		Capabilities: openflow.GroupCapSelectWeight | openflow.GroupCapSelectLiveness | openflow.GroupCapChaining,
	}
	for i := range f.MaxGroups {
		f.MaxGroups[i], f.Actions[i] = uint32(openflow.GroupMax), actions
	}
	return f
}

func (s *Switch) meterFeatures() *openflow.MeterFeatures {
	if s.cfg.MaxMeters == 0 {
		return &openflow.MeterFeatures{}
	}
	f := &openflow.MeterFeatures{
		MaxMeter: s.cfg.MaxMeters, BandTypes: 1 << openflow.MeterBandDrop, Capabilities: uint32(meterFlags),
		MaxBands: maxBands,
	}
	if change := s.cfg.Habits.MeterFeatures; change != nil {
		change(f)
	}
	return f
}

// tableFeaturesLocked describes every table in a part of its own, as Open
// vSwitch does.
func (s *Switch) tableFeaturesLocked() []openflow.MultipartReplyBody {
	var parts []openflow.MultipartReplyBody
	for i := range s.tables {
		parts = append(parts, openflow.TableFeaturesReply{{
			Table: openflow.TableID(i), Name: "", MetadataMatch: ^uint64(0), MetadataWrite: ^uint64(0),
			MaxEntries: uint32(s.cfg.MaxEntries), Properties: tableProperties(i, len(s.tables)),
		}})
	}
	return parts
}

func tableProperties(id, tables int) []openflow.TableProperty {
	instructions := []openflow.InstructionID{
		{Type: openflow.InstructionWriteMetadata}, {Type: openflow.InstructionWriteActions},
		{Type: openflow.InstructionApplyActions}, {Type: openflow.InstructionClearActions},
		{Type: openflow.InstructionMeter},
	}
	var next []openflow.TableID
	for t := id + 1; t < tables; t++ {
		next = append(next, openflow.TableID(t))
	}
	if len(next) > 0 {
		instructions = append(instructions, openflow.InstructionID{Type: openflow.InstructionGotoTable})
	}
	var actions []openflow.ActionID
	for _, a := range actionTypes {
		actions = append(actions, openflow.ActionID{Type: a})
	}
	match, set := fieldIDs()
	return []openflow.TableProperty{
		{Type: openflow.TablePropInstructions, Instructions: instructions},
		{Type: openflow.TablePropNextTables, Tables: next},
		{Type: openflow.TablePropWriteActions, Actions: actions},
		{Type: openflow.TablePropApplyActions, Actions: actions},
		{Type: openflow.TablePropMatch, Fields: match},
		{Type: openflow.TablePropWildcards, Fields: match},
		{Type: openflow.TablePropWriteSetField, Fields: set},
		{Type: openflow.TablePropApplySetField, Fields: set},
	}
}

// fieldIDs returns the fields that can be matched and those that can be set.
func fieldIDs() (match, set []openflow.OXMID) {
	for f := openflow.FieldInPort; int(f) < len(slots); f++ {
		if !supported(f) {
			continue
		}
		id := openflow.OXMID{Class: openflow.OXMClassBasic, Field: f, Masked: maskable(f), Length: uint8(f.Len())}
		if id.Masked {
			id.Length *= 2
		}
		match = append(match, id)
		if settable(f) {
			set = append(set, openflow.OXMID{Class: openflow.OXMClassBasic, Field: f, Length: uint8(f.Len())})
		}
	}
	return match, set
}

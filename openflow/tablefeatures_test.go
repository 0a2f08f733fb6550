package openflow

import (
	"errors"
	"testing"
)

var sampleTableFeatures = []TableFeatures{
	{
		Table: 1, Name: "classifier", MetadataMatch: ^uint64(0), MetadataWrite: 0xff, Config: 3, MaxEntries: 1_000_000,
		Properties: []TableProperty{
			{Type: TablePropInstructions, Instructions: []InstructionID{
				{Type: InstructionGotoTable}, {Type: InstructionMeter},
				{Type: InstructionExperimenter, Experimenter: 0x2320, Data: "\x01\x02\x03\x04"},
			}},
			{Type: TablePropInstructionsMiss},
			{Type: TablePropNextTables, Tables: []TableID{2, 3, 4}},
			{Type: TablePropNextTablesMiss, Tables: []TableID{2}},
			{Type: TablePropWriteActions, Actions: []ActionID{{Type: ActionOutput}, {Type: ActionSetField}}},
			{Type: TablePropWriteActionsMiss, Actions: []ActionID{{Type: ActionOutput}}},
			{Type: TablePropApplyActions, Actions: []ActionID{{Type: ActionGroup}, {Type: ActionExperimenter, Experimenter: 9}}},
			{Type: TablePropApplyActionsMiss, Actions: []ActionID{{Type: ActionOutput}}},
			{Type: TablePropMatch, Fields: []OXMID{
				{Class: OXMClassBasic, Field: FieldInPort, Length: 4},
				{Class: OXMClassBasic, Field: FieldEthDst, Masked: true, Length: 12},
				{Class: OXMClassExperimenter, Field: 42, Length: 6, Experimenter: ExperimenterONF},
			}},
			{Type: TablePropWildcards, Fields: []OXMID{{Class: OXMClassBasic, Field: FieldInPort, Length: 4}}},
			{Type: TablePropWriteSetField, Fields: []OXMID{{Class: OXMClassBasic, Field: FieldIPDSCP, Length: 1}}},
			{Type: TablePropWriteSetFieldMiss},
			{Type: TablePropApplySetField, Fields: []OXMID{{Class: OXMClassBasic, Field: FieldIPDSCP, Length: 1}}},
			{Type: TablePropApplySetFieldMiss},
			{Type: TablePropExperimenter, Data: []byte{0, 0, 0x23, 0x20, 0, 0, 0, 1, 5}},
			{Type: 99, Data: []byte{1}},
		},
	},
	{Table: 2, MaxEntries: 10},
}

var tableSamples = []sample{
	{"table stats reply", NewMultipartReply(TableStatsReply{
		{Table: 0, ActiveCount: 1, LookupCount: 2, MatchedCount: 3}, {Table: 253},
	})},
	{"table features request", NewMultipartRequest(TableFeaturesRequest(nil))},
	{"table features set", NewMultipartRequest(TableFeaturesRequest(sampleTableFeatures))},
	{"table features reply", NewMultipartReply(TableFeaturesReply(sampleTableFeatures))},
}

func TestTableFeaturesRefuses(t *testing.T) {
	reply := NewMultipartReply(TableFeaturesReply{{Properties: []TableProperty{
		{Type: TablePropInstructions, Instructions: []InstructionID{{Type: InstructionMeter}}},
	}}})
	const property = 16 + tableFeaturesLen
	for name, test := range map[string]struct {
		at   int
		v    byte
		want error
	}{
		"features of 63 bytes":          {17, 63, ErrLength},
		"features beyond the end":       {17, 200, ErrShort},
		"property of 3 bytes":           {property + 3, 3, ErrLength},
		"property beyond the end":       {property + 3, 9, ErrShort},
		"instruction ID of 3 bytes":     {property + 7, 3, ErrLength},
		"instruction ID beyond the end": {property + 7, 5, ErrShort},
	} {
		err := mutate(t, reply, func(b []byte) []byte { b[test.at] = test.v; return b })
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

package openflow

// TableStatsReply lists table counters (§7.3.5.4).
type TableStatsReply []TableStats

// TableStats are the counters of one flow table (§7.3.5.4).
type TableStats struct {
	Table        TableID
	ActiveCount  uint32 // flow entries
	LookupCount  uint64 // packets looked up
	MatchedCount uint64 // packets that found an entry
}

// TableFeaturesRequest asks for the features of all tables when empty, and sets them otherwise
// (§7.3.5.5).
type TableFeaturesRequest []TableFeatures

// TableFeaturesReply lists what each table can do (§7.3.5.5).
type TableFeaturesReply []TableFeatures

// TableFeatures is what one table can do (§7.3.5.5).
type TableFeatures struct {
	Table         TableID
	Name          string // at most 31 bytes
	MetadataMatch uint64 // metadata bits the table can match
	MetadataWrite uint64 // metadata bits the table can write
	Config        TableConfig
	MaxEntries    uint32
	Properties    []TableProperty
}

// TablePropertyType is the kind of a table feature property. For types below TablePropNextTablesMiss
// and others that come in pairs, an odd type is for the table-miss entry and the even one before it for
// all other entries (§7.3.5.5.2).
type TablePropertyType uint16

// The table feature property types (§7.3.5.5.2).
const (
	TablePropInstructions      TablePropertyType = 0
	TablePropInstructionsMiss  TablePropertyType = 1
	TablePropNextTables        TablePropertyType = 2
	TablePropNextTablesMiss    TablePropertyType = 3
	TablePropWriteActions      TablePropertyType = 4
	TablePropWriteActionsMiss  TablePropertyType = 5
	TablePropApplyActions      TablePropertyType = 6
	TablePropApplyActionsMiss  TablePropertyType = 7
	TablePropMatch             TablePropertyType = 8
	TablePropWildcards         TablePropertyType = 10
	TablePropWriteSetField     TablePropertyType = 12
	TablePropWriteSetFieldMiss TablePropertyType = 13
	TablePropApplySetField     TablePropertyType = 14
	TablePropApplySetFieldMiss TablePropertyType = 15
	TablePropExperimenter      TablePropertyType = 0xfffe
	TablePropExperimenterMiss  TablePropertyType = 0xffff
)

// A TableProperty is one property of a table's features (§7.3.5.5.2). Type says which of the other
// fields count.
type TableProperty struct {
	Type         TablePropertyType
	Instructions []InstructionID // instructions
	Tables       []TableID       // next tables
	Actions      []ActionID      // write and apply actions
	Fields       []OXMID         // match, wildcards, and the fields that set field can write
	Data         []byte          // experimenter and unknown properties: what follows type and length
}

// An InstructionID names a kind of instruction in table features (§7.3.5.5.2).
type InstructionID struct {
	Type         InstructionType
	Experimenter uint32 // with InstructionExperimenter: whose
	Data         string // with InstructionExperimenter: what follows
}

// An ActionID names a kind of action in table features (§7.3.5.5.2).
type ActionID struct {
	Type         ActionType
	Experimenter uint32 // with ActionExperimenter: whose
	Data         string // with ActionExperimenter: what follows
}

// An OXMID names a match field in table features (§7.3.5.5.2).
type OXMID struct {
	Class        OXMClass
	Field        Field
	Masked       bool   // the field can be masked
	Length       uint8  // bytes of the field's payload
	Experimenter uint32 // with OXMClassExperimenter: whose
}

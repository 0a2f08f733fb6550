package openflow

// InstructionType is the kind of an instruction (§7.2.4).
type InstructionType uint16

// The instruction types (§7.2.4).
const (
	InstructionGotoTable     InstructionType = 1
	InstructionWriteMetadata InstructionType = 2
	InstructionWriteActions  InstructionType = 3
	InstructionApplyActions  InstructionType = 4
	InstructionClearActions  InstructionType = 5
	InstructionMeter         InstructionType = 6
	InstructionExperimenter  InstructionType = 0xffff
)

// An Instruction is what a flow entry does with a matching packet (§7.2.4). Type says which of the other
// fields count.
type Instruction struct {
	Type         InstructionType
	Table        TableID  // goto table
	Meter        MeterID  // meter
	Metadata     uint64   // write metadata
	MetadataMask uint64   // write metadata: which bits
	Actions      []Action // write and apply actions
	Raw          string   // experimenter and unknown types: what follows type and length
}

// GotoTable sends the packet on to a later table (§7.2.4).
func GotoTable(t TableID) Instruction { return Instruction{Type: InstructionGotoTable, Table: t} }

// WriteMetadata sets the metadata bits in mask to those of v (§7.2.4).
func WriteMetadata(v, mask uint64) Instruction {
	return Instruction{Type: InstructionWriteMetadata, Metadata: v, MetadataMask: mask}
}

// ApplyActions does the actions at once, in order (§7.2.4).
func ApplyActions(actions ...Action) Instruction {
	return Instruction{Type: InstructionApplyActions, Actions: actions}
}

// WriteActions puts the actions into the action set (§7.2.4).
func WriteActions(actions ...Action) Instruction {
	return Instruction{Type: InstructionWriteActions, Actions: actions}
}

// ClearActions empties the action set (§7.2.4).
func ClearActions() Instruction { return Instruction{Type: InstructionClearActions} }

// Meter passes the packet through a meter first (§7.2.4).
func Meter(id MeterID) Instruction { return Instruction{Type: InstructionMeter, Meter: id} }

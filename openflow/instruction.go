package openflow

import "encoding/binary"

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

// An Instruction is what a flow entry does with a matching packet (§7.2.4).
// Type says which of the other fields count.
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

// instructions reads instructions up to the cursor's end.
func (c *cursor) instructions() []Instruction {
	n := c.countTLVs("instruction", 8)
	if n == 0 {
		return nil
	}
	ins := c.ins.take(n)
	for i := range ins {
		c.instruction(&ins[i])
	}
	return ins
}

// instruction reads one instruction, whose length countTLVs has checked, into a
// zero in.
func (c *cursor) instruction(in *Instruction) {
	if c.err != nil {
		return
	}
	start := c.off
	p := c.b[start:]
	n := int(binary.BigEndian.Uint16(p[2:]))
	p = p[:n:n]
	c.off += n
	in.Type = InstructionType(binary.BigEndian.Uint16(p))
	want := 8
	word := binary.BigEndian.Uint32(p[4:])
	switch in.Type {
	case InstructionGotoTable:
		in.Table = TableID(word >> 24)
		c.odd |= uint64(word << 8)
	case InstructionMeter:
		in.Meter = MeterID(word)
	case InstructionClearActions:
		c.odd |= uint64(word)
	case InstructionWriteMetadata:
		want = 24
		c.odd |= uint64(word)
		if n == want {
			in.Metadata = binary.BigEndian.Uint64(p[8:])
			in.MetadataMask = binary.BigEndian.Uint64(p[16:])
		}
	case InstructionWriteActions, InstructionApplyActions:
		c.odd |= uint64(word)
		outer := c.end
		c.off, c.end = start+8, start+n
		in.Actions = c.actions()
		c.end = outer
		return
	default:
		in.Raw = string(p[4:])
		return
	}
	if n != want {
		c.fail("instruction length", start+2, ErrLength)
	}
}

func appendInstructions(dst []byte, ins []Instruction) ([]byte, error) {
	for i := range ins {
		in := &ins[i]
		head := uint64(in.Type)<<48 | 8<<32
		switch in.Type {
		case InstructionGotoTable:
			dst = binary.BigEndian.AppendUint64(dst, head|uint64(in.Table)<<24)
		case InstructionMeter:
			dst = binary.BigEndian.AppendUint64(dst, head|uint64(in.Meter))
		case InstructionClearActions:
			dst = binary.BigEndian.AppendUint64(dst, head)
		case InstructionWriteMetadata:
			dst = binary.BigEndian.AppendUint64(dst, head|24<<32)
			dst = binary.BigEndian.AppendUint64(dst, in.Metadata)
			dst = binary.BigEndian.AppendUint64(dst, in.MetadataMask)
		case InstructionWriteActions, InstructionApplyActions:
			start := len(dst)
			out, err := appendActions(binary.BigEndian.AppendUint64(dst, head), in.Actions)
			if err == nil {
				err = putLength(out, start, 2, "instruction")
			}
			if err != nil {
				return nil, err
			}
			dst = out
		default:
			n := 4 + len(in.Raw)
			if n < 8 || n%8 != 0 || n > MaxLen {
				return nil, appendError("raw instruction", ErrLength)
			}
			dst = binary.BigEndian.AppendUint32(dst, uint32(in.Type)<<16|uint32(n))
			dst = append(dst, in.Raw...)
		}
	}
	return dst, nil
}

package ofswitch

import (
	"cmp"
	"slices"

	"conga/openflow"
)

// A program is the instructions of a flow entry, ready to run. They run in the
// order of the fields, whatever their order in the message (§5.9). Entries with
// the same instructions share one.
type program struct {
	meter    openflow.MeterID // 0: none
	apply    []openflow.Action
	clear    bool
	listed   []openflow.Action // write actions as they came
	write    actionSet         // what is left of them when each kind is there once
	metadata uint64
	mask     uint64
	next     int // table, -1: none

	wire  string // the instructions in a dump
	name  string // the instructions as they came, by which the program is found again
	users int    // how many entries have it
	plain bool   // its actions fit every packet
}

// outputsTo reports whether an action outputs to port and one uses group; the
// wildcards are always true.
func (p *program) outputsTo(port openflow.PortNo, group openflow.GroupID) bool {
	return (port == openflow.PortAny || p.any(func(a openflow.Action) bool {
		return a.Type == openflow.ActionOutput && a.Port == port
	})) && (group == openflow.GroupAny || p.any(func(a openflow.Action) bool {
		return a.Type == openflow.ActionGroup && a.Group == group
	}))
}

func (p *program) any(fn func(openflow.Action) bool) bool {
	return slices.ContainsFunc(p.apply, fn) || slices.ContainsFunc(p.listed, fn)
}

// instructionOrder returns the rank of a type in the order of execution, which
// is also the order of dumps.
func instructionOrder(t openflow.InstructionType) int {
	return slices.Index([]openflow.InstructionType{
		openflow.InstructionMeter, openflow.InstructionApplyActions, openflow.InstructionClearActions,
		openflow.InstructionWriteActions, openflow.InstructionWriteMetadata, openflow.InstructionGotoTable,
	}, t)
}

// sortedInstructions returns a copy in the order of execution, without those
// that do nothing.
func sortedInstructions(in []openflow.Instruction) []openflow.Instruction {
	out := slices.DeleteFunc(slices.Clone(in), func(i openflow.Instruction) bool {
		switch i.Type {
		case openflow.InstructionApplyActions, openflow.InstructionWriteActions:
			return len(i.Actions) == 0
		}
		return false
	})
	slices.SortStableFunc(out, func(a, b openflow.Instruction) int {
		return cmp.Compare(instructionOrder(a.Type), instructionOrder(b.Type))
	})
	return out
}

// resolvableLocked refuses a program that uses a meter or a group that is not
// there.
func (s *Switch) resolvableLocked(p *program) (err *openflow.Error) {
	if p.meter != 0 && s.meters[p.meter] == nil {
		return errInvalidMeter()
	}
	missing := p.any(func(a openflow.Action) bool {
		return a.Type == openflow.ActionGroup && s.groups[a.Group] == nil
	})
	if missing {
		return errBadOutGroup()
	}
	return nil
}

// assembleLocked checks the instructions of a flow entry and makes its program,
// or finds it. What it names need not be there yet; see resolvable.
func (s *Switch) assembleLocked(id openflow.TableID, rule *ruleMatch, in []openflow.Instruction) (*program, *openflow.Error) {
	s.scratch = appendInstructions(s.scratch[:0], in)
	p := s.programs[string(s.scratch)]
	if p == nil {
		var err *openflow.Error
		if p, err = newProgram(in); err != nil {
			return nil, err
		}
		p.name = string(s.scratch)
	}
	check := actionCheck{port: s.cfg.MaxPort}
	if !p.plain {
		check.rule = *rule
		if err := check.all(p.apply); err != nil {
			return nil, err
		}
		check.inSet = true
		if err := check.all(p.listed); err != nil {
			return nil, err
		}
	}
	if p.next >= 0 && (p.next <= int(id) || (p.next >= len(s.tables) && !s.isInternalLocked(openflow.TableID(p.next)))) {
		return nil, errBadNextTable()
	}
	if err := check.remaining(); err != nil {
		return nil, err
	}
	return p, nil
}

// appendInstructions appends instructions as they are on the wire.
func appendInstructions(dst []byte, in []openflow.Instruction) []byte {
	start := len(dst)
	dst, _ = openflow.Append(dst, 0, &openflow.FlowMod{Instructions: in}) // they were parsed
	const before = openflow.HeaderLen + 40 + 8                            // the flow mod's own fields and an empty match
	if len(dst) < start+before {
		return dst[:start]
	}
	return append(dst[:start], dst[start+before:]...)
}

// newProgram makes a program of instructions, which it copies.
func newProgram(in []openflow.Instruction) (*program, *openflow.Error) {
	in = slices.Clone(in)
	for i := range in {
		in[i].Actions = slices.Clone(in[i].Actions)
	}
	p := &program{next: -1}
	seen := map[openflow.InstructionType]bool{}
	for i := range in {
		if err := p.add(&in[i]); err != nil {
			return nil, err
		}
		if seen[in[i].Type] {
			return nil, errDupInst()
		}
		seen[in[i].Type] = true
	}
	p.write = actionSet(nil).with(p.listed)
	p.wire = string(appendInstructions(nil, sortedInstructions(in)))
	p.plain = !p.any(func(a openflow.Action) bool {
		switch a.Type {
		case openflow.ActionOutput:
			return checkOutPort(a.Port, maxPort) != nil
		case openflow.ActionGroup, openflow.ActionSetQueue:
			return false
		}
		return true
	})
	return p, nil
}

// retainLocked counts an entry that has the program.
func (s *Switch) retainLocked(p *program) {
	if p.users++; p.users == 1 && s.programs[p.name] == nil {
		s.programs[p.name] = p
	}
}

// releaseLocked forgets an entry that had the program, and the program with the
// last of them.
func (s *Switch) releaseLocked(p *program) {
	if p.users--; p.users == 0 && s.programs[p.name] == p {
		delete(s.programs, p.name)
	}
}

func (p *program) add(in *openflow.Instruction) *openflow.Error {
	switch in.Type {
	case openflow.InstructionMeter:
		if in.Meter == 0 {
			return errInvalidMeter()
		}
		p.meter = in.Meter
	case openflow.InstructionApplyActions:
		p.apply = in.Actions
	case openflow.InstructionClearActions:
		p.clear = true
	case openflow.InstructionWriteActions:
		p.listed = in.Actions
	case openflow.InstructionWriteMetadata:
		p.metadata, p.mask = in.Metadata, in.MetadataMask
	case openflow.InstructionGotoTable:
		p.next = int(in.Table)
	case openflow.InstructionExperimenter:
		return errBadInstExp()
	default:
		return errUnknownInst()
	}
	return nil
}

// An actionSet is the action set of a packet: at most one action of a kind, and
// one set-field a field (§5.10).
type actionSet []openflow.Action

func (set actionSet) with(actions []openflow.Action) actionSet {
	out := slices.Clone(set)
	for _, a := range actions {
		at := slices.IndexFunc(out, func(b openflow.Action) bool {
			return a.Type == b.Type && (a.Type != openflow.ActionSetField || a.Field.Field() == b.Field.Field())
		})
		if at >= 0 {
			out[at] = a
		} else {
			out = append(out, a)
		}
	}
	return out
}

// actionSetOrder is the order in which the kinds of actions of a set run
// (§5.10).
var actionSetOrder = []openflow.ActionType{
	openflow.ActionCopyTTLIn, openflow.ActionPopVLAN, openflow.ActionPopMPLS, openflow.ActionPushMPLS,
	openflow.ActionPushVLAN, openflow.ActionCopyTTLOut, openflow.ActionDecMPLSTTL, openflow.ActionDecNwTTL,
	openflow.ActionSetMPLSTTL, openflow.ActionSetNwTTL, openflow.ActionSetField, openflow.ActionSetQueue,
	openflow.ActionGroup, openflow.ActionOutput,
}

// ordered returns the actions as they run; a group runs instead of an output.
func (set actionSet) ordered() []openflow.Action {
	out := slices.Clone(set)
	slices.SortStableFunc(out, func(a, b openflow.Action) int {
		return cmp.Compare(slices.Index(actionSetOrder, a.Type), slices.Index(actionSetOrder, b.Type))
	})
	if slices.ContainsFunc(out, func(a openflow.Action) bool { return a.Type == openflow.ActionGroup }) {
		out = slices.DeleteFunc(out, func(a openflow.Action) bool { return a.Type == openflow.ActionOutput })
	}
	return out
}

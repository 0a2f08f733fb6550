package flow

import (
	"cmp"
	"slices"

	"conga/openflow"
)

// A switch may list what it was given in another form with the same meaning:
// instructions in another order, a number of bytes for the controller with an
// output to a port (which ignores it, OpenFlow 1.3.5 section 7.2.5), an empty
// list of actions in place of none.

// sameInstructions reports whether two lists of instructions mean the same.
func sameInstructions(a, b []openflow.Instruction) bool {
	return sameForm(a, b) || (odd(a) || odd(b)) && sameForm(plain(a), plain(b))
}

// sameForm reports whether two lists hold the same instructions, regardless of
// order, since a switch runs instructions by type, of which each is there once
// (section 5.9).
func sameForm(a, b []openflow.Instruction) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		j := i
		if b[j].Type != a[i].Type {
			j = slices.IndexFunc(b, func(x openflow.Instruction) bool { return x.Type == a[i].Type })
		}
		if j < 0 || !sameInstruction(a[i], b[j]) {
			return false
		}
	}
	return true
}

func sameInstruction(x, y openflow.Instruction) bool {
	return x.Type == y.Type && x.Table == y.Table && x.Meter == y.Meter && x.Raw == y.Raw &&
		x.Metadata == y.Metadata && x.MetadataMask == y.MetadataMask && slices.Equal(x.Actions, y.Actions)
}

// isList reports whether an instruction is a list of actions.
func isList(in openflow.Instruction) bool {
	return in.Type == openflow.InstructionApplyActions || in.Type == openflow.InstructionWriteActions
}

// odd reports whether a list of instructions is not as plain returns it.
func odd(list []openflow.Instruction) bool {
	for _, in := range list {
		if isList(in) && len(in.Actions) == 0 {
			return true
		}
		for i, a := range in.Actions {
			if a != plainAction(a) || i > 0 && compareSetting(in.Actions[i-1], a) > 0 {
				return true
			}
		}
	}
	return false
}

// plain returns a list of instructions in the one form that all share which
// mean the same.
func plain(list []openflow.Instruction) (out []openflow.Instruction) {
	for _, in := range list {
		if !isList(in) {
			out = append(out, in)
			continue
		}
		if len(in.Actions) == 0 {
			continue
		}
		acts := make([]openflow.Action, 0, len(in.Actions))
		for _, a := range in.Actions {
			acts = append(acts, plainAction(a))
			for i := len(acts) - 1; i > 0 && compareSetting(acts[i-1], acts[i]) > 0; i-- {
				acts[i-1], acts[i] = acts[i], acts[i-1]
			}
		}
		in.Actions = acts
		out = append(out, in)
	}
	return out
}

// maxLenMost is the most bytes of a packet that an output to the controller can
// ask for (OFPCML_MAX, section 7.2.5); what is more asks for all.
const maxLenMost = 0xffe5

func plainAction(a openflow.Action) openflow.Action {
	switch {
	case a.Type != openflow.ActionOutput:
	case a.Port != openflow.PortController:
		a.MaxLen = 0
	case a.MaxLen >= maxLenMost:
		a.MaxLen = openflow.MaxLenNoBuffer
	}
	return a
}

// compareSetting orders two actions that follow each other, and of which each
// sets something else: their order means nothing. Others are in order.
func compareSetting(a, b openflow.Action) int {
	rank := func(a openflow.Action) int {
		switch a.Type {
		case openflow.ActionSetField:
			return 1
		case openflow.ActionSetQueue:
			return 2
		}
		return 0
	}
	x, y := rank(a), rank(b)
	if x == 0 || y == 0 || x == 1 && y == 1 && a.Field.Field() == b.Field.Field() {
		return 0
	}
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(a.Field.Field(), b.Field.Field()))
}

// sameCourse reports whether packets take the same course by two lists of
// instructions, be they changed on the way or not: through the same meter, to
// the same ports, groups and table.
func sameCourse(a, b []openflow.Instruction) bool {
	return slices.Equal(course(a), course(b))
}

// leg is a part of a course.
type leg struct {
	by openflow.InstructionType
	to uint32 // port, group, meter or table
}

// course returns where packets go by a list of instructions.
func course(list []openflow.Instruction) (out []leg) {
	for _, in := range list {
		switch in.Type {
		case openflow.InstructionMeter:
			out = append(out, leg{in.Type, uint32(in.Meter)})
		case openflow.InstructionGotoTable:
			out = append(out, leg{in.Type, uint32(in.Table)})
		}
	}
	slices.SortFunc(out, func(a, b leg) int { return cmp.Compare(a.by, b.by) })
	for _, in := range list {
		for _, a := range in.Actions {
			switch a.Type {
			case openflow.ActionOutput:
				out = append(out, leg{in.Type, uint32(a.Port)})
			case openflow.ActionGroup:
				out = append(out, leg{^in.Type, uint32(a.Group)})
			}
		}
	}
	return out
}

// nearly reports whether a meter lets through about what another does: a switch
// may round rates, and have bursts of its own.
func (m Meter) nearly(o Meter) bool {
	round := m.Rate / 10
	if !m.Packets {
		round = max(round, 64) // kbit/s, in which some switches count
	}
	apart := max(m.Rate, o.Rate) - min(m.Rate, o.Rate)
	return m.Packets == o.Packets && o.Rate > 0 && apart <= round
}

package flow

import (
	"errors"
	"slices"

	"conga/controller/topology"
	"conga/openflow"
)

// Blame returns what a switch seems to lack that has answered steps, and has
// refused some of them for reasons by their index; known is what it was known
// to lack when they were sent. What it refuses is left alone that needs nothing
// which could be done without, or that it might take at another time.
//
// Switches are not exact about errors. So what a switch has taken clears it of
// the suspicion; what only one lack explains decides before what several do;
// and of several the first is taken, since another one shows at the next
// attempt. A refusal for an unknown reason may pass: what only such a one
// speaks for is suspected, and is to be tried again, unless it was suspected
// before for the same entry.
func Blame(steps []Step, refused map[int]error, known topology.Lacks, suspected Suspects) (fresh topology.Lacks, suspects Suspects) {
	var doubtful [][]topology.Lacks
	var vague []suspicion
	shown := shownBy(steps, refused)
	for i := range steps {
		why, ok := errors.AsType[*openflow.Error](refused[i])
		if !ok || steps[i].Rule == nil {
			continue
		}
		list := suspectsOf(steps[i].Rule, why)
		if slices.ContainsFunc(list, func(l topology.Lacks) bool { return l&known != 0 }) {
			continue // it was made before that was known
		}
		list = slices.DeleteFunc(list, func(l topology.Lacks) bool { return l&shown != 0 })
		switch {
		case len(list) == 0:
		case why.Has(openflow.FlowModFailedUnknown):
			vague = append(vague, suspicion{steps[i].Rule.Key(), list})
		case len(list) == 1:
			fresh |= list[0]
		default:
			doubtful = append(doubtful, list)
		}
	}
	explained := func(list []topology.Lacks, by topology.Lacks) bool {
		return slices.ContainsFunc(list, func(l topology.Lacks) bool { return l&by != 0 })
	}
	for _, list := range doubtful {
		if !explained(list, fresh) {
			fresh |= list[0]
		}
	}
	slices.SortStableFunc(vague, func(a, b suspicion) int { return len(a.of) - len(b.of) })
	suspects = Suspects{}
	for _, s := range vague {
		switch {
		case explained(s.of, fresh):
		case suspected[s.key]&s.of[0] != 0:
			fresh |= s.of[0]
		default:
			suspects[s.key] = s.of[0]
		}
	}
	return fresh, suspects
}

// Suspects are what a switch may lack that has refused entries for an unknown
// reason, by the entry.
type Suspects map[openflow.EntryKey]topology.Lacks

// suspicion is what a switch may lack that has refused an entry.
type suspicion struct {
	key openflow.EntryKey
	of  []topology.Lacks
}

// shownBy returns what the switch cannot lack, having taken steps.
func shownBy(steps []Step, refused map[int]error) (shown topology.Lacks) {
	for i, st := range steps {
		if st.Rule == nil || refused[i] != nil {
			continue
		}
		for _, list := range [...][]topology.Lacks{matchNeeds(st.Rule.Match), instructionNeeds(st.Rule), actionNeeds(st.Rule)} {
			for _, l := range list {
				shown |= l
			}
		}
		if fm, ok := st.Message.(*openflow.FlowMod); ok && fm.Flags&openflow.FlowSendFlowRem != 0 {
			shown |= topology.LacksRemovals
		}
	}
	return shown
}

// suspectsOf returns what a switch may lack that has refused a rule.
func suspectsOf(r *Rule, err *openflow.Error) []topology.Lacks {
	match, instructions, actions := matchNeeds(r.Match), instructionNeeds(r), actionNeeds(r)
	switch err.ErrType {
	case openflow.ErrorTypeBadMatch:
		if err.Has(openflow.BadMatchBadField) && len(match) == 2 {
			match[0], match[1] = match[1], match[0] // masks have errors of their own
		}
		return match
	case openflow.ErrorTypeBadInstruction:
		return instructions
	case openflow.ErrorTypeBadAction:
		if err.Has(openflow.BadActionBadOutGroup) {
			return nil // it is the group that is missing
		}
		return actions
	case openflow.ErrorTypeFlowModFailed:
		switch {
		case err.Has(openflow.FlowModFailedBadFlags):
			return []topology.Lacks{topology.LacksRemovals}
		case err.Has(openflow.FlowModFailedBadTableID):
			return []topology.Lacks{topology.LacksTables}
		case err.Has(openflow.FlowModFailedUnknown):
			return append(append(append(match, actions...), instructions...), topology.LacksRemovals)
		}
	}
	return nil
}

// matchNeeds returns what a match needs. One that names the target of neighbour
// discovery may be refused for that, and shows nothing.
func matchNeeds(m openflow.Match) (needs []topology.Lacks) {
	if mac, ok := m.Get(openflow.FieldEthDst); ok && mac.Masked() {
		needs = append(needs, topology.LacksMasks)
	}
	_, typed := m.Get(openflow.FieldICMPv6Type)
	if _, target := m.Get(openflow.FieldIPv6NDTarget); typed && !target {
		needs = append(needs, topology.LacksICMPv6Type)
	}
	if _, ok := m.Get(openflow.FieldICMPv4Type); ok {
		needs = append(needs, topology.LacksICMPv4Type)
	}
	for _, f := range [...]openflow.Field{openflow.FieldTCPSrc, openflow.FieldTCPDst, openflow.FieldUDPSrc, openflow.FieldUDPDst} {
		if port, ok := m.Get(f); ok && port.Masked() {
			return append(needs, topology.LacksPortMasks)
		}
	}
	return needs
}

// instructionNeeds returns what the instructions of a rule need.
func instructionNeeds(r *Rule) (needs []topology.Lacks) {
	if r.meter() != 0 {
		needs = append(needs, topology.LacksMeters)
	}
	for _, in := range r.Instructions {
		if in.Type == openflow.InstructionGotoTable {
			needs = append(needs, topology.LacksTables)
		}
	}
	return needs
}

// actionNeeds returns what the actions of a rule need.
func actionNeeds(r *Rule) (needs []topology.Lacks) {
	for _, in := range r.Instructions {
		for _, a := range in.Actions {
			need := topology.LacksTags
			switch {
			case a.Type == openflow.ActionPushVLAN, a.Type == openflow.ActionPopVLAN:
			case a.Type != openflow.ActionSetField:
				continue
			case a.Field.Field() != openflow.FieldVLANVID:
				need = topology.LacksMarks
			}
			if !slices.Contains(needs, need) {
				needs = append(needs, need)
			}
		}
	}
	return needs
}

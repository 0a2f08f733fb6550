package openflow

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseFlow reads a flow entry in the syntax of ovs-ofctl's add-flow, such as
// "table=2,priority=10,ip,nw_dst=10.0.0.1,actions=output:2", into a flow mod
// that adds it. It reads what FlowStats.String prints, too, and passes over the
// counters. Actions must come last.
func ParseFlow(text string) (*FlowMod, error) {
	m := &FlowMod{
		Priority: defaultPriority, BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny,
	}
	entry, actions, ok := strings.Cut(text, "actions=")
	if !ok {
		return nil, fmt.Errorf("openflow: flow %q has no actions", text)
	}
	p := matchParser{}
	for _, word := range strings.FieldsFunc(entry, isSeparator) {
		key, value, hasValue := strings.Cut(word, "=")
		known, err := m.setWord(key, value)
		if err == nil && !known {
			err = p.add(key, value, hasValue)
		}
		if err != nil {
			return nil, fmt.Errorf("openflow: flow: %q: %w", word, err)
		}
	}
	var err error
	if m.Match, err = p.finish(); err != nil {
		return nil, err
	}
	if len(m.Match) == 0 {
		m.Match = nil
	}
	if m.Instructions, err = m.Match.parseInstructions(actions); err != nil {
		return nil, err
	}
	return m, nil
}

// setWord sets what belongs to the entry and not to its match. known is false
// for everything else.
func (m *FlowMod) setWord(key, value string) (known bool, err error) {
	switch key {
	case "table":
		return true, parseUint(value, &m.Table)
	case "priority":
		return true, parseUint(value, &m.Priority)
	case "idle_timeout":
		return true, parseUint(value, &m.IdleTimeout)
	case "hard_timeout":
		return true, parseUint(value, &m.HardTimeout)
	case "out_group":
		return true, parseUint(value, &m.OutGroup)
	case "out_port":
		m.OutPort, err = ParsePortNo(value)
		return true, err
	case "cookie":
		value, mask, masked := strings.Cut(value, "/")
		if err = parseUint(value, &m.Cookie); err == nil && masked {
			err = parseUint(mask, &m.CookieMask)
		}
		return true, err
	case "duration", "n_packets", "n_bytes", "idle_age", "hard_age":
		return true, nil
	}
	for i, name := range flowFlagNames {
		if key == name {
			m.Flags |= 1 << i
			return true, nil
		}
	}
	return false, nil
}

// parseUint reads a number in any base that Go has into v.
func parseUint[T ~uint8 | ~uint16 | ~uint32 | ~uint64](text string, v *T) error {
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		return err
	}
	if uint64(T(n)) != n {
		return ErrWidth
	}
	*v = T(n)
	return nil
}

// parseInstructions reads what follows "actions=" in an entry with the match.
// Actions outside of write_actions are applied, in one instruction for each run
// of them.
func (m Match) parseInstructions(text string) ([]Instruction, error) {
	words, err := splitActions(text)
	if err != nil {
		return nil, err
	}
	var ins []Instruction
	for _, word := range words {
		if word == "drop" {
			continue
		}
		in, isInstruction, err := m.parseInstruction(word)
		if err != nil {
			return nil, fmt.Errorf("openflow: action %q: %w", word, err)
		}
		if isInstruction {
			if in.Type != InstructionWriteActions || len(in.Actions) > 0 { // no more than ovs-ofctl sends
				ins = append(ins, in)
			}
			continue
		}
		a, err := m.parseAction(word)
		if err != nil {
			return nil, fmt.Errorf("openflow: action %q: %w", word, err)
		}
		if n := len(ins); n > 0 && ins[n-1].Type == InstructionApplyActions {
			ins[n-1].Actions = append(ins[n-1].Actions, a)
		} else {
			ins = append(ins, ApplyActions(a))
		}
	}
	if len(words) > 1 && (words[0] == "drop" || words[len(words)-1] == "drop") {
		return nil, fmt.Errorf("openflow: actions %q: drop stands alone", text)
	}
	return ins, nil
}

// splitActions splits at the commas that are not inside parentheses.
func splitActions(text string) (words []string, err error) {
	depth, start := 0, 0
	add := func(end int) {
		if word := strings.TrimSpace(text[start:end]); word != "" {
			words = append(words, word)
		}
		start = end + 1
	}
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				add(i)
			}
		}
	}
	add(len(text))
	if depth != 0 {
		return nil, fmt.Errorf("openflow: actions %q: parentheses do not pair", text)
	}
	return words, nil
}

// parseInstruction reads an instruction; isInstruction is false where word must
// be an action.
func (m Match) parseInstruction(word string) (in Instruction, isInstruction bool, err error) {
	if inner, ok := strings.CutPrefix(word, "write_actions("); ok {
		words, err := splitActions(strings.TrimSuffix(inner, ")"))
		in = WriteActions()
		for _, w := range words {
			if w == "drop" {
				continue
			}
			a, actionErr := m.parseAction(w)
			if actionErr != nil {
				return in, true, actionErr
			}
			in.Actions = append(in.Actions, a)
		}
		return in, true, err
	}
	key, value, _ := strings.Cut(word, ":")
	switch key {
	case "goto_table":
		in.Type = InstructionGotoTable
		return in, true, parseUint(value, &in.Table)
	case "meter":
		in.Type = InstructionMeter
		return in, true, parseUint(value, &in.Meter)
	case "clear_actions":
		return ClearActions(), true, nil
	case "write_metadata":
		value, mask, masked := strings.Cut(value, "/")
		in = WriteMetadata(0, ^uint64(0))
		if err = parseUint(value, &in.Metadata); err == nil && masked {
			err = parseUint(mask, &in.MetadataMask)
		}
		return in, true, err
	}
	return in, false, nil
}

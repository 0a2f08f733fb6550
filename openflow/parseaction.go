package openflow

import (
	"fmt"
	"strings"
)

// parseAction reads an action of an entry with the match.
func (m Match) parseAction(word string) (a Action, err error) {
	key, value, _ := strings.Cut(word, ":")
	switch key {
	case "output":
		a.Port, err = ParsePortNo(value)
		return a, err
	case "CONTROLLER", "controller":
		a = Output(PortController, MaxLenNoBuffer)
		if value != "" {
			err = parseUint(value, &a.MaxLen)
		}
		return a, err
	case "set_queue":
		a.Type = ActionSetQueue
		return a, parseUint(value, &a.Queue)
	case "group":
		a.Type = ActionGroup
		return a, parseUint(value, &a.Group)
	case "mod_nw_ttl":
		a.Type = ActionSetNwTTL
		return a, parseUint(value, &a.TTL)
	case "set_field":
		return parseSetField(value)
	}
	if ttl, ok := strings.CutPrefix(word, "set_mpls_ttl("); ok {
		a.Type = ActionSetMPLSTTL
		return a, parseUint(strings.TrimSuffix(ttl, ")"), &a.TTL)
	}
	return m.parseActionWord(word, key, value)
}

// parseActionWord reads an action whose text starts with its name, one in an
// old form, or a port.
func (m Match) parseActionWord(word, key, value string) (a Action, err error) {
	for t, name := range actionWords {
		if name != key {
			continue
		}
		a.Type = t
		switch t {
		case ActionPushVLAN, ActionPushMPLS, ActionPushPBB, ActionPopMPLS:
			return a, parseUint(value, &a.EtherType)
		}
		if key != word {
			return a, fmt.Errorf("takes no value")
		}
		return a, nil
	}
	if old, ok, err := m.parseOldAction(key, value); ok {
		return old, err
	}
	p, err := ParsePortNo(word)
	return Output(p, 0), err
}

// oldActions are ovs-ofctl's words from before set_field, and the field that
// each sets.
var oldActions = map[string]Field{
	"mod_dl_src": FieldEthSrc, "mod_dl_dst": FieldEthDst, "mod_nw_src": FieldIPv4Src, "mod_nw_dst": FieldIPv4Dst,
	"mod_nw_ecn": FieldIPECN, "set_tunnel": FieldTunnelID, "set_tunnel64": FieldTunnelID,
}

// parseOldAction reads an action in a form that ovs-ofctl still takes, and
// sends as what OpenFlow 1.3 has for it. known is false for all others.
func (m Match) parseOldAction(key, value string) (a Action, known bool, err error) {
	f, known := oldActions[key]
	switch key {
	case "strip_vlan":
		return PopVLAN(), true, nil
	case "mod_nw_tos":
		var tos uint8
		if err = parseUint(value, &tos); err == nil && tos&3 != 0 {
			err = errTOS
		}
		return SetField(IPDSCP(tos >> 2)), true, err
	case "mod_tp_src", "mod_tp_dst":
		known = true
		f, err = m.resolve(strings.TrimPrefix(key, "mod_"))
	}
	if !known || err != nil {
		return Action{}, known, err
	}
	b, err := f.parseValue(value)
	if err != nil {
		return Action{}, true, err
	}
	return SetField(NewField(f, b, nil)), true, nil
}

func parseSetField(text string) (Action, error) {
	value, name, ok := strings.Cut(text, "->")
	f, known := fieldNames[name]
	switch {
	case !ok:
		return Action{}, fmt.Errorf("set_field needs a value, an arrow and a field")
	case name == "icmp_type":
		f = FieldICMPv4Type
	case name == "icmp_code":
		f = FieldICMPv4Code
	case !known:
		return Action{}, fmt.Errorf("unknown field %q", name)
	}
	b, err := f.parseValue(value)
	if err != nil {
		return Action{}, err
	}
	return SetField(NewField(f, b, nil)), nil
}

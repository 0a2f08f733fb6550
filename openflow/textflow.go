package openflow

import (
	"fmt"
	"strconv"
	"strings"
)

// defaultPriority is the priority that ovs-ofctl leaves out.
const defaultPriority = 0x8000

// String returns the action as ovs-ofctl prints it, such as "output:2".
func (a Action) String() string {
	switch a.Type {
	case ActionOutput:
		switch {
		case a.Port == PortController:
			return fmt.Sprintf("CONTROLLER:%d", a.MaxLen)
		case a.Port <= PortMax:
			return "output:" + a.Port.String()
		}
		return a.Port.String()
	case ActionSetField:
		value := a.Field.text()
		if a.Field.is(FieldIPv6FLabel) {
			value = hexText(a.Field.Uint64()) // without the leading zeros that it has in a match
		}
		return fmt.Sprintf("set_field:%s->%s", value, a.Field.setName())
	case ActionSetQueue:
		return fmt.Sprintf("set_queue:%d", a.Queue)
	case ActionGroup:
		return fmt.Sprintf("group:%d", a.Group)
	case ActionPushVLAN, ActionPushMPLS, ActionPushPBB, ActionPopMPLS:
		return fmt.Sprintf("%s:0x%04x", actionWords[a.Type], a.EtherType)
	case ActionSetNwTTL:
		return fmt.Sprintf("mod_nw_ttl:%d", a.TTL)
	case ActionSetMPLSTTL:
		return fmt.Sprintf("set_mpls_ttl(%d)", a.TTL)
	}
	if word, ok := actionWords[a.Type]; ok {
		return word
	}
	return fmt.Sprintf("action_%d(%x)", uint16(a.Type), a.Raw)
}

// actionWords are ovs-ofctl's names of the actions whose text starts with their
// name.
var actionWords = map[ActionType]string{
	ActionPushVLAN: "push_vlan", ActionPushMPLS: "push_mpls", ActionPushPBB: "push_pbb", ActionPopMPLS: "pop_mpls",
	ActionPopVLAN: "pop_vlan", ActionPopPBB: "pop_pbb", ActionDecNwTTL: "dec_ttl", ActionDecMPLSTTL: "dec_mpls_ttl",
	ActionCopyTTLIn: "copy_ttl_in", ActionCopyTTLOut: "copy_ttl_out",
}

// setNames are ovs-ofctl's names in set_field, where they are not the
// specification's.
var setNames = map[Field]string{
	FieldIPv4Src: "ip_src", FieldIPv4Dst: "ip_dst", FieldIPProto: "nw_proto", FieldIPECN: "nw_ecn",
	FieldIPv6FLabel: "ipv6_label", FieldTunnelID: "tun_id", FieldICMPv4Type: "icmp_type", FieldICMPv4Code: "icmp_code",
	FieldIPv6NDTarget: "nd_target", FieldIPv6NDSLL: "nd_sll", FieldIPv6NDTLL: "nd_tll",
}

func (o *OXM) setName() string {
	if o.Class() != OXMClassBasic || int(o.Field()) >= len(fields) {
		return fmt.Sprintf("oxm_%04x_%d", o.Class(), o.Field())
	}
	if name, ok := setNames[o.Field()]; ok {
		return name
	}
	return o.Field().String()
}

// String returns the instruction as ovs-ofctl prints it, such as
// "goto_table:2".
func (in Instruction) String() string {
	switch in.Type {
	case InstructionGotoTable:
		return fmt.Sprintf("goto_table:%d", in.Table)
	case InstructionMeter:
		return fmt.Sprintf("meter:%d", in.Meter)
	case InstructionWriteMetadata:
		if in.MetadataMask == ^uint64(0) {
			return fmt.Sprintf("write_metadata:%#x", in.Metadata)
		}
		return fmt.Sprintf("write_metadata:%#x/%#x", in.Metadata, in.MetadataMask)
	case InstructionWriteActions:
		return "write_actions(" + actionsText(in.Actions) + ")"
	case InstructionApplyActions:
		return actionsText(in.Actions)
	case InstructionClearActions:
		return "clear_actions"
	}
	return fmt.Sprintf("instruction_%d(%x)", uint16(in.Type), in.Raw)
}

func actionsText(acts []Action) string {
	if len(acts) == 0 {
		return "drop"
	}
	parts := make([]string, len(acts))
	for i, a := range acts {
		parts[i] = a.String()
	}
	return strings.Join(parts, ",")
}

func instructionsText(ins []Instruction) string {
	if len(ins) == 0 {
		return "drop"
	}
	parts := make([]string, len(ins))
	for i, in := range ins {
		parts[i] = in.String()
	}
	return strings.Join(parts, ",")
}

var flowCommandNames = [...]string{"ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT"}

// String returns the command as ovs-ofctl prints it, such as "DEL_STRICT".
func (c FlowModCommand) String() string { return enumName("command", flowCommandNames[:], c) }

var flowFlagNames = [...]string{"send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts"}

// String returns the flags as ovs-ofctl prints them, separated by spaces.
func (f FlowModFlags) String() string {
	var parts []string
	for i, name := range flowFlagNames {
		if f&(1<<i) != 0 {
			parts = append(parts, name)
		}
	}
	if rest := f >> len(flowFlagNames); rest != 0 {
		parts = append(parts, fmt.Sprintf("%#x", uint16(rest)<<len(flowFlagNames)))
	}
	return strings.Join(parts, " ")
}

// entryText returns priority and match as ovs-ofctl prints them together.
func entryText(priority uint16, m Match) string {
	text := m.String()
	if priority == defaultPriority {
		return text
	}
	head := "priority=" + strconv.Itoa(int(priority))
	if text == "" {
		return head
	}
	return head + "," + text
}

// String returns the message as ovs-ofctl's ofp-print does, such as
// "ADD table:2 priority=10,ip,nw_dst=10.0.0.1 cookie:0x1 actions=output:2".
func (m *FlowMod) String() string {
	parts := []string{m.Command.String()}
	add := func(when bool, format string, args ...any) {
		if when {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(m.Table != 0, "table:%d", m.Table)
	entry := entryText(m.Priority, m.Match)
	add(entry != "", "%s", entry)
	if m.Command == FlowAdd { // only a new entry has use for a cookie, and the others for a mask
		add(m.Cookie != 0, "cookie:%#x", uint64(m.Cookie))
	} else {
		add(m.CookieMask != 0, "cookie:%#x/%#x", uint64(m.Cookie), uint64(m.CookieMask))
	}
	add(m.IdleTimeout != 0, "idle:%d", m.IdleTimeout)
	add(m.HardTimeout != 0, "hard:%d", m.HardTimeout)
	add(m.BufferID != NoBuffer, "buf:%#x", m.BufferID)
	deletes := m.Command == FlowDelete || m.Command == FlowDeleteStrict
	add(deletes && m.OutPort != PortAny, "out_port:%v", m.OutPort)
	add(deletes && m.OutGroup != GroupAny, "out_group:%d", m.OutGroup)
	add(m.Flags != 0, "%v", m.Flags)
	add(true, "actions=%s", instructionsText(m.Instructions))
	return strings.Join(parts, " ")
}

// String returns the flow entry as ovs-ofctl's dump-flows does, such as
// "cookie=0x1, duration=5s, table=0, n_packets=0, n_bytes=0, priority=10,ip
// actions=output:2". ParseFlow reads it.
func (s FlowStats) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cookie=%#x, duration=%s, table=%d, n_packets=%d, n_bytes=%d, ",
		uint64(s.Cookie), durationText(s.DurationSec, s.DurationNsec), s.Table, s.PacketCount, s.ByteCount)
	if s.IdleTimeout != 0 {
		fmt.Fprintf(&b, "idle_timeout=%d, ", s.IdleTimeout)
	}
	if s.HardTimeout != 0 {
		fmt.Fprintf(&b, "hard_timeout=%d, ", s.HardTimeout)
	}
	if s.Flags != 0 {
		fmt.Fprintf(&b, "%v ", s.Flags)
	}
	if entry := entryText(s.Priority, s.Match); entry != "" {
		b.WriteString(entry + " ")
	}
	b.WriteString("actions=" + instructionsText(s.Instructions))
	return b.String()
}

func durationText(sec, nsec uint32) string {
	text := fmt.Sprintf("%d.%09d", sec, nsec)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "s"
}

package openflow

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// matchTexts are matches as ovs-ofctl prints them: each must survive parsing
// and printing unchanged. openvswitch_test.go checks that ovs-ofctl agrees.
var matchTexts = []string{
	"",
	"in_port=1",
	"in_port=LOCAL",
	"tcp,in_port=1,nw_src=10.0.0.1,nw_dst=10.0.2.0/24,tp_src=40000,tp_dst=5001",
	"tun_id=0x63,metadata=0x10/0xff,in_port=3",
	"dl_vlan=100",
	"dl_vlan=100,dl_vlan_pcp=5",
	"dl_vlan_pcp=5",
	"vlan_tci=0x0000/0x1fff",
	"vlan_tci=0x1000/0x1000",
	"vlan_tci=0x1004/0x100f",
	"dl_src=0a:00:00:00:00:01,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
	"dl_type=0x88cc",
	"ip,nw_proto=89",
	"ip,nw_tos=184",
	"ip,nw_ecn=1",
	"icmp,icmp_type=8,icmp_code=0",
	"udp,nw_src=10.0.0.0/255.0.255.0,tp_dst=53",
	"sctp,tp_src=1",
	"ipv6,ipv6_src=2001:db8::1,ipv6_dst=2001:db8::/32,ipv6_label=0x00010",
	"tcp6,ipv6_dst=2001:db8::2,tp_dst=443",
	"udp6,tp_src=1",
	"icmp6,icmp_type=135,nd_target=2001:db8::1,nd_sll=0a:00:00:00:00:01",
	"icmp6,icmp_type=136,icmp_code=0,nd_tll=0a:00:00:00:00:01",
	"arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/8,arp_op=1,arp_sha=0a:00:00:00:00:01",
	"rarp",
	"mpls,mpls_label=77,mpls_tc=3,mpls_bos=1",
	"mplsm,mpls_label=77",
}

func TestMatchText(t *testing.T) {
	for _, text := range matchTexts {
		m, err := ParseMatch(text)
		if err != nil {
			t.Errorf("ParseMatch(%q): %v", text, err)
			continue
		}
		if got := m.String(); got != text {
			t.Errorf("ParseMatch(%q) prints as %q", text, got)
		}
	}
}

func TestParseMatchSpellings(t *testing.T) {
	for text, want := range map[string]string{
		"tp_dst=80, tcp":                              "tcp,tp_dst=80",
		"eth_type=0x800,ip_proto=6":                   "tcp",
		"dl_type=0x0800,nw_proto=17,udp_src=5":        "udp,tp_src=5",
		"in_port=local":                               "in_port=LOCAL",
		"dl_vlan=0xffff":                              "vlan_tci=0x0000/0x1fff",
		"vlan_tci=0":                                  "vlan_tci=0x0000/0x1fff",
		"vlan_tci=0xb064":                             "dl_vlan=100,dl_vlan_pcp=5",
		"vlan_vid=0x1064":                             "dl_vlan=100",
		"ip,ip_dscp=46":                               "ip,nw_tos=184",
		"ip,ip_src=10.1.2.3/255.255.0.0":              "ip,nw_src=10.1.0.0/16",
		"ip,nw_src=0.0.0.0/0":                         "ip",
		"eth_dst=01-00-00-00-00-00/ff-ff-ff-ff-ff-ff": "dl_dst=01:00:00:00:00:00",
		"metadata=5/0xffffffffffffffff":               "metadata=0x5",
	} {
		m, err := ParseMatch(text)
		if err != nil || m.String() != want {
			t.Errorf("ParseMatch(%q) = %v, %v, want %q", text, m, err, want)
		}
	}
}

func TestParseMatchRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"nonsense":               nil,
		"unknown=1":              nil,
		"in_port=":               nil,
		"in_port=eth0":           nil,
		"tp_dst=80":              ErrPrerequisite,
		"nw_dst=10.0.0.1":        ErrPrerequisite,
		"ip,nw_dst=2001:db8::1":  nil,
		"ip,nw_dst=10.0.0.0/33":  nil,
		"ip,nw_dst=10.0.0.0/x":   nil,
		"ip,nw_tos=185":          nil,
		"ip,ip_dscp=64":          ErrWidth,
		"tcp,tp_dst=65536":       ErrWidth,
		"dl_vlan=4096":           ErrWidth,
		"vlan_tci=0x8000/0x8000": nil,
		"tcp,udp":                ErrDuplicateField,
		"dl_type=0x800/0xff00":   ErrMask,
		"dl_src=0a:00":           nil,
	} {
		m, err := ParseMatch(text)
		if err == nil || (want != nil && !errors.Is(err, want)) {
			t.Errorf("ParseMatch(%q) = %v, %v, want %v", text, m, err, want)
		}
	}
}

// flowTexts are flows as FlowStats.String prints them.
var flowTexts = []string{
	"cookie=0x0, duration=0s, table=0, n_packets=0, n_bytes=0, actions=drop",
	"cookie=0x0, duration=0s, table=0, n_packets=0, n_bytes=0, priority=0 actions=CONTROLLER:65535",
	"cookie=0xc06a000000000001, duration=0s, table=2, n_packets=0, n_bytes=0, idle_timeout=10, hard_timeout=3600, " +
		"send_flow_rem check_overlap priority=40000,tcp,in_port=1,tp_dst=5001 " +
		"actions=meter:7,set_field:46->ip_dscp,set_queue:1,output:2,write_metadata:0x1234/0xffff,goto_table:3",
	"cookie=0x0, duration=0s, table=0, n_packets=0, n_bytes=0, " +
		"actions=push_vlan:0x8100,set_field:4196->vlan_vid,pop_vlan,push_mpls:0x8847,set_field:77->mpls_label," +
		"set_mpls_ttl(9),dec_mpls_ttl,pop_mpls:0x0800,group:8,mod_nw_ttl:64,dec_ttl,NORMAL",
	"cookie=0x0, duration=0s, table=0, n_packets=0, n_bytes=0, ip " +
		"actions=clear_actions,write_actions(set_field:10.0.0.1->ip_dst,set_field:01:02:03:04:05:06->eth_src,output:1)",
	"cookie=0x0, duration=0s, table=0, n_packets=0, n_bytes=0, actions=copy_ttl_in,copy_ttl_out,push_pbb:0x88e7,pop_pbb,FLOOD",
}

func TestFlowText(t *testing.T) {
	for _, text := range flowTexts {
		m, err := ParseFlow(text)
		if err != nil {
			t.Errorf("ParseFlow(%q): %v", text, err)
			continue
		}
		s := FlowStats{
			Table: m.Table, Priority: m.Priority, IdleTimeout: m.IdleTimeout, HardTimeout: m.HardTimeout,
			Flags: m.Flags, Cookie: m.Cookie, Match: m.Match, Instructions: m.Instructions,
		}
		if got := s.String(); got != text {
			t.Errorf("flow prints as\n%s, want\n%s", got, text)
		}
	}
}

func TestParseFlow(t *testing.T) {
	got, err := ParseFlow("table=1 priority=7 cookie=0x10/0xff out_port=3 out_group=4 reset_counts udp tp_dst=53 " +
		"actions=set_queue:1,output:2,goto_table:2,write_actions(drop)")
	want := &FlowMod{
		Cookie: 0x10, CookieMask: 0xff, Table: 1, Priority: 7, BufferID: NoBuffer, OutPort: 3, OutGroup: 4,
		Flags: FlowResetCounts, Match: Match{EthType(0x0800), IPProto(17), UDPDst(53)},
		Instructions: []Instruction{ApplyActions(SetQueue(1), Output(2, 0)), GotoTable(2)},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ParseFlow: %v\n%+v, want\n%+v", err, got, want)
	}
}

func TestParseFlowRefuses(t *testing.T) {
	for _, text := range []string{
		"ip", "nonsense actions=drop", "table=256 actions=drop", "priority=65536 actions=drop",
		"actions=drop,output:1", "actions=write_actions(output:1", "actions=output:1)", "actions=nonsense",
		"actions=set_field:1", "actions=set_field:1->nonsense", "actions=set_field:64->ip_dscp",
		"actions=goto_table:256", "actions=pop_vlan:1", "actions=write_actions(goto_table:1)", "actions=group:x",
	} {
		if m, err := ParseFlow(text); err == nil {
			t.Errorf("ParseFlow(%q) = %v", text, m)
		}
	}
}

func TestDeleteText(t *testing.T) {
	m := NewFlowDelete(TableAll, Match{InPort(1)})
	m.OutPort, m.OutGroup = 3, 4
	if got, want := m.String(), "DEL table:255 priority=0,in_port=1 out_port:3 out_group:4 actions=drop"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRawText(t *testing.T) {
	for _, m := range []Match{everyField, rawFields} {
		if text := m.String(); strings.Count(text, "=") < len(m)-2 {
			t.Errorf("%q lacks some of %d fields", text, len(m))
		}
	}
	for _, a := range everyAction {
		if a.String() == "" {
			t.Errorf("%+v has no text", a)
		}
	}
}

// FuzzMatchText demands that every match that can be read prints as text that
// reads as the same match, and that the codec agrees.
func FuzzMatchText(f *testing.F) {
	for _, text := range matchTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMatch(text)
		if err != nil {
			return
		}
		again, err := ParseMatch(m.String())
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q prints as %q, which reads as %v, %v", text, m, again, err)
		}
		if again.Key() != m.Key() {
			t.Fatalf("%q has two keys", text)
		}
		checkAppends(t, &FlowMod{Match: append(Match(nil), m...)})
	})
}

// FuzzFlowText demands that every flow that can be read prints as text that
// reads as the same flow, and that the codec agrees.
func FuzzFlowText(f *testing.F) {
	for _, text := range append(flowTexts, ofctlFlows...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseFlow(text)
		if err != nil {
			return
		}
		m.CookieMask, m.OutPort, m.OutGroup = 0, PortAny, GroupAny // an entry has none
		again, err := ParseFlow(m.addText())
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q prints as %q, which reads as %v, %v", text, m.addText(), again, err)
		}
		if len(text) < 1000 {
			checkAppends(t, m)
		}
	})
}

package openflow

import (
	"os/exec"
	"testing"
)

// badFlows are texts that are no flows of OpenFlow 1.3.
var badFlows = []string{
	"ip", "nonsense,actions=drop", "nonsense=1,actions=drop", "actions=nonsense", "actions=nonsense:1",
	"table=256,actions=drop", "table=x,actions=drop", "priority=65536,actions=drop", "priority=-1,actions=drop",
	"idle_timeout=65536,actions=drop", "hard_timeout=x,actions=drop", "cookie=x,actions=drop", "cookie=0x10000000000000000,actions=drop",
	"in_port=nowhere,actions=drop", "in_port=,actions=drop", "dl_src=0a:00,actions=drop", "dl_src=zz:00:00:00:00:01,actions=drop",
	"dl_type=0x10000,actions=drop", "dl_vlan=x,actions=drop",
	"ip,nw_src=10.0.0,actions=drop", "ip,nw_src=10.0.0.0/33,actions=drop", "ip,nw_src=2001:db8::1,actions=drop",
	"ip,nw_proto=256,actions=drop",
	"ipv6,ipv6_src=10.0.0.1,actions=drop", "ipv6,ipv6_dst=2001:db8::/129,actions=drop",
	"tcp,tp_dst=65536,actions=drop", "tcp,tp_dst=x,actions=drop", "icmp,icmp_type=256,actions=drop",

	"arp,arp_spa=x,actions=drop", "arp,arp_sha=1,actions=drop", "metadata=x,actions=drop", "tun_id=0x10000000000000000,actions=drop",
	"actions=drop,output:1", "actions=output:1,drop", "actions=output:nowhere", "actions=set_queue:x", "actions=group:x",
	"actions=goto_table:256", "actions=goto_table:x", "actions=meter:x", "actions=write_metadata:x", "actions=write_actions(goto_table:1)",
	"actions=write_actions(nonsense)", "actions=set_field:1", "actions=set_field:1->nonsense", "ip,actions=set_field:64->ip_dscp",
	"ip,actions=set_field:4->nw_ecn", "actions=set_field:1->eth_src", "ip,actions=set_field:1.2.3->ip_src", "actions=push_vlan:x",
	"actions=push_vlan:0x10000", "ip,actions=mod_nw_ttl:256", "ip,actions=mod_nw_tos:185", "actions=mod_dl_src:1", "ip,actions=mod_nw_src:1",
	"mpls,actions=set_mpls_ttl(256)", "actions=pop_mpls:x",
}

// tooWide are texts of which ovs-ofctl drops the bits that do not fit, and
// means another flow than the text.
var tooWide = []string{
	"dl_vlan_pcp=8,actions=drop",
	"ip,nw_src=10.0.0.256,actions=drop",
	"ip,nw_tos=185,actions=drop",
	"ip,nw_ecn=4,actions=drop",
	"ipv6,ipv6_label=0x100000,actions=drop",
	"mpls,mpls_label=1048576,actions=drop",
	"mpls,mpls_tc=8,actions=drop",
	"mpls,mpls_bos=2,actions=drop",
	"actions=group:-1",
}

func TestRefusesTooWide(t *testing.T) {
	for _, text := range tooWide {
		if m, err := ParseFlow(text); err == nil {
			t.Errorf("ParseFlow(%q) = %v", text, m)
		}
	}
}

// TestRefusesWhatOfctlRefuses demands that ovs-ofctl and ParseFlow agree that
// there is no such flow.
func TestRefusesWhatOfctlRefuses(t *testing.T) {
	_, missing := exec.LookPath("ovs-ofctl")
	for _, text := range badFlows {
		if m, err := ParseFlow(text); err == nil {
			t.Errorf("ParseFlow(%q) = %v", text, m)
		}
		if missing != nil {
			continue
		}
		if out, err := exec.Command("ovs-ofctl", "-O", "OpenFlow13", "parse-flow", text).CombinedOutput(); err == nil {
			t.Errorf("%q is a flow for ovs-ofctl:\n%s", text, out)
		}
	}
}

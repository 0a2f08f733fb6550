package openflow

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// niciraFlows use what only Open vSwitch has: its match fields, actions and the
// tunnel metadata.
var niciraFlows = []string{
	"reg0=1,actions=drop",
	"reg15=0x10/0xff,xreg3=0x1122334455667788,actions=drop",
	"xxreg1=0x1/0xff,actions=drop",
	"conj_id=7,ip,actions=drop",
	"ip,nw_frag=later,actions=drop",
	"ip,nw_ttl=64,actions=drop",
	"tcp,tcp_flags=+syn-ack,actions=drop",
	"tcp,tp_dst=0x50/0xfff0,actions=drop",
	"pkt_mark=0x1/0x3,actions=drop",
	"ct_state=+trk+est,ct_zone=5,ct_mark=1/1,ct_label=0x1/0x1,ip,actions=drop",
	"tun_src=10.0.0.1,tun_dst=10.0.0.2,tun_gbp_id=7,tun_flags=oam,actions=drop",
	"tun_ipv6_src=2001:db8::1,actions=drop",
	"tun_metadata0=0x1234/0xffff,actions=drop",
	"recirc_id=0,dp_hash=0,actions=drop",
	"ip,actions=resubmit:2,resubmit(,3),resubmit(4,5)",
	"actions=load:0x12345678->NXM_NX_REG0[],load:1->NXM_OF_VLAN_TCI[12]",
	"actions=set_field:0x1->reg0,set_field:0x10/0xf0->reg1,set_field:5->xreg2,set_field:9->tun_metadata3",
	"actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],move:NXM_NX_REG0[0..5]->NXM_NX_REG1[26..31]",
	"actions=learn(table=1,idle_timeout=10,hard_timeout=20,fin_idle_timeout=2,priority=5,cookie=0x1,send_flow_rem," +
		"NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:0->NXM_OF_VLAN_TCI[],output:NXM_OF_IN_PORT[])",
	"actions=learn(limit=5,delete_learned,eth_type=0x800,load:0x11223344->NXM_NX_REG0[])",
	"ip,actions=conjunction(1,1/2),conjunction(2,3/3)",
	"actions=push:NXM_NX_REG0[],pop:NXM_NX_REG1[0..7]",
	"actions=bundle(eth_src,50,hrw,ofport,members:1,2,3)",
	"actions=bundle_load(symmetric_l4,60,active_backup,ofport,NXM_NX_REG0[],members:1,2)",
	"actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[])",
	"actions=output:NXM_NX_REG0[],output(port=1,max_len=100)",
	"actions=controller(max_len=100,reason=invalid_ttl,id=5),controller(userdata=01.02.03.04,pause),controller(meter_id=3)",
	"actions=note:01.02.03.04.05.06.07,exit",
	"tcp,actions=fin_timeout(idle_timeout=1,hard_timeout=2)",
	"ip,actions=dec_ttl(1,2,3),output:1",
	"actions=sample(probability=100,collector_set_id=1,obs_domain_id=2,obs_point_id=3,sampling_port=4,egress)",
	"ip,actions=ct,ct(commit,zone=5,table=3),ct(commit,force,zone=NXM_NX_REG0[0..15],exec(load:1->NXM_NX_CT_MARK[]))",
	"tcp,actions=ct(commit,nat(src=10.0.0.1-10.0.0.9:1000-2000,random,persistent)),ct(nat),ct_clear",
	"tcp6,actions=ct(commit,nat(dst=2001:db8::1-2001:db8::9))",
	"actions=clone(output:1,set_field:1->reg0),check_pkt_larger(1000)->NXM_NX_REG0[0]",
	"actions=push_vlan:0x8100,set_field:4101->vlan_vid,goto_table:3",
	"dl_vlan=5,actions=mod_vlan_vid:7,mod_vlan_pcp:3,output:1",
	"mpls,actions=set_mpls_label:5,output:1",
	"actions=write_actions(set_field:1->reg0,output:1),write_metadata:0x1/0x3",
	"actions=delete_field:tun_metadata1",
}

// groupTexts and meterTexts are groups and meters in the form of ovs-ofctl.
var groupTexts = []string{
	"group_id=1,type=all,bucket=actions=output:1,bucket=actions=output:2",
	"group_id=2,type=select,bucket=weight:5,actions=output:1,bucket=weight:100,actions=set_field:1->reg0,output:2",
	"group_id=3,type=select,selection_method=hash,fields(ip_src,tcp_src),bucket=weight:1,actions=output:1",
	"group_id=4,type=indirect,bucket=actions=set_field:0a:00:00:00:00:01->eth_dst,output:1",
	"group_id=5,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_group:3,actions=group:3",
	"group_id=6,type=all",
}

// recordOfctl writes down what ovs-ofctl sends for all that it can ask or
// command.
func recordOfctl(t *testing.T) {
	var out strings.Builder
	keep := func(command string, lines []string, args ...string) {
		for i, b := range ofctlSends(t, lines, command, args...) {
			fmt.Fprintf(&out, "ovs-ofctl %s %d\t%x\n", strings.Join(append([]string{command}, args...), " "), i, b)
		}
	}
	keep("add-flows", niciraFlows)
	keep("--bundle add-flows", niciraFlows[14:18])
	keep("--strict mod-flows", nil, "ip,nw_src=10.0.0.1,actions=output:1")
	keep("mod-flows", nil, "cookie=0x1/0xff,ip,actions=resubmit(,1)")
	keep("del-flows", nil, "cookie=0x1/-1,table=3,out_port=1,out_group=2,ip")
	keep("--strict del-flows", nil, "priority=5,ip")
	keep("add-groups", groupTexts)
	keep("mod-group", nil, groupTexts[0])
	keep("del-groups", nil)
	for _, text := range []string{
		"meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=100",
		"meter=2,pktps,bands=type=dscp_remark,rate=5,prec_level=1,type=drop,rate=10",
	} {
		keep("add-meter", nil, text)
		keep("mod-meter", nil, text)
	}
	keep("del-meters", nil)
	keep("packet-out", nil, "in_port=1 packet=0102030405060708090a0b0c88b5 actions=resubmit(,1),output:2")
	keep("mod-port", nil, "1", "no-forward")
	for _, command := range []string{
		"show", "dump-desc", "dump-tables", "dump-flows", "dump-aggregate", "dump-ports",
		"dump-ports-desc", "dump-groups", "dump-group-stats", "dump-group-features", "queue-stats", "meter-features",
		"dump-meters", "meter-stats",
	} {
		keep(command, nil)
	}
	if err := os.WriteFile(ofctlFile, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

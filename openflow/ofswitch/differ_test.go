package ofswitch

import (
	"slices"
	"testing"

	"conga/openflow"
)

// Each message of the table, sent to a fresh Open vSwitch and to ours, must get
// the same error.
func TestSameErrorsAsOVS(t *testing.T) {
	theirs := dialPeer(t, "unix", startOVS(t, 4))
	r := New(Config{DPID: 1, Probe: -1})
	for i := range 4 {
		r.AddPort(openflow.PortNo(i+1), "p", 1)
	}
	ours := pipePeer(t, r)
	for _, tt := range refusals() {
		t.Run(tt.name, func(t *testing.T) {
			got, want := errorsOf(ours.ask(tt.m...)), errorsOf(theirs.ask(tt.m...))
			if !slices.Equal(got, want) {
				t.Errorf("ofswitch: %v, Open vSwitch: %v", got, want)
			}
		})
	}
}

type refusalCase struct {
	name string
	m    []openflow.Message
}

func refusals() []refusalCase {
	any := openflow.Match{}
	ip := openflow.Match{openflow.EthType(0x800)}
	tcp := openflow.Match{openflow.EthType(0x800), openflow.IPProto(6)}
	add := func(m openflow.Match, in ...openflow.Instruction) *openflow.FlowMod { return flow(7, m, in...) }
	act := func(m openflow.Match, a ...openflow.Action) *openflow.FlowMod {
		return flow(7, m, openflow.ApplyActions(a...))
	}
	with := func(m *openflow.FlowMod, fn func(*openflow.FlowMod)) *openflow.FlowMod { fn(m); return m }
	group := func(id openflow.GroupID, k openflow.GroupType, b ...openflow.Bucket) *openflow.GroupMod {
		return &openflow.GroupMod{ID: id, GroupType: k, Buckets: b}
	}
	bucket := openflow.Bucket{WatchPort: openflow.PortAny, WatchGroup: openflow.GroupAny,
		Actions: []openflow.Action{openflow.Output(1, 0)}}
	heavy, live := bucket, bucket
	heavy.Weight, live.WatchPort = 3, 1
	drop := openflow.MeterBand{Type: openflow.MeterBandDrop, Rate: 1000}
	meter := func(c openflow.MeterModCommand, id openflow.MeterID, f openflow.MeterFlags, b ...openflow.MeterBand) *openflow.MeterMod {
		return &openflow.MeterMod{Command: c, ID: id, Flags: f, Bands: b}
	}
	one := func(name string, m ...openflow.Message) refusalCase { return refusalCase{name, m} }
	return []refusalCase{
		one("output to an absent port", act(any, openflow.Output(99, 0))),
		one("output to a port number too high", act(any, openflow.Output(0xff00, 0))),
		one("output to port 0", act(any, openflow.Output(0, 0))),
		one("output to ANY", act(any, openflow.Output(openflow.PortAny, 0))),
		one("output to TABLE", act(any, openflow.Output(openflow.PortTable, 0))),
		one("output to NORMAL", act(any, openflow.Output(openflow.PortNormal, 0))),
		one("output to LOCAL", act(any, openflow.Output(openflow.PortLocal, 0))),
		one("absent queue", act(any, openflow.SetQueue(77), openflow.Output(1, 0))),
		one("unknown group", act(any, openflow.GroupAction(5))),
		one("unknown meter", add(any, openflow.Meter(5))),
		one("meter 0", add(any, openflow.Meter(0))),
		one("goto back", inTable(3, add(any, openflow.GotoTable(3)))),
		one("goto beyond", add(any, openflow.GotoTable(254))),
		one("table ALL", inTable(openflow.TableAll, add(any))),
		one("table 254", inTable(254, add(any))),
		one("duplicate instruction", add(any, to(1), to(2))),
		one("unknown instruction", add(any, openflow.Instruction{Type: 99, Raw: "\x00\x00\x00\x00"})),
		one("experimenter instruction", add(any, openflow.Instruction{Type: openflow.InstructionExperimenter, Raw: "\x01\x02\x03\x04"})),
		one("unknown action", act(any, openflow.Action{Type: 99, Raw: "\x00\x00\x00\x00"})),
		one("experimenter action", act(any, openflow.Action{Type: openflow.ActionExperimenter, Raw: "\x01\x02\x03\x04"})),
		one("pbb", act(any, openflow.PushPBB(0x88e7))),
		one("copy ttl", act(any, openflow.CopyTTLIn())),
		one("no prerequisite", add(openflow.Match{openflow.IPv4Src(udp4.Src.Addr())})),
		one("wrong prerequisite", add(openflow.Match{openflow.EthType(0x86dd), openflow.IPv4Src(udp4.Src.Addr())})),
		one("tcp without proto", add(openflow.Match{openflow.EthType(0x800), openflow.TCPDst(1)})),
		one("pcp without vlan", add(openflow.Match{openflow.VLANPCP(1)})),
		one("pcp with no vlan", add(openflow.Match{openflow.VLANNone(), openflow.VLANPCP(1)})),
		one("duplicate field", add(openflow.Match{openflow.InPort(1), openflow.InPort(1)})),
		one("masked ports", add(openflow.Match{openflow.EthType(0x800), openflow.IPProto(6), openflow.NewField(openflow.FieldTCPDst, []byte{0, 8}, []byte{0, 0xf8})})),
		one("masked nd target", add(openflow.Match{openflow.EthType(0x86dd), openflow.IPProto(58), openflow.ICMPv6Type(135), openflow.NewField(openflow.FieldIPv6NDTarget, make([]byte, 16), make([]byte, 16))})),
		one("any vlan", add(openflow.Match{openflow.VLANAny()})),
		one("set vlan without a tag", act(any, openflow.SetField(openflow.VLANVID(5)))),
		one("push, then set vlan", act(any, openflow.PushVLAN(0x8100), openflow.SetField(openflow.VLANVID(5)))),
		one("push vlan of another type", act(any, openflow.PushVLAN(0x1234))),
		one("push mpls of another type", act(any, openflow.PushMPLS(0x1234))),
		one("pop vlan without a tag", act(any, openflow.PopVLAN())),
		one("pop vlan of any tag", act(openflow.Match{openflow.VLANAny()}, openflow.PopVLAN())),
		one("pop mpls", act(any, openflow.PopMPLS(0x800))),
		one("dec ttl of anything", act(any, openflow.DecNwTTL())),
		one("dec ttl of IP", act(ip, openflow.DecNwTTL())),
		one("set ttl of anything", act(any, openflow.SetNwTTL(3))),
		one("set mpls ttl", act(any, openflow.SetMPLSTTL(3))),
		one("dec mpls ttl", act(any, openflow.DecMPLSTTL())),
		one("set dscp of anything", act(any, openflow.SetField(openflow.IPDSCP(46)))),
		one("set dscp of IP", act(ip, openflow.SetField(openflow.IPDSCP(46)))),
		one("set tcp of IP", act(ip, openflow.SetField(openflow.TCPDst(1)))),
		one("set tcp of tcp", act(tcp, openflow.SetField(openflow.TCPDst(1)))),
		one("set udp of tcp", act(tcp, openflow.SetField(openflow.UDPDst(1)))),
		one("set eth_type", act(any, openflow.SetField(openflow.EthType(0x800)))),
		one("set ip_proto", act(ip, openflow.SetField(openflow.IPProto(6)))),
		one("set in_port", act(any, openflow.SetField(openflow.InPort(6)))),
		one("set metadata", act(any, openflow.SetField(openflow.Metadata(6, ^uint64(0))))),
		one("set tunnel", act(any, openflow.SetField(openflow.TunnelID(6, ^uint64(0))))),
		one("in_phy_port", add(openflow.Match{openflow.InPort(1), openflow.InPhyPort(1)})),
		one("pbb isid", add(openflow.Match{openflow.EthType(0x88e7), openflow.PBBISID(1)})),
		one("exthdr", add(openflow.Match{openflow.EthType(0x86dd), openflow.IPv6ExtHdr(1)})),
		one("bad command", with(add(any), func(m *openflow.FlowMod) { m.Command = 9 })),
		one("bad flags", with(add(any), func(m *openflow.FlowMod) { m.Flags = 0x8000 })),
		one("buffer", with(add(any), func(m *openflow.FlowMod) { m.BufferID = 4 })),
		one("overlap", flow(9, openflow.Match{openflow.InPort(1)}), with(flow(9, ip), func(m *openflow.FlowMod) { m.Flags = openflow.FlowCheckOverlap })),
		one("no overlap with itself", with(flow(9, openflow.Match{openflow.InPort(1)}), func(m *openflow.FlowMod) { m.Flags = openflow.FlowCheckOverlap })),
		one("delete from an absent table", inTable(254, openflow.NewFlowDelete(0, nil))),
		one("modify in every table", with(inTable(openflow.TableAll, flow(9, any, to(1))), func(m *openflow.FlowMod) { m.Command = openflow.FlowModify })),
		one("modify to a goto back", inTable(5, flow(3, any, to(1))), with(inTable(openflow.TableAll, flow(9, any, openflow.GotoTable(4))), func(m *openflow.FlowMod) { m.Command = openflow.FlowModify })),

		one("group", group(1, openflow.GroupTypeAll, bucket)),
		one("group exists", group(1, openflow.GroupTypeAll, bucket)),
		one("group number", group(0xffffff01, openflow.GroupTypeAll, bucket)),
		one("group type", group(2, 9, bucket)),
		one("group command", &openflow.GroupMod{Command: 9, ID: 2, Buckets: []openflow.Bucket{bucket}}),
		one("modify an absent group", &openflow.GroupMod{Command: openflow.GroupModify, ID: 2, Buckets: []openflow.Bucket{bucket}}),
		one("delete an absent group", &openflow.GroupMod{Command: openflow.GroupDelete, ID: 2}),
		one("delete group number", &openflow.GroupMod{Command: openflow.GroupDelete, ID: 0xffffff05}),
		one("indirect with two buckets", group(3, openflow.GroupTypeIndirect, bucket, bucket)),
		one("indirect with none", group(3, openflow.GroupTypeIndirect)),
		one("all with none", group(3, openflow.GroupTypeAll)),
		one("weight in all", group(4, openflow.GroupTypeAll, heavy)),
		one("select without weight", group(5, openflow.GroupTypeSelect, bucket)),
		one("select", group(6, openflow.GroupTypeSelect, heavy)),
		one("failover without watch", group(7, openflow.GroupTypeFF, bucket)),
		one("failover", group(8, openflow.GroupTypeFF, live)),
		one("all with watch", group(9, openflow.GroupTypeAll, live)),
		one("group to itself", group(10, openflow.GroupTypeIndirect, openflow.Bucket{WatchPort: openflow.PortAny, WatchGroup: openflow.GroupAny, Actions: []openflow.Action{openflow.GroupAction(10)}})),
		one("group to an absent group", group(11, openflow.GroupTypeIndirect, openflow.Bucket{WatchPort: openflow.PortAny, WatchGroup: openflow.GroupAny, Actions: []openflow.Action{openflow.GroupAction(99)}})),
		one("group with tcp", group(12, openflow.GroupTypeIndirect, openflow.Bucket{WatchPort: openflow.PortAny, WatchGroup: openflow.GroupAny, Actions: []openflow.Action{openflow.SetField(openflow.TCPDst(1))}})),
		one("group with a bad port", group(13, openflow.GroupTypeIndirect, openflow.Bucket{WatchPort: openflow.PortAny, WatchGroup: openflow.GroupAny, Actions: []openflow.Action{openflow.Output(0xff00, 0)}})),

		one("meter", meter(openflow.MeterAdd, 1, openflow.MeterKbps, drop)),
		one("meter exists", meter(openflow.MeterAdd, 1, openflow.MeterKbps, drop)),
		one("meter number 0", meter(openflow.MeterAdd, 0, openflow.MeterKbps, drop)),
		one("meter number high", meter(openflow.MeterAdd, 0xffff0001, openflow.MeterKbps, drop)),
		one("meter both units", meter(openflow.MeterAdd, 2, openflow.MeterKbps|openflow.MeterPktps, drop)),
		one("meter no unit", meter(openflow.MeterAdd, 3, 0, drop)),
		one("meter without bands", meter(openflow.MeterAdd, 4, openflow.MeterKbps)),
		one("meter rate 0", meter(openflow.MeterAdd, 5, openflow.MeterKbps, openflow.MeterBand{Type: openflow.MeterBandDrop})),
		one("meter flags", meter(openflow.MeterAdd, 6, 0x80|openflow.MeterKbps, drop)),
		one("meter remark", meter(openflow.MeterAdd, 7, openflow.MeterKbps, openflow.MeterBand{Type: openflow.MeterBandDSCPRemark, Rate: 5, PrecLevel: 1})),
		one("meter with burst and no flag", meter(openflow.MeterAdd, 8, openflow.MeterKbps, openflow.MeterBand{Type: openflow.MeterBandDrop, Rate: 5, BurstSize: 9})),
		one("meter with two bands", meter(openflow.MeterAdd, 9, openflow.MeterKbps, drop, openflow.MeterBand{Type: openflow.MeterBandDrop, Rate: 5000})),
		one("meter with nine bands", meter(openflow.MeterAdd, 10, openflow.MeterKbps, drop, drop, drop, drop, drop, drop, drop, drop, drop)),
		one("meter command", meter(9, 11, openflow.MeterKbps, drop)),
		one("modify an absent meter", meter(openflow.MeterModify, 12, openflow.MeterKbps, drop)),
		one("delete an absent meter", meter(openflow.MeterDelete, 12, 0)),
		one("delete meter 0", meter(openflow.MeterDelete, 0, 0)),
		one("use the meter", flow(1, any, openflow.Meter(1), to(1))),

		one("packet-out from nowhere", &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: 99, Data: udp4.UDP(), Actions: []openflow.Action{openflow.Output(1, 0)}}),
		one("packet-out from ANY", &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: openflow.PortAny, Data: udp4.UDP(), Actions: []openflow.Action{openflow.Output(1, 0)}}),
		one("packet-out from FLOOD", &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: openflow.PortFlood, Data: udp4.UDP()}),
		one("packet-out from port 0", &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: 0, Data: udp4.UDP()}),
		one("packet-out from a port too high", &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: 0xff00, Data: udp4.UDP()}),
		one("packet-out of a buffer", &openflow.PacketOut{BufferID: 3, InPort: openflow.PortController, Actions: []openflow.Action{openflow.Output(1, 0)}}),
		one("packet-out to a bad port", &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: openflow.PortController, Data: udp4.UDP(), Actions: []openflow.Action{openflow.Output(0xff00, 0)}}),
		one("packet-out to an absent group", &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: openflow.PortController, Data: udp4.UDP(), Actions: []openflow.Action{openflow.GroupAction(77)}}),
		one("packet-out of udp that sets tcp", &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: openflow.PortController, Data: udp4.UDP(), Actions: []openflow.Action{openflow.SetField(openflow.TCPDst(4)), openflow.Output(1, 0)}}),
		one("packet-out of nothing", &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: openflow.PortController, Actions: []openflow.Action{openflow.Output(1, 0)}}),

		one("port mod of an absent port", &openflow.PortMod{PortNo: 99}),
		one("port mod with another address", &openflow.PortMod{PortNo: 1, HWAddr: hostMAC(99)}),
		one("table mod", &openflow.TableMod{Table: 1}),
		one("table mod of an absent table", &openflow.TableMod{Table: 254}),
		one("table mod with bits", &openflow.TableMod{Table: 1, Config: 3}),
		one("set config", &openflow.SetConfig{Flags: 0x10, MissSendLen: 1}),
		one("role", &openflow.RoleRequest{Role: 9}),
		one("role master", &openflow.RoleRequest{Role: openflow.RoleMaster, GenerationID: 10}),
		one("role stale", &openflow.RoleRequest{Role: openflow.RoleMaster, GenerationID: 9}),
		one("role slave", &openflow.RoleRequest{Role: openflow.RoleSlave, GenerationID: 11}),
		one("flow mod as slave", flow(1, any)),
		one("meter mod as slave", meter(openflow.MeterDelete, 12, 0)),
		one("packet-out as slave", &openflow.PacketOut{BufferID: openflow.NoBuffer, InPort: openflow.PortController, Data: udp4.UDP()}),
		one("set config as slave", &openflow.SetConfig{MissSendLen: 1}),
		one("role equal", &openflow.RoleRequest{Role: openflow.RoleEqual}),
		one("experimenter", &openflow.Experimenter{Experimenter: 0x123456, ExpType: 1}),

		one("flow stats of an absent table", openflow.NewMultipartRequest(&openflow.FlowStatsRequest{Table: 254, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny})),
		one("flow stats bad match", openflow.NewMultipartRequest(&openflow.FlowStatsRequest{Table: openflow.TableAll, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny, Match: openflow.Match{openflow.TCPDst(1)}})),
		one("port stats of an absent port", openflow.NewMultipartRequest(&openflow.PortStatsRequest{Port: 99})),
		one("queue stats of an absent port", openflow.NewMultipartRequest(&openflow.QueueStatsRequest{Port: 99, Queue: openflow.QueueAll})),
		one("queue stats of an absent queue", openflow.NewMultipartRequest(&openflow.QueueStatsRequest{Port: 1, Queue: 9})),
		one("all queue stats", openflow.NewMultipartRequest(&openflow.QueueStatsRequest{Port: openflow.PortAny, Queue: openflow.QueueAll})),
		one("one queue of all ports", openflow.NewMultipartRequest(&openflow.QueueStatsRequest{Port: openflow.PortAny, Queue: 3})),
		one("group stats of an absent group", openflow.NewMultipartRequest(&openflow.GroupStatsRequest{Group: 99})),
		one("meter stats of an absent meter", openflow.NewMultipartRequest(&openflow.MeterStatsRequest{Meter: 99})),
		one("meter config of an absent meter", openflow.NewMultipartRequest(&openflow.MeterConfigRequest{Meter: 99})),
		one("queue config", &openflow.QueueGetConfigRequest{Port: 1}),
		one("queue config of an absent port", &openflow.QueueGetConfigRequest{Port: 99}),
		one("queue config of all", &openflow.QueueGetConfigRequest{Port: openflow.PortAny}),
	}
}

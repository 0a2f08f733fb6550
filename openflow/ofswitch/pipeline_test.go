package ofswitch

import (
	"net/netip"
	"testing"

	"conga/openflow"
)

// Each case installs entries, has a frame arrive at port 1 of four, and says by
// which ports it leaves.
func TestWhereAPacketLeaves(t *testing.T) {
	udp := openflow.Match{openflow.EthType(0x800), openflow.IPProto(17)}
	dst := func(prefix string) openflow.Match {
		return openflow.Match{openflow.EthType(0x800), openflow.IPv4DstPrefix(netip.MustParsePrefix(prefix))}
	}
	tests := []struct {
		name string
		m    []openflow.Message
		want string
	}{
		{"empty tables drop", nil, ""},
		{"output", []openflow.Message{flow(1, nil, to(2))}, "2"},
		{"two outputs", []openflow.Message{flow(1, nil, to(2, 3))}, "2 3"},
		{"never back", []openflow.Message{flow(1, nil, to(1, 2))}, "2"},
		{"back by IN_PORT", []openflow.Message{flow(1, nil, to(openflow.PortInPort))}, "1"},
		{"ALL", []openflow.Message{flow(1, nil, to(openflow.PortAll))}, "2 3 4"},
		{"FLOOD", []openflow.Message{flow(1, nil, to(openflow.PortFlood))}, "2 3 4"},
		{"absent port", []openflow.Message{flow(1, nil, to(9, 2))}, "2"},
		{"priority", []openflow.Message{flow(1, udp, to(2)), flow(2, nil, to(3))}, "3"},
		{"longer prefix by priority", []openflow.Message{flow(8, dst("10.0.0.0/8"), to(2)), flow(24, dst("10.0.0.0/24"), to(3)), flow(32, dst("10.0.0.9/32"), to(4))}, "3"},
		{"no match", []openflow.Message{flow(1, openflow.Match{openflow.InPort(2)}, to(2))}, ""},
		{"goto", []openflow.Message{flow(1, nil, openflow.GotoTable(3)), inTable(3, flow(1, nil, to(4)))}, "4"},
		{"output and goto", []openflow.Message{flow(1, nil, to(2), openflow.GotoTable(3)), inTable(3, flow(1, nil, to(4)))}, "2 4"},
		{"metadata", []openflow.Message{
			flow(1, nil, openflow.WriteMetadata(0xf5, 0x0f), openflow.GotoTable(1)),
			inTable(1, flow(2, openflow.Match{openflow.Metadata(5, 0xff)}, to(2))), inTable(1, flow(1, nil, to(3))),
		}, "2"},
		{"write actions wait for the end", []openflow.Message{
			flow(1, nil, openflow.WriteActions(openflow.Output(2, 0)), openflow.GotoTable(1)), inTable(1, flow(1, nil, to(3))),
		}, "3 2"},
		{"the last output of a set counts", []openflow.Message{
			flow(1, nil, openflow.WriteActions(openflow.Output(2, 0)), openflow.GotoTable(1)),
			inTable(1, flow(1, nil, openflow.WriteActions(openflow.Output(3, 0)))),
		}, "3"},
		{"clear actions", []openflow.Message{
			flow(1, nil, openflow.WriteActions(openflow.Output(2, 0)), openflow.GotoTable(1)), inTable(1, flow(1, nil, openflow.ClearActions())),
		}, ""},
		{"group before output in a set", []openflow.Message{
			&openflow.GroupMod{ID: 1, Buckets: []openflow.Bucket{bucketTo(3), bucketTo(4)}},
			flow(1, nil, openflow.WriteActions(openflow.Output(2, 0), openflow.GroupAction(1))),
		}, "3 4"},
		{"group never back", []openflow.Message{
			&openflow.GroupMod{ID: 1, Buckets: []openflow.Bucket{bucketTo(1), bucketTo(4)}},
			flow(1, nil, openflow.ApplyActions(openflow.GroupAction(1))),
		}, "4"},
		{"group in itself ends", []openflow.Message{
			&openflow.GroupMod{ID: 1, Buckets: []openflow.Bucket{bucketTo(2)}},
			flow(1, nil, openflow.ApplyActions(openflow.GroupAction(1))),
			&openflow.GroupMod{Command: openflow.GroupModify, ID: 1, Buckets: []openflow.Bucket{
				{WatchPort: openflow.PortAny, WatchGroup: openflow.GroupAny, Actions: []openflow.Action{openflow.GroupAction(1)}},
				bucketTo(3),
			}},
		}, "3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3"},
		{"port without forwarding", []openflow.Message{
			&openflow.PortMod{PortNo: 2, HWAddr: portMAC(1, 2), Config: openflow.PortConfigNoFwd, Mask: openflow.PortConfigNoFwd}, flow(1, nil, to(2, 3)),
		}, "3"},
		{"port down", []openflow.Message{
			&openflow.PortMod{PortNo: 1, HWAddr: portMAC(1, 1), Config: openflow.PortConfigDown, Mask: openflow.PortConfigDown}, flow(1, nil, to(2)),
		}, ""},
		{"port that does not receive", []openflow.Message{
			&openflow.PortMod{PortNo: 1, HWAddr: portMAC(1, 1), Config: openflow.PortConfigNoRecv, Mask: openflow.PortConfigNoRecv}, flow(1, nil, to(2)),
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, 4, Config{})
			r.must(tt.m...)
			if got := r.inject(1, udp4.UDP()); got != tt.want {
				t.Errorf("left by %q, want %q", got, tt.want)
			}
		})
	}
}

func bucketTo(p openflow.PortNo) openflow.Bucket {
	return openflow.Bucket{WatchPort: openflow.PortAny, WatchGroup: openflow.GroupAny, Actions: []openflow.Action{openflow.Output(p, 0)}}
}

// What the controller installs for an allocation: DSCP, queue, output.
func TestMarkAndQueue(t *testing.T) {
	r := newRig(t, 2, Config{})
	r.must(flow(1, openflow.Match{openflow.EthType(0x800)}, openflow.ApplyActions(
		openflow.SetField(openflow.IPDSCP(46)), openflow.SetQueue(7), openflow.Output(2, 0))))
	r.inject(1, udp4.UDP())
	p := r.last()
	if got := p.key.get(openflow.FieldIPDSCP); got != 46 {
		t.Errorf("DSCP is %d", got)
	}
	checkSums(t, "marked", p)
	if q := r.sent[0].Queue; q != 7 {
		t.Errorf("queue is %d", q)
	}
	if st := r.Port(2).QueueStats(); len(st) != 1 || st[0].Queue != 7 || st[0].TxPackets != 1 {
		t.Errorf("queue counters: %+v", st)
	}
}

// Copies that one packet makes must not see each other's changes.
func TestOutputsKeepTheirBytes(t *testing.T) {
	r := newRig(t, 3, Config{})
	r.must(flow(1, nil, openflow.ApplyActions(openflow.Output(2, 0),
		openflow.SetField(openflow.EthDst(hostMAC(9))), openflow.Output(3, 0))))
	frame := udp4.UDP()
	before := string(frame)
	r.inject(1, frame)
	if string(r.sent[0].Data) != before || string(frame) != before {
		t.Error("a later action changed what had left")
	}
	if openflow.MAC(r.sent[1].Data[:6]) != hostMAC(9) {
		t.Error("the change is missing")
	}
}

func TestFastFailover(t *testing.T) {
	r := newRig(t, 3, Config{})
	first, second := bucketTo(2), bucketTo(3)
	first.WatchPort, second.WatchPort = 2, 3
	r.must(&openflow.GroupMod{ID: 1, GroupType: openflow.GroupTypeFF, Buckets: []openflow.Bucket{first, second}},
		flow(1, nil, openflow.ApplyActions(openflow.GroupAction(1))))
	for _, step := range []struct {
		up2, up3 bool
		want     string
	}{{true, true, "2"}, {false, true, "3"}, {false, false, ""}, {true, false, "2"}} {
		r.SetPortUp(2, step.up2)
		r.SetPortUp(3, step.up3)
		if got := r.inject(1, udp4.UDP()); got != step.want {
			t.Errorf("with %+v it left by %q", step, got)
		}
	}
}

func TestSelectGroupSpreadsByWeight(t *testing.T) {
	r := newRig(t, 3, Config{})
	a, b := bucketTo(2), bucketTo(3)
	a.Weight, b.Weight = 3, 1
	r.must(&openflow.GroupMod{ID: 1, GroupType: openflow.GroupTypeSelect, Buckets: []openflow.Bucket{a, b}},
		flow(1, nil, openflow.ApplyActions(openflow.GroupAction(1))))
	count := map[string]int{}
	for i := range 2000 {
		d := udp4
		d.Src = netip.AddrPortFrom(d.Src.Addr(), uint16(i))
		once, again := r.inject(1, d.UDP()), r.inject(1, d.UDP())
		if once != again {
			t.Fatal("one flow went two ways")
		}
		count[once]++
	}
	if count["2"] < 1350 || count["2"] > 1650 {
		t.Errorf("weights 3 and 1 gave %v", count)
	}
}

func TestPacketOut(t *testing.T) {
	r := newRig(t, 3, Config{})
	r.must(flow(1, openflow.Match{openflow.InPort(2)}, to(3)))
	out := func(in openflow.PortNo, to openflow.PortNo) string {
		r.sent = nil
		r.must(&openflow.PacketOut{
			BufferID: openflow.NoBuffer, InPort: in, Data: udp4.UDP(), Actions: []openflow.Action{openflow.Output(to, 0)},
		})
		return r.ports()
	}
	for _, tt := range []struct {
		in, to openflow.PortNo
		want   string
	}{
		{openflow.PortController, 2, "2"}, {openflow.PortController, openflow.PortFlood, "1 2 3"},
		{2, openflow.PortFlood, "1 3"}, {2, openflow.PortTable, "3"}, {openflow.PortController, openflow.PortTable, ""},
		{2, openflow.PortInPort, "2"}, {2, 2, ""},
	} {
		if got := out(tt.in, tt.to); got != tt.want {
			t.Errorf("from %v to %v: left by %q, want %q", tt.in, tt.to, got, tt.want)
		}
	}
}

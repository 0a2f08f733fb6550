package openflow

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
)

// ofctlGroups are groups in the form of ovs-ofctl's add-group;
// recordofctl_test.go has more, with extensions.
var ofctlGroups = []string{
	"group_id=1,type=all,bucket=actions=output:1,bucket=actions=output:2,LOCAL",
	"group_id=2,type=select,bucket=weight:5,actions=output:1,bucket=actions=output:2",
	"group_id=3,type=indirect,bucket=actions=set_field:0a:00:00:00:00:01->eth_dst,output:1",
	"group_id=4,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_group:3,actions=group:3",
	"group_id=5,type=ff,bucket=watch_port:3,watch_group:7,actions=drop",
	"group_id=4294967040,type=all",
	"type=select group_id=7 bucket=weight=9,actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:1",
}

// ofctlMeters are meters in the form of ovs-ofctl's add-meter.
var ofctlMeters = []string{
	"meter=1,kbps,bands=type=drop,rate=1000",
	"meter=2 kbps burst stats bands=type=drop rate=1000 burst_size=100",
	"meter=3,pktps,burst,bands=type=dscp_remark,rate=5,burst_size=7,prec_level=1,type=drop,rate=10,burst_size=8",
	"meter=4294901760,stats,pktps,bands=type=drop,rate=4294967295",
}

// TestOfctlGroups demands of the text of a group the same bytes that ovs-ofctl
// sends for it: of a table and of many generated groups.
func TestOfctlGroups(t *testing.T) {
	texts := append([]string(nil), ofctlGroups[:len(ofctlGroups)-1]...)
	g := newGenerator(3)
	for range 300 {
		_, _, _, text := g.group()
		texts = append(texts, text)
	}
	sent := ofctlSends(t, texts, "add-groups")
	if len(sent) != len(texts) {
		t.Fatalf("ovs-ofctl sent %d group mods of %d", len(sent), len(texts))
	}
	for i, text := range texts {
		m, err := ParseGroup(text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := mustAppend(t, binary.BigEndian.Uint32(sent[i][4:]), m); !bytes.Equal(got, sent[i]) {
			t.Errorf("%s\nis     %x\nwant   %x", text, got, sent[i])
		}
	}
}

// TestOfctlMeters does the same for meters, of which ovs-ofctl sends one at a
// time.
func TestOfctlMeters(t *testing.T) {
	texts := append([]string(nil), ofctlMeters...)
	g := newGenerator(4)
	for range 20 {
		_, bands, text := g.meter()
		if len(bands) > 0 {
			texts = append(texts, strings.ReplaceAll("meter=9"+text, "\n", " "))
		}
	}
	for _, text := range texts {
		sent := ofctlSends(t, nil, "add-meter", text)
		m, err := ParseMeter(text)
		if err != nil || len(sent) != 1 {
			t.Errorf("%s: %d messages, %v", text, len(sent), err)
			continue
		}
		if got := mustAppend(t, binary.BigEndian.Uint32(sent[0][4:]), m); !bytes.Equal(got, sent[0]) {
			t.Errorf("%s\nis     %x\nwant   %x", text, got, sent[0])
		}
	}
}

func TestParseGroup(t *testing.T) {
	got, err := ParseGroup("group_id=4,type=ff,bucket=watch_port:1,actions=set_queue:2,output:1,bucket=watch_group:3,actions=drop")
	want := &GroupMod{Command: GroupAdd, GroupType: GroupTypeFF, ID: 4, Buckets: []Bucket{
		{WatchPort: 1, WatchGroup: GroupAny, Actions: []Action{SetQueue(2), Output(1, 0)}}, {WatchPort: PortAny, WatchGroup: 3},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{
		"group_id=x", "type=none", "nonsense", "bucket=output:1", "bucket=weight:x,actions=drop", "bucket=weight:65536,actions=drop",
		"bucket=watch_port:x,actions=drop", "bucket=nonsense:1,actions=drop", "bucket=actions=nonsense", "bucket=actions=output:1)",
		ofctlGroups[len(ofctlGroups)-1],
	} {
		if m, err := ParseGroup(text); err == nil {
			t.Errorf("ParseGroup(%q) = %+v", text, m)
		}
	}
}

func TestParseMeter(t *testing.T) {
	got, err := ParseMeter(ofctlMeters[2])
	want := &MeterMod{Command: MeterAdd, Flags: MeterPktps | MeterBurst, ID: 3, Bands: []MeterBand{
		{Type: MeterBandDSCPRemark, Rate: 5, BurstSize: 7, PrecLevel: 1}, {Type: MeterBandDrop, Rate: 10, BurstSize: 8},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{
		"meter=x", "nonsense", "rate=1", "type=none", "type=drop rate=x", "type=drop rate=4294967296", "type=drop nonsense=1",
	} {
		if m, err := ParseMeter(text); err == nil {
			t.Errorf("ParseMeter(%q) = %+v", text, m)
		}
	}
}

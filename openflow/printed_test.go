package openflow

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A printed is a message, and what ovs-ofctl's ofp-print says of it, in full or
// from its start, after the kind and the XID.
type printed struct {
	m    Message
	kind string
	text string
}

// generatedMessages makes n messages of every kind.
func generatedMessages(n int) (all []printed) {
	g := newGenerator(2)
	for range n {
		for _, f := range []func() printed{
			g.printedFlow, g.printedFlow, g.printedFlow, g.printedFlowStats, g.printedFlowRemoved, g.printedFlowRequest,
			g.printedGroup, g.printedGroupDesc, g.printedGroupStats, g.printedMeter, g.printedMeterConfig,
			g.printedMeterStats, g.printedPacketIn, g.printedPacketOut, g.printedPortStats, g.printedQueueStats,
			g.printedAggregate, g.printedRole, g.printedPortMod, g.printedBundle,
		} {
			p := f()
			if m, ok := p.m.(*Experimenter); ok { // a message in a bundle must have the bundle add's XID
				binary.BigEndian.PutUint32(m.Data[bundleHeaderLen+4:], uint32(len(all)))
			}
			all = append(all, p)
		}
	}
	return all
}

// printAll has one ovs-ofctl print all messages, and returns its texts by XID,
// which counts them.
func printAll(t *testing.T, messages []printed) map[int]string {
	t.Helper()
	needs(t, "ovs-ofctl")
	var stream []byte
	for i, p := range messages {
		stream = append(stream, mustAppend(t, uint32(i), p.m)...)
	}
	file := filepath.Join(t.TempDir(), "messages")
	if err := os.WriteFile(file, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd := exec.Command("ovs-ofctl", "-voff", "ofp-parse", file)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("ovs-ofctl: %v\n%s", err, complaints.Bytes())
	}
	texts := map[int]string{}
	starts := regexp.MustCompile(`(?m)^(OFPS?T|ONFT)_.* \(xid=0x([0-9a-f]+)\):`).FindAllSubmatchIndex(out, -1)
	for i, at := range starts {
		end := len(out)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		xid, _ := strconv.ParseUint(string(out[at[4]:at[5]]), 16, 32)
		texts[int(xid)] += string(out[at[0]:end]) // a bundle's message has the bundle's XID
	}
	return texts
}

// TestOpenVSwitchReadsGenerated demands that ovs-ofctl reads each of thousands
// of messages as what it is meant to be.
func TestOpenVSwitchReadsGenerated(t *testing.T) {
	messages := generatedMessages(300)
	texts := printAll(t, messages)
	wrong := 0
	for i, p := range messages {
		want := fmt.Sprintf("%s (OF1.3) (xid=%#x):%s", p.kind, i, p.text)
		if got := texts[i]; !strings.HasPrefix(got, want) || strings.Contains(got, "***") {
			if wrong++; wrong <= 10 {
				t.Errorf("%+v: ovs-ofctl prints\n%swant\n%s", p.m, got, want)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d messages are misread", wrong, len(messages))
	}
}

func (g generator) printedFlow() printed {
	m := g.flow()
	if g.sometimes(3) {
		m.Command = FlowModCommand(g.IntN(5))
		m.CookieMask = Cookie(g.IntN(2)) * Cookie(g.Uint64())
	}
	if m.Command == FlowDelete || m.Command == FlowDeleteStrict {
		m.OutPort, m.Instructions = g.port(), nil // ovs-ofctl does not print the group
	}
	return printed{m, "OFPT_FLOW_MOD", " " + m.String() + "\n"}
}

func (g generator) flowStats() FlowStats {
	m := g.flow()
	return FlowStats{
		Table: m.Table, DurationSec: g.Uint32(), DurationNsec: g.Uint32N(1e9), Priority: m.Priority, IdleTimeout: m.IdleTimeout,
		HardTimeout: m.HardTimeout, Flags: m.Flags, Cookie: m.Cookie, PacketCount: g.Uint64() >> 1, ByteCount: g.Uint64() >> 1,
		Match: m.Match, Instructions: m.Instructions,
	}
}

func (g generator) printedFlowStats() printed {
	text := "\n"
	var r FlowStatsReply
	for range g.IntN(4) {
		s := g.flowStats()
		r = append(r, s)
		text += " " + s.String() + "\n"
	}
	return printed{NewMultipartReply(r), "OFPST_FLOW reply", text}
}

func (g generator) printedFlowRemoved() printed {
	s := g.flowStats()
	m := &FlowRemoved{
		Cookie: s.Cookie, Priority: s.Priority, Reason: FlowRemovedReason(g.IntN(4)), Table: s.Table + 1,
		DurationSec: s.DurationSec, DurationNsec: s.DurationNsec, IdleTimeout: 1 + s.IdleTimeout/2, HardTimeout: 1 + s.HardTimeout/2,
		PacketCount: s.PacketCount, ByteCount: s.ByteCount, Match: s.Match,
	}
	text := " " + entryText(m.Priority, m.Match)
	if m.Match.String() == "" {
		text += " "
	}
	reason := [...]string{"idle", "hard", "delete", "group_delete"}[m.Reason]
	text = fmt.Sprintf("%s reason=%s table_id=%d", strings.TrimRight(text, " "), reason, m.Table)
	if m.Cookie != 0 {
		text += fmt.Sprintf(" cookie:%#x", uint64(m.Cookie))
	}
	return printed{m, "OFPT_FLOW_REMOVED", text + fmt.Sprintf(" duration%s idle%d hard%d pkts%d bytes%d\n",
		durationText(m.DurationSec, m.DurationNsec), m.IdleTimeout, m.HardTimeout, m.PacketCount, m.ByteCount)}
}

func (g generator) printedFlowRequest() printed {
	m := &FlowStatsRequest{Table: TableID(g.IntN(250)), OutPort: g.port(), OutGroup: GroupAny, Match: g.match()}
	text := fmt.Sprintf(" table=%d out_port=%d", m.Table, m.OutPort)
	if match := m.Match.String(); match != "" {
		text += " " + match
	}
	return printed{NewMultipartRequest(m), "OFPST_FLOW request", text}
}

func (g generator) bucket(t GroupType) (b Bucket, text string) {
	b = Bucket{WatchPort: PortAny, WatchGroup: GroupAny, Actions: g.actions(nil, 3)}
	switch t {
	case GroupTypeSelect:
		b.Weight = uint16(1 + g.IntN(65535))
		text = fmt.Sprintf("weight:%d,", b.Weight)
	case GroupTypeFF:
		b.WatchPort, b.WatchGroup = g.port(), GroupID(g.IntN(100))
		text = fmt.Sprintf("watch_port:%d,watch_group:%d,", b.WatchPort, b.WatchGroup)
	}
	return b, text + "actions=" + actionsText(b.Actions)
}

func (g generator) group() (t GroupType, id GroupID, buckets []Bucket, text string) {
	t, id = GroupType(g.IntN(4)), GroupID(g.Uint32N(uint32(GroupMax)))
	text = fmt.Sprintf("group_id=%d,type=%s", id, [...]string{"all", "select", "indirect", "ff"}[t])
	n := g.IntN(4)
	if t == GroupTypeIndirect {
		n = 1
	}
	for range n {
		b, bucketText := g.bucket(t)
		buckets = append(buckets, b)
		text += ",bucket=" + bucketText
	}
	return t, id, buckets, text
}

func (g generator) printedGroup() printed {
	t, id, buckets, text := g.group()
	m := &GroupMod{Command: GroupModCommand(g.IntN(2)), GroupType: t, ID: id, Buckets: buckets}
	return printed{m, "OFPT_GROUP_MOD", "\n " + [...]string{"ADD", "MOD"}[m.Command] + " " + text + "\n"}
}

func (g generator) printedGroupDesc() printed {
	text := "\n"
	var r GroupDescReply
	for range g.IntN(4) {
		t, id, buckets, groupText := g.group()
		r = append(r, GroupDesc{GroupType: t, Group: id, Buckets: buckets})
		text += " " + groupText + "\n"
	}
	return printed{NewMultipartReply(r), "OFPST_GROUP_DESC reply", text}
}

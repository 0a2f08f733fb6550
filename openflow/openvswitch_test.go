package openflow

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// ofpPrint has ovs-ofctl, a reader that shares no code with this package, print
// a message.
func ofpPrint(t *testing.T, b []byte) string {
	t.Helper()
	if _, err := exec.LookPath("ovs-ofctl"); err != nil {
		t.Skip("ovs-ofctl is not installed: nothing to compare with")
	}
	out, err := exec.Command("ovs-ofctl", "ofp-print", fmt.Sprintf("%x", b)).Output() // its log is on stderr
	if err != nil {
		t.Fatalf("ovs-ofctl: %v\n%s", err, out)
	}
	return string(out)
}

// notInOpenVSwitch are the samples that Open vSwitch has no reader for, and
// what it says of them.
var notInOpenVSwitch = map[string]string{
	"experimenter":                   "OFPBRC_BAD_SUBTYPE",
	"experimenter without data":      "OFPBRC_BAD_VENDOR",
	"experimenter multipart request": "OFPBRC_BAD_SUBTYPE",
	"experimenter multipart reply":   "OFPBRC_BAD_SUBTYPE",
	"flow mod of every action":       "OFPBAC_BAD_TYPE",  // TTL copies, PBB
	"flow mod of every field":        "OFPBMC_BAD_FIELD", // IN_PHY_PORT, PBB_ISID, IPV6_EXTHDR
	"flow mod of raw fields":         "OFPBMC_BAD_WILDCARDS",
	"flow mod of a raw instruction":  "OFPBIC_BAD_EXPERIMENTER",
	"flow stats reply":               "OFPBMC_BAD_FIELD",
	"meter mod":                      "OFPBRC_BAD_LEN", // experimenter bands
	"meter config reply":             "decode error",
	"table features set":             "decode error", // instructions and properties of experimenters
	"table features reply":           "decode error",
}

// TestOpenVSwitchReadsSamples demands that ovs-ofctl reads every message as
// what it is meant to be.
func TestOpenVSwitchReadsSamples(t *testing.T) {
	for _, s := range allSamples() {
		text := ofpPrint(t, mustAppend(t, 1, s.m))
		complaint, refused := notInOpenVSwitch[s.name]
		switch {
		case refused && !strings.Contains(text, complaint):
			t.Errorf("%s: expected to be refused with %s, but is read as\n%s", s.name, complaint, text)
		case !refused && (strings.Contains(text, "decode error") || !strings.HasPrefix(text, "OFP") && !strings.HasPrefix(text, "ONFT")):
			t.Errorf("%s: ovs-ofctl refuses it:\n%s", s.name, text)
		}
	}
}

// TestOpenVSwitchPrintsFlowsAlike demands that ovs-ofctl, given the bytes,
// prints the text that this package prints.
func TestOpenVSwitchPrintsFlowsAlike(t *testing.T) {
	mods := []*FlowMod{
		sampleFlowMod,
		{Command: FlowDelete, Table: TableAll, BufferID: NoBuffer, OutPort: 3, OutGroup: GroupAny},
		{Command: FlowAdd, Cookie: 5, Priority: defaultPriority, BufferID: 9, OutPort: PortAny, OutGroup: GroupAny},
	}
	for _, text := range matchTexts {
		m, err := ParseMatch(text)
		if err != nil {
			t.Fatal(err)
		}
		mods = append(mods, &FlowMod{Match: m, Priority: 5, BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny})
	}
	for _, text := range flowTexts[:5] { // the last holds what Open vSwitch has no action for
		m, err := ParseFlow(text)
		if err != nil {
			t.Fatal(err)
		}
		mods = append(mods, m)
	}
	for _, m := range mods {
		text := strings.TrimSpace(ofpPrint(t, mustAppend(t, 1, m)))
		want := "OFPT_FLOW_MOD (OF1.3) (xid=0x1): " + m.String()
		if text != want {
			t.Errorf("ovs-ofctl prints\n%s\nwe print\n%s", text, want)
		}
	}
}

// TestOpenVSwitchPrintsDumpsAlike does the same for the entries of a dump.
func TestOpenVSwitchPrintsDumpsAlike(t *testing.T) {
	stats := FlowStatsReply{
		{Table: 1, DurationSec: 3600, DurationNsec: 5_000_000, Priority: 7, PacketCount: 11, ByteCount: 12, Match: sampleMatch},
		{Flags: FlowSendFlowRem | FlowNoPktCounts, IdleTimeout: 5, Priority: 1, Instructions: sampleFlowMod.Instructions},
		{HardTimeout: 5, Cookie: 0xc06a000000000001, Priority: defaultPriority, Instructions: []Instruction{ApplyActions(Output(PortNormal, 0))}},
	}
	lines := strings.Split(strings.TrimSpace(ofpPrint(t, mustAppend(t, 1, NewMultipartReply(stats)))), "\n")
	if len(lines) != 1+len(stats) {
		t.Fatalf("ovs-ofctl prints %d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for i, s := range stats {
		if got, want := strings.TrimSpace(lines[i+1]), s.String(); got != want {
			t.Errorf("ovs-ofctl prints\n%s\nwe print\n%s", got, want)
		}
	}
}

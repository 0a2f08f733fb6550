package openflow

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"strings"
	"testing"
)

// The golden files hold what a real Open vSwitch sent, and what its ovs-ofctl
// sends, so that the codec is tested against an implementation that it shares
// no mistakes with, also where none is installed. Each line is a name, a tab
// and a message in hex. `go test -run Golden -update` records them again; see
// record_test.go.
const (
	goldenFile = "testdata/openvswitch.txt"
	ofctlFile  = "testdata/ofctl.txt"
)

var update = flag.Bool("update", false, "record "+goldenFile+" and "+ofctlFile+" from the installed Open vSwitch")

type golden struct {
	name string
	b    []byte
}

func readGolden(t testing.TB) (all []golden) {
	t.Helper()
	for _, file := range []string{goldenFile, ofctlFile} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			name, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
			b, err := hex.DecodeString(text)
			if err != nil || len(b) == 0 {
				t.Fatalf("%s: line %q: %v", file, name, err)
			}
			all = append(all, golden{name, b})
		}
	}
	return all
}

// TestGolden parses what Open vSwitch sent and demands the same bytes back.
func TestGolden(t *testing.T) {
	if *update {
		recordGolden(t)
		recordOfctl(t)
	}
	for _, g := range readGolden(t) {
		_, m, err := Parse(g.b)
		if err != nil {
			t.Errorf("%s: %v", g.name, err)
			continue
		}
		checkSame(t, g.b, m)
	}
}

// TestGoldenMeaning looks into some of the recorded messages: they say what the
// recording set up.
func TestGoldenMeaning(t *testing.T) {
	messages := map[string]Message{}
	for _, g := range readGolden(t) {
		_, m, err := Parse(g.b)
		if err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		messages[g.name] = m
	}
	if m, ok := messages["features"].(*FeaturesReply); !ok || m.DPID != recordDPID || m.NTables != 254 {
		t.Errorf("features = %+v", messages["features"])
	}
	if m, ok := messages["packet-in"].(*PacketIn); !ok || !bytes.Equal(m.Data, recordFrame) || m.Reason != PacketInAction {
		t.Errorf("packet-in = %+v", messages["packet-in"])
	} else if p, ok := m.InPort(); !ok || p != 1 {
		t.Errorf("packet-in from port %v, %t, want 1", p, ok)
	}
	if m, ok := messages["flow removed"].(*FlowRemoved); !ok || m.Match.Key() != sampleMatch.Key() || m.Reason != FlowRemovedDelete {
		t.Errorf("flow removed = %+v", messages["flow removed"])
	}
	if m, ok := messages["error"].(*Error); !ok || !m.Has(BadMatchBadPrereq) {
		t.Errorf("error = %+v", messages["error"])
	}
	flows := messages["flow stats"].(*MultipartReply).Body.(FlowStatsReply)
	for _, f := range flows {
		if f.Cookie != sampleFlowMod.Cookie {
			continue
		}
		got, want := instructionsText(f.Instructions), instructionsText(sampleFlowMod.Instructions)
		if f.Match.Key() != sampleMatch.Key() || got != want || f.Priority != sampleFlowMod.Priority {
			t.Errorf("flow entry = %v, want %v", f, sampleFlowMod)
		}
	}
	meters := messages["meter config"].(*MultipartReply).Body.(MeterConfigReply)
	if len(meters) != 1 || meters[0].Meter != 7 || len(meters[0].Bands) != 1 || meters[0].Bands[0].Rate != 1000 {
		t.Errorf("meter config = %+v", meters)
	}
}

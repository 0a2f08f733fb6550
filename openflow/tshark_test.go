package openflow

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A pcap is a capture file of one TCP connection from a controller to a switch,
// each message in a packet of its own.
type pcap struct {
	b   []byte
	seq uint32
}

func newPcap() *pcap {
	const linkTypeIPv4 = 228
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint32(b, 4<<16|2) // version 2.4
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, 0xffff)
	return &pcap{b: le.AppendUint32(b, linkTypeIPv4), seq: 1}
}

// add adds a message. The longest that there is does not fit an IP packet.
func (p *pcap) add(message []byte) {
	n := 20 + 20 + len(message)
	le, be := binary.LittleEndian, binary.BigEndian
	p.b = append(p.b, make([]byte, 8)...) // at no time
	p.b = le.AppendUint32(p.b, uint32(n))
	p.b = le.AppendUint32(p.b, uint32(n))
	p.b = append(p.b, 0x45, 0, byte(n>>8), byte(n), 0, 0, 0, 0, 64, protoTCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
	p.b = be.AppendUint16(p.b, 40000)
	p.b = be.AppendUint16(p.b, 6653)
	p.b = be.AppendUint32(p.b, p.seq)
	p.b = be.AppendUint32(p.b, 1)                         // acknowledges nothing
	p.b = append(p.b, 5<<4, 0x18, 0xff, 0xff, 0, 0, 0, 0) // push, and no checksum
	p.b = append(p.b, message...)
	p.seq += uint32(len(message))
}

// notInTshark are the samples that tshark 4.0 has no reader for.
var notInTshark = map[string]string{
	"error":                         "the refused message in it is cut off",
	"error without data":            "a refused message is expected in it",
	"packet-in with an empty match": "a frame of 1 byte",
	"packet-in from a tunnel":       "a frame of 3 bytes",
	"flow mod of raw fields":        "not the fields' own lengths",
	"flow mod of a raw instruction": "an unknown instruction",
	"experimenter multipart reply":  "an unknown experimenter",
	"meter mod":                     "experimenter bands",
	"meter config reply":            "experimenter bands",
}

// TestTsharkReads demands that tshark dissects every sample but those that it
// does not know, and thousands of generated messages, without marking any as
// malformed or erroneous.
func TestTsharkReads(t *testing.T) {
	needs(t, "tshark")
	capture := newPcap()
	var names []string
	add := func(name string, m Message) {
		if b := mustAppend(t, uint32(len(names)), m); len(b) < 65_000 {
			capture.add(b)
			names = append(names, name)
		}
	}
	for _, s := range allSamples() {
		add(s.name, s.m)
	}
	for _, p := range generatedMessages(200) {
		add("generated "+p.kind, p.m)
	}
	file := filepath.Join(t.TempDir(), "messages.pcap")
	if err := os.WriteFile(file, capture.b, 0o600); err != nil {
		t.Fatal(err)
	}
	fields := func(filter string, names ...string) []string {
		args := []string{"-n", "-r", file, "-d", "tcp.port==6653,openflow", "-Y", filter, "-T", "fields"}
		for _, name := range names {
			args = append(args, "-e", name)
		}
		out, err := exec.Command("tshark", args...).Output() // its stderr names the user
		if err != nil {
			t.Fatalf("tshark: %v", err)
		}
		return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	}
	if n := len(fields("openflow_v4 || openflow_v5 || openflow", "frame.number")); n != len(names) {
		t.Errorf("tshark finds OpenFlow in %d of %d packets", n, len(names))
	}
	for _, line := range fields(`_ws.malformed || _ws.expert.severity == "Error"`, "frame.number", "_ws.expert.message") {
		number, complaint, _ := strings.Cut(line, "\t")
		n, _ := strconv.Atoi(number)
		if n > 0 && notInTshark[names[n-1]] == "" {
			t.Errorf("tshark complains of packet %d, %s: %s", n, names[n-1], complaint)
		}
	}
}

package openflow

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// needs skips a test whose programs are not there.
func needs(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed: nothing to compare with", p)
		}
	}
}

// ofctlSends runs an ovs-ofctl command that changes a switch, with this test in
// the switch's place, and returns the messages that it sent but for hello and
// barriers. The lines go to ovs-ofctl as the file "-".
func ofctlSends(t *testing.T, lines []string, command string, args ...string) [][]byte {
	t.Helper()
	needs(t, "ovs-ofctl")
	dir, err := os.MkdirTemp("", "ofctl") // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "switch")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sent := make(chan [][]byte, 1)
	go func() { sent <- playSwitch(l) }()
	words := append([]string{"-O", "OpenFlow13", "--no-names", "--timeout=10"}, strings.Fields(command)...)
	args = append(append(words, "unix:"+socket), args...)
	cmd := exec.Command("ovs-ofctl", args...)
	if lines != nil {
		cmd.Args = append(cmd.Args, "-")
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ovs-ofctl %s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	l.Close()
	return <-sent
}

// playSwitch serves connections until the listener closes, and returns what
// came, one connection after the other.
func playSwitch(l net.Listener) [][]byte {
	var conns []chan [][]byte // ovs-ofctl may hold several at once
	for {
		conn, err := l.Accept()
		if err != nil {
			break
		}
		kept := make(chan [][]byte, 1)
		conns = append(conns, kept)
		go func() { kept <- playConn(conn) }()
	}
	var all [][]byte
	for _, kept := range conns {
		all = append(all, <-kept...)
	}
	return all
}

// playConn answers as a switch that says yes to everything, until the other
// side leaves.
func playConn(conn net.Conn) (kept [][]byte) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	answer := func(xid uint32, m Message) {
		b, _ := Append(nil, xid, m)
		conn.Write(b)
	}
	answer(1, NewHello(Version))
	for {
		b := make([]byte, HeaderLen)
		if _, err := io.ReadFull(conn, b); err != nil {
			return kept
		}
		b = append(b, make([]byte, int(binary.BigEndian.Uint16(b[2:]))-HeaderLen)...)
		if _, err := io.ReadFull(conn, b[HeaderLen:]); err != nil {
			return kept
		}
		h, m, err := Parse(b)
		if err != nil {
			answer(h.XID, NewError(BadRequestBadLen, nil))
		}
		switch m := m.(type) {
		case *Hello:
		case *BarrierRequest:
			answer(h.XID, &BarrierReply{})
		case *MultipartRequest:
			kept = append(kept, b)
			answer(h.XID, yes(m))
		case *Experimenter:
			kept = append(kept, b)
			if control, ok, _ := m.BundleControl(); ok {
				control.Type++
				answer(h.XID, control.Experimenter())
			}
		case *FeaturesRequest:
			kept = append(kept, b)
			answer(h.XID, &FeaturesReply{DPID: 1, NTables: 254})
		case *GetConfigRequest:
			kept = append(kept, b)
			answer(h.XID, &GetConfigReply{})
		default:
			kept = append(kept, b)
		}
	}
}

// yes answers a request for a list with an empty one, and for the ports with
// one port.
func yes(m *MultipartRequest) Message {
	switch m.MPType {
	case MultipartPortDesc:
		return NewMultipartReply(PortDescReply{{No: 1, HWAddr: macA, Name: "p1"}})
	case MultipartFlow:
		return NewMultipartReply(FlowStatsReply{})
	case MultipartAggregate:
		return NewMultipartReply(&AggregateStatsReply{})
	case MultipartTable:
		return NewMultipartReply(TableStatsReply{})
	case MultipartTableFeatures:
		return NewMultipartReply(TableFeaturesReply{})
	case MultipartPortStats:
		return NewMultipartReply(PortStatsReply{})
	case MultipartQueue:
		return NewMultipartReply(QueueStatsReply{})
	case MultipartGroup:
		return NewMultipartReply(GroupStatsReply{})
	case MultipartGroupDesc:
		return NewMultipartReply(GroupDescReply{})
	case MultipartGroupFeatures:
		return NewMultipartReply(&GroupFeatures{})
	case MultipartMeter:
		return NewMultipartReply(MeterStatsReply{})
	case MultipartMeterConfig:
		return NewMultipartReply(MeterConfigReply{})
	case MultipartMeterFeatures:
		return NewMultipartReply(&MeterFeatures{})
	}
	return NewMultipartReply(&DescReply{})
}

// TestOfctlFlows demands of the text of a flow the same bytes that ovs-ofctl
// sends for it: of a table that has every word, and of many generated flows, in
// the form in which this package prints them.
func TestOfctlFlows(t *testing.T) {
	texts := slices.Clone(ofctlFlows)
	g := newGenerator(1)
	for range 3000 {
		texts = append(texts, g.flow().addText())
	}
	sent := ofctlSends(t, texts, "add-flows")
	if len(sent) != len(texts) {
		t.Fatalf("ovs-ofctl sent %d flow mods of %d", len(sent), len(texts))
	}
	for i, text := range texts {
		m, err := ParseFlow(text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		got := mustAppend(t, binary.BigEndian.Uint32(sent[i][4:]), m)
		if !bytes.Equal(got, sent[i]) {
			t.Errorf("%s\nis     %x\nwant   %x", text, got, sent[i])
		}
	}
}

// addText returns the flow in the form of ovs-ofctl's add-flow.
func (m *FlowMod) addText() string {
	s := FlowStats{
		Cookie: m.Cookie, Table: m.Table, Priority: m.Priority, IdleTimeout: m.IdleTimeout, HardTimeout: m.HardTimeout,
		Flags: m.Flags, Match: m.Match, Instructions: m.Instructions,
	}
	return strings.NewReplacer("duration=0s, ", "", "n_packets=0, n_bytes=0, ", "").Replace(s.String())
}

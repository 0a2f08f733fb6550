package ofswitch

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"conga/openflow"
)

// Generated scripts of flow mods and packets must leave the same errors,
// entries, counters and frames behind in Open vSwitch and in ours.
func TestSameTablesAsOVS(t *testing.T) {
	const scripts = 250
	theirs := dialPeer(t, "unix", startOVS(t, 4))
	s := New(Config{DPID: 1, Probe: -1})
	for i := range 4 {
		s.AddPort(openflow.PortNo(i+1), fmt.Sprintf("p%d", i+1), 1)
	}
	ours := pipePeer(t, s)
	for seed := range uint64(scripts) {
		script := generate(rand.New(rand.NewPCG(seed, 7)))
		got, n := play(ours, script, 0)
		want, _ := play(theirs, script, n)
		if !slices.Equal(got, want) {
			t.Errorf("script %d", seed)
			for _, line := range without(got, want) {
				t.Logf("only ofswitch:     %s", line)
			}
			for _, line := range without(want, got) {
				t.Logf("only Open vSwitch: %s", line)
			}
			if testing.Verbose() {
				for i, m := range script {
					t.Logf("%d: %+v", i, m)
				}
			}
			return
		}
	}
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(line string) bool { return slices.Contains(b, line) })
}

// play runs a script and describes what came of it, line by line. It waits for
// so many asynchronous messages and returns how many came.
func play(p *peer, script []openflow.Message, expect int) (lines []string, asyncs int) {
	p.clear()
	before := portCounters(p)
	var async []string
	note := func(i int, replies []openflow.Message) {
		for _, r := range replies {
			if t := r.Type(); t == openflow.TypePacketIn || t == openflow.TypeFlowRemoved {
				async = append(async, describeReply(r))
			} else {
				lines = append(lines, fmt.Sprintf("%d: %s", i, describeReply(r)))
			}
		}
	}
	for i, m := range script {
		note(i, p.ask(m))
	}
	p.until(func() bool { return len(async) >= expect }, func(m []openflow.Message) { note(len(script), m) })
	slices.Sort(async)
	lines = append(lines, async...)
	lines = append(lines, dump(p)...)
	after := portCounters(p)
	for no := openflow.PortNo(1); no <= 4; no++ {
		lines = append(lines, fmt.Sprintf("port %d sent %d packets, %d bytes", no,
			after[no].TxPackets-before[no].TxPackets, after[no].TxBytes-before[no].TxBytes))
	}
	return lines, len(async)
}

// clear empties the tables, and waits for the messages that Open vSwitch sends
// about it in its own time.
func (p *peer) clear() {
	p.t.Helper()
	want := 0
	for _, m := range p.ask(openflow.NewMultipartRequest(openflow.AllFlows())) {
		for _, f := range m.(*openflow.MultipartReply).Body.(openflow.FlowStatsReply) {
			if f.Flags&openflow.FlowSendFlowRem != 0 {
				want++
			}
		}
	}
	got := p.ask(&openflow.SetConfig{MissSendLen: 0xffff}, // otherwise Open vSwitch sends no packet-ins to this socket
		openflow.NewFlowDelete(openflow.TableAll, nil),
		&openflow.GroupMod{Command: openflow.GroupDelete, ID: openflow.GroupAll},
		&openflow.MeterMod{Command: openflow.MeterDelete, ID: openflow.MeterAll})
	p.until(func() bool { return len(got) >= want }, func(m []openflow.Message) { got = append(got, m...) })
}

// until takes in messages until enough says so, or there has been time enough.
func (p *peer) until(enough func() bool, take func([]openflow.Message)) {
	for deadline := time.Now().Add(2 * time.Second); !enough() && time.Now().Before(deadline); {
		time.Sleep(2 * time.Millisecond)
		take(p.ask())
	}
}

func describeReply(m openflow.Message) string {
	switch m := m.(type) {
	case *openflow.Error:
		return "error " + describeError(m)
	case *openflow.PacketIn:
		in, _ := m.InPort()
		return fmt.Sprintf("packet-in reason %d table %d cookie %#x port %v %x", m.Reason, m.Table, m.Cookie, in, m.Data)
	case *openflow.FlowRemoved:
		return fmt.Sprintf("removed reason %d table %d priority %d cookie %#x packets %d bytes %d %v",
			m.Reason, m.Table, m.Priority, m.Cookie, m.PacketCount, m.ByteCount, m.Match)
	case *openflow.MultipartReply:
		if a, ok := m.Body.(*openflow.AggregateStatsReply); ok {
			return fmt.Sprintf("aggregate %+v", *a)
		}
	}
	return m.Type().String()
}

func portCounters(p *peer) map[openflow.PortNo]openflow.PortStats {
	out := map[openflow.PortNo]openflow.PortStats{}
	for _, m := range p.ask(openflow.NewMultipartRequest(&openflow.PortStatsRequest{Port: openflow.PortAny})) {
		for _, st := range m.(*openflow.MultipartReply).Body.(openflow.PortStatsReply) {
			out[st.Port] = st
		}
	}
	return out
}

// dump describes flow entries, groups and meters.
func dump(p *peer) (lines []string) {
	for _, m := range p.ask(openflow.NewMultipartRequest(openflow.AllFlows()),
		&openflow.MultipartRequest{MPType: openflow.MultipartGroupDesc},
		openflow.NewMultipartRequest(&openflow.GroupStatsRequest{Group: openflow.GroupAll}),
		openflow.NewMultipartRequest(&openflow.MeterConfigRequest{Meter: openflow.MeterAll}),
		openflow.NewMultipartRequest(&openflow.MeterStatsRequest{Meter: openflow.MeterAll}),
	) {
		reply, ok := m.(*openflow.MultipartReply)
		if !ok {
			lines = append(lines, describeReply(m))
			continue
		}
		switch body := reply.Body.(type) {
		case openflow.FlowStatsReply:
			for _, f := range body {
				lines = append(lines, describeFlow(f))
			}
		case openflow.GroupDescReply:
			for _, g := range body {
				for i := range g.Buckets {
					normal(g.Buckets[i].Actions)
				}
				lines = append(lines, fmt.Sprintf("group %+v", g))
			}
		case openflow.GroupStatsReply:
			for _, g := range body {
				g.DurationSec, g.DurationNsec = 0, 0
				lines = append(lines, fmt.Sprintf("group counters %+v", g))
			}
		case openflow.MeterConfigReply:
			for _, m := range body {
				lines = append(lines, fmt.Sprintf("meter %+v", m))
			}
		case openflow.MeterStatsReply:
			for _, m := range body {
				lines = append(lines, fmt.Sprintf("meter counters %d: %d flows", m.Meter, m.FlowCount))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func describeFlow(f openflow.FlowStats) string {
	text := fmt.Sprintf("table %d priority %d cookie %#x flags %d idle %d hard %d packets %d bytes %d match %x",
		f.Table, f.Priority, f.Cookie, f.Flags, f.IdleTimeout, f.HardTimeout, f.PacketCount, f.ByteCount, f.Match.Key())
	for _, in := range f.Instructions {
		normal(in.Actions)
		text += fmt.Sprintf(" %+v", in)
	}
	return text
}

// normal leaves out the length of a packet-in, which says nothing in other
// outputs.
func normal(actions []openflow.Action) {
	for i := range actions {
		if actions[i].Port != openflow.PortController {
			actions[i].MaxLen = 0
		}
	}
}

// generate makes a script of flow mods, groups, meters and packets over a small
// universe, so that they meet.
func generate(r *rand.Rand) (script []openflow.Message) {
	for id := range openflow.GroupID(2) {
		if r.IntN(2) == 0 {
			script = append(script, randomGroup(r, id+1))
		}
	}
	if r.IntN(2) == 0 {
		script = append(script, &openflow.MeterMod{ID: 1, Flags: openflow.MeterKbps | pick(r, 0, openflow.MeterBurst), Bands: []openflow.MeterBand{
			{Type: openflow.MeterBandDrop, Rate: 1_000_000, BurstSize: pick[uint32](r, 0, 500_000)},
		}})
	}
	for range 5 + r.IntN(25) {
		script = append(script, randomFlowMod(r))
		if r.IntN(3) == 0 {
			script = append(script, randomPacket(r))
		}
		switch r.IntN(20) {
		case 0:
			script = append(script, randomGroup(r, openflow.GroupID(1+r.IntN(2))))
		case 1:
			script = append(script, &openflow.GroupMod{Command: openflow.GroupDelete, ID: openflow.GroupID(1 + r.IntN(2))})
		case 2:
			script = append(script, &openflow.MeterMod{Command: openflow.MeterDelete, ID: 1})
		case 3:
			m := randomFlowMod(r)
			script = append(script, openflow.NewMultipartRequest(&openflow.AggregateStatsRequest{
				Table: m.Table, OutPort: m.OutPort, OutGroup: m.OutGroup,
				Cookie: m.Cookie, CookieMask: m.CookieMask, Match: m.Match,
			}))
		}
	}
	for range 8 {
		script = append(script, randomPacket(r))
	}
	return script
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomGroup(r *rand.Rand, id openflow.GroupID) *openflow.GroupMod {
	m := &openflow.GroupMod{
		Command: pick(r, openflow.GroupAdd, openflow.GroupAdd, openflow.GroupModify), ID: id,
		GroupType: pick(r, openflow.GroupTypeAll, openflow.GroupTypeIndirect, openflow.GroupTypeFF),
	}
	for range 1 + r.IntN(2) {
		b := openflow.Bucket{WatchPort: openflow.PortAny, WatchGroup: openflow.GroupAny}
		if m.GroupType == openflow.GroupTypeFF {
			b.WatchPort = openflow.PortNo(1 + r.IntN(4))
		}
		if r.IntN(3) == 0 {
			b.Actions = append(b.Actions, openflow.SetField(openflow.EthSrc(hostMAC(byte(40+r.IntN(2))))))
		}
		b.Actions = append(b.Actions, openflow.Output(openflow.PortNo(1+r.IntN(4)), 0))
		m.Buckets = append(m.Buckets, b)
	}
	return m
}

func randomFlowMod(r *rand.Rand) *openflow.FlowMod {
	match := randomMatch(r)
	m := flow(unambiguous(match)+pick[uint16](r, 0, 10_000), match)
	m.Table = openflow.TableID(r.IntN(3))
	m.Command = pick(r, openflow.FlowAdd, openflow.FlowAdd, openflow.FlowAdd, openflow.FlowAdd, openflow.FlowAdd,
		openflow.FlowModify, openflow.FlowModifyStrict, openflow.FlowDelete, openflow.FlowDeleteStrict)
	m.Cookie = openflow.Cookie(r.IntN(4))
	m.Flags = pick[openflow.FlowModFlags](r, 0, 0, 0, openflow.FlowSendFlowRem, openflow.FlowCheckOverlap, openflow.FlowResetCounts)
	m.HardTimeout = pick[uint16](r, 0, 0, 1000)
	if m.Command != openflow.FlowAdd {
		m.CookieMask = pick[openflow.Cookie](r, 0, 0, 1, 2, 3)
	}
	if m.Command >= openflow.FlowDelete {
		m.OutPort = pick(r, openflow.PortAny, openflow.PortAny, openflow.PortAny, openflow.PortNo(1), openflow.PortNo(0))
		m.OutGroup = pick(r, openflow.GroupAny, openflow.GroupAny, openflow.GroupAny, openflow.GroupID(1), openflow.GroupID(0))
		if r.IntN(4) == 0 {
			m.Table = openflow.TableAll
		}
		return m
	}
	m.Instructions = randomInstructions(r, m.Table)
	// Open vSwitch 3.1 aborts when a group is deleted that one entry names
	// twice.
	groups := 0
	for i := range m.Instructions {
		in := &m.Instructions[i]
		in.Actions = slices.DeleteFunc(in.Actions, func(a openflow.Action) bool {
			if a.Type == openflow.ActionGroup {
				groups++
			}
			return a.Type == openflow.ActionGroup && groups > 1
		})
	}
	return m
}

// unambiguous returns a priority that entries with other masks do not have:
// which of two overlapping entries of one priority a packet finds is up to the
// switch (§5.3). Table-miss entries keep priority 0.
func unambiguous(m openflow.Match) uint16 {
	rule, _ := compile(m)
	h := uint64(0)
	for _, word := range rule.mask {
		h = (h ^ word) * 0x9E3779B97F4A7C15
	}
	return uint16(h >> 51)
}

func randomMatch(r *rand.Rand) (m openflow.Match) {
	if r.IntN(3) == 0 {
		m = append(m, openflow.InPort(openflow.PortNo(1+r.IntN(3))))
	}
	if r.IntN(5) == 0 {
		m = append(m, openflow.Metadata(uint64(r.IntN(2)), pick[uint64](r, 1, ^uint64(0))))
	}
	if r.IntN(3) == 0 {
		m = append(m, pick(r, openflow.EthDst(hostMAC(byte(1+r.IntN(3)))), openflow.EthDstMasked(broadcast, openflow.MAC{1}),
			openflow.EthDstMasked(openflow.MAC{}, openflow.MAC{1})))
		if len(m) > 0 && m[len(m)-1].Masked() && m[len(m)-1].MAC() == broadcast {
			m[len(m)-1] = openflow.EthDstMasked(openflow.MAC{1}, openflow.MAC{1})
		}
	}
	if r.IntN(6) == 0 {
		m = append(m, pick(r, openflow.VLANNone(), openflow.VLANAny(), openflow.VLANVID(5)))
	}
	switch r.IntN(5) {
	case 0:
		m = append(m, openflow.EthType(0x806))
	case 1:
		m = append(m, openflow.EthType(0x86dd), openflow.IPv6DstPrefix(pick(r, netip.MustParsePrefix("fd00::/64"), netip.MustParsePrefix("fd00::2/128"))))
	case 2, 3:
		m = append(m, openflow.EthType(0x800))
		if r.IntN(2) == 0 {
			m = append(m, openflow.IPv4DstPrefix(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + r.IntN(3))}), pick(r, 8, 24, 31, 32)).Masked()))
		}
		if r.IntN(2) == 0 {
			m = append(m, openflow.IPProto(17))
			if r.IntN(2) == 0 {
				m = append(m, openflow.UDPDst(uint16(2000+r.IntN(2))))
			}
		}
		if r.IntN(3) == 0 {
			m = append(m, openflow.IPDSCP(pick[uint8](r, 0, 46)))
		}
	}
	return m
}

func randomInstructions(r *rand.Rand, table openflow.TableID) (in []openflow.Instruction) {
	if r.IntN(8) == 0 {
		in = append(in, openflow.Meter(1))
	}
	if r.IntN(2) == 0 {
		in = append(in, openflow.ApplyActions(randomActions(r)...))
	}
	if r.IntN(8) == 0 {
		in = append(in, openflow.ClearActions())
	}
	if r.IntN(3) == 0 {
		in = append(in, openflow.WriteActions(randomActions(r)...))
	}
	if r.IntN(4) == 0 {
		in = append(in, openflow.WriteMetadata(uint64(r.IntN(2)), 1))
	}
	if r.IntN(2) == 0 && table < 2 {
		in = append(in, openflow.GotoTable(table+1))
	}
	return in
}

func randomActions(r *rand.Rand) (actions []openflow.Action) {
	for range 1 + r.IntN(3) {
		actions = append(actions, pick(r,
			openflow.Output(openflow.PortNo(1+r.IntN(4)), 0), openflow.Output(openflow.PortNo(1+r.IntN(4)), 0),
			openflow.Output(pick(r, openflow.PortAll, openflow.PortFlood, openflow.PortInPort), 0),
			openflow.Output(openflow.PortController, openflow.MaxLenNoBuffer),
			openflow.Output(9, 0),
			openflow.SetField(openflow.EthDst(hostMAC(byte(1+r.IntN(3))))),
			openflow.SetField(openflow.IPDSCP(46)),
			openflow.SetField(openflow.UDPDst(2001)),
			openflow.DecNwTTL(),
			openflow.SetQueue(1),
			openflow.PushVLAN(0x8100),
			openflow.PopVLAN(),
			openflow.GroupAction(openflow.GroupID(1+r.IntN(2))),
		))
	}
	return actions
}

// fragment makes an IPv4 frame one whose flags and fragment offset are these.
func fragment(frame []byte, flags uint16) []byte {
	ip := ethLen
	if isVLAN(binary.BigEndian.Uint16(frame[12:])) {
		ip += vlanLen
	}
	binary.BigEndian.PutUint16(frame[ip+6:], flags)
	sumIPv4(frame[ip:])
	return frame
}

// randomPacket sends a packet through the tables.
func randomPacket(r *rand.Rand) *openflow.PacketOut {
	d := Datagram{
		SrcMAC: hostMAC(1), DstMAC: hostMAC(byte(1 + r.IntN(3))), Src: ap("10.0.0.1:1000"), DSCP: pick[uint8](r, 0, 46),
		Dst: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + r.IntN(3))}), uint16(2000+r.IntN(2))),
		TTL: pick[uint8](r, 0, 0, 1), VLAN: pick[uint16](r, 0, 0, 0, 5),
	}
	frame := d.UDP()
	switch r.IntN(6) {
	case 0:
		frame = d.TCP()
	case 1:
		frame = ARPRequest(hostMAC(1), udp4.Src.Addr(), udp4.Dst.Addr())
	case 2:
		frame = udp6.UDP()
	case 3:
		if frame = fragment(frame, 0x2000); d.DSCP != 0 { // the first, or a later one
			frame = fragment(frame, 3)
		}
	}
	return &openflow.PacketOut{
		BufferID: openflow.NoBuffer, InPort: openflow.PortNo(1 + r.IntN(3)), Data: frame,
		Actions: []openflow.Action{openflow.Output(openflow.PortTable, 0)},
	}
}
